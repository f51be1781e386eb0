/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_GZIP_H
#define OUTPUT_GZIP_H

#include <stddef.h>

/*
 * Writes data as one gzip member (RFC 1952) to fd, from its current offset: no name, mtime 0, so
 * equal input gives equal bytes. 0, -ENOMEM, or what write said. No message: the caller knows
 * what it writes.
 */
int gzip__write(int fd, const void *data, size_t len);

#endif
