/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_LATENCY_H
#define ANALYSIS_LATENCY_H

#include "analysis/summary.h"

/*
 * Exact percentiles of many durations in little memory: below 2^20 ns a counter for each value
 * (8 MiB of address space, of which only the pages in use are there), above that the values
 * themselves: there cannot be many, each has lasted a millisecond.
 */
struct latency {
	uint64_t *small; /* [LATENCY_SMALL_MAX]; NULL until one is needed */
	uint64_t *large;
	size_t large_cnt, large_cap;
	uint64_t cnt, total_ns, max_ns;
	uint64_t open_cnt, open_max_ns;
};

#define LATENCY_SMALL_MAX (1u << 20)

/* Zero-initialised is empty and valid. */
void latency__fini(struct latency *l);
int latency__add(struct latency *l, uint64_t dur_ns);	/* 0 or -ENOMEM */
void latency__open(struct latency *l, uint64_t dur_ns); /* one that has not ended */
/* Percentiles by nearest rank: the smallest value that at least p % of all do not exceed. */
void latency__finish(struct latency *l, struct summary_latency *out);

#endif
