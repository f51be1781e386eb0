/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/raw_copy.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "recorder/outdir.h"

int copy_bytes(int from, int to, off_t size)
{
	off_t off = 0;

	while (off < size) {
		ssize_t n = sendfile(to, from, &off, size - off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
	}
	return 0;
}

int raw_copy__of(int fd, const char *name, const char *dir, int *out)
{
	struct stat st;
	int copy = -1, err;

	if (fstat(fd, &st)) {
		err = -errno;
		log_error("'%s': %s", name, strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		log_error("'%s' is not a raw file of gobpftrace", name);
		return -EBADMSG;
	}
	err = outdir__spool(dir, &copy);
	if (err)
		return err;
	err = copy_bytes(fd, copy, st.st_size);
	if (err) {
		log_error("'%s': cannot be copied: %s", name, strerror(-err));
		close(copy);
		return err;
	}
	*out = copy;
	return 0;
}
