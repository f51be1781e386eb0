/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/requests.h as user code: which end is whose. */
#include <linux/bpf.h>
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

struct hit {
	__u64 now, goid, arg;
	__s32 arg32;
	__u32 site;
};

struct scratch {
	__u64 cnt[GBT_C_MAX], words[32];
};

static struct gbt_config cfg = {.requests = {.status = 8, .h2_rws = 0, .h2_status = 8}};
static __u64 era = 1;

static int get(struct scratch *s, struct hit *h, void *dst, __u32 sz, __u64 addr)
{
	memcpy(dst, (const void *)(uintptr_t)addr, sz);
	return 0;
}

/* A map of a few. */
static struct {
	__u64 key, value[8];
	bool used;
} map[4];
static size_t map_cnt;

static void *map_find(__u64 key)
{
	for (size_t i = 0; i < map_cnt; i++)
		if (map[i].used && map[i].key == key)
			return map[i].value;
	return NULL;
}

static int map_put(__u64 key, const void *value, size_t sz)
{
	void *at = map_find(key);

	assert_true(sz <= sizeof(map[0].value));
	if (!at && map_cnt == sizeof(map) / sizeof(map[0]))
		return -1;
	if (!at) {
		map[map_cnt].key = key;
		map[map_cnt].used = true;
		at = map[map_cnt++].value;
	}
	memcpy(at, value, sz);
	return 0;
}

static int map_delete(__u64 key)
{
	for (size_t i = 0; i < map_cnt; i++)
		map[i].used &= map[i].key != key;
	return 0;
}

#define bpf_map_lookup_elem(m, k) map_find(*(k))
#define bpf_map_update_elem(m, k, v, flags) map_put(*(k), v, sizeof(*(v)))
#define bpf_map_delete_elem(m, k) map_delete(*(k))

#include "requests.h"

/* ---- */

#define G 0xc000001000ull

static struct scratch s;
static __u64 writer[2] = {0, 404};

static void begin(__u64 goid, __u64 now)
{
	struct hit h = {.goid = goid, .now = now, .site = GBT_SITE_REQUEST_BEGIN};

	request_open(&s, &h, G, (uintptr_t)writer);
}

static bool end(__u64 goid, enum gbt_site site, struct hit *h)
{
	*h = (struct hit){.goid = goid, .site = site};
	return request_close(&s, h, G, 0);
}

static int fresh(void **state)
{
	memset(&s, 0, sizeof(s));
	map_cnt = 0;
	era = 1;
	return 0;
}

static void an_end_has_its_begin_and_status(void **state)
{
	struct hit h;

	begin(7, 100);
	assert_true(end(7, GBT_SITE_REQUEST_END, &h));
	assert_int_equal(h.arg, 100);
	assert_int_equal(h.arg32, 404);
	assert_false(end(7, GBT_SITE_REQUEST_END_DEFERRED, &h));
	begin(7, 200);
	assert_true(end(7, GBT_SITE_REQUEST_END_DEFERRED, &h));
	assert_int_equal(h.arg, 200);
	assert_int_equal(h.arg32, 404 | GBT_REQUEST_PANICKED);
}

static void a_begin_without_end_is_no_other_goroutines(void **state)
{
	struct hit h;

	begin(7, 100);
	/* goroutine 7 has ended unseen; its g serves a connection that is closed at once */
	assert_false(end(8, GBT_SITE_REQUEST_END_DEFERRED, &h));
	/* and is gone */
	assert_false(end(7, GBT_SITE_REQUEST_END_DEFERRED, &h));
	begin(7, 100);
	begin(8, 200);
	assert_true(end(8, GBT_SITE_REQUEST_END, &h));
	assert_int_equal(h.arg, 200);
}

static void a_gap_ends_none(void **state)
{
	struct hit h;

	begin(7, 100);
	era = 2;
	assert_false(end(7, GBT_SITE_REQUEST_END, &h));
	/* while probes come and go it is not known which gap it is */
	era = 0;
	begin(7, 100);
	assert_false(end(7, GBT_SITE_REQUEST_END, &h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_end_has_its_begin_and_status, fresh),
		cmocka_unit_test_setup(a_begin_without_end_is_no_other_goroutines, fresh),
		cmocka_unit_test_setup(a_gap_ends_none, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
