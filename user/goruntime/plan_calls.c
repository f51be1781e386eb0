/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "goruntime/plan_requests.h"

/*
 * Calls of others. None has a place behind all of its returns; so each way to a return has its own,
 * told by the call in front of it, and counts only with the outcome that leads to that return.
 */

#define ROUND_TRIP "net/http.(*Transport).roundTrip"

static struct request_site *next_site(struct request_sites *out, const struct gobinary_func *f,
				      enum site_id id, enum site_when when)
{
	struct request_site *s = &out->s[out->cnt++];

	*s = (struct request_site){.id = id, .f = *f, .when = when};
	return s;
}

/* An error behind a call in the function: where the test of its result says so. */
struct failure {
	const char *callee;
	enum scan_test test;
	enum site_when when;
};

static int find_failures(const struct plan_scan *s, const struct gobinary_func *f,
			 const struct failure *rows, size_t cnt, struct request_sites *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < cnt; i++)
		err = plan_scan__branch_on_result(
			s, f, rows[i].callee, 0, rows[i].test,
			&next_site(out, f, SITE_CLIENT_FAIL, rows[i].when)->spot);
	return err;
}

/*
 * A transport that is registered for the scheme (HTTP/2 over a connection that is there): its error
 * is compared with that which means that it has not done anything, first by type, then by value.
 */
static int find_alternate(const struct plan_scan *s, const struct gobinary_func *f,
			  struct request_sites *out)
{
	struct request_site *by_type = next_site(out, f, SITE_CLIENT_END_ALT, SITE_IF_UNEQUAL);
	int err = plan_scan__branch_on_variable(s, f, &by_type->spot);

	return err ? err
		   : plan_scan__branch_on_result(
			     s, f, "runtime.ifaceeq", by_type->spot.insn.addr, TEST_AL,
			     &next_site(out, f, SITE_CLIENT_FAIL, SITE_IF_EQUAL)->spot);
}

/*
 * roundTrip goes round a loop: is the context done; a connection; the round trip on it, HTTP/2's
 * too; after an error that allows it once more.
 */
static int find_round_trip(const struct plan_scan *s, const struct gobinary_func *f, bool use_nop5,
			   struct request_sites *out)
{
	static const struct failure failures[] = {
		{"runtime.selectnbrecv", TEST_AL, SITE_IF_UNEQUAL},
		{"net/http.(*Transport).getConn", TEST_RBX, SITE_IF_UNEQUAL},
		{"net/http.(*persistConn).shouldRetryRequest", TEST_AL, SITE_IF_EQUAL},
	};
	int err = plan_scan__call(s, f, "net/http.(*Transport).alternateRoundTripper", use_nop5,
				  &next_site(out, f, SITE_CLIENT_BEGIN, SITE_ALWAYS)->spot);

	if (!err)
		err = plan_scan__branch_on_result(
			s, f, "net/http.(*persistConn).roundTrip", 0, TEST_RBX,
			&next_site(out, f, SITE_CLIENT_END, SITE_IF_EQUAL)->spot);
	if (!err)
		err = find_alternate(s, f, out);
	return err ? err
		   : find_failures(s, f, failures, sizeof(failures) / sizeof(failures[0]), out);
}

int plan_requests__client(const struct plan_scan *s, bool use_nop5, struct request_sites *out)
{
	struct gobinary_func f;
	bool inlined = false;
	int err = gobinary__func_by_name(s->b, ROUND_TRIP, &f);

	*out = (struct request_sites){.lacks = ROUND_TRIP};
	if (err)
		return err == -ENOENT ? 0 : err;
	err = gobinary__is_inlined_somewhere(s->b, ROUND_TRIP, &inlined);
	if (!err && inlined)
		err = -ENOENT;
	return err ? err : find_round_trip(s, &f, use_nop5, out);
}

/* ---- database/sql ---- */

#define RETRY "database/sql.(*DB).retry"
/* Attempts that the programs count (bpf/requests.h): maxBadConnRetries. */
#define TRIES 2

struct begin {
	enum site_id id;
	const char *func;
};

/* The function itself, where the program has it; *f.entry is 0 where not. */
static int find_begin(const struct plan_scan *s, const struct begin *row, struct gobinary_func *f,
		      struct request_sites *out)
{
	bool inlined = false;
	int err = gobinary__func_by_name(s->b, row->func, f);

	if (err) {
		*f = (struct gobinary_func){0};
		return err == -ENOENT ? 0 : err;
	}
	out->lacks = row->func;
	err = gobinary__is_inlined_somewhere(s->b, row->func, &inlined);
	if (!err && (inlined || gobinary__arch(s->b) != GOBINARY_AMD64))
		err = -ENOENT;
	return err ? err
		   : plan_scan__prologue(s, f, &next_site(out, f, row->id, SITE_ALWAYS)->spot);
}

/* Behind errors.Is(err, driver.ErrBadConn): whether there is another try. */
static int find_tries(const struct plan_scan *s, const struct gobinary_func *f,
		      struct request_sites *out)
{
	int err = plan_scan__compares_with(s, f, TRIES);

	return err ? err
		   : plan_scan__branch_on_result(
			     s, f, "errors.Is", 0, TEST_AL,
			     &next_site(out, f, SITE_SQL_FAIL, SITE_ALWAYS)->spot);
}

/* Up to 1.19 each has the loop itself. */
static int find_loops(const struct plan_scan *s, bool use_nop5, struct request_sites *out)
{
	static const struct begin rows[] = {
		{SITE_SQL_BEGIN, "database/sql.(*DB).QueryContext"},
		{SITE_SQL_BEGIN, "database/sql.(*DB).ExecContext"},
	};
	struct gobinary_func f;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = find_begin(s, &rows[i], &f, out);
		if (err || !f.entry)
			continue;
		err = plan_scan__call(s, &f, "errors.Is", use_nop5,
				      &next_site(out, &f, SITE_SQL_RESULT, SITE_ALWAYS)->spot);
		if (!err)
			err = find_tries(s, &f, out);
	}
	return err;
}

/* From 1.20 on all that is tried again goes through retry. */
static int find_retry(const struct plan_scan *s, struct request_sites *out)
{
	static const struct begin rows[] = {
		{SITE_SQL_BEGIN, "database/sql.(*DB).QueryContext"},
		{SITE_SQL_BEGIN, "database/sql.(*DB).ExecContext"},
		{SITE_SQL_BEGIN_STMT, "database/sql.(*Stmt).QueryContext"},
		{SITE_SQL_BEGIN_STMT, "database/sql.(*Stmt).ExecContext"},
	};
	struct gobinary_func f;
	bool inlined = false;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(rows) / sizeof(rows[0]); i++)
		err = find_begin(s, &rows[i], &f, out);
	if (err || !out->cnt)
		return err;
	out->lacks = RETRY;
	err = gobinary__func_by_name(s->b, RETRY, &f);
	if (!err)
		err = gobinary__is_inlined_somewhere(s->b, RETRY, &inlined);
	if (!err && inlined)
		err = -ENOENT;
	if (!err)
		err = plan_scan__branch_on_result(
			s, &f, NULL, 0, TEST_RAX,
			&next_site(out, &f, SITE_SQL_END, SITE_IF_EQUAL)->spot);
	return err ? err : find_tries(s, &f, out);
}

int plan_requests__sql(const struct plan_scan *s, bool use_nop5, struct request_sites *out)
{
	*out = (struct request_sites){0};
	return s->minor <= 19 ? find_loops(s, use_nop5, out) : find_retry(s, out);
}
