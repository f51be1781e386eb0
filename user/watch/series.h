/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_SERIES_H
#define WATCH_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two sums over the last while: how much of the change of `whole` the change of `part` is. Readings
 * closer than a part of the span replace the last one, so it stays small however often it is fed.
 */
#define SERIES_POINTS 32

struct series {
	uint64_t span_ns;
	struct series_point {
		uint64_t time_ns;
		double part, whole;
	} p[SERIES_POINTS + 2]; /* oldest first */
	size_t cnt;
};

void series__add(struct series *s, double part, double whole, uint64_t now_ns);
/* Over the span, when readings cover it: false before. whole NULL: the change of part alone. */
bool series__change(const struct series *s, double *part, double *whole);

/* Durations by size, for percentiles: eight steps for each power of two, so within 9 %. */
#define HISTOGRAM_CELLS 512
struct histogram {
	uint64_t cells[HISTOGRAM_CELLS];
	uint64_t cnt;
};

void histogram__add(struct histogram *h, uint64_t ns);
void histogram__merge(struct histogram *into, const struct histogram *h);
/* The upper bound of the cell that holds the percentile; 0 without durations. */
uint64_t histogram__percentile(const struct histogram *h, double percentile);

#endif
