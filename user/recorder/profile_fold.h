/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_PROFILE_FOLD_H
#define RECORDER_PROFILE_FOLD_H

#include "analysis/analysis.h"
#include "output/profile_kinds.h"
#include "raw/raw.h"

/*
 * The fold behind one profile of the stream: the model without what other probes would tell, and
 * the sums by stack.
 *
 *   new -> (prescan …, where it needs_begin) -> event … -> finish -> analysis -> free
 *
 * ahead: prescan goes on between the events, each of which it has seen before.
 */
struct profile_fold;

struct profile_fold_config {
	enum profile_id id;
	unsigned tags; /* enum profile_tag */
	/* all borrowed until free; rows tell threads as the events have them */
	const struct raw_meta *meta;
	const struct snapshot *snapshot; /* NULL: none */
	struct frame_source frames;
	uint64_t start_ns; /* 0: of the window. Else of a slice of it, with a snapshot of its own */
	uint64_t end_ns;   /* likewise; 0: not known yet */
	bool ahead;
	bool assist_ends; /* as in model_config */
};

int profile_fold__new(const struct profile_fold_config *cfg, struct profile_fold **out);
void profile_fold__free(struct profile_fold *f);
/* Events in time order. */
int profile_fold__prescan(struct profile_fold *f, const struct gbt_hdr *rec, size_t len);
int profile_fold__event(struct profile_fold *f, const struct gbt_hdr *rec, size_t len);
/* trailer: NULL where there is none. */
int profile_fold__finish(struct profile_fold *f, uint64_t end_ns,
			 const struct raw_trailer *trailer);
/* Finished. */
const struct analysis *profile_fold__analysis(const struct profile_fold *f);

#endif
