/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/ring_view.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

/* Bytes: every program that sends reads how far we are, which costs it a cache miss after each time
 * that we tell. */
#define TELL_EVERY 4096

/* The record's bytes in one piece. They are the kernel's own, written by our programs. */
static void *piece_of(const struct ring_view *v, uint64_t pos, size_t len, void *over)
{
	size_t at = pos & (v->sz - 1), first = v->sz - at;

	if (len <= first)
		return (void *)(uintptr_t)(v->data + at);
	memcpy(over, v->data + at, first);
	memcpy((uint8_t *)over + first, v->data, len - first);
	return over;
}

static void tell(const struct ring_view *v, uint64_t pos)
{
	__atomic_store_n(v->consumer, pos, __ATOMIC_RELEASE);
}

int ring_view__drain(const struct ring_view *v, ring_view_fn fn, void *ctx, void *over)
{
	uint64_t pos = *v->consumer, told = pos;
	uint64_t end = __atomic_load_n(v->producer, __ATOMIC_ACQUIRE);
	int err = 0, seen = 0;

	while (pos < end && err >= 0) {
		const uint32_t *hdr = (const uint32_t *)(v->data + (pos & (v->sz - 1)));
		uint32_t word = __atomic_load_n(hdr, __ATOMIC_ACQUIRE);
		size_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		uint64_t at = pos + BPF_RINGBUF_HDR_SZ;

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;
		if (len > RING_RECORD_MAX || len > v->sz) {
			err = -EBADMSG;
			break;
		}
		pos = (at + len + 7) & ~UINT64_C(7);
		err = word & BPF_RINGBUF_DISCARD_BIT ? 0 : fn(ctx, piece_of(v, at, len, over), len);
		seen += !(word & BPF_RINGBUF_DISCARD_BIT);
		if (pos - told >= TELL_EVERY) {
			tell(v, pos);
			told = pos;
		}
	}
	tell(v, pos);
	return err < 0 ? err : seen;
}

bool ring_view__pending(const struct ring_view *v)
{
	return __atomic_load_n(v->producer, __ATOMIC_ACQUIRE) != *v->consumer;
}
