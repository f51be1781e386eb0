/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/profile_slices.h"

#include <errno.h>
#include <stdlib.h>

#include "goruntime/snapshot.h"

struct slice_fold {
	struct profile_fold *fold;
	struct snapshot *snapshot; /* NULL: the window's own, which is borrowed */
};

struct profile_slices {
	struct slice_fold *folds;
	const struct analysis **analyses;
	size_t cnt;
	uint64_t seen_ns;
};

static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return profile_fold__prescan(ctx, rec, len);
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return profile_fold__event(ctx, rec, len);
}

static int fold_events(const struct raw_file *raw, const struct raw_slice *slice,
		       const struct profile_fold_config *cfg, struct profile_fold *fold,
		       uint64_t *late)
{
	uint64_t again = 0;
	int err = 0;

	if (profile_kind__needs_begin(profile_kind__get(cfg->id)))
		err = raw_file__each_event_of(raw, slice, on_prescan, fold, &again);
	if (!err)
		err = raw_file__each_event_of(raw, slice, on_event, fold, late);
	return err ? err : profile_fold__finish(fold, cfg->end_ns, raw_file__trailer(raw));
}

static int fold_one(const struct raw_file *raw, const struct raw_slice *slice,
		    struct profile_fold_config cfg, uint64_t *late, struct slice_fold *out)
{
	uint64_t of_slice = 0;
	int err = 0;

	cfg.start_ns = slice->start_ns;
	if (slice->end_ns)
		cfg.end_ns = slice->end_ns;
	if (slice->snapshot.n)
		err = snapshot__parse(slice->snapshot, &out->snapshot);
	if (out->snapshot)
		cfg.snapshot = out->snapshot;
	if (!err)
		err = profile_fold__new(&cfg, &out->fold);
	if (!err)
		err = fold_events(raw, slice, &cfg, out->fold, &of_slice);
	*late += of_slice;
	return err;
}

/* One may begin when the window has ended. */
static bool is_empty(const struct raw_slice *slice, uint64_t end_ns)
{
	return (slice->end_ns ? slice->end_ns : end_ns) <= slice->start_ns;
}

static int fold_all(const struct raw_file *raw, const struct profile_fold_config *cfg,
		    uint64_t *late, struct profile_slices *s)
{
	int err = 0;

	for (size_t i = 0; !err && i < raw_file__slice_cnt(raw); i++) {
		const struct raw_slice *slice = raw_file__slice(raw, i);

		if (is_empty(slice, cfg->end_ns))
			continue;
		err = fold_one(raw, slice, *cfg, late, &s->folds[s->cnt]);
		if (!err)
			s->analyses[s->cnt] = profile_fold__analysis(s->folds[s->cnt].fold);
		s->cnt++;
		s->seen_ns += (slice->end_ns ? slice->end_ns : cfg->end_ns) - slice->start_ns;
	}
	return err;
}

int profile_slices__fold(const struct raw_file *raw, const struct profile_fold_config *cfg,
			 uint64_t *late, struct profile_slices **out)
{
	size_t cnt = raw_file__slice_cnt(raw);
	struct profile_slices *s = calloc(1, sizeof(*s));
	int err = s ? 0 : -ENOMEM;

	if (!err) {
		s->folds = calloc(cnt + 1, sizeof(*s->folds));
		s->analyses = calloc(cnt + 1, sizeof(*s->analyses));
		err = s->folds && s->analyses ? fold_all(raw, cfg, late, s) : -ENOMEM;
	}
	if (err)
		profile_slices__free(s);
	else
		*out = s;
	return err;
}

void profile_slices__free(struct profile_slices *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->folds && i < s->cnt; i++) {
		profile_fold__free(s->folds[i].fold);
		snapshot__free(s->folds[i].snapshot);
	}
	free(s->folds);
	free(s->analyses);
	free(s);
}

const struct analysis *const *profile_slices__analyses(const struct profile_slices *s, size_t *cnt)
{
	*cnt = s->cnt;
	return s->analyses;
}

uint64_t profile_slices__seen_ns(const struct profile_slices *s)
{
	return s->seen_ns;
}
