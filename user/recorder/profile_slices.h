/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_PROFILE_SLICES_H
#define RECORDER_PROFILE_SLICES_H

#include "recorder/profile_fold.h"

/*
 * The fold behind one profile of a stream whose probes were in place in slices of the time: of each
 * slice, whichever it is, with its own snapshot. Nothing is added up over a gap.
 */
struct profile_slices;

/* cfg: what all have in common; its borrows until free. late: of all. -EBADMSG, -ENOMEM. */
int profile_slices__fold(const struct raw_file *raw, const struct profile_fold_config *cfg,
			 uint64_t *late, struct profile_slices **out);
void profile_slices__free(struct profile_slices *s);
/* Of each; borrowed until free. */
const struct analysis *const *profile_slices__analyses(const struct profile_slices *s, size_t *cnt);
uint64_t profile_slices__seen_ns(const struct profile_slices *s);

#endif
