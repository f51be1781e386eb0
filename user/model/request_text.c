/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/request_text.h"

#include <stdio.h>
#include <string.h>

/* google.golang.org/grpc/codes, as they print */
static const char *const codes[] = {
	"OK",
	"Canceled",
	"Unknown",
	"InvalidArgument",
	"DeadlineExceeded",
	"NotFound",
	"AlreadyExists",
	"PermissionDenied",
	"ResourceExhausted",
	"FailedPrecondition",
	"Aborted",
	"OutOfRange",
	"Unimplemented",
	"Internal",
	"Unavailable",
	"DataLoss",
	"Unauthenticated",
};

static size_t put(char *out, size_t at, const char *text, size_t len)
{
	if (!len)
		return at;
	if (at)
		out[at++] = ' ';
	memcpy(out + at, text, len);
	return at + len;
}

size_t request_text__name(const struct gbt_text *r, char out[REQUEST_NAME_SZ])
{
	static const char *const kinds[GBT_SPAN_MAX] = {
		[GBT_SPAN_REQUEST] = "request",
		[GBT_SPAN_CLIENT] = "client",
		[GBT_SPAN_SQL] = "sql",
	};
	unsigned kind = GBT_SPAN_OF(r->ev.arg32);
	const char *name = kind < GBT_SPAN_MAX ? kinds[kind] : "?";
	size_t n = 0;

	if (kind != GBT_SPAN_REQUEST || (!r->len[0] && !r->len[1]))
		n = put(out, n, name, strlen(name));
	n = put(out, n, r->text, r->len[0]);
	return put(out, n, r->text + r->len[0], r->len[1]);
}

void request_text__ending(int32_t ending, char out[REQUEST_ENDING_SZ])
{
	int status = GBT_REQUEST_STATUS(ending);

	if (ending & GBT_REQUEST_PANICKED)
		strcpy(out, "panic");
	else if (ending & GBT_REQUEST_HIJACKED)
		strcpy(out, "hijacked");
	else if (ending & GBT_REQUEST_RETRIED)
		strcpy(out, "bad connection");
	else if (ending & GBT_REQUEST_FAILED)
		strcpy(out, "error");
	else if (ending & GBT_REQUEST_NO_STATUS)
		strcpy(out, "not known");
	else if (ending & GBT_REQUEST_GRPC && (size_t)status < sizeof(codes) / sizeof(codes[0]))
		strcpy(out, codes[status]);
	else if (ending & GBT_REQUEST_GRPC)
		snprintf(out, REQUEST_ENDING_SZ, "Code(%d)", status);
	else if (GBT_SPAN_OF(ending) == GBT_SPAN_SQL)
		strcpy(out, "ok");
	else
		snprintf(out, REQUEST_ENDING_SZ, "%d", status ? status : 200);
}
