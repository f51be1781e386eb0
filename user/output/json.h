/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_JSON_H
#define OUTPUT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A JSON writer (RFC 8259): commas, nesting and escapes in one place. Inside an object every call
 * that adds a value takes its key; inside an array and at the top the key is NULL. Strings come
 * from targets and may hold anything: control characters are escaped and what is not UTF-8
 * becomes U+FFFD, so the output is always valid.
 *
 * Numbers above 2^53 - 1 lose digits in many readers: give ids of that size as strings. Nesting
 * deeper than JSON_DEPTH_MAX - 1 sets out->err to -EOVERFLOW.
 */
#define JSON_DEPTH_MAX 16

struct json {
	struct buf *out; /* borrowed; its sticky err is the writer's */
	bool indent;	 /* a line for each member, two spaces a level; else all on one line */
	int depth;
	bool used[JSON_DEPTH_MAX]; /* the level has a member */
};

void json__init(struct json *j, struct buf *out, bool indent);
void json__object(struct json *j, const char *key);
void json__object_end(struct json *j);
void json__array(struct json *j, const char *key);
void json__array_end(struct json *j);
void json__str(struct json *j, const char *key, const char *s); /* NULL writes null */
void json__strn(struct json *j, const char *key, const char *s, size_t len);
void json__u64(struct json *j, const char *key, uint64_t v);
void json__i64(struct json *j, const char *key, int64_t v);
void json__bool(struct json *j, const char *key, bool v);
void json__null(struct json *j, const char *key);
/* Fixed point with decimals (0 to 9) digits behind the point, independent of the locale; what is
 * not finite becomes null. */
void json__fixed(struct json *j, const char *key, double v, int decimals);

#endif
