/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/heap_profile.h"

#include <errno.h>
#include <math.h>

/* Of int64_t: 2^63 is a double, 2^63 - 1 is not. */
#define LIMIT 9223372036854775808.0

int heap_profile__scale(uint64_t cnt, uint64_t size, uint64_t rate, int64_t *objects,
			int64_t *bytes)
{
	double scale, n, sz;
	int64_t total;

	*objects = *bytes = 0;
	if (!cnt || !size)
		return 0;
	if (cnt > INT64_MAX || __builtin_mul_overflow(cnt, size, &total))
		return -ERANGE;
	if (rate <= 1) {
		*objects = (int64_t)cnt;
		*bytes = total;
		return 0;
	}
	scale = 1 / (1 - exp(-(double)size / (double)rate));
	n = (double)cnt * scale;
	sz = (double)total * scale;
	if (!(n < LIMIT) || !(sz < LIMIT))
		return -ERANGE;
	*objects = (int64_t)n;
	*bytes = (int64_t)sz;
	return 0;
}

int heap_profile__add(struct pprof_writer *w, const struct heap_buckets *h)
{
	int err = 0;

	for (size_t i = 0; !err && i < h->cnt; i++) {
		const struct heap_bucket *b = &h->b[i];
		const struct pprof_stack stack = {.pcs = h->pcs + b->pcs_off, .cnt = b->pcs_cnt};
		const struct pprof_label size = {.key = "bytes", .num = (int64_t)b->size};
		int64_t v[4];

		err = heap_profile__scale(b->allocs, b->size, h->rate, &v[0], &v[1]);
		if (!err)
			err = heap_profile__scale(b->allocs - b->frees, b->size, h->rate, &v[2],
						  &v[3]);
		if (!err)
			err = pprof_writer__sample(w, &stack, v, &size, 1);
	}
	return err;
}
