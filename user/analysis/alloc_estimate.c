/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/alloc_estimate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/imap.h"

struct row {
	uint64_t stack;
	uint64_t used;	/* objects of spans that were used up; bytes of large objects */
	uint64_t cnt;	/* samples */
	uint64_t empty; /* of these: the span before was not known, the GC had taken it */
};

struct class_rows {
	struct row *row;
	size_t cnt, cap;
	struct imap by_stack; /* index in row */
};

struct alloc_estimate {
	struct class_rows of[ALLOC_CLASSES];
	uint64_t samples;
};

int alloc_estimate__new(struct alloc_estimate **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void alloc_estimate__free(struct alloc_estimate *e)
{
	for (unsigned c = 0; e && c < ALLOC_CLASSES; c++) {
		free(e->of[c].row);
		imap__free(&e->of[c].by_stack);
	}
	free(e);
}

static struct row *row_of(struct class_rows *r, uint64_t stack)
{
	uint64_t i;

	if (imap__get(&r->by_stack, stack, &i))
		return &r->row[i];
	if (array__reserve(&r->row, r->cnt, &r->cap, 1, sizeof(*r->row)) ||
	    imap__put(&r->by_stack, stack, r->cnt))
		return NULL;
	r->row[r->cnt] = (struct row){.stack = stack};
	return &r->row[r->cnt++];
}

int alloc_estimate__event(struct alloc_estimate *e, const struct gbt_hdr *rec)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;
	uint64_t pages = ALLOC_PAGE_SZ - 1, sane = UINT64_C(1) << 48;
	unsigned class = (unsigned)ev->arg32;
	struct row *r;

	if (rec->kind != GBT_ALLOC || class >= ALLOC_CLASSES || ev->arg > 0xffff || ev->cur > sane)
		return 0;
	r = row_of(&e->of[class], ev->stack);
	if (!r)
		return -ENOMEM;
	r->cnt++;
	e->samples++;
	if (!class)
		r->used += (ev->cur + pages) & ~pages;
	else if (ev->arg && ev->cur == alloc_class__size(class))
		r->used += ev->arg;
	else
		r->empty++;
	return 0;
}

uint64_t alloc_estimate__samples(const struct alloc_estimate *e)
{
	return e->samples;
}

/* Of what is not known half the mean is taken: the GC takes spans at any time of their use. */
static double weight(const struct row *r, double mean)
{
	return (double)r->used + (double)r->empty * mean / 2;
}

static int each_small(const struct class_rows *r, unsigned class, uint64_t cnt, alloc_row_fn fn,
		      void *ctx)
{
	double used = 0, known = 0, sum = 0, mean, size = (double)alloc_class__size(class);
	int err = 0;

	for (size_t i = 0; i < r->cnt; i++) {
		used += (double)r->row[i].used;
		known += (double)(r->row[i].cnt - r->row[i].empty);
	}
	mean = known > 0 ? used / known : 2;
	for (size_t i = 0; i < r->cnt; i++)
		sum += weight(&r->row[i], mean);
	if (!(sum > 0))
		return fn(ctx, 0, alloc_class__size(class), (double)cnt, (double)cnt * size);
	for (size_t i = 0; !err && i < r->cnt; i++) {
		double n = weight(&r->row[i], mean) / sum * (double)cnt;

		err = fn(ctx, r->row[i].stack, alloc_class__size(class), n, n * size);
	}
	return err;
}

static int each_large(const struct class_rows *r, uint64_t cnt, uint64_t bytes, alloc_row_fn fn,
		      void *ctx)
{
	double seen = 0, seen_bytes = 0;
	int err = 0;

	for (size_t i = 0; i < r->cnt; i++) {
		seen += (double)r->row[i].cnt;
		seen_bytes += (double)r->row[i].used;
	}
	if (!(seen_bytes > 0))
		return fn(ctx, 0, 0, (double)cnt, (double)bytes);
	for (size_t i = 0; !err && i < r->cnt; i++)
		err = fn(ctx, r->row[i].stack, 0, (double)r->row[i].cnt / seen * (double)cnt,
			 (double)r->row[i].used / seen_bytes * (double)bytes);
	return err;
}

int alloc_estimate__each(const struct alloc_estimate *e, const struct alloc_totals *begin,
			 const struct alloc_totals *end, alloc_row_fn fn, void *ctx)
{
	int err = 0;

	if (end->cnt[0] > begin->cnt[0])
		err = each_large(&e->of[0], end->cnt[0] - begin->cnt[0],
				 end->large_bytes - begin->large_bytes, fn, ctx);
	for (unsigned c = 1; !err && c < ALLOC_CLASSES; c++) {
		if (end->cnt[c] > begin->cnt[c])
			err = each_small(&e->of[c], c, end->cnt[c] - begin->cnt[c], fn, ctx);
	}
	return err;
}
