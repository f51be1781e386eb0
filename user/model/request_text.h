/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MODEL_REQUEST_TEXT_H
#define MODEL_REQUEST_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "gobpftrace_abi.h"

/* Requests and calls in words, for traces and reasons. */

/* Of a GBT_REQUEST_BEGIN: "GET /path", "client GET host/path", "sql SELECT"; "request", "client" or
 * "sql" where nothing is known. Any bytes, no NUL behind; returns their number. */
#define REQUEST_NAME_SZ (2 * GBT_TEXT_MAX + 16)
size_t request_text__name(const struct gbt_text *r, char out[REQUEST_NAME_SZ]);

/* arg32 of a GBT_REQUEST_END: its status, "panic", "hijacked", "error", "not known"; of
 * database/sql "ok", "error", "bad connection"; of gRPC its code by name. */
#define REQUEST_ENDING_SZ 24
void request_text__ending(int32_t ending, char out[REQUEST_ENDING_SZ]);

#endif
