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
	__u32 site, scan_state, scan_cnt;
};

struct scratch {
	struct gbt_slot out;
	__u64 words[32];
	struct gbt_text text;
};

static struct gbt_config cfg = {
	.requests = {.status = 8, .h2_rws = 0, .h2_status = 8},
	.calls = {.url_host = 8, .status = 8},
};
static __u64 era_number = 1;

static int get(struct scratch *s, struct hit *h, void *dst, __u32 sz, __u64 addr)
{
	memcpy(dst, (const void *)(uintptr_t)addr, sz);
	return 0;
}

/* A map of a few. */
static struct {
	__u64 key[2], value[8];
	bool used;
} map[16];
static size_t map_cnt;

static void *map_find(const void *key)
{
	for (size_t i = 0; i < map_cnt; i++)
		if (map[i].used && !memcmp(map[i].key, key, sizeof(map[i].key)))
			return map[i].value;
	return NULL;
}

static int map_put(const void *key, const void *value, size_t sz)
{
	void *at = map_find(key);

	assert_true(sz <= sizeof(map[0].value));
	if (!at && map_cnt == sizeof(map) / sizeof(map[0]))
		return -1;
	if (!at) {
		memcpy(map[map_cnt].key, key, sizeof(map[0].key));
		map[map_cnt].used = true;
		at = map[map_cnt++].value;
	}
	memcpy(at, value, sz);
	return 0;
}

static int map_delete(const void *key)
{
	for (size_t i = 0; i < map_cnt; i++)
		map[i].used &= memcmp(map[i].key, key, sizeof(map[i].key)) != 0;
	return 0;
}

#define bpf_map_lookup_elem(m, k) map_find(k)
#define bpf_map_update_elem(m, k, v, flags) map_put(k, v, sizeof(*(v)))
#define bpf_map_delete_elem(m, k) map_delete(k)

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
	return request_close(&s, h, G, 0, 0, 0);
}

static int fresh(void **state)
{
	memset(&s, 0, sizeof(s));
	map_cnt = 0;
	era_number = 1;
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
	era_number = 2;
	assert_false(end(7, GBT_SITE_REQUEST_END, &h));
	/* while probes come and go it is not known which gap it is */
	era_number = 0;
	begin(7, 100);
	assert_false(end(7, GBT_SITE_REQUEST_END, &h));
}

/* A goroutine serves a request and makes a call at once; each ends for itself. */
static void a_call_is_no_request(void **state)
{
	struct hit h = {.goid = 7, .now = 150, .site = GBT_SITE_CLIENT_BEGIN};
	__u64 answer[2] = {0, 302};

	begin(7, 100);
	request_open(&s, &h, G, 0);
	assert_int_equal(GBT_SPAN_OF(h.arg32), GBT_SPAN_CLIENT);
	h = (struct hit){.goid = 7, .site = GBT_SITE_CLIENT_END};
	assert_true(request_close(&s, &h, G, (uintptr_t)answer, 0, 0));
	assert_int_equal(h.arg, 150);
	assert_int_equal(h.arg32, 302 | GBT_SPAN_CLIENT << GBT_SPAN_SHIFT);
	assert_false(request_close(&s, &h, G, (uintptr_t)answer, 0, 0));
	assert_true(end(7, GBT_SITE_REQUEST_END, &h));
	assert_int_equal(h.arg, 100);
	assert_int_equal(h.arg32, 404);
}

static void a_call_fails_where_there_is_an_error(void **state)
{
	static const enum gbt_site sites[] = {GBT_SITE_CLIENT_FAIL, GBT_SITE_CLIENT_END_ALT};
	__u64 answer[2] = {0, 200};

	for (size_t i = 0; i < 2; i++) {
		struct hit h = {.goid = 7, .now = 150, .site = GBT_SITE_CLIENT_BEGIN};

		request_open(&s, &h, G, 0);
		h.site = sites[i];
		assert_true(request_close(&s, &h, G, 0, 1, 0));
		assert_int_equal(h.arg32, GBT_REQUEST_FAILED | GBT_SPAN_CLIENT << GBT_SPAN_SHIFT);
		h.site = GBT_SITE_CLIENT_BEGIN;
		request_open(&s, &h, G, 0);
		h.site = GBT_SITE_CLIENT_END_ALT;
		assert_true(request_close(&s, &h, G, (uintptr_t)answer, 0, 0));
		assert_int_equal(GBT_REQUEST_STATUS(h.arg32), 200);
	}
}

/* Request: method, URL; URL: host at 8, path behind it. */
static void a_call_without_a_host_is_none(void **state)
{
	__u64 url[5] = {0, 1000, 4, 2000, 5}, req[3] = {3000, 3, (uintptr_t)url}, words[6];
	struct hit h = {0};

	assert_true(client_names(&s, &h, (uintptr_t)req, words));
	assert_int_equal(words[0], 3000);
	assert_int_equal(words[1], 3);
	assert_int_equal(words[2], 1000);
	assert_int_equal(words[3], 4);
	assert_int_equal(words[4], 2000);
	assert_int_equal(words[5], 5);
	url[2] = 0;
	assert_false(client_names(&s, &h, (uintptr_t)req, words));
	req[2] = 0;
	assert_false(client_names(&s, &h, (uintptr_t)req, words));
}

static void query(__u64 now)
{
	struct hit h = {.goid = 7, .now = now, .site = GBT_SITE_SQL_BEGIN};

	request_open(&s, &h, G, 0);
}

static bool ended(enum gbt_site site, __u64 arg0, struct hit *h)
{
	*h = (struct hit){.goid = 7, .site = site};
	return request_close(&s, h, G, arg0, 0, 0) && GBT_SPAN_OF(h->arg32) == GBT_SPAN_SQL;
}

/* A statement is tried with two connections that may be bad; how a third does is not seen. */
static void a_query_ends_with_its_last_try(void **state)
{
	const __s32 sql = GBT_SPAN_SQL << GBT_SPAN_SHIFT;
	struct hit h;

	query(100);
	assert_true(ended(GBT_SITE_SQL_END, 0, &h));
	assert_int_equal(h.arg32, sql);
	query(200);
	assert_false(ended(GBT_SITE_SQL_FAIL, 1, &h));
	assert_true(ended(GBT_SITE_SQL_FAIL, 0, &h));
	assert_int_equal(h.arg, 200);
	assert_int_equal(h.arg32, GBT_REQUEST_FAILED | sql);
	query(300);
	assert_false(ended(GBT_SITE_SQL_FAIL, 1, &h));
	assert_true(ended(GBT_SITE_SQL_FAIL, 1, &h));
	assert_int_equal(h.arg32, GBT_REQUEST_RETRIED | sql);
	assert_false(ended(GBT_SITE_SQL_FAIL, 1, &h));
	/* Go 1.19: the error is an argument, then the branch comes */
	query(400);
	assert_false(ended(GBT_SITE_SQL_RESULT, 0xc000, &h));
	assert_true(ended(GBT_SITE_SQL_FAIL, 0x4500, &h)); /* AL alone counts */
	query(500);
	assert_true(ended(GBT_SITE_SQL_RESULT, 0, &h));
	assert_false(ended(GBT_SITE_SQL_FAIL, 0, &h));
	assert_int_equal(GBT_REQUEST_STATUS(h.arg32), 0);
}

/* Nothing of a statement is told but its first word. */
static void of_a_statement_the_first_word_is_told(void **state)
{
	static const struct {
		const char *statement, *word;
	} cases[] = {
		{"SELECT 'secret'", "SELECT"},
		{"\r\n\t update t set k = 1", "UPDATE"},
		{"((select 1) union (select 2))", "SELECT"},
		{"/* 'secret' ** / */ -- secret\n--\n/***/insert into t", "INSERT"},
		{"-- name: secret", ""},
		{"/* secret", ""},
		{"-secret", ""},
		{"/secret", ""},
		{"'secret'", ""},
		{"42", ""},
		{"", ""},
		{"begin", "BEGIN"},
		{"select/* secret */", "SELECT"},
		{"SELECT(1)", "SELECT"},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKLMNOP"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].statement);
		struct hit h = {0};

		memcpy(s.text.text + GBT_TEXT_MAX, cases[i].statement, len);
		sql_scan(&s, &h, (__u32)len);
		if (h.scan_cnt != strlen(cases[i].word) ||
		    memcmp(s.text.text, cases[i].word, h.scan_cnt) != 0)
			fail_msg("'%s': %.*s", cases[i].statement, (int)h.scan_cnt, s.text.text);
	}
}

/* All of what is looked at is blank. */
static void a_statement_is_looked_at_so_far(void **state)
{
	struct hit h = {0};

	memset(s.text.text + GBT_TEXT_MAX, ' ', GBT_TEXT_MAX);
	s.text.text[GBT_TEXT_MAX + SQL_LOOK] = 'A';
	sql_scan(&s, &h, SQL_LOOK + 1);
	assert_int_equal(h.scan_cnt, 0);
	s.text.text[GBT_TEXT_MAX + SQL_LOOK - 1] = 'b';
	sql_scan(&s, &h, SQL_LOOK);
	assert_int_equal(h.scan_cnt, 1);
	assert_int_equal(s.text.text[0], 'B');
}

/* A status: a pointer to a message, which has the code at 40. */
static void calls_of_grpc_end_with_a_code(void **state)
{
	__u64 message[6] = {0, 0, 0, 0, 0, 5}, status[1] = {(uintptr_t)message}, none[1] = {0};
	__u64 stream[4] = {0, 0, 1000, 14}, server[2] = {0, (uintptr_t)stream}, words[2] = {0};
	struct hit h = {.goid = 7, .now = 100, .site = GBT_SITE_GRPC_BEGIN};

	cfg.grpc = (struct gbt_grpc){.stream = 8, .method = 16, .status = 0, .code = 40};
	grpc_names(&s, &h, (uintptr_t)server, words);
	assert_int_equal(words[0], 1000);
	assert_int_equal(words[1], 14);
	cfg.grpc.stream = -1;
	words[0] = 0;
	grpc_names(&s, &h, (uintptr_t)stream, words);
	assert_int_equal(words[0], 1000);
	request_open(&s, &h, G, 0);
	assert_int_equal(GBT_SPAN_OF(h.arg32), GBT_SPAN_REQUEST);
	h.site = GBT_SITE_GRPC_END;
	assert_true(request_close(&s, &h, G, 0, 0, (uintptr_t)status));
	assert_int_equal(h.arg32, 5 | GBT_REQUEST_GRPC);
	assert_int_equal(grpc_ending(&s, &h, 0), GBT_REQUEST_GRPC);
	assert_int_equal(grpc_ending(&s, &h, (uintptr_t)none), GBT_REQUEST_GRPC);
	message[5] = 5000;
	assert_int_equal(grpc_ending(&s, &h, (uintptr_t)status),
			 GBT_REQUEST_NO_STATUS | GBT_REQUEST_GRPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_end_has_its_begin_and_status, fresh),
		cmocka_unit_test_setup(a_begin_without_end_is_no_other_goroutines, fresh),
		cmocka_unit_test_setup(a_gap_ends_none, fresh),
		cmocka_unit_test_setup(a_call_is_no_request, fresh),
		cmocka_unit_test_setup(a_call_fails_where_there_is_an_error, fresh),
		cmocka_unit_test_setup(a_call_without_a_host_is_none, fresh),
		cmocka_unit_test_setup(a_query_ends_with_its_last_try, fresh),
		cmocka_unit_test_setup(of_a_statement_the_first_word_is_told, fresh),
		cmocka_unit_test_setup(a_statement_is_looked_at_so_far, fresh),
		cmocka_unit_test_setup(calls_of_grpc_end_with_a_code, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
