/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_GC_STATS_H
#define GORUNTIME_GC_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "goruntime/snapshot.h"

/*
 * Those of runtime.MemStats that the runtime keeps as words of their own: what it publishes at the
 * end of each collection. Its sums of allocations are spread over processors and their caches; they
 * are not here. Source: memstats behind heapStats, src/runtime/mstats.go, Go 1.19-1.27; written by
 * gcMarkTermination (mgc.go) while the world is stopped.
 */
#define GC_STATS_RING 256

struct gc_stats {
	bool known;			   /* else all is 0 */
	uint64_t buckhash_sys, other_sys;  /* bytes */
	uint64_t next_gc;		   /* bytes; 0: not known exactly (a memory limit binds) */
	uint64_t last_gc;		   /* ns since 1970 */
	uint64_t pause_ns[GC_STATS_RING];  /* of collection n at [(n - 1) % 256] */
	uint64_t pause_end[GC_STATS_RING]; /* ns since 1970 */
	uint32_t num_gc, num_forced_gc;
	double cpu_fraction; /* 0 to 1 */
};

/*
 * Not known where this version or this binary does not tell where they are, and where what is there
 * contradicts itself: the ring must end with the last collection, and sum up to the total.
 * -ESRCH and other errors of the reader.
 */
int gc_stats__read(const struct snap_source *src, struct gc_stats *out);

/* As part of another section. take: at *off, which moves behind it; -EBADMSG. */
void gc_stats__put(const struct gc_stats *s, struct buf *out);
int gc_stats__take(struct span in, uint64_t *off, struct gc_stats *out);

#endif
