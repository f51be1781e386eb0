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
