/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#include "output/write_all.h"

#define GZIP_WINDOW_BITS (15 + 16) /* 16: zlib writes the gzip header and trailer itself */
#define CHUNK_SZ 65536

int gzip__write(int fd, const void *data, size_t len)
{
	unsigned char chunk[CHUNK_SZ];
	struct buf out = {0};
	z_stream z = {0};
	int err = 0, rc;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	z.next_in = (Bytef *)data;
	do {
		if (!z.avail_in) { /* avail_in is 32 bits wide */
			z.avail_in = len > UINT_MAX ? UINT_MAX : (uInt)len;
			len -= z.avail_in;
		}
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		rc = deflate(&z, len ? Z_NO_FLUSH : Z_FINISH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
			err = -ENOMEM; /* Z_STREAM_ERROR: its state was overwritten */
			goto out;
		}
		buf__append(&out, chunk, sizeof(chunk) - z.avail_out);
		err = write_all(fd, &out);
		if (err)
			goto out;
	} while (rc != Z_STREAM_END);
out:
	deflateEnd(&z);
	buf__free(&out);
	return err;
}
