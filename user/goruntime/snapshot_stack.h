/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_STACK_H
#define GORUNTIME_SNAPSHOT_STACK_H

#include "goruntime/snapshot_read.h"

#define SNAP_STACK_CHUNK 2048 /* one read; most stacks of parked goroutines fit */

/*
 * The physical PCs of one parked goroutine, leaf first, by its frame pointers. The
 * storage grows and is used again for the next one.
 */
struct snap_unwind {
	uint64_t *pcs;
	size_t cnt, cap;
	bool cut;   /* the root was not reached */
	bool again; /* more memory was read than the first chunk: the words must be compared anew */
};

/* Has it a stack that stands still? */
bool snap_stack__is_parked(uint32_t status);
/* Where its saved stack pointer is: [*sp, *sp + *len) is the first chunk to read; false when its
 * words make no sense, or it has none (running, dead). */
bool snap_stack__first(const struct g_words *g, uint64_t *sp, size_t *len);
/* chunk: what snap_stack__first asked for. 0, -ENOMEM, or the reader's error. */
int snap_stack__unwind(const struct snap_source *src, const struct g_words *g, const uint8_t *chunk,
		       size_t len, size_t frames_max, struct snap_unwind *u);

#endif
