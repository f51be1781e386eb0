/* SPDX-License-Identifier: GPL-2.0-only */
/* The runtime's totals of allocations, in a few pages of memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/alloc_totals.h"

#define BASE UINT64_C(0xc000000000)
#define MEM_SZ (1u << 16)

enum {
	ALLP = 0x10,
	GOMAXPROCS = 0x18,
	PS = 0x40,
	MEMSTATS = 0x100,
	P0 = 0x2000,
	MCACHE = 0x3000,
	EMPTY = 0x4000,
	SPAN = 0x4100,
	P_MCACHE = 56
};

struct world {
	uint8_t *mem;
	struct gobinary_globals globals;
	struct go_layout lay;
	struct snap_source src;
};

static void put64(struct world *w, uint64_t off, uint64_t v)
{
	memcpy(w->mem + off, &v, sizeof(v));
}

static int world_readv(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		       size_t cnt)
{
	struct world *w = ctx;

	for (size_t i = 0; i < cnt; i++) {
		if (addrs[i] < BASE || addrs[i] - BASE > MEM_SZ ||
		    lens[i] > MEM_SZ - (addrs[i] - BASE))
			return -EFAULT;
		memcpy(dst[i], w->mem + (addrs[i] - BASE), lens[i]);
	}
	return 0;
}

/* As Go 1.26 lays it out: a P whose cache has one span, of class 5 without pointers. */
static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->mem = calloc(1, MEM_SZ);
	assert_non_null(w->mem);
	memset(&w->lay, 0xff, sizeof(w->lay));
	w->lay.p_mcache = P_MCACHE;
	w->globals.allp = BASE + ALLP;
	w->globals.gomaxprocs = BASE + GOMAXPROCS;
	w->globals.memstats = BASE + MEMSTATS;
	w->src = (struct snap_source){
		.rd = {world_readv, w}, .globals = &w->globals, .lay = &w->lay, .go_minor = 26};
	put64(w, ALLP, BASE + PS);
	put64(w, GOMAXPROCS, 1);
	put64(w, PS, BASE + P0);
	put64(w, P0 + P_MCACHE, BASE + MCACHE);
	for (unsigned spc = 0; spc < 2 * ALLOC_CLASSES; spc++)
		put64(w, MCACHE + 48 + 8 * spc, BASE + EMPTY);
	put64(w, MCACHE + 48 + 8 * 11, BASE + SPAN);
	put64(w, SPAN + 104, 48);
	for (unsigned d = 0; d < 3; d++) {
		put64(w, MEMSTATS + d * 1168 + 48, 3 * ALLOC_PAGE_SZ);
		put64(w, MEMSTATS + d * 1168 + 56, 2);
		for (unsigned c = 0; c < ALLOC_CLASSES; c++)
			put64(w, MEMSTATS + d * 1168 + 64 + 8 * c, c * 10 + d);
	}
}

static int read_totals(struct world *w, struct alloc_totals *t, const char *part)
{
	char why[160] = "";
	int err = alloc_totals__read(&w->src, t, why, sizeof(why));

	if (!strstr(why, part))
		fail_msg("'%s' does not say '%s'", why, part);
	return err;
}

static void three_are_added_up(void **state)
{
	struct alloc_totals t;
	struct world w;

	world_init(&w);
	assert_int_equal(read_totals(&w, &t, ""), 0);
	assert_int_equal(t.large_bytes, 9 * ALLOC_PAGE_SZ);
	assert_int_equal(t.cnt[0], 6);
	for (unsigned c = 1; c < ALLOC_CLASSES; c++)
		assert_int_equal(t.cnt[c], 30 * c + 3);
	free(w.mem);
}

static void what_does_not_fit_is_refused(void **state)
{
	static const struct {
		uint64_t off, val;
	} damage[] = {
		{SPAN + 104, 64},			 /* the size of another class */
		{SPAN + 104, 0},			 /* no span at all to judge by */
		{MCACHE + 48 + 8 * 11, BASE + SPAN + 8}, /* not a span */
		{MCACHE + 48 + 8 * 20, 12},
		{P0 + P_MCACHE, 77},
		{MEMSTATS + 48, 100},			    /* no whole pages */
		{MEMSTATS + 56, 1000},			    /* more large objects than pages */
		{MEMSTATS + 64 + 8 * 9, UINT64_C(1) << 60}, /* more than there can be */
	};
	struct alloc_totals t;
	struct world w;

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		world_init(&w);
		put64(&w, SPAN + 8 + 104, 1);
		put64(&w, damage[i].off, damage[i].val);
		assert_int_equal(read_totals(&w, &t, "do not look as expected"), -EBADMSG);
		free(w.mem);
	}
	world_init(&w);
	w.src.go_minor = 18;
	assert_int_equal(read_totals(&w, &t, "not known for this version"), -EOPNOTSUPP);
	w.src.go_minor = 28;
	assert_int_equal(read_totals(&w, &t, "not known for this version"), -EOPNOTSUPP);
	w.src.go_minor = 26;
	w.globals.memstats = 0;
	assert_int_equal(read_totals(&w, &t, "were not found"), -EOPNOTSUPP);
	free(w.mem);
}

static void stored_and_parsed(void **state)
{
	struct alloc_slices s = {.why = "", .on_ns = 5, .window_ns = 10, .slices = 2}, again;
	struct buf b = {0};

	s.begin.cnt[3] = 7;
	s.end.cnt[3] = 9;
	s.end.cnt[0] = 1;
	s.end.large_bytes = 5 * ALLOC_PAGE_SZ;
	assert_int_equal(alloc_slices__serialize(&s, &b), 0);
	assert_int_equal(alloc_slices__parse(span__of(b.data, b.len), &again), 0);
	assert_memory_equal(&s, &again, sizeof(s));
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(alloc_slices__parse(span__of(b.data, n), &again), -EBADMSG);
	/* totals that fall */
	b.len = 0;
	s.begin.cnt[3] = 10;
	assert_int_equal(alloc_slices__serialize(&s, &b), 0);
	assert_int_equal(alloc_slices__parse(span__of(b.data, b.len), &again), -EBADMSG);
	buf__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_are_added_up),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(stored_and_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
