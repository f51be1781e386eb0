/* SPDX-License-Identifier: GPL-2.0-only */
/* Where outgoing calls begin and end, in real programs. */
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

static bool has(const struct gobinary *b, const char *func)
{
	struct gobinary_func f;

	return !gobinary__func_by_name(b, func, &f);
}

/* By DWARF of the default builds: URL.Host, Response.StatusCode, the same from 1.18 to 1.27. */
static void check_client_layout(const struct gobinary *b)
{
	struct gbt_calls c;

	assert_int_equal(requests__calls_layout(b, &c), 0);
	assert_int_equal(c.url_host, 40);
	assert_int_equal(c.status, 16);
}

static void check_client_sites(const struct probe_plan *p)
{
	static const struct {
		enum site_id id;
		enum site_when when;
	} expected[] = {
		{SITE_CLIENT_BEGIN, SITE_ALWAYS},	{SITE_CLIENT_END, SITE_IF_EQUAL},
		{SITE_CLIENT_END_ALT, SITE_IF_UNEQUAL}, {SITE_CLIENT_FAIL, SITE_IF_EQUAL},
		{SITE_CLIENT_FAIL, SITE_IF_UNEQUAL},	{SITE_CLIENT_FAIL, SITE_IF_UNEQUAL},
		{SITE_CLIENT_FAIL, SITE_IF_EQUAL},
	};

	assert_int_equal(p->cnt, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < p->cnt; i++) {
		assert_int_equal(p->sites[i].id, expected[i].id);
		assert_int_equal(p->sites[i].when, expected[i].when);
		assert_int_equal(p->sites[i].insn, i ? SITE_JCC : SITE_CALL);
		assert_string_equal(p->sites[i].func, "net/http.(*Transport).roundTrip");
	}
}

static int clients, refused;

static void check(struct gobinary *b, const char *version, const char *name)
{
	struct probe_plan p;

	assert_int_equal(plan__make_for(b, false, SITES_CLIENT, &p), 0);
	if (!has(b, "net/http.(*Transport).roundTrip")) {
		assert_int_equal(p.cnt, 0);
		assert_string_equal(p.notes[0], "");
		return;
	}
	clients++;
	check_client_layout(b);
	if (p.cnt) {
		check_client_sites(&p);
		return;
	}
	print_message("%s/%s: %s\n", version, name, p.notes[0]);
	assert_non_null(strstr(p.notes[0], "calls by net/http are not seen"));
	/* other instructions, or another layout of them */
	assert_true(gobinary__arch(b) == GOBINARY_ARM64 || strstr(name, "noopt") ||
		    strstr(name, "race"));
	refused++;
}

static void every_client_has_all_sites_or_says_why(void **state)
{
	if (!fixture__each(check))
		skip();
	assert_true(clients > refused);
}

/* Without one of its ends a call would seem to go on: then nothing is probed. */
static void one_end_that_is_missing_is_all(void **state)
{
	struct gobinary *b = fixture__need("1.27.4", "requests"), *bad;
	struct probe_plan p, q;

	assert_int_equal(plan__make_for(b, false, SITES_CLIENT, &p), 0);
	assert_int_equal(p.cnt, 7);
	for (size_t i = 0; i < p.cnt; i++) {
		bad = fixture__patched(b, p.sites[i].file_off, "\x90\x90\x90\x90\x90\x90",
				       p.sites[i].len);
		assert_int_equal(plan__make_for(bad, false, SITES_CLIENT, &q), 0);
		assert_int_equal(q.cnt, 0);
		assert_non_null(strstr(q.notes[0], "roundTrip has no place to be probed"));
		gobinary__free(bad);
	}
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_client_has_all_sites_or_says_why),
		cmocka_unit_test(one_end_that_is_missing_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
