/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_GC_H
#define ANALYSIS_GC_H

#include "analysis/summary.h"
#include "base/imap.h"

/* Garbage collections, stopped worlds, mark assists. */
#define GC_STW_KINDS 32

struct gc_fold {
	bool active;
	uint64_t since_ns, cycles, active_ns, max_cycle_ns;

	struct imap stw_open[GC_STW_KINDS]; /* goroutine -> begin; a goroutine has one per kind */
	struct {
		uint64_t cnt, total_ns, max_ns;
	} stw[GC_STW_KINDS];

	struct imap assist_open; /* goroutine -> begin */
	uint64_t assist_cnt, assist_ns, assist_max_ns;
	uint64_t assist_estimated_cnt; /* of them: no probe saw the end */
	bool assist_ends_seen;
};

void gc__fini(struct gc_fold *f);
int gc__transition(struct gc_fold *f, const struct transition *t, uint64_t now_ns);
/* Closes what is open at the window's end. */
int gc__finish(struct gc_fold *f, uint64_t end_ns, struct summary_gc *out);

#endif
