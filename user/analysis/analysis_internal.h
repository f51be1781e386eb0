/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_ANALYSIS_INTERNAL_H
#define ANALYSIS_ANALYSIS_INTERNAL_H

#include "analysis/analysis.h"
#include "analysis/creators.h"
#include "analysis/gc.h"
#include "analysis/goroutines.h"
#include "analysis/heap.h"
#include "analysis/hot.h"
#include "analysis/latency.h"
#include "analysis/owners.h"
#include "analysis/procs.h"
#include "analysis/sites.h"
#include "analysis/span.h"
#include "analysis/stack_profiles.h"
#include "analysis/stackset.h"
#include "analysis/states.h"

/* All folds of a capture: analysis.c begins and ends them, life.c feeds those of goroutines. */
struct analysis {
	uint64_t start_ns, now_ns;
	uint64_t transitions, cpu_samples;
	struct stackset stacks;
	struct goroutines gs;
	struct states_fold states;
	struct sites_fold sites;
	struct creators_fold creators;
	struct latency latency, latency_all;
	struct stack_profiles profiles;
	struct owners owners;
	struct gc_fold gc;
	struct procs_fold procs;
	struct heap_fold heap;
	struct hot_fold hot;
	struct span_fold span;
	struct imap entries;	/* goroutines of the snapshot -> entry PC */
	struct imap coroutines; /* goroutines that waited as such when the window began */
};

#endif
