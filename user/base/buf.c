/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/buf.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN_SZ 64

void buf__free(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void buf__reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

static bool reserve(struct buf *b, size_t n)
{
	if (b->err)
		return false;
	if (n <= b->cap - b->len)
		return true;
	if (n > SIZE_MAX / 2 - b->len)
		goto no_memory;

	size_t cap = b->cap ? b->cap : BUF_MIN_SZ;

	while (cap < b->len + n)
		cap *= 2;

	uint8_t *data = realloc(b->data, cap);

	if (!data)
		goto no_memory;
	b->data = data;
	b->cap = cap;
	return true;

no_memory:
	b->err = -ENOMEM;
	return false;
}

void buf__append(struct buf *b, const void *p, size_t n)
{
	if (!n || !reserve(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
}

void buf__u8(struct buf *b, uint8_t v)
{
	buf__append(b, &v, sizeof(v));
}

void buf__u16(struct buf *b, uint16_t v)
{
	v = htole16(v);
	buf__append(b, &v, sizeof(v));
}

void buf__u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf__append(b, &v, sizeof(v));
}

void buf__u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf__append(b, &v, sizeof(v));
}

void buf__uvarint(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	while (v >= 0x80) {
		bytes[n++] = v | 0x80;
		v >>= 7;
	}
	bytes[n++] = v;
	buf__append(b, bytes, n);
}

void buf__str(struct buf *b, const char *s)
{
	buf__append(b, s, strlen(s));
}

void buf__printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* vsnprintf wants room for a NUL, which does not count as content */
	if (n > 0 && reserve(b, (size_t)n + 1)) {
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += n;
	} else if (n < 0 && !b->err) {
		b->err = -EINVAL;
	}
	va_end(again);
}
