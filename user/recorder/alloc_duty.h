/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_ALLOC_DUTY_H
#define RECORDER_ALLOC_DUTY_H

#include "capture/capture.h"
#include "goruntime/alloc_totals.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"

/*
 * Probes of allocations in slices of the time: a thread attaches them while what their hits cost
 * stays below a share of the target's CPU time, and takes them away until that allows more.
 */
struct alloc_duty;

#define ALLOC_OVERHEAD_DEFAULT_PCT 5

/*
 * Shall allocations be sampled? Where the runtime keeps no profile, or forced. Fills the plan, or
 * out->why. Copies of the probed functions that are inlined into others (profile-guided builds)
 * would be missed: then there is no estimate. -ENOMEM, -EBADMSG with a message.
 */
int alloc_duty__plan(struct go_target *t, bool is_command, bool use_nop5, bool forced,
		     struct probe_plan *plan, struct alloc_slices *out, bool *estimates);

/* All borrowed until stop. -ENOMEM, -errno of the thread. What keeps it from an estimate is told by
 * stop. */
int alloc_duty__start(struct go_target *t, struct capture *c, unsigned max_overhead_pct,
		      struct alloc_duty **out);
/* A record of kind GBT_ALLOC came; from the drain thread. NULL is passed over. */
void alloc_duty__hit(struct alloc_duty *d);
/* The window ends: the totals are read at once, the thread is told. */
void alloc_duty__end(struct alloc_duty *d);
/* Waits for the thread; frees. The probes that are still there are detached with the others. */
void alloc_duty__stop(struct alloc_duty *d, struct alloc_slices *out);

#endif
