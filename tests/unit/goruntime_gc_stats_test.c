/* SPDX-License-Identifier: GPL-2.0-only */
/* memstats as a runtime has it, built by hand and read through the reader. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/gc_stats.h"

#define BASE UINT64_C(0x500000)
#define BIAS 0x1000

/* Offsets in memstats of Go 1.22 and 1.26, by their DWARF. */
enum {
	LAST_GC_22 = 3592,
	LAST_GC_26 = 3568,
	/* behind last_gc_unix */
	TOTAL = 8,
	PAUSE_NS = 16,
	PAUSE_END = PAUSE_NS + 2048,
	NUM = PAUSE_END + 2048,
	FORCED = NUM + 4,
	FRACTION = NUM + 8,
};

struct world {
	uint8_t mem[8192];
	uint64_t last_gc; /* offset */
	unsigned reads;
	void (*meddle)(struct world *w);
	struct gobinary_globals globals;
	struct snap_source src;
};

static int world_readv(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		       size_t cnt)
{
	struct world *w = ctx;

	w->reads++;
	if (w->meddle)
		w->meddle(w);
	for (size_t i = 0; i < cnt; i++) {
		if (addrs[i] < BASE || addrs[i] - BASE > sizeof(w->mem) ||
		    lens[i] > sizeof(w->mem) - (addrs[i] - BASE))
			return -EFAULT;
		memcpy(dst[i], w->mem + (addrs[i] - BASE), lens[i]);
	}
	return 0;
}

static void put64(struct world *w, uint64_t off, uint64_t v)
{
	memcpy(w->mem + w->last_gc + off, &v, sizeof(v));
}

static void put32(struct world *w, uint64_t off, uint32_t v)
{
	memcpy(w->mem + w->last_gc + off, &v, sizeof(v));
}

/* As after n collections of 100, 101 … ns, which ended at 1000, 1001 … */
static void collect(struct world *w, uint32_t n)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < n; i++) {
		put64(w, PAUSE_NS + 8 * (i % 256), 100 + i);
		put64(w, PAUSE_END + 8 * (i % 256), 1000 + i);
		put64(w, 0, 1000 + i);
		total += 100 + i;
	}
	put64(w, TOTAL, total);
	put32(w, NUM, n);
}

static void world_init(struct world *w, unsigned minor, uint32_t collections)
{
	const double fraction = 0.25;

	*w = (struct world){.last_gc = minor < 25 ? LAST_GC_22 : LAST_GC_26};
	w->globals.memstats = BASE - BIAS;
	w->src = (struct snap_source){
		.rd = {world_readv, w}, .globals = &w->globals, .bias = BIAS, .go_minor = minor};
	memset(w->mem, 0x55, w->last_gc - 24);
	put64(w, (uint64_t)-24, 4096);
	put64(w, (uint64_t)-8, 777);
	collect(w, collections);
	put32(w, FORCED, collections ? 1 : 0);
	memcpy(w->mem + w->last_gc + FRACTION, &fraction, sizeof(fraction));
}

static void words_of_each_layout(void **state)
{
	static const unsigned minors[] = {19, 22, 24, 25, 27};

	for (size_t i = 0; i < 5; i++) {
		struct gc_stats s;
		struct world w;

		world_init(&w, minors[i], 3);
		assert_int_equal(gc_stats__read(&w.src, &s), 0);
		assert_true(s.known);
		assert_int_equal(s.buckhash_sys, 4096);
		assert_int_equal(s.other_sys, 777);
		assert_int_equal(s.next_gc, 0); /* without the pacer's words */
		assert_int_equal(s.last_gc, 1002);
		assert_int_equal(s.pause_ns[2], 102);
		assert_int_equal(s.pause_end[0], 1000);
		assert_int_equal(s.pause_ns[3], 0);
		assert_int_equal(s.num_gc, 3);
		assert_int_equal(s.num_forced_gc, 1);
		assert_true(s.cpu_fraction == 0.25);
	}
}

static void the_ring_goes_round(void **state)
{
	static const uint32_t counts[] = {0, 1, 255, 256, 257, 1000};

	for (size_t i = 0; i < 6; i++) {
		struct gc_stats s;
		struct world w;

		world_init(&w, 26, counts[i]);
		assert_int_equal(gc_stats__read(&w.src, &s), 0);
		assert_true(s.known);
		assert_int_equal(s.num_gc, counts[i]);
		assert_int_equal(s.last_gc, counts[i] ? 999 + counts[i] : 0);
	}
}

static void what_contradicts_itself_is_not_known(void **state)
{
	static const struct {
		uint64_t off, value; /* from last_gc_unix on */
	} wrong[] = {
		{0, 1003},			/* not the ring's last */
		{TOTAL, 304},			/* not its sum */
		{PAUSE_NS + 8 * 200, 1},	/* of a collection that was not */
		{PAUSE_END + 8 * 200, 1},	/* the same */
		{NUM, 4},			/* not the ring's, and none forced */
		{NUM, 3 | 4ull << 32},		/* more forced than were */
		{FRACTION, 0x4000000000000000}, /* 2.0 */
		{FRACTION, 0xbfe0000000000000}, /* -0.5 */
		{FRACTION, 0x7ff8000000000000}, /* NaN */
		{(uint64_t)-24, 1ull << 50},
		{(uint64_t)-8, 1ull << 50},
	};
	struct gc_stats s;
	struct world w;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		world_init(&w, 22, 3);
		put64(&w, wrong[i].off, wrong[i].value);
		assert_int_equal(gc_stats__read(&w.src, &s), 0);
		assert_false(s.known);
		assert_int_equal(s.num_gc, 0);
	}
}

static void tick(struct world *w)
{
	if (w->reads == 2)
		collect(w, 4);
}

static void end_of_a_collection_between_reads(void **state)
{
	struct gc_stats s;
	struct world w;

	world_init(&w, 27, 3);
	w.meddle = tick;
	assert_int_equal(gc_stats__read(&w.src, &s), 0);
	assert_true(s.known);
	assert_int_equal(s.num_gc, 4);
	assert_int_equal(w.reads, 4);
}

static void not_known_here(void **state)
{
	struct gc_stats s;
	struct world w;

	world_init(&w, 18, 3); /* has its sums in other places */
	assert_int_equal(gc_stats__read(&w.src, &s), 0);
	assert_false(s.known);
	world_init(&w, 22, 3);
	w.globals.memstats = 0;
	assert_int_equal(gc_stats__read(&w.src, &s), 0);
	assert_false(s.known);
	w.globals.memstats = BASE - BIAS + sizeof(w.mem) - 4096;
	assert_int_equal(gc_stats__read(&w.src, &s), 0);
	assert_false(s.known);
}

static int no_process(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		      size_t cnt)
{
	return -ESRCH;
}

static void target_ended(void **state)
{
	struct gc_stats s;
	struct world w;

	world_init(&w, 22, 3);
	w.src.rd.readv = no_process;
	assert_int_equal(gc_stats__read(&w.src, &s), -ESRCH);
	assert_false(s.known);
}

static void stored_and_taken(void **state)
{
	struct gc_stats s, again;
	struct buf b = {0};
	uint64_t off = 0;
	struct world w;

	world_init(&w, 22, 300);
	assert_int_equal(gc_stats__read(&w.src, &s), 0);
	gc_stats__put(&s, &b);
	assert_int_equal(gc_stats__take(span__of(b.data, b.len), &off, &again), 0);
	assert_int_equal(off, b.len);
	assert_memory_equal(&again, &s, sizeof(s));
	for (size_t n = 0; n < b.len; n++) {
		off = 0;
		assert_int_equal(gc_stats__take(span__of(b.data, n), &off, &again), -EBADMSG);
	}
	off = 0;
	b.data[0] = 2;
	assert_int_equal(gc_stats__take(span__of(b.data, b.len), &off, &again), -EBADMSG);
	off = 0;
	b.data[0] = 1;
	b.data[b.len - 1] = 0x7f; /* no fraction */
	assert_int_equal(gc_stats__take(span__of(b.data, b.len), &off, &again), -EBADMSG);
	buf__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_each_layout),
		cmocka_unit_test(the_ring_goes_round),
		cmocka_unit_test(what_contradicts_itself_is_not_known),
		cmocka_unit_test(end_of_a_collection_between_reads),
		cmocka_unit_test(not_known_here),
		cmocka_unit_test(target_ended),
		cmocka_unit_test(stored_and_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
