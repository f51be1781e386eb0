/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_HEAP_H
#define ANALYSIS_HEAP_H

#include "analysis/summary.h"
#include "model/transition.h"

/*
 * The heap from its readings: size, what survives collections, how fast it is filled.
 *
 * What survives a collection is the least reading until the next one ends. What was allocated is an
 * estimate: in each cycle the rises between readings, or from what survived the last one to the
 * goal, whichever is more, since a small heap may be filled and collected between two readings.
 */
struct heap_fold {
	struct summary_gauge live, goal;
	uint64_t rises; /* since the last collection ended */
	uint64_t floor; /* least reading since then; UINT64_MAX none yet */
	bool collected; /* one ended in the window */
	struct summary_heap sum;
};

void heap__init(struct heap_fold *f);
void heap__transition(struct heap_fold *f, const struct transition *t);
/* Once only, at the window's end. */
void heap__finish(struct heap_fold *f, struct summary_heap *out);

#endif
