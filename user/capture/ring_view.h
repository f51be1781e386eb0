/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_RING_VIEW_H
#define CAPTURE_RING_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A BPF ring buffer as the tool sees it (kernel/bpf/ringbuf.c). Libraries map its data twice in a
 * row, so that a record at the end is in one piece; the kernel counts both in the tool's resident
 * memory. Here it is mapped once, and the few records that go over the end are copied together.
 */
#define RING_RECORD_MAX 65536

struct ring_view {
	const uint8_t *data;
	size_t sz; /* a power of two */
	const uint64_t *producer;
	uint64_t *consumer; /* ours */
};

/*
 * What was there when it was called, up to a record that is still being written. rec is borrowed
 * during the call. Negative: fn's, which ends it, or -EBADMSG for a record that no program writes.
 * Else the number of records. over: RING_RECORD_MAX bytes, for records that go over the end.
 */
typedef int (*ring_view_fn)(void *ctx, void *rec, size_t len);
int ring_view__drain(const struct ring_view *v, ring_view_fn fn, void *ctx, void *over);
/* Is there anything in it, be it a record that is still being written? */
bool ring_view__pending(const struct ring_view *v);

#endif
