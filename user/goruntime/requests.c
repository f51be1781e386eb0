/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/requests.h"

#include <errno.h>

#include "binary/go_types.h"

#define OFFSET_MAX 4096

static int field(const struct gobinary *b, uint64_t type, const char *name, __s32 *off,
		 uint64_t *field_type)
{
	uint64_t at;
	int err = go_types__field(b, type, name, &at, field_type);

	if (!err && at >= OFFSET_MAX)
		err = -EBADMSG;
	if (!err)
		*off = (__s32)at;
	return err;
}

/* A field that points at a struct, and that struct. */
static int field_to(const struct gobinary *b, uint64_t type, const char *name, __s32 *off,
		    uint64_t *to)
{
	uint64_t pointer;
	int err = field(b, type, name, off, &pointer);

	return err ? err : go_types__elem(b, pointer, to);
}

/* http.response: status, and req, a *Request: Method, then URL, a *url.URL: Path. */
static int of_http1(const struct gobinary *b, struct gbt_requests *out)
{
	uint64_t response, request, url;
	__s32 req, method = -1, url_off = -1;
	int err = go_types__struct(b, "http.response", "net/http", &response);

	if (!err)
		err = field(b, response, "status", &out->status, NULL);
	if (!err)
		err = field_to(b, response, "req", &req, &request);
	if (!err)
		err = field(b, request, "Method", &method, NULL);
	if (!err)
		err = field_to(b, request, "URL", &url_off, &url);
	if (!err)
		err = field(b, url, "Path", &out->url_path, NULL);
	/* the programs read both at once */
	if (!err && (method != 0 || url_off != 16))
		err = -ENOENT;
	return err;
}

/* What is bundled into net/http, a package of its own from Go 1.27 on. */
static int of_http2(const struct gobinary *b, struct gbt_requests *out)
{
	bool apart = gobinary__version(b)->minor >= 27;
	uint64_t writer, state;
	int err = go_types__struct(b, apart ? "http2.responseWriter" : "http.http2responseWriter",
				   apart ? "net/http/internal/http2" : "net/http", &writer);

	if (!err)
		err = field_to(b, writer, "rws", &out->h2_rws, &state);
	if (!err)
		err = field(b, state, "status", &out->h2_status, NULL);
	return err;
}

int requests__layout(const struct gobinary *b, struct gbt_requests *out)
{
	int err;

	*out = (struct gbt_requests){.url_path = -1, .status = -1, .h2_rws = -1, .h2_status = -1};
	err = of_http1(b, out);
	if (err)
		return err;
	err = of_http2(b, out);
	if (err)
		out->h2_rws = out->h2_status = -1;
	return err == -ENOENT ? 0 : err;
}

int requests__client_layout(const struct gobinary *b, struct gbt_calls *out)
{
	uint64_t request, response, url;
	__s32 method = -1, url_off = -1, path = -1, redirect;
	int err = go_types__struct(b, "http.Request", "net/http", &request);

	out->url_host = out->status = -1;
	if (!err)
		err = field(b, request, "Method", &method, NULL);
	if (!err)
		err = field_to(b, request, "URL", &url_off, &url);
	if (!err)
		err = field(b, url, "Host", &out->url_host, NULL);
	if (!err)
		err = field(b, url, "Path", &path, NULL);
	if (!err) /* no list of types has that of an answer */
		err = field_to(b, request, "Response", &redirect, &response);
	if (!err)
		err = field(b, response, "StatusCode", &out->status, NULL);
	/* the programs read two at once, each time */
	if (!err && (method != 0 || url_off != 16 || path != out->url_host + 16))
		err = -ENOENT;
	return err;
}

int requests__sql_layout(const struct gobinary *b, struct gbt_calls *out)
{
	uint64_t stmt;
	int err = go_types__struct(b, "sql.Stmt", "database/sql", &stmt);

	out->stmt_query = -1;
	if (!err)
		err = field(b, stmt, "query", &out->stmt_query, NULL);
	return err == -ENOENT ? 0 : err;
}

#define TRANSPORT "google.golang.org/grpc/internal/transport"

/* Stream.method: the server's streams are Streams, or point at one, or begin with one. */
static int of_stream(const struct gobinary *b, struct gbt_grpc *out)
{
	uint64_t server, stream;
	__s32 at = 0;
	int err = go_types__struct(b, "transport.ServerStream", TRANSPORT, &server);

	out->stream = -1;
	if (err == -ENOENT) {
		err = go_types__struct(b, "transport.Stream", TRANSPORT, &stream);
	} else if (!err) {
		err = field(b, server, "Stream", &at, &stream);
		if (!err && !go_types__elem(b, stream, &stream)) {
			out->stream = at;
			at = 0;
		}
	}
	if (!err)
		err = field(b, stream, "method", &out->method, NULL);
	if (!err)
		out->method += at;
	return err;
}

int requests__grpc_layout(const struct gobinary *b, struct gbt_grpc *out)
{
	uint64_t status, message;
	int err;

	*out = (struct gbt_grpc){.stream = -1, .method = -1, .status = -1, .code = -1};
	err = of_stream(b, out);
	if (!err)
		err = go_types__struct(b, "status.Status", "google.golang.org/grpc/internal/status",
				       &status);
	if (!err)
		err = field_to(b, status, "s", &out->status, &message);
	if (!err)
		err = field(b, message, "Code", &out->code, NULL);
	return err;
}
