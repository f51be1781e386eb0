/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_SPAN_H
#define ANALYSIS_SPAN_H

#include "analysis/hot.h"
#include "analysis/states.h"

/*
 * Where the time of one goroutine went between two moments: what a watch fired for. Only states
 * whose two ends were told by events or by the snapshot count; the rest is not known.
 */
struct span_fold {
	uint64_t goid, begin_ns, end_ns; /* goid 0: none is asked for */
	uint64_t running_ns, runnable_ns, runnable_cnt;
	uint64_t off_cpu_ns, off_cpu_cnt; /* of running_ns: its thread had no CPU */
	struct span_wait {
		uint8_t slot;
		uint32_t stack, waker; /* waker and waker_g: of the longest */
		uint64_t waker_g, total_ns, cnt, max_ns;
	} * waits;
	size_t wait_cnt, wait_cap;
	uint64_t assist_since_ns, assist_ns;
	bool assist_estimated;
	struct hot_fold hot;
	uint64_t samples;
};

/* A state of the goroutine that is over. */
struct span_state {
	uint64_t goid, begin_ns, end_ns;
	uint8_t slot;	/* enum state_slot */
	uint32_t stack; /* where it waited */
	uint32_t waker; /* stack of who ended it, and that goroutine; 0 none */
	uint64_t waker_g;
};

void span__fini(struct span_fold *f);
/* 0 or -ENOMEM. */
int span__state(struct span_fold *f, const struct span_state *s);
/* What is no state: CPU samples, mark assists, times without a CPU. Others are passed over. 0 or
 * -ENOMEM. */
int span__transition(struct span_fold *f, const struct transition *t, uint64_t now_ns);
int span__finish(struct span_fold *f, struct stackset *stacks, struct summary_span *out);

#endif
