/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/plan_requests.h"

#include <errno.h>
#include <string.h>

#define ROWS 5
struct row {
	enum site_id id;
	const char *func, *callee; /* callee NULL: the prologue */
	bool after;		   /* behind the call, not the call */
};

static int find(const struct plan_scan *s, const struct row *row, bool use_nop5,
		struct request_site *out)
{
	int err = gobinary__func_by_name(s->b, row->func, &out->f);

	out->id = row->id;
	if (err)
		return err;
	if (!row->callee)
		return plan_scan__prologue(s, &out->f, &out->spot);
	if (row->after)
		return plan_scan__branch_on_bool(s, &out->f, row->callee, &out->spot);
	return plan_scan__call(s, &out->f, row->callee, use_nop5, &out->spot);
}

/* A copy that a profile-guided build put into a caller is passed unseen: then none are seen. */
static int find_all(const struct plan_scan *s, const struct row *rows, size_t cnt, bool use_nop5,
		    struct request_sites *out)
{
	bool inlined = false;
	int err = 0;

	for (size_t i = 0; !err && i < cnt; i++) {
		out->lacks = rows[i].func;
		err = find(s, &rows[i], use_nop5, &out->s[i]);
		if (!err && !rows[i].callee)
			err = gobinary__is_inlined_somewhere(s->b, rows[i].func, &inlined);
		if (!err && inlined)
			err = -ENOENT;
	}
	out->cnt = err ? 0 : cnt;
	return err;
}

/* Programs built with nethttpomithttp2 have no HTTP/2. */
int plan_requests__server(const struct plan_scan *s, bool use_nop5, struct request_sites *out)
{
	static const struct row rows[ROWS] = {
		{SITE_REQUEST_BEGIN, "net/http.serverHandler.ServeHTTP", NULL, false},
		{SITE_REQUEST_END, "net/http.(*conn).serve", "net/http.(*conn).hijacked", true},
		{SITE_REQUEST_END_DEFERRED, "net/http.(*conn).serve.func1",
		 "net/http.(*conn).hijacked", true},
		{SITE_REQUEST_END_H2, "net/http.(*http2responseWriter).handlerDone", NULL, false},
		{SITE_REQUEST_PANIC_H2, "net/http.(*http2serverConn).runHandler.func1",
		 "net/http.(*http2serverConn).writeFrameFromHandler", false},
	};
	static const struct row rows_1_27[] = {
		{SITE_REQUEST_END_H2, "net/http/internal/http2.(*responseWriter).handlerDone", NULL,
		 false},
		{SITE_REQUEST_PANIC_H2, "net/http/internal/http2.(*serverConn).runHandler.func1",
		 "net/http/internal/http2.(*serverConn).writeFrameFromHandler", false},
	};
	struct row chosen[ROWS];
	struct gobinary_func f;
	size_t cnt = 3;
	int err = gobinary__func_by_name(s->b, rows[0].func, &f);

	*out = (struct request_sites){0};
	if (err)
		return err == -ENOENT ? 0 : err;
	memcpy(chosen, rows, sizeof(chosen));
	if (s->minor >= 27)
		memcpy(chosen + cnt, rows_1_27, sizeof(rows_1_27));
	err = gobinary__func_by_name(s->b, chosen[cnt].func, &f);
	if (!err)
		cnt = ROWS;
	return err && err != -ENOENT ? err : find_all(s, chosen, cnt, use_nop5, out);
}

#define GRPC "google.golang.org/grpc"

/* writeStatus had a great letter up to 1.74. */
int plan_requests__grpc(const struct plan_scan *s, bool use_nop5, struct request_sites *out)
{
	struct row rows[] = {
		{SITE_GRPC_BEGIN, GRPC ".(*Server).handleStream", NULL, false},
		{SITE_GRPC_END, GRPC "/internal/transport.(*http2Server).writeStatus", NULL, false},
	};
	struct gobinary_func f;
	int err = gobinary__func_by_name(s->b, rows[0].func, &f);

	*out = (struct request_sites){0};
	if (err)
		return err == -ENOENT ? 0 : err;
	err = gobinary__func_by_name(s->b, rows[1].func, &f);
	if (err == -ENOENT)
		rows[1].func = GRPC "/internal/transport.(*http2Server).WriteStatus";
	return err && err != -ENOENT ? err : find_all(s, rows, 2, use_nop5, out);
}
