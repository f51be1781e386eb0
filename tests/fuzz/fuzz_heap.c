/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory profile: as a raw file has it (first byte 0), and as the memory of a target whose
 * bytes are the input (1: the second byte is the Go version); the totals of allocations as a raw
 * file has them (2).
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/alloc_totals.h"
#include "goruntime/heap_buckets.h"

#define BASE UINT64_C(0x10000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct heap_buckets *h)
{
	for (size_t i = 0; i < h->cnt; i++) {
		if ((uint64_t)h->b[i].pcs_off + h->b[i].pcs_cnt > h->pcs_cnt ||
		    h->b[i].frees > h->b[i].allocs)
			abort();
	}
}

static void parse(const uint8_t *data, size_t size)
{
	struct heap_buckets *h = NULL, *again = NULL;
	struct buf a = {0}, b = {0};

	if (heap_buckets__parse(span__of(data, size), &h))
		return;
	check(h);
	/* what was parsed is stored and parsed again the same (bytes behind why's end aside) */
	if (heap_buckets__serialize(h, &a) ||
	    heap_buckets__parse(span__of(a.data, a.len), &again) ||
	    heap_buckets__serialize(again, &b) || a.len != b.len || memcmp(a.data, b.data, a.len))
		abort();
	heap_buckets__free(h);
	heap_buckets__free(again);
	buf__free(&a);
	buf__free(&b);
}

static int memory_readv(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
			size_t cnt)
{
	const struct span *mem = ctx;

	for (size_t i = 0; i < cnt; i++) {
		if (addrs[i] < BASE || span__copy(*mem, addrs[i] - BASE, dst[i], lens[i]))
			return -EFAULT;
	}
	return 0;
}

/* The head of the list is the first word of the memory; the lock is free. */
static void read_memory(const uint8_t *data, size_t size, unsigned minor)
{
	struct span mem = span__of(data, size);
	const struct gobinary_globals globals = {.mbuckets = BASE,
						 .mprof_cycle = BASE + 8,
						 .mem_profile_rate = BASE + 16,
						 .mprof_lock = BASE + 24,
						 .memstats = BASE};
	const struct snap_source src = {
		.rd = {memory_readv, &mem}, .globals = &globals, .go_minor = minor};
	struct heap_buckets *h = NULL;

	if (size < 32 || memcmp(data + 24, "\0\0\0\0\0\0\0\0", 8) || heap_buckets__read(&src, &h))
		return;
	check(h);
	if (h->gc.known && !(h->gc.cpu_fraction >= 0 && h->gc.num_forced_gc <= h->gc.num_gc))
		abort();
	heap_buckets__free(h);
}

static void parse_totals(const uint8_t *data, size_t size)
{
	struct alloc_slices s, again;
	struct buf b = {0};

	if (alloc_slices__parse(span__of(data, size), &s))
		return;
	if (s.end.large_bytes < s.begin.large_bytes || alloc_slices__serialize(&s, &b) ||
	    alloc_slices__parse(span__of(b.data, b.len), &again) || again.on_ns != s.on_ns)
		abort();
	buf__free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] & 2)
		parse_totals(data + 2, size - 2);
	else if (data[0] & 1)
		read_memory(data + 2, size - 2, 18 + data[1] % 10);
	else
		parse(data + 2, size - 2);
	return 0;
}
