/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/gobinary.h"

#include <errno.h>

#include "base/log.h"
#include "binary/gobinary_internal.h"

struct span gobinary__image(const struct gobinary *b)
{
	return b->elf.file;
}

int gobinary__check_whole(const struct gobinary *b)
{
	if (file_map__is_whole(b->map))
		return 0;
	log_error("elf: '%s': was cut, or could not be read any more, while it was looked at",
		  b->name);
	return -EBADMSG;
}

int gobinary__check_unchanged(const struct gobinary *b, int fd)
{
	const struct timespec *was = &b->read.st_mtim;
	struct stat is;

	if (!fstat(fd, &is) && is.st_size == b->read.st_size && is.st_mtim.tv_sec == was->tv_sec &&
	    is.st_mtim.tv_nsec == was->tv_nsec)
		return 0;
	log_error("elf: '%s': was cut or written to since it was read", b->name);
	return -EBADMSG;
}
