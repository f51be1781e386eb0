/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/latency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void latency__fini(struct latency *l)
{
	free(l->small);
	free(l->large);
	memset(l, 0, sizeof(*l));
}

int latency__add(struct latency *l, uint64_t dur_ns)
{
	if (dur_ns < LATENCY_SMALL_MAX) {
		if (!l->small)
			l->small = calloc(LATENCY_SMALL_MAX, sizeof(*l->small));
		if (!l->small)
			return -ENOMEM;
		l->small[dur_ns]++;
	} else {
		if (array__reserve(&l->large, l->large_cnt, &l->large_cap, 1, sizeof(*l->large)))
			return -ENOMEM;
		l->large[l->large_cnt++] = dur_ns;
	}
	l->cnt++;
	l->total_ns += dur_ns;
	if (dur_ns > l->max_ns)
		l->max_ns = dur_ns;
	return 0;
}

void latency__open(struct latency *l, uint64_t dur_ns)
{
	l->open_cnt++;
	if (dur_ns > l->open_max_ns)
		l->open_max_ns = dur_ns;
}

static int by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

/* The value of a rank (1 … cnt); large is sorted. */
static uint64_t at_rank(const struct latency *l, uint64_t rank)
{
	uint64_t small_cnt = l->cnt - l->large_cnt, seen = 0;

	if (rank > small_cnt)
		return l->large[rank - small_cnt - 1];
	for (uint32_t v = 0; l->small && v < LATENCY_SMALL_MAX; v++) {
		seen += l->small[v];
		if (seen >= rank)
			return v;
	}
	return l->max_ns;
}

static uint64_t percentile(const struct latency *l, unsigned p)
{
	/* ceil(cnt × p / 100) without overflow */
	return at_rank(l, l->cnt / 100 * p + (l->cnt % 100 * p + 99) / 100);
}

void latency__finish(struct latency *l, struct summary_latency *out)
{
	memset(out, 0, sizeof(*out));
	out->open_cnt = l->open_cnt;
	out->open_max_ns = l->open_max_ns;
	if (!l->cnt)
		return;
	if (l->large_cnt > 1)
		qsort(l->large, l->large_cnt, sizeof(*l->large), by_value);
	out->cnt = l->cnt;
	out->p50_ns = percentile(l, 50);
	out->p99_ns = percentile(l, 99);
	out->max_ns = l->max_ns;
	out->total_ns = l->total_ns;
}
