/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame-pointer walk of the BPF programs, compiled as user code, on recorded and on hostile
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gobpftrace_abi.h"

/* The target's memory: words at [mem_lo, mem_lo + 8 * mem_cnt), of which a hole is not there. */
static const uint64_t *mem;
static uint64_t mem_lo, mem_cnt, hole_lo, hole_hi;
static unsigned reads;

static int unwind_read(void *dst, __u32 sz, __u64 addr)
{
	reads++;
	memset(dst, 0, sz); /* as the kernel does */
	if (addr < mem_lo || addr - mem_lo > 8 * mem_cnt || 8 * mem_cnt - (addr - mem_lo) < sz)
		return -1;
	if (addr < hole_hi && addr + sz > hole_lo)
		return -1;
	memcpy(dst, (const char *)mem + (addr - mem_lo), sz);
	return 0;
}

#include "unwind.h"

#include "data/unwind_stack.inc"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct unwind u;

static void use(const uint64_t *words, uint64_t lo, uint64_t cnt)
{
	mem = words;
	mem_lo = lo;
	mem_cnt = cnt;
	hole_lo = hole_hi = 0;
	reads = 0;
	unwind_begin(&u, GBT_STACK_MAX);
	u.hi = lo + 8 * cnt;
}

/* A chain of n frames, each sz words long, at lo; the return address of frame i is 1000 + i. */
static uint64_t *chain(uint64_t lo, size_t n, size_t sz)
{
	uint64_t *words = calloc(n * sz + 2, 8);
	size_t i;

	assert_non_null(words);
	for (i = 0; i < n; i++) {
		words[i * sz] = i + 1 < n ? lo + 8 * (i + 1) * sz : 0;
		words[i * sz + 1] = 1000 + i;
	}
	return words;
}

static void test_recorded(void **state)
{
	size_t i;

	(void)state;
	use(recorded_words, recorded_lo, LEN(recorded_words));
	u.fp = recorded_fp;
	unwind_chase(&u);
	assert_int_equal(u.cnt, LEN(recorded_pcs));
	for (i = 0; i < LEN(recorded_pcs); i++)
		assert_int_equal(u.out.pcs[i], recorded_pcs[i]);
	assert_int_equal(u.fp, 0);
	assert_int_not_equal(unwind_end(&u), 0);
	assert_int_equal(u.flags, 0);
	/* one read, and one more behind the frame that is larger than the buffer */
	assert_int_equal(reads, 2);
}

static void test_first_words(void **state)
{
	__u64 val;

	(void)state;
	use(recorded_words, recorded_lo, LEN(recorded_words));
	assert_int_equal(unwind_word(&u, recorded_fp + 8, &val), 0);
	assert_int_equal(val, recorded_pcs[0]);
	assert_int_equal(unwind_word(&u, recorded_lo - 8, &val), -1);
	assert_int_equal(unwind_word(&u, recorded_lo + 1, &val), -1);
	/* the buffer that was read for the word serves the walk */
	assert_int_equal(unwind_word(&u, recorded_lo, &val), 0);
	reads = 0;
	u.fp = recorded_fp;
	unwind_chase(&u);
	assert_int_equal(u.cnt, LEN(recorded_pcs));
	assert_int_equal(reads, 1);
}

static void test_limit(void **state)
{
	uint64_t *words = chain(0x1000, 200, 4);

	(void)state;
	use(words, 0x1000, 802);
	u.fp = 0x1000;
	unwind_push(&u, 7);
	unwind_chase(&u);
	assert_int_equal(u.cnt, GBT_STACK_MAX);
	assert_int_equal(u.out.pcs[0], 7);
	assert_int_equal(u.out.pcs[GBT_STACK_MAX - 1], 1000 + GBT_STACK_MAX - 2);
	assert_int_not_equal(u.fp, 0);
	assert_int_not_equal(unwind_end(&u), 0);
	assert_int_equal(u.flags, GBT_F_STACK_CUT);
	unwind_push(&u, 8);
	assert_int_equal(u.cnt, GBT_STACK_MAX);

	/* a caller's own limit */
	use(words, 0x1000, 802);
	unwind_begin(&u, 100);
	u.hi = 0x1000 + 8 * 802;
	u.fp = 0x1000;
	unwind_chase(&u);
	assert_int_equal(u.cnt, 100);

	/* exactly as many as fit are no cut */
	use(words, 0x1000, 802);
	words[(GBT_STACK_MAX - 1) * 4] = 0;
	u.fp = 0x1000;
	unwind_chase(&u);
	unwind_end(&u);
	assert_int_equal(u.cnt, GBT_STACK_MAX);
	assert_int_equal(u.flags, 0);
	free(words);
}

static void cut_after_two(uint64_t bad_fp)
{
	uint64_t *words = chain(0x1000, 8, 4);

	words[4] = bad_fp;
	use(words, 0x1000, 34);
	u.fp = 0x1000;
	unwind_chase(&u);
	assert_int_equal(u.cnt, 2);
	assert_int_equal(u.fp, bad_fp);
	unwind_end(&u);
	assert_int_equal(u.flags, GBT_F_STACK_CUT);
	free(words);
}

static void test_bad_pointers(void **state)
{
	(void)state;
	cut_after_two(0x1000 + 4 * 8);	   /* itself */
	cut_after_two(0x1000);		   /* back: a loop */
	cut_after_two(0x1000 + 8 * 8 + 4); /* odd */
	cut_after_two(0x1000 + 8 * 8 + 1);
	cut_after_two(0x1000 + 34 * 8);	      /* the stack's end */
	cut_after_two(0x1000 + 34 * 8 - 8);   /* no room for a return address */
	cut_after_two(0xfffffffffffffff8ull); /* + 16 wraps */
	cut_after_two(0xfffffffffffffff0ull);
	cut_after_two(0x8000000000000000ull);
	cut_after_two(1);
}

static void test_stack_bounds(void **state)
{
	uint64_t *words = chain(0x1000, 8, 4);

	(void)state;
	use(words, 0x1000, 34);
	u.hi = 0x1000 + 2 * UNWIND_STACK_SZ_MAX; /* torn */
	u.fp = 0x1000;
	unwind_chase(&u);
	assert_int_equal(u.cnt, 0);
	assert_int_equal(unwind_end(&u), 0);
	use(words, 0x1000, 34);
	u.hi = 0;
	u.fp = 0x1000;
	unwind_chase(&u);
	assert_int_equal(u.cnt, 0);
	/* a return address of 0 ends a stack */
	use(words, 0x1000, 34);
	words[9] = 0;
	u.fp = 0x1000;
	unwind_chase(&u);
	assert_int_equal(u.cnt, 2);
	assert_int_equal(u.fp, 0);
	free(words);
}

/* The next page is not there: what is on this one is had. */
static void test_missing_page(void **state)
{
	uint64_t *words = chain(0x1f00, 64, 4);

	(void)state;
	use(words, 0x1f00, 258);
	hole_lo = 0x2000;
	hole_hi = 0x3000;
	u.fp = 0x1f00;
	unwind_chase(&u);
	assert_int_equal(u.cnt, 0x100 / 32);
	assert_int_equal(u.fp, 0x2000);
	unwind_end(&u);
	assert_int_equal(u.flags, GBT_F_STACK_CUT);
	free(words);
}

static uint64_t id_of(const uint64_t *pcs, size_t cnt, uint64_t fp)
{
	size_t i;

	unwind_begin(&u, GBT_STACK_MAX);
	for (i = 0; i < cnt; i++)
		unwind_push(&u, pcs[i]);
	u.fp = fp;
	return unwind_end(&u);
}

static void test_ids(void **state)
{
	static const uint64_t a[] = {1, 2, 3}, b[] = {1, 3, 2}, c[] = {0, 1, 2};
	uint64_t id = id_of(a, 3, 0);

	(void)state;
	assert_int_equal(id, id_of(a, 3, 0));
	assert_int_not_equal(id, id_of(b, 3, 0));
	assert_int_not_equal(id, id_of(a, 2, 0));
	assert_int_not_equal(id_of(c, 1, 0), id_of(c, 0, 0));
	assert_int_not_equal(id, id_of(a, 3, 8)); /* cut is another stack */
	assert_int_equal(id_of(a, 0, 0), 0);
}

/* Walked one by one and in the loop, a stack has the same id. */
static void test_ids_agree(void **state)
{
	uint64_t *words = chain(0x1000, 5, 4), pcs[] = {1000, 1001, 1002, 1003, 1004}, id;

	(void)state;
	use(words, 0x1000, 22);
	u.fp = 0x1000;
	unwind_chase(&u);
	id = unwind_end(&u);
	assert_int_equal(id, id_of(pcs, 5, 0));
	free(words);
}

/*
 * A goroutine's stack in a callback from C, as Go 1.27.4 lays it out on amd64: cgocallbackg's frame
 * with a frame pointer of the g0 stack, cgocallback's place, what asmcgocall left, cgocall's.
 * Up to 1.20 asmcgocall and systemstack_switch had no frame.
 */
#define CALLBACK_LO 0x4878a0
#define PARKED_LO 0x485f60
#define CALL_LO 0x47f780
#define G0_FP 0x7ffcc0de0010

static struct gbt_cgo cgo_127 = {
	.callback = {CALLBACK_LO, CALLBACK_LO + 0x13a},
	.parked = {PARKED_LO, PARKED_LO + 0x11},
	.call = {CALL_LO, CALL_LO + 0xe0},
	.callback_sz = 0x20,
	.parked_sz = 8,
	.call_sz = 0x30,
};

#define CB 0xc000100000ull
#define CB_CALLBACKG 4 /* words: frame of cgocallbackg */
#define CB_PARKED 10   /* return slot of cgocallback: + 16 + 0x20 bytes */

/* Its words; returns cgocall's frame. */
static size_t callback_stack(uint64_t *w, size_t cnt, uint64_t parked_sz)
{
	size_t ret = CB_PARKED + 1 + parked_sz / 8, call = ret + 0x30 / 8;

	memset(w, 0, cnt * 8);
	w[0] = CB + 8 * CB_CALLBACKG;
	w[1] = 0x414fab; /* in cgocallbackg */
	w[CB_CALLBACKG] = G0_FP;
	w[CB_CALLBACKG + 1] = 0x487965; /* in cgocallback */
	w[CB_PARKED] = 0x485f68;
	if (parked_sz)
		w[CB_PARKED + 1] = CB + 8 * call;
	w[ret] = 0x47f7f5;
	w[call] = CB + 8 * (call + 2);
	w[call + 1] = 0x4eff65; /* _Cfunc_back */
	w[call + 2] = 0;
	w[call + 3] = 0x48b2c1; /* goexit */
	use(w, CB, cnt);
	u.fp = CB;
	return call;
}

static void expect_bridged(uint64_t bias)
{
	static const uint64_t pcs[] = {0x414fab, 0x487965, 0x485f68, 0x47f7f5, 0x4eff65, 0x48b2c1};
	size_t i;

	unwind_chase(&u);
	assert_int_equal(u.cnt, 2);
	assert_int_equal(u.fp, G0_FP);
	assert_int_equal(unwind_bridge(&u, &cgo_127, bias), 0);
	unwind_chase(&u);
	assert_int_equal(u.cnt, LEN(pcs));
	for (i = 0; i < LEN(pcs); i++)
		assert_int_equal(u.out.pcs[i], pcs[i]);
	assert_int_equal(u.in_callback, 1);
	/* the id is that of these PCs, and nothing is cut */
	uint64_t id = unwind_end(&u);

	assert_int_equal(u.flags, 0);
	assert_int_equal(id, id_of(pcs, LEN(pcs), 0));
}

static void test_callback(void **state)
{
	uint64_t w[32];

	(void)state;
	callback_stack(w, LEN(w), 8);
	expect_bridged(0);
	cgo_127.parked_sz = 0;
	callback_stack(w, LEN(w), 0);
	expect_bridged(0);
	cgo_127.parked_sz = 8;
	/* a load bias that was told later */
	cgo_127.callback.lo -= 0x1000, cgo_127.callback.hi -= 0x1000;
	cgo_127.parked.lo -= 0x1000, cgo_127.parked.hi -= 0x1000;
	cgo_127.call.lo -= 0x1000, cgo_127.call.hi -= 0x1000;
	callback_stack(w, LEN(w), 8);
	expect_bridged(0x1000);
	cgo_127.callback.lo += 0x1000, cgo_127.callback.hi += 0x1000;
	cgo_127.parked.lo += 0x1000, cgo_127.parked.hi += 0x1000;
	cgo_127.call.lo += 0x1000, cgo_127.call.hi += 0x1000;
}

static void expect_refused(int in_callback)
{
	uint32_t cnt;

	unwind_chase(&u);
	cnt = u.cnt;
	assert_int_equal(unwind_bridge(&u, &cgo_127, 0), -1);
	assert_int_equal(u.cnt, cnt);
	assert_int_equal(u.fp, G0_FP);
	assert_int_equal(u.in_callback, in_callback);
	unwind_end(&u);
	assert_int_equal(u.flags, GBT_F_STACK_CUT);
}

/* What is not as expected leaves the stack cut where it was. */
static void test_callback_refused(void **state)
{
	uint64_t w[32];

	(void)state;
	callback_stack(w, LEN(w), 8);
	w[CB_CALLBACKG + 1] = CALLBACK_LO - 1; /* not called by cgocallback */
	expect_refused(0);
	callback_stack(w, LEN(w), 8);
	w[CB_PARKED] = 0x48b2c1; /* goexit: a thread of C's own */
	expect_refused(1);
	callback_stack(w, LEN(w), 8);
	w[CB_PARKED + 2] = CALL_LO + 0xe0;
	expect_refused(1);
	callback_stack(w, LEN(w), 8);
	u.hi = CB + 8 * CB_PARKED; /* the stack ends there */
	expect_refused(1);
	callback_stack(w, LEN(w), 8);
	u.hi = CB + 8 * (CB_PARKED + 2);
	expect_refused(1);
	callback_stack(w, LEN(w), 8);
	unwind_begin(&u, 2); /* no room for more */
	u.hi = CB + sizeof(w);
	u.fp = CB;
	expect_refused(1);
	/* nothing was walked */
	unwind_begin(&u, GBT_STACK_MAX);
	assert_int_equal(unwind_bridge(&u, &cgo_127, 0), -1);
}

static void test_callback_bad_caller(void **state)
{
	uint64_t w[32];
	size_t call;

	(void)state;
	/* a frame of cgocall that leads out of the stack: cut behind what was had */
	call = callback_stack(w, LEN(w), 8);
	u.hi = CB + 8 * (call + 1);
	unwind_chase(&u);
	assert_int_equal(unwind_bridge(&u, &cgo_127, 0), 0);
	unwind_chase(&u);
	assert_int_equal(u.cnt, 4);
	unwind_end(&u);
	assert_int_equal(u.flags, GBT_F_STACK_CUT);
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Garbage: the sanitizers watch the buffer, we that it ends and stays in bounds. */
static void test_garbage(void **state)
{
	const struct gbt_cgo anywhere = {.callback = {0, -1ull},
					 .parked = {0, -1ull},
					 .call = {0, -1ull},
					 .callback_sz = 32,
					 .parked_sz = 8,
					 .call_sz = 48};
	uint64_t words[512], i, round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < 512; i++) {
			words[i] = random_word();
			if (words[i] & 3) /* mostly pointers into the stack */
				words[i] = 0x10000 + (words[i] >> 20) % 4300;
			if (words[i] & 4)
				words[i] &= ~7ull;
		}
		use(words, 0x10000, 512);
		hole_lo = 0x10000 + random_word() % 4096;
		hole_hi = hole_lo + random_word() % 512;
		u.fp = 0x10000 + random_word() % 4200;
		unwind_chase(&u);
		if (!unwind_bridge(&u, &anywhere, 0))
			unwind_chase(&u);
		assert_true(u.cnt <= GBT_STACK_MAX);
		assert_true(reads <= 4 * GBT_STACK_MAX);
		unwind_end(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_first_words),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_bad_pointers),
		cmocka_unit_test(test_stack_bounds),
		cmocka_unit_test(test_missing_page),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ids_agree),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_callback),
		cmocka_unit_test(test_callback_refused),
		cmocka_unit_test(test_callback_bad_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
