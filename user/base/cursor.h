/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

/* Reads foreign bytes one value after the other. Errors stick: what follows the first is 0, and the
 * caller asks once at the end. */
struct cursor {
	struct span s;
	uint64_t off;
	int err; /* sticks */
};

static inline uint8_t cursor__u8(struct cursor *c)
{
	uint8_t v = 0;

	if (!c->err)
		c->err = span__u8(c->s, c->off, &v);
	c->off += sizeof(v);
	return v;
}

static inline uint32_t cursor__u32(struct cursor *c)
{
	uint32_t v = 0;

	if (!c->err)
		c->err = span__u32(c->s, c->off, &v);
	c->off += sizeof(v);
	return v;
}

static inline uint64_t cursor__u64(struct cursor *c)
{
	uint64_t v = 0;

	if (!c->err)
		c->err = span__u64(c->s, c->off, &v);
	c->off += sizeof(v);
	return v;
}

/* u32 length and so many bytes; the caller's, with a NUL behind. NULL on error. */
static inline char *cursor__text(struct cursor *c)
{
	uint32_t len = cursor__u32(c);
	struct span text;
	char *s;

	if (!c->err)
		c->err = span__sub(c->s, c->off, len, &text);
	if (c->err)
		return NULL;
	c->off += len;
	s = calloc(1, (size_t)len + 1);
	if (!s)
		c->err = -ENOMEM;
	else
		memcpy(s, text.p, len);
	return s;
}

/* A count of rows of at least row_sz bytes, and room for them: never more than the input has. */
static inline size_t cursor__table(struct cursor *c, size_t row_sz, size_t each, void **out)
{
	uint64_t cnt = cursor__u64(c);

	if (!c->err && (c->off > c->s.n || cnt > (c->s.n - c->off) / row_sz))
		c->err = -EBADMSG;
	if (c->err || !cnt)
		return 0;
	*out = calloc((size_t)cnt, each);
	if (!*out) {
		c->err = -ENOMEM;
		return 0;
	}
	return (size_t)cnt;
}

#endif
