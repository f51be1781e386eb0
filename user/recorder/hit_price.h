/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_HIT_PRICE_H
#define RECORDER_HIT_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/price.h"
#include "goruntime/plan.h"

/* What a hit of one plan costs, event and stack included; estimates. */
struct hit_price {
	uint64_t hot_ns, cold_ns; /* cold is at least hot */
	char from[160];		  /* where it comes from, a line */
};

/* Figures of docs/performance.md's machine, where none can be measured: why stands in the line. */
void hit_price__assume(const char *why, struct hit_price *out);
/* Of the plan's busiest sites as they are, each for one; NULL or nothing measured: assumed. */
void hit_price__of_plan(const struct prices *p, const struct probe_plan *plan,
			struct hit_price *out);
/* The same of mode light, whose hits each walk the stack of who ran before. */
void hit_price__of_starts(const struct prices *p, const struct probe_plan *plan,
			  struct hit_price *out);

/*
 * The price of each of so many hits that came in cpu_ns of the target's CPU time (theirs included).
 * The further apart, the colder: hot up to 1 µs of the target's own work between two, cold from
 * 40 µs on, by the logarithm in between (docs/performance.md). hits × price is never more than
 * HIT_SHARE_MAX of cpu_ns: a target does some work of its own.
 */
#define HIT_SHARE_MAX 0.95
uint64_t hit_price__at(const struct hit_price *p, uint64_t hits, uint64_t cpu_ns);
/* What it may be: hits come in crowds or evenly (the work between two a quarter, or four times as
 * much), and what was measured is right within a quarter. */
void hit_price__bounds(const struct hit_price *p, uint64_t hits, uint64_t cpu_ns, uint64_t *low_ns,
		       uint64_t *high_ns);

/* Measures in a thread of its own while a target is being opened. */
struct price_job;
/* remember: of a plan by which the programs remember (plan__sees_changes). NULL: no thread or
 * memory to be had; then prices are assumed. */
struct price_job *price_job__begin(enum capture_attach attach, bool nop5_wanted, bool remember);
bool price_job__is_told(struct price_job *j);
/* Waits until it is; borrowed until free. NULL is passed through. */
const struct prices *price_job__wait(struct price_job *j);
/* Waits until the child has no probes any more. */
void price_job__free(struct price_job *j);

#endif
