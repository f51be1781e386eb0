/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * A growing byte buffer. Errors stick: after the first failed allocation `err` is
 * -ENOMEM and appends do nothing, so callers check once at the end.
 * Zero-initialised is empty and valid.
 */
struct buf {
	uint8_t *data;
	size_t len, cap;
	int err;
};

void buf__free(struct buf *b);
void buf__reset(struct buf *b); /* empty, memory kept, err cleared */
void buf__append(struct buf *b, const void *p, size_t n);
void buf__u8(struct buf *b, uint8_t v);
void buf__u16(struct buf *b, uint16_t v);
void buf__u32(struct buf *b, uint32_t v);
void buf__u64(struct buf *b, uint64_t v);
void buf__uvarint(struct buf *b, uint64_t v);
void buf__str(struct buf *b, const char *s); /* bytes of s without its NUL */
void buf__printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
