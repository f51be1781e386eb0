/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_WRITE_ALL_H
#define OUTPUT_WRITE_ALL_H

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"

/* All of b to fd, then b is empty; -errno. */
static inline int write_all(int fd, struct buf *b)
{
	size_t done = 0;

	if (b->err)
		return b->err;
	while (done < b->len) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	buf__reset(b);
	return 0;
}

/* Closes a file that was written; what went wrong first: err, or what the file system tells only
 * now (a quota, a disk behind a network). */
static inline int close_written(int fd, int err)
{
	return close(fd) && !err ? -errno : err;
}

#endif
