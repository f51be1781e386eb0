/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/render_profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "raw/raw.h"
#include "recorder/profile_fold.h"
#include "recorder/profile_slices.h"
#include "recorder/render_profiles.h"
#include "recorder/tables.h"

struct render_profile {
	enum profile_id id;
	unsigned tags;
	struct raw_file *raw;
	struct tables *tables;
	struct render_profiles *profiles;
	struct profile_fold *fold;     /* of the stream; NULL */
	struct profile_slices *slices; /* of a stream in slices; NULL */
	const struct analysis *analysis;
	uint64_t late;
};

static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return profile_fold__prescan(((struct render_profile *)ctx)->fold, rec, len);
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return profile_fold__event(((struct render_profile *)ctx)->fold, rec, len);
}

static int on_sample(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return render_profiles__event(((struct render_profile *)ctx)->profiles, rec);
}

static uint64_t end_ns(const struct render_profile *r)
{
	const struct raw_trailer *t = raw_file__trailer(r->raw);

	return t ? t->end_ns : 0;
}

static int fold_slices(struct render_profile *r, const struct profile_fold_config *cfg)
{
	uint64_t start_ns = raw_file__meta(r->raw)->start_ns;
	const struct analysis *const *analyses;
	size_t cnt;
	int err = profile_slices__fold(r->raw, cfg, &r->late, &r->slices);

	if (err)
		return err;
	analyses = profile_slices__analyses(r->slices, &cnt);
	return render_profiles__slices(r->profiles, analyses, cnt,
				       profile_slices__seen_ns(r->slices),
				       cfg->end_ns > start_ns ? cfg->end_ns - start_ns : 0);
}

static int fold_stream(struct render_profile *r)
{
	const struct profile_fold_config cfg = {
		.id = r->id,
		.tags = r->tags,
		.meta = raw_file__meta(r->raw),
		.snapshot = r->tables->snapshot,
		.frames = {capture_frames, &r->tables->frames},
		.end_ns = end_ns(r),
	};
	int err;

	if (raw_file__slice_cnt(r->raw))
		return fold_slices(r, &cfg);
	err = profile_fold__new(&cfg, &r->fold);
	if (!err && profile_kind__needs_begin(profile_kind__get(r->id)))
		err = raw_file__each_event(r->raw, on_prescan, r, &r->late);
	if (!err)
		err = raw_file__each_event(r->raw, on_event, r, &r->late);
	if (!err)
		err = profile_fold__finish(r->fold, end_ns(r), raw_file__trailer(r->raw));
	if (!err)
		r->analysis = profile_fold__analysis(r->fold);
	return err;
}

static int fold(struct render_profile *r, const struct live_fold *live)
{
	/* samples need no order */
	if (!(profile_kind__get(r->id)->needs & PROFILE_NEEDS_TRANSITIONS))
		return raw_file__each_record(r->raw, on_sample, r);
	if (!live)
		return fold_stream(r);
	r->analysis = profile_fold__analysis(live_fold__fold(live, &r->late));
	return 0;
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
	profile_fold__free(r->fold);
	profile_slices__free(r->slices);
	tables__free(r->tables);
	raw_file__free(r->raw);
}

static const char *missing(const struct render_profile *r, enum profile_format format)
{
	const char *why = render_profiles__missing(r->profiles, r->id);

	return why || format == PROFILE_FORMAT_PPROF
		       ? why
		       : render_profiles__text_missing(r->profiles, r->id);
}

static int write_profile(struct render_profile *r, const struct render_profile_config *cfg, int fd)
{
	int err = render_profiles__creators(r->profiles);

	render_profiles__map_tids(r->profiles);
	if (!err)
		err = fold(r, cfg->live);
	if (err)
		return err;
	err = cfg->format == PROFILE_FORMAT_TEXT
		      ? render_profiles__write_text(r->profiles, r->id, r->analysis, fd)
		      : render_profiles__write(r->profiles, r->id, r->analysis, fd);
	if (err)
		log_error("%s profile of %s: %s", profile_kind__get(r->id)->name, cfg->name,
			  strerror(-err));
	return err;
}

int render_profile__write(const struct render_profile_config *cfg, int fd,
			  struct profile_facts *facts, const char **why)
{
	const struct profile_choice choice = {
		.set = 1u << cfg->id, .how = PROFILES_NAMED, .tags = cfg->tags};
	struct render_profile r = {.id = cfg->id, .tags = cfg->tags};
	int err = raw_file__open(cfg->raw_fd, cfg->name, &r.raw);

	*facts = (struct profile_facts){0};
	*why = NULL;
	if (!err)
		err = tables__load(r.raw, cfg->name, &r.tables);
	if (!err)
		err = render_profiles__new(r.raw, r.tables, &choice, &r.profiles);
	if (!err)
		*why = missing(&r, cfg->format);
	if (*why) { /* it may be part of what is freed here */
		snprintf(facts->why, sizeof(facts->why), "%s", *why);
		*why = facts->why;
	}
	if (!err && !*why)
		err = write_profile(&r, cfg, fd);
	if (!err && !*why) {
		const char *estimate = render_profiles__estimate(r.profiles, r.id, r.analysis);

		fill_facts(&r, facts);
		snprintf(facts->estimate, sizeof(facts->estimate), "%s", estimate ? estimate : "");
	}
	close_parts(&r);
	return err ? err : *why ? -ENODATA : 0;
}
