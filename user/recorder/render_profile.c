/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/render_profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/analysis.h"
#include "base/log.h"
#include "base/strtab.h"
#include "model/model.h"
#include "raw/raw.h"
#include "recorder/render_profiles.h"
#include "recorder/tables.h"

struct render_profile {
	enum profile_id id;
	unsigned tags;
	struct raw_file *raw;
	struct tables *tables;
	struct render_profiles *profiles;
	struct strtab *strings;
	struct model *model;
	struct analysis *analysis;
	uint64_t late;
};

static int on_transition(void *ctx, const struct transition *t)
{
	struct render_profile *r = ctx;

	return analysis__transition(r->analysis, t);
}

/* Creations are there for labels and tags too: what the profile counts shall not hang on these. */
static bool is_of_profile(const struct render_profile *r, const struct gbt_hdr *rec)
{
	return rec->kind != GBT_CREATE || profile_kind__get(r->id)->sites & SITE_BIT(SITE_CREATE);
}

static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct render_profile *r = ctx;

	return is_of_profile(r, rec) ? model__prescan(r->model, rec, len) : 0;
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct render_profile *r = ctx;
	int err = render_profiles__event(r->profiles, rec);

	if (err || !r->model)
		return err;
	err = analysis__record(r->analysis, rec);
	return err || !is_of_profile(r, rec) ? err : model__event(r->model, rec, len);
}

static uint64_t end_ns(const struct render_profile *r)
{
	const struct raw_trailer *t = raw_file__trailer(r->raw);

	return t ? t->end_ns : 0;
}

static int open_model(struct render_profile *r)
{
	const struct raw_meta *m = raw_file__meta(r->raw);
	struct analysis_config ac = {
		.start_ns = m->start_ns,
		.gomaxprocs = m->gomaxprocs,
		.frames = {capture_frames, &r->tables->frames},
		.snapshot = r->tables->snapshot,
		.stack_profiles = render_profiles__folds(r->profiles),
		.owner_parts = r->tags,
	};
	struct model_config mc = {
		.start_ns = m->start_ns,
		.end_ns = end_ns(r),
		.go_minor = m->go_minor,
		.gomaxprocs = m->gomaxprocs,
		.snapshot = ac.snapshot,
		.partial = true,
		.sink = on_transition,
		.sink_ctx = r,
		.tid_map = &r->tables->tids,
	};
	int err = strtab__new(&r->strings);

	mc.strings = r->strings;
	if (!err)
		err = analysis__new(&ac, &r->analysis);
	if (!err)
		err = model__new(&mc, &r->model);
	return err;
}

static int fold(struct render_profile *r)
{
	const struct profile_kind *k = profile_kind__get(r->id);
	struct summary_facts facts = {.meta = raw_file__meta(r->raw),
				      .trailer = raw_file__trailer(r->raw)};
	struct summary *s = NULL;
	int err;

	/* samples need no order */
	if (!(k->needs & PROFILE_NEEDS_TRANSITIONS))
		return raw_file__each_record(r->raw, on_event, r);
	err = open_model(r);
	if (!err && profile_kind__needs_begin(k))
		err = raw_file__each_event(r->raw, on_prescan, r, &r->late);
	if (!err)
		err = raw_file__each_event(r->raw, on_event, r, &r->late);
	if (!err)
		err = model__finish(r->model, end_ns(r));
	facts.model = model__stats(r->model);
	if (!err)
		err = analysis__finish(r->analysis, &facts, &s);
	summary__free(s);
	return err;
}

static void fill_facts(const struct render_profile *r, struct profile_facts *out)
{
	const struct raw_trailer *t = raw_file__trailer(r->raw);
	const struct raw_meta *m = raw_file__meta(r->raw);

	*out = (struct profile_facts){0};
	if (!t)
		return;
	out->end_ns = t->end_ns;
	out->duration_ns = t->end_ns > m->start_ns ? t->end_ns - m->start_ns : 0;
	out->samples = t->counters[r->id == PROFILE_CPU ? GBT_C_SAMPLES : GBT_C_EVENTS];
	out->lost = t->counters[GBT_C_RING_FULL] + t->counters[GBT_C_SAMPLE_LOST] + r->late;
	if (r->id == PROFILE_WALL) {
		out->samples = r->tables->wall->looks;
		out->lost = t->wall_torn + t->wall_unreadable + t->wall_late;
	}
	out->hits = t->counters[GBT_C_HITS];
	out->target_cpu_ns = t->target_cpu_ns;
	out->tool_cpu_ns = t->tool_cpu_ns;
	out->price_hit_ns = t->price_hit_ns;
	snprintf(out->end_reason, sizeof(out->end_reason), "%s", t->end_reason);
}

static void close_parts(struct render_profile *r)
{
	render_profiles__free(r->profiles);
	model__free(r->model);
	analysis__free(r->analysis);
	strtab__free(r->strings);
	tables__free(r->tables);
	raw_file__free(r->raw);
}

int render_profile__write(int raw_fd, const char *name, enum profile_id id, unsigned tags, int fd,
			  struct profile_facts *facts, const char **why)
{
	const struct profile_choice choice = {.set = 1u << id, .how = PROFILES_NAMED, .tags = tags};
	struct render_profile r = {.id = id, .tags = tags};
	int err = raw_file__open(raw_fd, name, &r.raw);

	*facts = (struct profile_facts){0};
	*why = NULL;
	if (!err)
		err = tables__load(r.raw, name, &r.tables);
	if (!err)
		err = render_profiles__new(r.raw, r.tables, &choice, &r.profiles);
	if (!err)
		*why = render_profiles__missing(r.profiles, id);
	if (*why) { /* it may be part of what is freed here */
		snprintf(facts->why, sizeof(facts->why), "%s", *why);
		*why = facts->why;
	}
	if (!err && !*why)
		err = render_profiles__creators(r.profiles);
	if (!err && !*why)
		err = fold(&r);
	if (!err && !*why) {
		err = render_profiles__write(r.profiles, id, r.analysis, fd);
		if (err)
			log_error("%s profile of %s: %s", profile_kind__get(id)->name, name,
				  strerror(-err));
	}
	if (!err && !*why) {
		const char *estimate = render_profiles__estimate(r.profiles, id, r.analysis);

		fill_facts(&r, facts);
		snprintf(facts->estimate, sizeof(facts->estimate), "%s", estimate ? estimate : "");
	}
	close_parts(&r);
	return err ? err : *why ? -ENODATA : 0;
}
