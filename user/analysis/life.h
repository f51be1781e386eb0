/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_LIFE_H
#define ANALYSIS_LIFE_H

#include "analysis/analysis_internal.h"

/*
 * The lives of goroutines: which state each is in and since when. Each state that ends is handed
 * to the folds of states, sites, latency and creators.
 */

/* stack, new_stack: numbers of t's stacks. 0 or -ENOMEM. */
int life__transition(struct analysis *a, const struct transition *t, uint32_t stack,
		     uint32_t new_stack);
/* The states that go on when the window ends. 0 or -ENOMEM. */
int life__close_open(struct analysis *a);

#endif
