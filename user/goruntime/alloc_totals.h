/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_ALLOC_TOTALS_H
#define GORUNTIME_ALLOC_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "goruntime/snapshot.h"

/*
 * What the runtime has allocated in all, by size class: exact, but for what was taken from spans
 * that a P still has in its cache. Source: memstats.heapStats, src/runtime/mstats.go, Go 1.19-1.27.
 */
#define ALLOC_CLASSES 68 /* size classes; number 0 are large objects */

struct alloc_totals {
	uint64_t cnt[ALLOC_CLASSES]; /* objects */
	uint64_t large_bytes;	     /* of those of class 0, in whole pages */
};

/* Bytes of the objects of a class; 0 for large ones. src/runtime/sizeclasses.go, equal in Go
 * 1.18-1.27. */
uint64_t alloc_class__size(unsigned class);
/* The class that a large object is counted in has its pages. */
#define ALLOC_PAGE_SZ 8192u

/* What probes of allocations need of the layout, -1 not known: offsets in mcache and mspan as
 * struct gbt_config has them. */
struct alloc_offsets {
	int32_t mcache_alloc, span_count;
};
void alloc_offsets__of(unsigned go_minor, struct alloc_offsets *out);

/* Bytes of memstats.heapStats, which memstats begins with; 0: this version is not known. */
uint64_t alloc_totals__heap_stats_size(unsigned go_minor);

/*
 * -EOPNOTSUPP: this version is not known, or the runtime's words were not found; -EBADMSG: the
 * spans in the Ps' caches or the totals contradict the layout; why tells it in words. -errno of the
 * reader.
 */
int alloc_totals__read(const struct snap_source *src, struct alloc_totals *out, char *why,
		       size_t why_sz);

/* What an estimate of allocations rests on, for the raw file. */
struct alloc_slices {
	char why[160]; /* there is none; "" there is */
	struct alloc_totals begin, end;
	uint64_t on_ns, window_ns; /* probes were attached for on_ns */
	uint64_t slices;
	uint64_t max_overhead_pct; /* as asked */
};

int alloc_slices__serialize(const struct alloc_slices *s, struct buf *out);
/* -EBADMSG with one message. */
int alloc_slices__parse(struct span in, struct alloc_slices *out);

#endif
