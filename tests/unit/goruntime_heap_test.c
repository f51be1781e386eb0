/* SPDX-License-Identifier: GPL-2.0-only */
/* The runtime's list of memory-profile buckets, built by hand and read through the reader. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/heap_buckets.h"

#define BASE UINT64_C(0xc000000000)
#define MEM_SZ (1u << 16)
#define BIAS 0x1000

/* Where things are, behind BASE; the globals are link-time addresses, BIAS lower. */
enum {
	MBUCKETS = 0x10,
	CYCLE = 0x18,
	LOCK = 0x20,
	RATE = 0x28,
	HEAP = 0x1000
};

struct world {
	uint8_t *mem;
	uint64_t end; /* of the last bucket, address */
	unsigned reads;
	void (*meddle)(struct world *w); /* before each read */
	struct gobinary_globals globals;
	struct snap_source src;
};

struct made {
	uint64_t size;
	size_t nstk;
	uint64_t pcs[40];
	uint64_t cycles[4][2]; /* allocs, frees of active, future[0..2] */
};

static void put64(struct world *w, uint64_t addr, uint64_t v)
{
	assert_true(addr >= BASE && addr + 8 <= BASE + MEM_SZ);
	memcpy(w->mem + (addr - BASE), &v, sizeof(v));
}

static void put32(struct world *w, uint64_t addr, uint32_t v)
{
	memcpy(w->mem + (addr - BASE), &v, sizeof(v));
}

static uint64_t get64(const struct world *w, uint64_t addr)
{
	uint64_t v;

	memcpy(&v, w->mem + (addr - BASE), sizeof(v));
	return v;
}

static int world_readv(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		       size_t cnt)
{
	struct world *w = ctx;

	w->reads++;
	if (w->meddle)
		w->meddle(w);
	for (size_t i = 0; i < cnt; i++) {
		if (addrs[i] < BASE || addrs[i] - BASE > MEM_SZ ||
		    lens[i] > MEM_SZ - (addrs[i] - BASE))
			return -EFAULT;
		memcpy(dst[i], w->mem + (addrs[i] - BASE), lens[i]);
	}
	return 0;
}

static void world_init(struct world *w, unsigned minor)
{
	*w = (struct world){.mem = calloc(1, MEM_SZ), .end = BASE + HEAP};
	assert_non_null(w->mem);
	w->globals.mbuckets = BASE + MBUCKETS - BIAS;
	w->globals.mprof_cycle = BASE + CYCLE - BIAS;
	w->globals.mprof_lock = BASE + LOCK - BIAS;
	w->globals.mem_profile_rate = BASE + RATE - BIAS;
	w->src = (struct snap_source){
		.rd = {world_readv, w}, .globals = &w->globals, .bias = BIAS, .go_minor = minor};
	put64(w, BASE + RATE, 512 << 10);
}

static void world_free(struct world *w)
{
	free(w->mem);
}

/* The hash as src/runtime/mprof.go computes it, over the bytes as they are in memory. */
static uint64_t hash_of(const struct made *m)
{
	uint64_t h = 0;
	size_t i = 0;

	while (i < m->nstk) {
		h += m->pcs[i++];
		h += h << 10;
		h ^= h >> 6;
	}
	h += m->size;
	h += h << 10;
	h ^= h >> 6;
	h += h << 3;
	return h ^ h >> 11;
}

static uint64_t record_of(uint64_t bucket, const struct made *m)
{
	return bucket + 48 + m->nstk * 8;
}

static void put_cycles(struct world *w, uint64_t bucket, const struct made *m)
{
	size_t words = w->src.go_minor >= 27 ? 2 : 4;
	uint64_t at = record_of(bucket, m);

	for (size_t c = 0; c < 4; c++) {
		for (size_t k = 0; k < 2; k++) {
			put64(w, at + (c * words + k) * 8, m->cycles[c][k]);
			if (words == 4)
				put64(w, at + (c * words + 2 + k) * 8, m->cycles[c][k] * m->size);
		}
	}
}

/* At the head of the list, as the runtime does. */
static uint64_t put_bucket(struct world *w, const struct made *m)
{
	uint64_t at = w->end;

	put64(w, at, 0x1234);
	put64(w, at + 8, get64(w, BASE + MBUCKETS));
	put64(w, at + 16, 1);
	put64(w, at + 24, hash_of(m));
	put64(w, at + 32, m->size);
	put64(w, at + 40, m->nstk);
	for (size_t i = 0; i < m->nstk; i++)
		put64(w, at + 48 + i * 8, m->pcs[i]);
	put_cycles(w, at, m);
	put64(w, BASE + MBUCKETS, at);
	w->end = at + 48 + m->nstk * 8 + 128;
	return at;
}

static struct heap_buckets *read_ok(struct world *w)
{
	struct heap_buckets *h = NULL;

	assert_int_equal(heap_buckets__read(&w->src, &h), 0);
	assert_non_null(h);
	return h;
}

static void refused(struct world *w, const char *part)
{
	struct heap_buckets *h = read_ok(w);

	if (!strstr(h->why, part))
		fail_msg("'%s' does not say '%s'", h->why, part);
	assert_int_equal(h->cnt, 0);
	heap_buckets__free(h);
}

static const struct made three[] = {
	{.size = 48,
	 .nstk = 3,
	 .pcs = {0x401000, 0x402000, 0x403000},
	 .cycles = {{10, 4}, {1, 2}, {30, 3}, {500, 5}}},
	{.size = 8192, .nstk = 1, .pcs = {0x401000}, .cycles = {{7, 0}, {2, 6}, {0, 0}, {9, 9}}},
	{.size = 16, .nstk = 40, .pcs = {0x401001, 2, 3}, .cycles = {{1, 1}}},
};

static void put_three(struct world *w)
{
	for (size_t i = 0; i < 3; i++)
		put_bucket(w, &three[i]);
}

/* Newest first: three[2], three[1], three[0]. slot: which future cycle is shown with active. */
static void shows_cycle(unsigned minor, uint32_t word, unsigned slot)
{
	struct heap_buckets *h;
	struct world w;

	world_init(&w, minor);
	put_three(&w);
	put32(&w, BASE + CYCLE, word);
	h = read_ok(&w);
	assert_string_equal(h->why, "");
	assert_int_equal(h->cnt, 3);
	assert_int_equal(h->rate, 512 << 10);
	assert_false(h->before_gc);
	for (size_t i = 0; i < 3; i++) {
		const struct made *m = &three[2 - i];

		assert_int_equal(h->b[i].size, m->size);
		assert_int_equal(h->b[i].pcs_cnt, m->nstk);
		assert_memory_equal(h->pcs + h->b[i].pcs_off, m->pcs, m->nstk * 8);
		assert_int_equal(h->b[i].allocs, m->cycles[0][0] + m->cycles[1 + slot][0]);
		assert_int_equal(h->b[i].frees, m->cycles[0][1] + m->cycles[1 + slot][1]);
	}
	heap_buckets__free(h);
	world_free(&w);
}

static void active_and_current_cycle(void **state)
{
	static const unsigned minors[] = {19, 22, 26, 27};

	for (size_t i = 0; i < 4; i++) {
		shows_cycle(minors[i], 0, 0);
		shows_cycle(minors[i], 1, 0); /* the flag: flushed */
		shows_cycle(minors[i], 1 << 1, 1);
		shows_cycle(minors[i], 7 << 1 | 1, 1);
		shows_cycle(minors[i], 8 << 1, 2);
	}
	/* mProf.cycle has no flag in it */
	shows_cycle(18, 3, 0);
	shows_cycle(18, 7, 1);
}

static void before_the_first_collection(void **state)
{
	const struct made m = {.size = 64,
			       .nstk = 1,
			       .pcs = {0x401000},
			       .cycles = {{0, 0}, {0, 0}, {1, 1}, {20, 2}}};
	struct heap_buckets *h;
	struct world w;

	world_init(&w, 26);
	put_bucket(&w, &m);
	h = read_ok(&w);
	assert_true(h->before_gc);
	assert_int_equal(h->b[0].allocs, 21);
	assert_int_equal(h->b[0].frees, 3);
	heap_buckets__free(h);
	world_free(&w);
}

static void no_profile(void **state)
{
	struct heap_buckets *h;
	struct world w;

	world_init(&w, 26);
	h = read_ok(&w); /* on, nothing sampled yet */
	assert_string_equal(h->why, "");
	assert_int_equal(h->cnt, 0);
	heap_buckets__free(h);
	put64(&w, BASE + RATE, 0);
	refused(&w, "MemProfileRate is 0");
	/* what was allocated before it was switched off is no profile */
	put_three(&w);
	refused(&w, "MemProfileRate is 0");
	w.globals.mprof_lock = 0;
	refused(&w, "not found");
	world_free(&w);
}

static void damaged_buckets(void **state)
{
	static const struct {
		uint64_t off, val;
		const char *why;
	} damage[] = {
		{8, BASE + HEAP + 4, "pointer"},
		{8, BASE + MEM_SZ + 4096, "unmapped bucket"},
		{16, 2, "bucket type"},
		{24, 1, "hash of bucket"},
		{32, 49, "hash of bucket"},
		{40, 2, "hash of bucket"},
		{40, 1u << 30, "depth of stack"},
		{40, UINT64_MAX, "depth of stack"},
		{48, 0x401008, "hash of bucket"},
		{40, 1026, "hash of bucket"},
		{8, BASE + MEM_SZ - 8, "unmapped"},
	};

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct world w;
		uint64_t at;

		world_init(&w, 26);
		put_bucket(&w, &three[1]);
		at = put_bucket(&w, &three[0]);
		put_bucket(&w, &three[2]);
		put64(&w, at + damage[i].off, damage[i].val);
		refused(&w, damage[i].why);
		world_free(&w);
	}
}

static void endless_list(void **state)
{
	struct world w;
	uint64_t first;

	world_init(&w, 27);
	first = put_bucket(&w, &three[0]);
	put_bucket(&w, &three[1]);
	put64(&w, first + 8, get64(&w, BASE + MBUCKETS));
	/* the walk begins with another bucket, so that it never meets its own begin by chance */
	put_bucket(&w, &three[2]);
	refused(&w, "than there can be");
	world_free(&w);
}

/* ---- a runtime that goes on ---- */

/* Reads of a try: the words, a list of three (one of them in two parts), its counters twice, the
 * words again. A collection between them: */
static void next_cycle(struct world *w)
{
	if (w->reads == 6)
		put32(w, BASE + CYCLE, 1 << 1);
}

static void cycle_changes(void **state)
{
	struct heap_buckets *h;
	struct world w;

	world_init(&w, 26);
	put_three(&w);
	w.meddle = next_cycle;
	h = read_ok(&w);
	assert_string_equal(h->why, "");
	assert_int_equal(h->retried_cnt, 1);
	assert_int_equal(h->b[2].allocs, 10 + 30);
	heap_buckets__free(h);
	world_free(&w);
}

/* mProf_PostSweep moves the next cycle into the profile without any flag. */
static void flush_between(struct world *w)
{
	struct made m = three[0];

	if (w->reads != 7)
		return;
	m.cycles[0][0] += m.cycles[2][0];
	m.cycles[0][1] += m.cycles[2][1];
	m.cycles[2][0] = m.cycles[2][1] = 0;
	put_cycles(w, BASE + HEAP, &m);
}

static void flush_without_a_flag(void **state)
{
	struct heap_buckets *h;
	struct world w;

	world_init(&w, 27);
	put_three(&w);
	w.meddle = flush_between;
	h = read_ok(&w);
	assert_string_equal(h->why, "");
	assert_int_equal(h->retried_cnt, 1);
	assert_int_equal(h->b[2].allocs, 10 + 1 + 30);
	heap_buckets__free(h);
	world_free(&w);
}

/* A new stack while the list is read again. */
static void grow(struct world *w)
{
	next_cycle(w);
	if (w->reads == 6)
		put_bucket(w, &three[2]);
}

static void list_grows(void **state)
{
	struct heap_buckets *h;
	struct world w;

	world_init(&w, 26);
	put_bucket(&w, &three[0]);
	put_bucket(&w, &three[1]);
	w.meddle = grow;
	w.reads = 1; /* one bucket less to read than in the other tests */
	h = read_ok(&w);
	assert_string_equal(h->why, "");
	assert_int_equal(h->cnt, 3);
	assert_int_equal(h->retried_cnt, 1);
	assert_int_equal(h->b[2].pcs_cnt, 40); /* met last */
	heap_buckets__free(h);
	world_free(&w);
}

static void lock_is_held(void **state)
{
	struct world w;

	world_init(&w, 26);
	put_three(&w);
	put64(&w, BASE + LOCK, 1);
	refused(&w, "during each of");
	world_free(&w);
}

static void records_do_not_fit(void **state)
{
	struct made m = three[0];
	struct world w;

	world_init(&w, 26);
	put_three(&w);
	put64(&w, record_of(BASE + HEAP, &m) + 16, 1); /* alloc_bytes of active */
	refused(&w, "record");
	m.cycles[0][1] = 100; /* more frees than allocations */
	put_cycles(&w, BASE + HEAP, &m);
	refused(&w, "record");
	m.cycles[0][0] = UINT64_MAX / 2;
	put_cycles(&w, BASE + HEAP, &m);
	refused(&w, "record");
	world_free(&w);
	/* what is not published yet may be in the middle of a change */
	world_init(&w, 26);
	m = (struct made){.size = 64, .nstk = 1, .pcs = {0x401000}, .cycles = {{0}, {0}, {1}}};
	put_bucket(&w, &m);
	put64(&w, record_of(BASE + HEAP, &m) + 64 + 16, 0);
	refused(&w, "during each of");
	world_free(&w);
}

static void target_ended(void **state)
{
	struct heap_buckets *h = NULL;
	struct world w;

	world_init(&w, 26);
	w.globals.mbuckets = 4096;
	assert_int_equal(heap_buckets__read(&w.src, &h), -EFAULT);
	assert_null(h);
	world_free(&w);
}

/* ---- stored ---- */

static void stored_and_parsed(void **state)
{
	struct heap_buckets *h, *again = NULL;
	struct buf a = {0}, b = {0};
	struct world w;
	size_t end;

	world_init(&w, 26);
	put_three(&w);
	h = read_ok(&w);
	assert_int_equal(heap_buckets__serialize(h, &a), 0);
	assert_int_equal(heap_buckets__parse(span__of(a.data, a.len), &again), 0);
	assert_int_equal(again->cnt, 3);
	assert_int_equal(again->rate, h->rate);
	assert_memory_equal(again->b, h->b, 3 * sizeof(*h->b));
	assert_memory_equal(again->pcs, h->pcs, h->pcs_cnt * 8);
	assert_int_equal(heap_buckets__serialize(again, &b), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	heap_buckets__free(again);
	/* cut anywhere, or longer: refused */
	for (size_t n = 0; n < a.len; n++) {
		again = NULL;
		assert_int_equal(heap_buckets__parse(span__of(a.data, n), &again), -EBADMSG);
	}
	buf__u8(&a, 0);
	assert_int_equal(heap_buckets__parse(span__of(a.data, a.len), &again), -EBADMSG);
	/* a stack outside of the PCs, more frees than allocations */
	a.len--;
	end = a.len - 8; /* behind the buckets: gc_stats, unknown */
	a.data[end - 12]++;
	assert_int_equal(heap_buckets__parse(span__of(a.data, a.len), &again), -EBADMSG);
	a.data[end - 12]--;
	a.data[end - 24 + 7] = 1;
	assert_int_equal(heap_buckets__parse(span__of(a.data, a.len), &again), -EBADMSG);
	a.data[end - 24 + 7] = 0;
	/* the last stack has as many PCs in front of it, and not one more */
	a.data[end - 8] = (uint8_t)h->b[2].pcs_off;
	assert_int_equal(heap_buckets__parse(span__of(a.data, a.len), &again), 0);
	assert_int_equal(again->b[2].hidden_cnt, h->b[2].pcs_off);
	heap_buckets__free(again);
	a.data[end - 8]++;
	assert_int_equal(heap_buckets__parse(span__of(a.data, a.len), &again), -EBADMSG);
	heap_buckets__free(h);
	buf__free(&a);
	buf__free(&b);
	world_free(&w);
}

/* Streams of before hidden PCs were kept have rows of 32 bytes. */
static void stored_by_an_older_version(void **state)
{
	struct heap_buckets *h = NULL;
	struct buf b = {0};

	buf__u32(&b, 0x70616568);
	buf__u32(&b, 1);
	for (size_t i = 0; i < sizeof(h->why); i++)
		buf__u8(&b, 0);
	buf__u64(&b, 4096);
	buf__u64(&b, 0);
	buf__u64(&b, 1);
	buf__u64(&b, 0x401001);
	buf__u64(&b, 1);
	buf__u64(&b, 64);
	buf__u64(&b, 3);
	buf__u64(&b, 2);
	buf__u32(&b, 0);
	buf__u32(&b, 1);
	assert_int_equal(heap_buckets__parse(span__of(b.data, b.len), &h), 0);
	assert_int_equal(h->cnt, 1);
	assert_int_equal(h->b[0].size, 64);
	assert_int_equal(h->b[0].pcs_cnt, 1);
	assert_int_equal(h->b[0].hidden_cnt, 0);
	heap_buckets__free(h);
	b.data[4] = 3;
	assert_int_equal(heap_buckets__parse(span__of(b.data, b.len), &h), -EBADMSG);
	buf__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(active_and_current_cycle),
		cmocka_unit_test(before_the_first_collection),
		cmocka_unit_test(no_profile),
		cmocka_unit_test(damaged_buckets),
		cmocka_unit_test(endless_list),
		cmocka_unit_test(cycle_changes),
		cmocka_unit_test(flush_without_a_flag),
		cmocka_unit_test(list_grows),
		cmocka_unit_test(lock_is_held),
		cmocka_unit_test(records_do_not_fit),
		cmocka_unit_test(target_ended),
		cmocka_unit_test(stored_and_parsed),
		cmocka_unit_test(stored_by_an_older_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
