/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_SITES_INTERNAL_H
#define ANALYSIS_SITES_INTERNAL_H

#include <stdint.h>

/* Sums of one stack and reason: between sites.c, which adds, and sites_rows.c, which sorts. */
struct site_sum {
	uint32_t stack;
	unsigned slot;
	uint64_t total_ns, cnt, max_ns, max_part_ns, open_cnt, whole_cnt;
	uint32_t waker_cnt;   /* distinct stacks that woke it and are kept */
	uint64_t woken_other; /* waits ended by stacks that are not */
};

/* Stacks and their wakers could be as many as their product: a stack keeps the first so
 * many. A recursive waker has one for each depth. */
#define SITE_WAKERS_MAX 256

struct waker_sum {
	uint32_t site, stack;
	uint64_t cnt, total_ns;
};

#endif
