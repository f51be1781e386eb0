/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "output/write_all.h"
#include "recorder/outdir_internal.h"

struct outfile {
	char *path;
	char partial[NAME_MAX + 1];
	int dir_fd;
	int fd;
	bool made; /* partial is there */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int complain(const char *path, int err)
{
	log_error("output file '%s': %s", path, strerror(-err));
	return err;
}

/* The folder of path. */
static int open_folder(const char *path, int *out)
{
	const char *base = base_name(path);
	char *dir = base == path ? strdup(".") : strndup(path, (size_t)(base - path));

	if (!dir)
		return -ENOMEM;
	*out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return *out < 0 ? -errno : 0;
}

static int check_place(const char *path, int dir_fd)
{
	const char *base = base_name(path);
	struct stat st;

	if (!*base || !strcmp(base, ".") || !strcmp(base, "..")) {
		log_error("output file '%s': names a folder", path);
		return -EEXIST;
	}
	if (fstatat(dir_fd, base, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : complain(path, -errno);
	if (S_ISREG(st.st_mode))
		return 0;
	log_error("output file '%s': exists and is not a regular file; -o - writes to standard "
		  "output",
		  path);
	return -EEXIST;
}

/* The ids are the caller's already. */
static int make(const char *path, struct outfile *f)
{
	int err = open_folder(path, &f->dir_fd);

	if (err)
		return complain(path, err);
	err = check_place(path, f->dir_fd);
	if (err)
		return err;
	snprintf(f->partial, sizeof(f->partial), ".%.180s" PARTIAL_MARK "-%d", base_name(path),
		 getpid());
	f->fd = openat(f->dir_fd, f->partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (f->fd < 0)
		return complain(path, -errno);
	f->made = true;
	return 0;
}

int outfile__begin(const char *path, struct outfile **out)
{
	struct outfile *f = calloc(1, sizeof(*f));
	struct fs_ids old;
	int err;

	if (!f)
		return -ENOMEM;
	f->dir_fd = f->fd = -1;
	f->path = strdup(path);
	if (!f->path) {
		free(f);
		return -ENOMEM;
	}
	old = fs_ids_enter();
	err = make(path, f);
	fs_ids_leave(old);
	if (err)
		outfile__free(f);
	else
		*out = f;
	return err;
}

int outfile__check(const char *path)
{
	struct outfile *f = NULL;
	int err = outfile__begin(path, &f);

	if (!err)
		outfile__free(f);
	return err;
}

int outfile__fd(const struct outfile *f)
{
	return f->fd;
}

int outfile__commit(struct outfile *f)
{
	struct fs_ids old = fs_ids_enter();
	int err = close_written(f->fd, 0);

	f->fd = -1;
	if (err)
		complain(f->path, err);
	else if (renameat(f->dir_fd, f->partial, f->dir_fd, base_name(f->path)))
		err = complain(f->path, -errno);
	else
		f->made = false;
	fs_ids_leave(old);
	return err;
}

void outfile__free(struct outfile *f)
{
	struct fs_ids old;

	if (!f)
		return;
	old = fs_ids_enter();
	if (f->fd >= 0)
		close(f->fd);
	if (f->made)
		unlinkat(f->dir_fd, f->partial, 0);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	fs_ids_leave(old);
	free(f->path);
	free(f);
}

int outfile__open(const char *path, int *out)
{
	struct fs_ids old = fs_ids_enter();
	int err = 0, fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		err = -errno;
	else
		*out = fd;
	fs_ids_leave(old);
	return err;
}
