/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_FINDINGS_H
#define ANALYSIS_FINDINGS_H

#include "analysis/summary.h"

/*
 * Sentences that say what stands out. Each appears only when its figure reaches the threshold;
 * docs/findings.md tells why these. Shares are in parts of 1.
 */
#define FINDING_REPAIRED_SHARE 0.001	 /* transitions that were inferred */
#define FINDING_COST_SHARE 0.05		 /* of the target's CPU time */
#define FINDING_LATENCY_P99_NS 1000000	 /* and at least … */
#define FINDING_LATENCY_CNT 100		 /* … waits for a processor */
#define FINDING_LATENCY_OPEN_NS 10000000 /* or one still waiting at the end for so long */
#define FINDING_SATURATED_SHARE 0.25	 /* of the window */
#define FINDING_CPU_SHARE 0.80		 /* of the processors' time, running Go code */
#define FINDING_CONTENTION_SHARE 0.10	 /* waiting time at one lock, of the window; and … */
#define FINDING_CONTENTION_CNT 10	 /* … waits */
#define FINDING_PAUSE_MAX_NS 10000000
#define FINDING_PAUSE_SHARE 0.01	   /* of the window */
#define FINDING_GC_SHARE 0.25		   /* of the window; and … */
#define FINDING_GC_CYCLES 2		   /* … cycles */
#define FINDING_ASSIST_SHARE 0.05	   /* of the running time */
#define FINDING_ALLOC_PER_S (256ull << 20) /* bytes */
#define FINDING_HEAP_CNT 3		   /* collections, behind the last of which … */
#define FINDING_HEAP_SHARE 0.20		   /* … so much more is left than behind the first, … */
#define FINDING_HEAP_BYTES (4ull << 20)	   /* … and at least so many bytes */
#define FINDING_GROWTH_CNT 100		   /* more goroutines at the end, and … */
#define FINDING_GROWTH_SHARE 0.20	   /* … of those at the start */
#define FINDING_SPAWN_PER_S 10000
#define FINDING_STUCK_CNT 10 /* goroutines at one place for the whole window */
#define FINDING_SYSCALL_MEAN_NS 10000000
#define FINDING_SYSCALL_SHARE 0.5 /* time in calls from one place, of the window; and … */
#define FINDING_SYSCALL_CNT 10	  /* … calls */
#define FINDING_IDLE_SHARE 0.80	  /* of the processors' time */

/* A short word for programs, as in summary.json and docs/findings.md. */
const char *finding_id__name(enum finding_id id);
int findings__fill(struct summary *s);

#endif
