/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "recorder/outdir_internal.h"
#include "recorder/retention.h"

void capture_folder__free(struct capture_folder *f)
{
	free(f->path);
	buf__free(&f->names);
	*f = (struct capture_folder){0};
}

static int open_folder(const char *path, struct stat *st, int *out)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st)) {
		err = -errno;
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

static void take_file(DIR *dir, const char *name, struct capture_folder *f)
{
	struct stat st;

	if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return;
	buf__append(&f->names, name, strlen(name) + 1);
	f->sz += (uint64_t)st.st_size;
}

static int look(struct capture_folder *f)
{
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int fd, err = open_folder(f->path, &st, &fd);

	if (err)
		return err;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((d = readdir(dir)))
		take_file(dir, d->d_name, f);
	closedir(dir);
	return f->names.err;
}

int capture_folder__look(const char *path, struct capture_folder *out)
{
	struct capture_folder f = {.path = strdup(path)};
	struct fs_ids old = fs_ids_enter();
	int err = f.path ? look(&f) : -ENOMEM;

	fs_ids_leave(old);
	if (err)
		capture_folder__free(&f);
	else
		*out = f;
	return err;
}

static int remove_files(const struct capture_folder *f, int fd)
{
	const char *name = (const char *)f->names.data, *end = name + f->names.len;
	int err = 0;

	for (; name < end; name += strlen(name) + 1)
		if (unlinkat(fd, name, 0) && errno != ENOENT)
			err = -errno;
	return err;
}

int capture_folder__remove(const struct capture_folder *f)
{
	struct fs_ids old = fs_ids_enter();
	struct stat st;
	int fd, err = open_folder(f->path, &st, &fd);

	if (err == -ELOOP || err == -ENOTDIR)
		err = -ESTALE;
	if (!err) {
		if (st.st_dev != f->dev || st.st_ino != f->ino)
			err = -ESTALE;
		else
			err = remove_files(f, fd);
		close(fd);
	}
	if (!err && rmdir(f->path))
		err = -errno;
	fs_ids_leave(old);
	if (err == -ESTALE)
		log_warn("'%s': is not the capture any more that was written there; it stays",
			 f->path);
	else if (err == -ENOTEMPTY || err == -EEXIST)
		log_warn("'%s': an old capture; it holds more than was written, which stays",
			 f->path);
	else if (err && err != -ENOENT)
		log_warn("'%s': an old capture cannot be removed: %s", f->path, strerror(-err));
	return err == -EEXIST ? -ENOTEMPTY : err;
}
