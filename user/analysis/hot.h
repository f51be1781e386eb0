/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_HOT_H
#define ANALYSIS_HOT_H

#include "analysis/stackset.h"
#include "base/imap.h"

/*
 * Where the CPU samples fall: for the one place that has most of them; cpu.pprof has all. Samples
 * have stacks of their own, so they are kept apart from those of transitions.
 */
struct hot_fold {
	struct hot_stack {
		struct tr_stack st;
		uint64_t cnt;
	} * stacks;
	size_t cnt, cap;
	struct imap by_id;
};

void hot__fini(struct hot_fold *f);
/* 0 or -ENOMEM. */
int hot__sample(struct hot_fold *f, const struct tr_stack *st);
int hot__finish(const struct hot_fold *f, struct stackset *stacks, struct summary_hot *out);

#endif
