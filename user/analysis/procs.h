/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_PROCS_H
#define ANALYSIS_PROCS_H

#include "analysis/summary.h"

/* Processors (Ps) and the queue for them, integrated over the window. */
struct procs_fold {
	uint8_t *status; /* [cap] enum tr_p_status, 0 never heard of: idle */
	size_t cap;
	uint32_t gomaxprocs, running, in_syscall;
	bool changed;
	uint64_t now_ns;
	uint64_t runnable, runnable_max;
	/* ns × number */
	unsigned __int128 running_area, syscall_area, max_area, runnable_area;
	uint64_t all_idle_ns, saturated_ns;
};

void procs__init(struct procs_fold *f, uint64_t start_ns, uint32_t gomaxprocs);
void procs__fini(struct procs_fold *f);
/* Adds up the time from the last call until now in the state as it is. */
void procs__advance(struct procs_fold *f, uint64_t now_ns);
int procs__transition(struct procs_fold *f, const struct transition *t);
void procs__runnable(struct procs_fold *f, int delta); /* goroutines that wait for a P */
void procs__finish(const struct procs_fold *f, uint64_t window_ns, struct summary_procs *out);

#endif
