/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/off_cpu.h as user code: whose times without a CPU are told. */
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

#undef __always_inline
#define __always_inline inline
#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define BPF_MAP_TYPE_HASH 1
#define BPF_ANY 0
#define BPF_RB_NO_WAKEUP 1

#define MS 1000000ull

static struct gbt_config cfg = {.off_cpu_min_ns = 5 * MS};
static __u64 era_number, now;
static struct gbt_event sent;
static size_t sent_cnt;
static bool ring_full;

static void *ring_of_cpu(void)
{
	return &sent;
}

static void *bpf_ringbuf_reserve(void *ring, __u64 sz, __u64 flags)
{
	assert_int_equal(sz, sizeof(sent));
	return ring_full ? NULL : &sent;
}

static void bpf_ringbuf_submit(void *e, __u64 flags)
{
	sent_cnt++;
}

static __u64 bpf_ktime_get_ns(void)
{
	return now;
}

/* A map of two. */
static struct {
	__u64 key, value[8];
	bool used;
} map[2];

static void *map_find(__u64 key)
{
	for (size_t i = 0; i < 2; i++)
		if (map[i].used && map[i].key == key)
			return map[i].value;
	return NULL;
}

static int map_put(__u64 key, const void *value, size_t sz)
{
	assert_true(sz <= sizeof(map[0].value));
	for (size_t i = 0; i < 2; i++) {
		if (map[i].used && map[i].key != key)
			continue;
		map[i].used = true;
		map[i].key = key;
		memcpy(map[i].value, value, sz);
		return 0;
	}
	return -1;
}

static void map_drop(__u64 key)
{
	for (size_t i = 0; i < 2; i++)
		map[i].used &= map[i].key != key;
}

#define bpf_map_lookup_elem(m, k) map_find(*(k))
#define bpf_map_update_elem(m, k, v, flags) map_put(*(k), v, sizeof(*(v)))
#define bpf_map_delete_elem(m, k) map_drop(*(k))

#include "off_cpu.h"

/* ---- */

#define TASK_A 0xffff888000001000ull
#define TASK_B 0xffff888000002000ull
#define TASK_C 0xffff888000003000ull

static int fresh(void **state)
{
	memset(map, 0, sizeof(map));
	sent_cnt = 0;
	ring_full = false;
	off_cpu_cnt = off_cpu_lost_cnt = 0;
	era_number = 1ull << 48;
	now = 1000 * MS;
	return 0;
}

static void a_thread_comes_back(void **state)
{
	off_cpu_came(TASK_A); /* which never went */
	off_cpu_went(TASK_A, 11);
	now += 4 * MS;
	off_cpu_came(TASK_A); /* too short */
	assert_int_equal(sent_cnt, 0);
	off_cpu_went(TASK_A, 11);
	off_cpu_came(TASK_B); /* another one comes in its place */
	now += 6 * MS;
	off_cpu_came(TASK_A);
	assert_int_equal(sent_cnt, 1);
	assert_int_equal(sent.hdr.kind, GBT_OFF_CPU);
	assert_int_equal(sent.hdr.tid, 11);
	assert_int_equal(sent.hdr.time_ns, 1010 * MS);
	assert_int_equal(sent.arg, 1004 * MS);
	assert_int_equal(sent.p, -1);
	now += 50 * MS;
	off_cpu_came(TASK_A); /* it has a CPU */
	assert_int_equal(sent_cnt, 1);
	assert_int_equal(off_cpu_cnt, 2);
}

/* While probes come and go nobody knows what its goroutine did. */
static void a_gap_tells_nothing(void **state)
{
	off_cpu_went(TASK_A, 11);
	era_number = 2ull << 48;
	now += 50 * MS;
	off_cpu_came(TASK_A);
	era_number = 0;
	off_cpu_went(TASK_A, 11);
	now += 50 * MS;
	off_cpu_came(TASK_A);
	assert_int_equal(sent_cnt, 0);
}

/* A thread that ends leaves its place, and its address may be another's. */
static void a_thread_ends(void **state)
{
	off_cpu_went(TASK_A, 11);
	off_cpu_came(TASK_A);
	off_cpu_went(TASK_A, 11); /* it may be preempted on its way out, any number of times */
	off_cpu_forget(TASK_A);
	assert_null(map_find(TASK_A));
	now += 50 * MS;
	off_cpu_came(TASK_A);
	assert_int_equal(sent_cnt, 0);
	off_cpu_went(TASK_A, 12);
	now += 50 * MS;
	off_cpu_came(TASK_A);
	assert_int_equal(sent_cnt, 1);
	assert_int_equal(sent.hdr.tid, 12);
}

static void what_finds_no_room_is_counted(void **state)
{
	off_cpu_went(TASK_A, 11);
	off_cpu_went(TASK_B, 12);
	off_cpu_went(TASK_C, 13);
	assert_int_equal(off_cpu_lost_cnt, 1);
	ring_full = true;
	now += 50 * MS;
	off_cpu_came(TASK_A);
	off_cpu_came(TASK_C);
	assert_int_equal(sent_cnt, 0);
	assert_int_equal(off_cpu_lost_cnt, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_thread_comes_back, fresh),
		cmocka_unit_test_setup(a_gap_tells_nothing, fresh),
		cmocka_unit_test_setup(a_thread_ends, fresh),
		cmocka_unit_test_setup(what_finds_no_room_is_counted, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
