/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_CREATORS_H
#define ANALYSIS_CREATORS_H

#include "analysis/stackset.h"
#include "base/imap.h"

/* Who creates goroutines: sums by creating stack and entry function. */
struct creators_fold {
	struct creator_sum {
		uint32_t stack, entry; /* stackset numbers */
		uint64_t cnt, alive_cnt;
	} * sums;
	size_t cnt, cap;
	struct imap by_key;
};

void creators__fini(struct creators_fold *f);
/* Counts one; returns its row, for creators__gone; or -ENOMEM. */
int64_t creators__add(struct creators_fold *f, uint32_t stack, uint32_t entry);
void creators__gone(struct creators_fold *f, uint32_t row);
int creators__finish(const struct creators_fold *f, const struct stackset *stacks,
		     struct summary *out);

#endif
