/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_LIVE_FOLD_H
#define RECORDER_LIVE_FOLD_H

#include "goruntime/target.h"
#include "recorder/profile_fold.h"

/*
 * One profile, folded while its window is open: in a thread beside the one that drains, which hands
 * its records over. Events need no spool then, and when the window ends, all but the last moment is
 * done. Where a profile needs the model's first pass (profile_kind__needs_begin), that runs a tenth
 * of a second ahead of the second.
 *
 *   start -> record … -> end -> fold, late -> free
 */
struct live_fold;

struct live_fold_config {
	enum profile_id id;
	unsigned tags; /* enum profile_tag */
	/* all borrowed until free; of the target only the binary is used, by nobody else meanwhile
	 */
	const struct go_target *target; /* NULL: frames come from elsewhere */
	struct frame_source frames;
	const struct raw_meta *meta;
	const struct snapshot *snapshot;
	bool assist_ends; /* as in model_config: the first may be seen late */
};

int live_fold__start(const struct live_fold_config *cfg, struct live_fold **out);
/* A record of a ring: copied. -EBADMSG: malformed, not taken; what else failed sticks. */
int live_fold__record(struct live_fold *l, const struct gbt_hdr *rec, size_t len);
/* Bytes that wait to be folded. */
uint64_t live_fold__waiting(const struct live_fold *l);
/* The window has ended: folds the rest. What failed in the thread; once only. */
int live_fold__end(struct live_fold *l, uint64_t end_ns);
const struct profile_fold *live_fold__fold(const struct live_fold *l, uint64_t *late);
void live_fold__free(struct live_fold *l);

#endif
