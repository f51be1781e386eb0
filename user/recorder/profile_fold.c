/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/profile_fold.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strtab.h"
#include "goruntime/snapshot.h"
#include "model/model.h"

struct profile_fold {
	struct profile_fold_config cfg;
	struct strtab *strings;
	struct model *model;
	struct analysis *analysis;
};

static int on_transition(void *ctx, const struct transition *t)
{
	struct profile_fold *f = ctx;

	return analysis__transition(f->analysis, t);
}

static int open_parts(struct profile_fold *f)
{
	const struct raw_meta *m = f->cfg.meta;
	const struct snapshot *snap = f->cfg.snapshot;
	const bool is_slice = f->cfg.start_ns && snap;
	struct analysis_config ac = {
		.start_ns = f->cfg.start_ns ? f->cfg.start_ns : m->start_ns,
		.gomaxprocs = is_slice ? snap->gomaxprocs : m->gomaxprocs,
		.frames = f->cfg.frames,
		.snapshot = snap,
		.stack_profiles = 1u << profile_kind__get(f->cfg.id)->fold,
		.owner_parts = f->cfg.tags,
	};
	struct model_config mc = {
		.start_ns = ac.start_ns,
		.end_ns = f->cfg.end_ns,
		.go_minor = m->go_minor,
		.gomaxprocs = ac.gomaxprocs,
		.snapshot = snap,
		.partial = true,
		.ahead = f->cfg.ahead,
		.assist_ends = f->cfg.assist_ends,
		.sink = on_transition,
		.sink_ctx = f,
	};
	int err = strtab__new(&f->strings);

	mc.strings = f->strings;
	if (!err)
		err = analysis__new(&ac, &f->analysis);
	if (!err)
		err = model__new(&mc, &f->model);
	return err;
}

int profile_fold__new(const struct profile_fold_config *cfg, struct profile_fold **out)
{
	struct profile_fold *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->cfg = *cfg;
	err = open_parts(f);
	if (err)
		profile_fold__free(f);
	else
		*out = f;
	return err;
}

void profile_fold__free(struct profile_fold *f)
{
	if (!f)
		return;
	model__free(f->model);
	analysis__free(f->analysis);
	strtab__free(f->strings);
	free(f);
}

/* Creations are there for labels and tags too: what the profile counts shall not hang on these. */
static bool is_counted(const struct profile_fold *f, const struct gbt_hdr *rec)
{
	return rec->kind != GBT_CREATE ||
	       profile_kind__get(f->cfg.id)->sites & SITE_BIT(SITE_CREATE);
}

int profile_fold__prescan(struct profile_fold *f, const struct gbt_hdr *rec, size_t len)
{
	return is_counted(f, rec) ? model__prescan(f->model, rec, len) : 0;
}

int profile_fold__event(struct profile_fold *f, const struct gbt_hdr *rec, size_t len)
{
	int err = analysis__record(f->analysis, rec);

	return err || !is_counted(f, rec) ? err : model__event(f->model, rec, len);
}

int profile_fold__finish(struct profile_fold *f, uint64_t end_ns, const struct raw_trailer *trailer)
{
	struct summary_facts facts = {
		.meta = f->cfg.meta, .trailer = trailer, .model = model__stats(f->model)};
	struct summary *s = NULL;
	int err = model__finish(f->model, end_ns);

	if (!err)
		err = analysis__finish(f->analysis, &facts, &s);
	summary__free(s);
	return err;
}

const struct analysis *profile_fold__analysis(const struct profile_fold *f)
{
	return f->analysis;
}
