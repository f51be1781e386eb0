/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_ANALYSIS_H
#define ANALYSIS_ANALYSIS_H

#include "analysis/frames.h"
#include "analysis/stack_profiles.h"
#include "analysis/summary.h"
#include "goruntime/snapshot.h"
#include "model/transition.h"

/*
 * Folds over the transitions of a capture. Pure: transitions in, figures out. Memory is bounded
 * by distinct stacks, by goroutines alive at once, and 8 bytes for each wait for a processor
 * that lasted a millisecond or more (the percentiles are exact).
 *
 *   new -> record, transition … -> finish -> free
 */
struct analysis;

struct analysis_config {
	uint64_t start_ns; /* CLOCK_MONOTONIC: the window's begin */
	uint32_t gomaxprocs;
	struct frame_source frames; /* ctx lives as long as the summary is used */
	/* tells the entry of goroutines whose stacks were cut, and which waited as coroutines when
	 * the window began, since that wait has no block reason; NULL: none. Its stacks are
	 * borrowed through the transitions: it lives until analysis__finish. */
	const struct snapshot *snapshot;
	uint32_t stack_profiles; /* those to add up: 1 << enum stack_profile */
	/* one goroutine between two moments: where its time went; 0: none */
	uint64_t span_goid, span_begin_ns, span_end_ns;
	unsigned owner_parts; /* what their rows tell besides labels: enum owner_part */
};

int analysis__new(const struct analysis_config *cfg, struct analysis **out);
void analysis__free(struct analysis *a);

/* Each record in time order, before the model has it: who has which labels. 0 or -ENOMEM. */
int analysis__record(struct analysis *a, const struct gbt_hdr *rec);

/* A tr_sink_fn. Times must not fall. 0 or -ENOMEM. */
int analysis__transition(void *a, const struct transition *t);

/*
 * Ends the window (at TR_END if there was one, else at the last transition) and adds up. Once
 * only. The summary outlives the analysis, not the frame source.
 */
int analysis__finish(struct analysis *a, const struct summary_facts *facts, struct summary **out);

/* The rows of a profile that was asked for; only after analysis__finish. What fn returned. */
int analysis__stack_profile(const struct analysis *a, enum stack_profile which, stack_profile_fn fn,
			    void *ctx);
/* Mark assists of the window whose end is an estimate; only after analysis__finish. */
uint64_t analysis__assists_estimated(const struct analysis *a);

#endif
