/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_ALLOC_ESTIMATE_H
#define ANALYSIS_ALLOC_ESTIMATE_H

#include "goruntime/alloc_totals.h"
#include "gobpftrace_abi.h"

/*
 * Who allocates, from samples: whoever needs a new span for a size class stands for the objects
 * that were taken from the one before (GBT_ALLOC), whoever allocates a large object for it. Then
 * each size class is scaled to what the runtime counted in the window: totals are exact, the
 * split within a class is an estimate.
 *
 * Not unbiased: it is always the first object of a span that is seen. Goroutines that allocate in
 * lockstep (four sites in strict rotation, 25 % each) may come out as 12 to 38 %.
 */
struct alloc_estimate;

int alloc_estimate__new(struct alloc_estimate **out);
void alloc_estimate__free(struct alloc_estimate *e);
/* Other kinds than GBT_ALLOC are passed over. 0 or -ENOMEM. */
int alloc_estimate__event(struct alloc_estimate *e, const struct gbt_hdr *rec);
uint64_t alloc_estimate__samples(const struct alloc_estimate *e);

/*
 * A row a stack and size class, in no order. stack 0: of a class that was allocated from, but not
 * sampled. size: of each object, 0: large ones of any size. A negative return of fn ends it.
 */
typedef int (*alloc_row_fn)(void *ctx, uint64_t stack, uint64_t size, double objects, double bytes);
int alloc_estimate__each(const struct alloc_estimate *e, const struct alloc_totals *begin,
			 const struct alloc_totals *end, alloc_row_fn fn, void *ctx);

#endif
