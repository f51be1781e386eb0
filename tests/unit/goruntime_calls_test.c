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

	assert_int_equal(requests__client_layout(b, &c), 0);
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

/* ---- database/sql ---- */

static void check_sql_layout(const struct gobinary *b)
{
	struct gbt_calls c;

	assert_int_equal(requests__sql_layout(b, &c), 0);
	assert_int_equal(c.stmt_query, 8); /* by DWARF: the second field, behind a pointer */
}

static size_t count(const struct probe_plan *p, enum site_id id)
{
	size_t n = 0;

	for (size_t i = 0; i < p->cnt; i++)
		n += p->sites[i].id == id;
	return n;
}

static int databases;

static void check_sql(struct gobinary *b, const char *version, const char *name)
{
	bool retries = gobinary__version(b)->minor >= 20;
	struct probe_plan p;

	assert_int_equal(plan__make_for(b, false, SITES_SQL, &p), 0);
	assert_string_equal(p.notes[0], "");
	if (!has(b, "database/sql.(*DB).QueryContext")) {
		assert_int_equal(p.cnt, 0);
		return;
	}
	databases++;
	check_sql_layout(b);
	assert_int_equal(count(&p, SITE_SQL_BEGIN), 2);
	assert_int_equal(count(&p, SITE_SQL_BEGIN_STMT),
			 retries + (retries && has(b, "database/sql.(*Stmt).ExecContext")));
	assert_int_equal(count(&p, SITE_SQL_END), retries);
	assert_int_equal(count(&p, SITE_SQL_RESULT), retries ? 0 : 2);
	assert_int_equal(count(&p, SITE_SQL_FAIL), retries ? 1 : 2);
	for (size_t i = 0; i < p.cnt; i++)
		assert_int_equal(p.sites[i].when,
				 p.sites[i].id == SITE_SQL_END ? SITE_IF_EQUAL : SITE_ALWAYS);
}

static void every_database_has_all_sites(void **state)
{
	if (!fixture__each(check_sql))
		skip();
	if (!databases)
		print_message("no fixture with database/sql: run make fixtures\n");
}

static void a_statement_without_its_end_is_none(void **state)
{
	struct gobinary *b = fixture__need("1.27.4", "calls"), *bad;
	struct probe_plan p, q;

	assert_int_equal(plan__make_for(b, false, SITES_SQL, &p), 0);
	assert_true(p.cnt >= 4);
	for (size_t i = p.cnt - 2; i < p.cnt; i++) {
		bad = fixture__patched(b, p.sites[i].file_off, "\x90\x90\x90\x90\x90\x90",
				       p.sites[i].len);
		assert_int_equal(plan__make_for(bad, false, SITES_SQL, &q), 0);
		assert_int_equal(q.cnt, 0);
		assert_non_null(strstr(q.notes[0], "calls by database/sql are not seen"));
		gobinary__free(bad);
	}
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_client_has_all_sites_or_says_why),
		cmocka_unit_test(one_end_that_is_missing_is_all),
		cmocka_unit_test(every_database_has_all_sites),
		cmocka_unit_test(a_statement_without_its_end_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
