/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into a replay (tests/golden/run): what a file system does rarely, done for sure.
 *   FAIL_CLOSE=NAME   closing the file NAME that was written fails, as a full quota does
 *   CUT_FILE=PATH     PATH is cut to nothing once the first file of output is made
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_named(int fd, const char *name)
{
	char link[64], path[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	slash = strrchr(path, '/');
	return slash && !strcmp(slash + 1, name);
}

int close(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
	const char *name = getenv("FAIL_CLOSE");
	int fails = name && is_named(fd, name);
	int rc = real(fd);

	if (!fails)
		return rc;
	errno = EDQUOT;
	return -1;
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*real)(int, const char *, int, ...) =
		(int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	const char *cut = getenv("CUT_FILE");
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	if (cut && (flags & O_CREAT) && truncate(cut, 0))
		perror(cut);
	return real(dir, path, flags, mode);
}
