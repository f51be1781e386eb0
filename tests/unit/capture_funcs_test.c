/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/funcs.h as user code: which return is whose. */
#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- in place of bpf/common.h and the kernel ---- */

#define BPF_COMMON_H
#include "gobpftrace_abi.h"
#include "gobpftrace_sites.h"

#undef __always_inline
#define __always_inline inline
#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define BPF_MAP_TYPE_HASH 1
#define BPF_ANY 0

struct hit {
	__u64 goid;
};

struct scratch {
	struct {
		__u64 cnt[GBT_C_MAX];
	} out;
};

static struct gbt_config cfg;
static __u64 era_number, now;

static __u64 bpf_ktime_get_ns(void)
{
	return now;
}

/* A map of two. */
static struct {
	__u64 key[2], value[32];
	bool used;
} map[2];

static void *map_find(const void *key)
{
	for (size_t i = 0; i < 2; i++)
		if (map[i].used && !memcmp(map[i].key, key, 16))
			return map[i].value;
	return NULL;
}

static int map_put(const void *key, const void *value, size_t sz)
{
	assert_true(sz <= sizeof(map[0].value));
	for (size_t i = 0; i < 2; i++) {
		if (map[i].used)
			continue;
		map[i].used = true;
		memcpy(map[i].key, key, 16);
		memcpy(map[i].value, value, sz);
		return 0;
	}
	return -1;
}

static void map_drop(const void *key)
{
	for (size_t i = 0; i < 2; i++)
		map[i].used &= memcmp(map[i].key, key, 16) != 0;
}

#define bpf_map_lookup_elem(m, k) map_find(k)
#define bpf_map_update_elem(m, k, v, flags) map_put(k, v, sizeof(*(v)))
#define bpf_map_delete_elem(m, k) map_drop(k)

#include "funcs.h"

/* ---- */

#define G 0xc000001000ull

static struct scratch s;

static void enter(__u64 goid, __u64 depth, __u64 at)
{
	struct hit h = {goid};

	now = at;
	func_enter(&s, &h, G, 3, depth);
}

static __u64 leave(__u64 goid, __u64 depth)
{
	struct hit h = {goid};

	return func_leave(&s, &h, G, 3, depth);
}

static int fresh(void **state)
{
	memset(&s, 0, sizeof(s));
	memset(map, 0, sizeof(map));
	era_number = 1;
	return 0;
}

static void a_return_has_its_entry(void **state)
{
	assert_int_equal(leave(7, 100), 0); /* of a call that began unseen */
	enter(7, 100, 11);
	assert_int_equal(leave(7, 100), 11);
	assert_null(map_find(&(struct func_key){G, 3}));
	assert_int_equal(leave(7, 100), 0);
	enter(7, 100, 12);
	assert_int_equal(leave(7, 100), 12);
	assert_int_equal(s.out.cnt[GBT_C_FUNC_UNWOUND], 0);
}

static void calls_within_calls(void **state)
{
	for (__u64 i = 0; i < FUNC_NEST_MAX; i++)
		enter(7, 100 + 50 * i, 11 + i);
	enter(7, 5000, 99); /* one too many */
	assert_int_equal(s.out.cnt[GBT_C_FUNC_LOST], 1);
	assert_int_equal(leave(7, 5000), 0);
	for (__u64 i = FUNC_NEST_MAX; i--;)
		assert_int_equal(leave(7, 100 + 50 * i), 11 + i);
	assert_int_equal(s.out.cnt[GBT_C_FUNC_UNWOUND], 0);
}

/* A panic went through three calls; the one around them recovered and called again. */
static void calls_that_a_panic_ended(void **state)
{
	enter(7, 100, 11);
	enter(7, 200, 12);
	enter(7, 300, 13);
	enter(7, 400, 14);
	enter(7, 200, 15);
	assert_int_equal(s.out.cnt[GBT_C_FUNC_UNWOUND], 3);
	assert_int_equal(leave(7, 200), 15);
	enter(7, 250, 16);
	assert_int_equal(leave(7, 100), 11);
	assert_int_equal(s.out.cnt[GBT_C_FUNC_UNWOUND], 4);
	assert_null(map_find(&(struct func_key){G, 3}));
}

static void a_g_of_another_goroutine(void **state)
{
	enter(7, 100, 11); /* ended by Goexit */
	assert_int_equal(leave(8, 100), 0);
	enter(8, 100, 12);
	assert_int_equal(s.out.cnt[GBT_C_FUNC_UNWOUND], 1);
	assert_int_equal(leave(8, 100), 12);
}

static void a_gap_ends_none(void **state)
{
	enter(7, 100, 11);
	era_number = 2;
	assert_int_equal(leave(7, 100), 0);
	enter(7, 100, 12);
	era_number = 0;
	assert_int_equal(leave(7, 100), 0);
	enter(7, 100, 13);
	assert_int_equal(leave(7, 100), 0);
}

/* But where their probes stay. */
static void a_gap_that_is_none(void **state)
{
	cfg.func_steady = 1;
	enter(7, 100, 11);
	era_number = 0;
	assert_int_equal(leave(7, 100), 11);
	enter(7, 100, 12);
	era_number = 2;
	assert_int_equal(leave(7, 100), 12);
	cfg.func_steady = 0;
}

static void what_finds_no_room_is_counted(void **state)
{
	struct hit h = {9};

	enter(7, 100, 11);
	func_enter(&s, &h, G + 8, 3, 100);
	func_enter(&s, &h, G + 16, 3, 100);
	assert_int_equal(s.out.cnt[GBT_C_FUNC_LOST], 1);
	assert_int_equal(leave(7, 100), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_return_has_its_entry, fresh),
		cmocka_unit_test_setup(calls_within_calls, fresh),
		cmocka_unit_test_setup(calls_that_a_panic_ended, fresh),
		cmocka_unit_test_setup(a_g_of_another_goroutine, fresh),
		cmocka_unit_test_setup(a_gap_ends_none, fresh),
		cmocka_unit_test_setup(a_gap_that_is_none, fresh),
		cmocka_unit_test_setup(what_finds_no_room_is_counted, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
