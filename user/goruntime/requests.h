/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_REQUESTS_H
#define GORUNTIME_REQUESTS_H

#include "binary/gobinary.h"
#include "gobpftrace_abi.h"

/*
 * Where net/http keeps what a request is told by: offsets from the program's own type information
 * (binary/go_types.h). -ENOENT: it has not the types of a net/http server, or they are not as in
 * Go 1.18-1.27; -EBADMSG. Of HTTP/2 the status may not be had (h2_* -1).
 */
int requests__layout(const struct gobinary *b, struct gbt_requests *out);

/* The same of what its Transport asks: the types of a request, a URL and an answer. */
int requests__client_layout(const struct gobinary *b, struct gbt_calls *out);
/* Of database/sql: without its type the statements of prepared ones are not known. */
int requests__sql_layout(const struct gobinary *b, struct gbt_calls *out);

/* The same of google.golang.org/grpc's server. */
int requests__grpc_layout(const struct gobinary *b, struct gbt_grpc *out);

#endif
