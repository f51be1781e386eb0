/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void json__init(struct json *j, struct buf *out, bool indent)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
	j->indent = indent;
}

static void new_line(struct json *j)
{
	if (!j->indent)
		return;
	buf__u8(j->out, '\n');
	for (int i = 0; i < j->depth; i++)
		buf__str(j->out, "  ");
}

static void put_escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf__str(out, "\\\"");
		break;
	case '\\':
		buf__str(out, "\\\\");
		break;
	case '\n':
		buf__str(out, "\\n");
		break;
	case '\t':
		buf__str(out, "\\t");
		break;
	default:
		buf__printf(out, "\\u%04x", c);
	}
}

static void put_string(struct buf *out, const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;

	buf__u8(out, '"');
	for (size_t i = 0; i < n;) {
		size_t len = utf8__len(s + i, n - i);

		if (!len) {
			buf__str(out, REPLACEMENT);
			len = 1;
		} else if (utf8__is_control(s + i, len) || s[i] == '"' || s[i] == '\\') {
			put_escape(out, s[i + len - 1]);
		} else {
			buf__append(out, s + i, len);
		}
		i += len;
	}
	buf__u8(out, '"');
}

/* Comma, line and key of the next member. */
static void member(struct json *j, const char *key)
{
	int d = j->depth;

	if (d < JSON_DEPTH_MAX && d > 0) {
		if (j->used[d])
			buf__u8(j->out, ',');
		j->used[d] = true;
		new_line(j);
	}
	if (key) {
		put_string(j->out, key, strlen(key));
		buf__str(j->out, j->indent ? ": " : ":");
	}
}

static void open_level(struct json *j, const char *key, char bracket)
{
	member(j, key);
	buf__u8(j->out, bracket);
	if (j->depth + 1 < JSON_DEPTH_MAX) {
		j->depth++;
		j->used[j->depth] = false;
	} else if (!j->out->err) {
		j->out->err = -EOVERFLOW; /* a programming error */
	}
}

static void close_level(struct json *j, char bracket)
{
	bool any = j->used[j->depth];

	if (j->depth > 0)
		j->depth--;
	if (any)
		new_line(j);
	buf__u8(j->out, bracket);
}

void json__object(struct json *j, const char *key)
{
	open_level(j, key, '{');
}

void json__object_end(struct json *j)
{
	close_level(j, '}');
}

void json__array(struct json *j, const char *key)
{
	open_level(j, key, '[');
}

void json__array_end(struct json *j)
{
	close_level(j, ']');
}

void json__strn(struct json *j, const char *key, const char *s, size_t len)
{
	member(j, key);
	put_string(j->out, s, len);
}

void json__str(struct json *j, const char *key, const char *s)
{
	if (s)
		json__strn(j, key, s, strlen(s));
	else
		json__null(j, key);
}

void json__u64(struct json *j, const char *key, uint64_t v)
{
	member(j, key);
	buf__printf(j->out, "%llu", (unsigned long long)v);
}

void json__i64(struct json *j, const char *key, int64_t v)
{
	member(j, key);
	buf__printf(j->out, "%lld", (long long)v);
}

void json__bool(struct json *j, const char *key, bool v)
{
	member(j, key);
	buf__str(j->out, v ? "true" : "false");
}

void json__null(struct json *j, const char *key)
{
	member(j, key);
	buf__str(j->out, "null");
}

void json__fixed(struct json *j, const char *key, double v, int decimals)
{
	unsigned long long scale = 1, scaled;

	for (int i = 0; i < decimals; i++)
		scale *= 10;
	/* beyond 2^53 the digits would be made up */
	if (!isfinite(v) || fabs(v) * (double)scale >= 9007199254740992.0) {
		json__null(j, key);
		return;
	}
	member(j, key);
	scaled = (unsigned long long)(fabs(v) * (double)scale + 0.5);
	if (v < 0 && scaled)
		buf__u8(j->out, '-');
	buf__printf(j->out, "%llu", scaled / scale);
	if (decimals > 0)
		buf__printf(j->out, ".%0*llu", decimals, scaled % scale);
}
