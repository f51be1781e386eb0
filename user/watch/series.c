/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/series.h"

#include <math.h>
#include <string.h>

void series__add(struct series *s, double part, double whole, uint64_t now_ns)
{
	const struct series_point point = {now_ns, part, whole};
	uint64_t step_ns = s->span_ns / SERIES_POINTS;

	/* the last is always the newest; it becomes a point of its own when it is a step behind */
	if (s->cnt >= 2 && now_ns < s->p[s->cnt - 2].time_ns + step_ns)
		s->p[s->cnt - 1] = point;
	else
		s->p[s->cnt++] = point;
	while (s->cnt > 2 && (s->p[1].time_ns + s->span_ns <= now_ns ||
			      s->cnt == sizeof(s->p) / sizeof(s->p[0]))) {
		memmove(s->p, s->p + 1, (s->cnt - 1) * sizeof(s->p[0]));
		s->cnt--;
	}
}

bool series__change(const struct series *s, double *part, double *whole)
{
	const struct series_point *first = &s->p[0], *last_p = &s->p[s->cnt ? s->cnt - 1 : 0];

	if (s->cnt < 2 || last_p->time_ns < first->time_ns + s->span_ns)
		return false;
	*part = last_p->part - first->part;
	if (whole)
		*whole = last_p->whole - first->whole;
	return true;
}

static size_t cell_of(uint64_t ns)
{
	unsigned top;

	if (ns < 8)
		return ns;
	top = 63 - (unsigned)__builtin_clzll(ns);
	return (top - 2) * 8 + (ns >> (top - 3) & 7);
}

static uint64_t upper_of(size_t cell)
{
	unsigned top = (unsigned)(cell / 8) + 2;

	if (cell < 8)
		return cell;
	/* the last cell of the last power ends at the largest number */
	return (((cell % 8) + 9) << (top - 3)) - 1;
}

void histogram__add(struct histogram *h, uint64_t ns)
{
	h->cells[cell_of(ns)]++;
	h->cnt++;
}

void histogram__merge(struct histogram *into, const struct histogram *h)
{
	for (size_t i = 0; i < HISTOGRAM_CELLS; i++)
		into->cells[i] += h->cells[i];
	into->cnt += h->cnt;
}

uint64_t histogram__percentile(const struct histogram *h, double percentile)
{
	uint64_t rank = (uint64_t)ceil((double)h->cnt * percentile / 100), seen = 0;

	if (!h->cnt)
		return 0;
	for (size_t i = 0; i < HISTOGRAM_CELLS; i++) {
		seen += h->cells[i];
		if (seen >= rank)
			return upper_of(i);
	}
	return upper_of(HISTOGRAM_CELLS - 1);
}
