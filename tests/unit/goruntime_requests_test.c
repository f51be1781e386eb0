/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/plan.h"
#include "goruntime/requests.h"
#include "go_fixtures.h"

/* By DWARF (go tool objdump, readelf) of the default builds. */
static const struct expected {
	unsigned minor_lo, minor_hi;
	struct gbt_requests r;
} expected[] = {
	{18, 19, {.url_path = 56, .status = 120, .h2_rws = 0, .h2_status = 80}},
	{22, 25, {.url_path = 56, .status = 120, .h2_rws = 0, .h2_status = 72}},
	{27, 27, {.url_path = 56, .status = 128, .h2_rws = 0, .h2_status = 240}},
};

static bool has(const struct gobinary *b, const char *func)
{
	struct gobinary_func f;

	return !gobinary__func_by_name(b, func, &f);
}

static void check_layout(const struct gobinary *b)
{
	unsigned minor = gobinary__version(b)->minor;
	struct gbt_requests r;

	assert_int_equal(requests__layout(b, &r), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (minor >= expected[i].minor_lo && minor <= expected[i].minor_hi)
			assert_memory_equal(&r, &expected[i].r, sizeof(r));
	}
}

static void check_insn(const struct probe_site *s, unsigned minor, bool amd64)
{
	switch (s->id) {
	case SITE_REQUEST_BEGIN:
	case SITE_REQUEST_END_H2:
		assert_int_equal(s->insn, amd64 && minor >= 21 ? SITE_PUSH : SITE_JCC);
		break;
	case SITE_REQUEST_PANIC_H2:
		assert_int_equal(s->insn, SITE_CALL);
		break;
	default:
		assert_int_equal(s->insn, SITE_JCC);
		if (amd64) /* jne: what probes of stack checks drop must not be dropped here */
			assert_true(s->bytes[0] == 0x75 ||
				    (s->bytes[0] == 0x0f && s->bytes[1] == 0x85));
	}
}

static int servers, refused;

static void check(struct gobinary *b, const char *version, const char *name)
{
	bool amd64 = gobinary__arch(b) == GOBINARY_AMD64;
	struct probe_plan p, all;

	assert_int_equal(plan__make(b, false, &all), 0);
	assert_false(plan__has(&all, SITE_REQUEST_BEGIN));
	assert_int_equal(plan__make_for(b, false, SITES_REQUEST, &p), 0);
	assert_int_equal(plan__has(&p, SITE_REQUEST_BEGIN), p.cnt != 0);
	if (!has(b, "net/http.serverHandler.ServeHTTP")) {
		struct gbt_requests r;

		assert_int_equal(p.cnt, 0);
		assert_string_equal(p.notes[0], "");
		assert_int_equal(requests__layout(b, &r), -ENOENT);
		return;
	}
	servers++;
	check_layout(b);
	if (!p.cnt) {
		/* the race detector makes the compiler inline another function */
		assert_true(strstr(name, "race"));
		assert_non_null(strstr(p.notes[0], "requests of net/http are not seen"));
		refused++;
		return;
	}
	assert_int_equal(p.cnt, 5);
	for (size_t i = 0; i < p.cnt; i++) {
		assert_int_equal(p.sites[i].id, SITE_REQUEST_BEGIN + i);
		check_insn(&p.sites[i], gobinary__version(b)->minor, amd64);
	}
}

static void every_server_has_all_sites_or_says_why(void **state)
{
	if (!fixture__each(check))
		skip();
	assert_true(servers > refused);
}

/* Without its jne no end would be seen: then nothing is probed. */
static void one_site_that_is_missing_is_all(void **state)
{
	struct gobinary *b = fixture__need("1.27.4", "workload"), *bad;
	struct probe_plan p;

	assert_int_equal(plan__make_for(b, false, SITES_REQUEST, &p), 0);
	assert_int_equal(p.sites[1].id, SITE_REQUEST_END);
	bad = fixture__patched(b, p.sites[1].file_off, "\x90\x90\x90\x90\x90\x90", p.sites[1].len);
	assert_int_equal(plan__make_for(bad, false, SITES_REQUEST, &p), 0);
	assert_int_equal(p.cnt, 0);
	assert_non_null(strstr(p.notes[0], "net/http.(*conn).serve has no place to be probed"));
	gobinary__free(bad);
	gobinary__free(b);
}

/* By DWARF (readelf): gRPC 1.57, 1.67, 1.75. */
static const struct {
	const char *version;
	struct gbt_grpc layout;
} grpc[] = {
	{"1.19.13", {.stream = -1, .method = 80, .status = 0, .code = 40}},
	{"1.22.12", {.stream = -1, .method = 88, .status = 0, .code = 40}},
	{"1.27.4", {.stream = 0, .method = 24, .status = 0, .code = 40}},
};

static void servers_of_grpc_have_both_sites(void **state)
{
	for (size_t i = 0; i < sizeof(grpc) / sizeof(grpc[0]); i++) {
		struct gobinary *b = fixture__need(grpc[i].version, "grpcserver"), *bad;
		struct gbt_grpc layout;
		struct probe_plan p;

		assert_int_equal(requests__grpc_layout(b, &layout), 0);
		assert_memory_equal(&layout, &grpc[i].layout, sizeof(layout));
		assert_int_equal(plan__make_for(b, false, SITES_GRPC, &p), 0);
		assert_int_equal(p.cnt, 2);
		assert_int_equal(p.sites[0].id, SITE_GRPC_BEGIN);
		assert_int_equal(p.sites[1].id, SITE_GRPC_END);
		bad = fixture__patched(b, p.sites[1].file_off, "\x90\x90\x90\x90\x90\x90",
				       p.sites[1].len);
		assert_int_equal(plan__make_for(bad, false, SITES_GRPC, &p), 0);
		assert_int_equal(p.cnt, 0);
		assert_non_null(strstr(p.notes[0], "calls that gRPC serves are not seen"));
		gobinary__free(bad);
		gobinary__free(b);
	}
}

static void other_programs_have_no_site_of_grpc(void **state)
{
	struct gobinary *b = fixture__need("1.27.4", "requests");
	struct gbt_grpc layout;
	struct probe_plan p;

	assert_int_equal(requests__grpc_layout(b, &layout), -ENOENT);
	assert_int_equal(plan__make_for(b, false, SITES_GRPC, &p), 0);
	assert_int_equal(p.cnt, 0);
	assert_string_equal(p.notes[0], "");
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_server_has_all_sites_or_says_why),
		cmocka_unit_test(one_site_that_is_missing_is_all),
		cmocka_unit_test(servers_of_grpc_have_both_sites),
		cmocka_unit_test(other_programs_have_no_site_of_grpc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
