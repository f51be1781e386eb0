/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_REQUESTS_H
#define WATCH_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/imap.h"
#include "gobpftrace_abi.h"

/*
 * The requests that are being served and the calls that are being made, by goroutine and kind: an
 * end tells when it began, its begin who it is. Both are records of the same goroutine.
 */
struct request_name {
	uint64_t begin_ns;
	uint64_t stack; /* of a call: where it is made */
	uint8_t span;	/* enum gbt_span */
	uint32_t told;	/* 1 << each condition that fired while it went on */
	uint16_t method_len, path_len;
	char method[64], path[GBT_TEXT_MAX]; /* any bytes, cut; no NUL behind */
};

struct open_requests {
	struct request_name *r;
	size_t cnt, cap;
	uint32_t *free;
	size_t free_cnt, free_cap;
	struct imap by_who; /* OPEN_WHO -> place */
};

#define OPEN_WHO(goid, span) ((goid) << 4 | (span))
#define OPEN_GOID(who) ((who) >> 4)

void open_requests__free(struct open_requests *o);
/* GBT_REQUEST_BEGIN. 0 or -ENOMEM. */
int open_requests__begin(struct open_requests *o, const struct gbt_text *r);
/* GBT_REQUEST_END: *out is filled; with empty names where the begin was not seen. false: the record
 * makes no sense. */
bool open_requests__end(struct open_requests *o, const struct gbt_event *e,
			struct request_name *out);
/* The goroutine has ended. */
void open_requests__gone(struct open_requests *o, uint64_t goid);

#endif
