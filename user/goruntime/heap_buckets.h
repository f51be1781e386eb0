/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_HEAP_BUCKETS_H
#define GORUNTIME_HEAP_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "goruntime/gc_stats.h"
#include "goruntime/snapshot.h"

/*
 * The runtime's own memory profile (src/runtime/mprof.go), read from outside: what
 * runtime.MemProfile would return at this moment, counts not yet scaled. The runtime samples one
 * allocation in `rate` bytes and publishes what a garbage collection has found: up to two
 * cycles old, as /debug/pprof/heap is.
 */
struct heap_bucket {
	uint64_t size;		   /* bytes of each object */
	uint64_t allocs;	   /* sampled objects, since the program began */
	uint64_t frees;		   /* of these, ≤ allocs */
	uint32_t pcs_off, pcs_cnt; /* pcs[pcs_off …], leaf first: return addresses, one for each
				    * physical frame; the allocator's own frames are left out as
				    * runtime/pprof does */
	uint32_t hidden_cnt;	   /* those: logical PCs, in front of pcs_off; 0 in older streams */
};

struct heap_buckets {
	char why[160];	/* why there is no profile; "" there is one */
	uint64_t rate;	/* runtime.MemProfileRate: one sample in so many bytes */
	bool before_gc; /* no collection yet: everything up to now, as runtime.MemProfile does then
			 */
	struct heap_bucket *b;
	size_t cnt; /* in no order */
	uint64_t *pcs;
	size_t pcs_cnt;
	struct gc_stats gc;   /* of about the same moment; unknown in older streams */
	uint64_t retried_cnt; /* reads that the runtime's own work disturbed; not stored */
};

/*
 * Without bin in src the stacks stay logical as the runtime has them. -ENOMEM, -ESRCH and other
 * errors of the reader; what stands in the way of a profile is no error but a reason in `why`.
 */
int heap_buckets__read(const struct snap_source *src, struct heap_buckets **out);
void heap_buckets__free(struct heap_buckets *h);

/* Little endian, versioned by its first words; parse: -EBADMSG with one message, -ENOMEM. */
int heap_buckets__serialize(const struct heap_buckets *h, struct buf *out);
int heap_buckets__parse(struct span in, struct heap_buckets **out);

/* ---- within the room ---- */

/*
 * A stack as the runtime keeps it has a PC for each logical frame. In place: frames of the runtime
 * at the leaf are passed over as runtime/pprof's writeHeapProto does, the first *hidden; of what
 * follows, the PCs that stand for inlined calls are dropped. Returns how many are left behind the
 * hidden ones.
 */
size_t heap_stack__physical(const struct gobinary *b, uint64_t bias, unsigned go_minor,
			    uint64_t *pcs, size_t cnt, size_t *hidden);

#endif
