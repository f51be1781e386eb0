/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The bounds-checked reader: the only code that touches foreign bytes. A span
 * borrows memory. Every getter returns 0, or -EBADMSG when the read would leave
 * the span (nothing is written to *out then). All integers are little endian:
 * both supported architectures are.
 */
struct span {
	const uint8_t *p;
	size_t n;
};

static inline struct span span__of(const void *p, size_t n)
{
	return (struct span){(const uint8_t *)p, n};
}

/* [off, off + len) of s; overflow-safe. */
static inline int span__sub(struct span s, uint64_t off, uint64_t len, struct span *out)
{
	if (off > s.n || len > s.n - off)
		return -EBADMSG;
	/* NULL + 0 is undefined before C2x */
	*out = (struct span){s.p ? s.p + off : NULL, len};
	return 0;
}

/* [off, end) of s */
static inline int span__from(struct span s, uint64_t off, struct span *out)
{
	return off > s.n ? -EBADMSG : span__sub(s, off, s.n - off, out);
}

/* n bytes to dst as they are */
static inline int span__copy(struct span s, uint64_t off, void *dst, size_t n)
{
	if (off > s.n || n > s.n - off)
		return -EBADMSG;
	memcpy(dst, s.p + off, n);
	return 0;
}

static inline int span__u8(struct span s, uint64_t off, uint8_t *out)
{
	return span__copy(s, off, out, 1);
}

static inline int span__u16(struct span s, uint64_t off, uint16_t *out)
{
	uint16_t v;

	if (span__copy(s, off, &v, sizeof(v)))
		return -EBADMSG;
	*out = le16toh(v);
	return 0;
}

static inline int span__u32(struct span s, uint64_t off, uint32_t *out)
{
	uint32_t v;

	if (span__copy(s, off, &v, sizeof(v)))
		return -EBADMSG;
	*out = le32toh(v);
	return 0;
}

static inline int span__u64(struct span s, uint64_t off, uint64_t *out)
{
	uint64_t v;

	if (span__copy(s, off, &v, sizeof(v)))
		return -EBADMSG;
	*out = le64toh(v);
	return 0;
}

int span__uvarint_long(struct span s, uint64_t *off, uint64_t *out);

/* LEB128; *off moves behind it; at most 10 bytes, -EBADMSG when longer or cut. */
static inline int span__uvarint(struct span s, uint64_t *off, uint64_t *out)
{
	/* most numbers of a pclntab have one byte */
	if (*off < s.n && s.p[*off] < 0x80) {
		*out = s.p[(*off)++];
		return 0;
	}
	return span__uvarint_long(s, off, out);
}

/* NUL-terminated string at off, at most max bytes: borrowed from the span. */
int span__cstr(struct span s, uint64_t off, size_t max, const char **out, size_t *len);

#endif
