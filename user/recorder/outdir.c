/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/outdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "recorder/outdir_internal.h"

#define OUTDIR_FILES_MAX 32

struct outdir {
	char *path;
	char *name; /* last component of path */
	char partial[NAME_MAX + 1];
	int parent_fd;			  /* the folder that path is in */
	int fd;				  /* the hidden folder */
	char files[OUTDIR_FILES_MAX][64]; /* what is in it, to drop it again */
	size_t file_cnt;
	bool committed;
};

struct caller_ids caller_ids__get(void)
{
	struct caller_ids ids = {geteuid(), getegid(), false};
	const char *u = getenv("SUDO_UID"), *g = getenv("SUDO_GID");
	char *end;
	unsigned long uid, gid;

	if (ids.uid != 0 || !u || !g || !*u || !*g)
		return ids;
	uid = strtoul(u, &end, 10);
	if (*end || uid >= UINT_MAX)
		return ids;
	gid = strtoul(g, &end, 10);
	if (*end || gid >= UINT_MAX)
		return ids;
	ids.other = uid != ids.uid || gid != ids.gid;
	ids.uid = uid;
	ids.gid = gid;
	return ids;
}

struct fs_ids fs_ids_enter(void)
{
	struct caller_ids c = caller_ids__get();
	struct fs_ids old;

	old.gid = setfsgid(c.gid);
	old.uid = setfsuid(c.uid);
	return old;
}

void fs_ids_leave(struct fs_ids old)
{
	setfsuid(old.uid);
	setfsgid(old.gid);
}

/* Splits path into its parent (opened) and its last component. */
static int open_parent(const char *path, int *fd, char **name)
{
	char *copy = strdup(path), *copy2 = strdup(path), *base;
	int err = 0;

	if (!copy || !copy2) {
		err = -ENOMEM;
		goto out;
	}
	base = basename(copy2);
	if (!strcmp(base, "/") || !strcmp(base, ".") || !strcmp(base, "..")) {
		log_error("output folder '%s': cannot be replaced; name a folder inside it", path);
		err = -EEXIST;
		goto out;
	}
	*fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		err = -errno;
		log_error("output folder '%s': the folder it is in: %s", path, strerror(-err));
		goto out;
	}
	*name = strdup(base);
	if (!*name) {
		close(*fd);
		err = -ENOMEM;
	}
out:
	free(copy);
	free(copy2);
	return err;
}

static int dir_is_empty(int parent_fd, const char *name, bool *empty)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	*empty = true;
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			*empty = false;
	closedir(dir);
	return 0;
}

static int check_place(const char *path, int parent_fd, const char *name)
{
	bool empty = true;
	int err = dir_is_empty(parent_fd, name, &empty);

	if (err == -ENOENT)
		err = 0;
	else if (err == -ENOTDIR || err == -ELOOP) {
		log_error("output folder '%s': exists and is not a folder", path);
		return -EEXIST;
	} else if (err) {
		log_error("output folder '%s': %s", path, strerror(-err));
		return err;
	}
	if (!empty) {
		log_error("output folder '%s': is not empty; name a new one with -o", path);
		return -EEXIST;
	}
	return 0;
}

/* access(2) judges by the effective ids, not the file-system ids: try it for real. */
static int try_mkdir(const char *path, int parent_fd)
{
	char probe[NAME_MAX + 1];
	int err = 0;

	snprintf(probe, sizeof(probe), "." PARTIAL_MARK "-check-%d", getpid());
	if (mkdirat(parent_fd, probe, 0700)) {
		err = -errno;
		log_error("output folder '%s': cannot be made: %s", path, strerror(-err));
		return err;
	}
	unlinkat(parent_fd, probe, AT_REMOVEDIR);
	return 0;
}

int outdir__check(const char *path)
{
	struct fs_ids old = fs_ids_enter();
	char *name = NULL;
	int fd = -1, err;

	err = open_parent(path, &fd, &name);
	if (err)
		goto out;
	err = check_place(path, fd, name);
	if (!err)
		err = try_mkdir(path, fd);
	close(fd);
	free(name);
out:
	fs_ids_leave(old);
	return err;
}

int outdir__spool(const char *path, int *out)
{
	struct fs_ids old = fs_ids_enter();
	const char *tmp = getenv("TMPDIR");
	char *copy = strdup(path);
	int fd = -1, err = 0;

	if (!copy) {
		err = -ENOMEM;
		goto out;
	}
	fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = open(tmp && *tmp ? tmp : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = -errno;
		log_error("spool beside '%s': %s", path, strerror(-err));
		goto out;
	}
	*out = fd;
out:
	free(copy);
	fs_ids_leave(old);
	return err;
}

int outdir__begin(const char *path, struct outdir **out)
{
	struct fs_ids old = fs_ids_enter();
	struct outdir *o = calloc(1, sizeof(*o));
	int err = -ENOMEM;

	if (!o)
		goto out;
	o->parent_fd = o->fd = -1;
	o->path = strdup(path);
	if (!o->path)
		goto out;
	err = open_parent(path, &o->parent_fd, &o->name);
	if (err)
		goto out;
	err = check_place(path, o->parent_fd, o->name);
	if (err)
		goto out;
	snprintf(o->partial, sizeof(o->partial), ".%.180s" PARTIAL_MARK "-%d", o->name, getpid());
	if (mkdirat(o->parent_fd, o->partial, 0700)) {
		err = -errno;
		o->partial[0] = 0;
		log_error("output folder '%s': cannot be made: %s", path, strerror(-err));
		goto out;
	}
	o->fd = openat(o->parent_fd, o->partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (o->fd < 0) {
		err = -errno;
		log_error("output folder '%s': %s", path, strerror(-err));
	}
out:
	fs_ids_leave(old);
	if (err)
		outdir__free(o);
	else
		*out = o;
	return err;
}

int outdir__make(const char *path)
{
	struct fs_ids old;
	char *name = NULL;
	int fd = -1, err = outdir__check(path);

	if (err)
		return err;
	old = fs_ids_enter();
	err = open_parent(path, &fd, &name);
	if (!err && mkdirat(fd, name, 0700) && errno != EEXIST) {
		err = -errno;
		log_error("output folder '%s': %s", path, strerror(-err));
	}
	if (fd >= 0)
		close(fd);
	free(name);
	fs_ids_leave(old);
	return err;
}

int outdir__need(const char *path)
{
	struct fs_ids old = fs_ids_enter();
	struct stat st;
	int err = 0;

	if (mkdir(path, 0700) && errno != EEXIST)
		err = -errno;
	else if (stat(path, &st))
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	fs_ids_leave(old);
	if (err)
		log_error("output folder '%s': %s", path, strerror(-err));
	return err;
}

int outdir__create(struct outdir *o, const char *name, int *out)
{
	struct fs_ids old;
	int fd, err = 0;

	if (o->file_cnt == OUTDIR_FILES_MAX || strlen(name) >= sizeof(o->files[0]))
		return -ENAMETOOLONG;
	old = fs_ids_enter();
	fd = openat(o->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = -errno;
		log_error("'%s/%s': cannot be made: %s", o->path, name, strerror(-err));
	} else {
		strcpy(o->files[o->file_cnt++], name);
		*out = fd;
	}
	fs_ids_leave(old);
	return err;
}

int outdir__commit(struct outdir *o)
{
	struct fs_ids old = fs_ids_enter();
	int err = 0;

	/* An empty folder of that name is replaced; anything else makes it fail. */
	if (renameat(o->parent_fd, o->partial, o->parent_fd, o->name)) {
		err = -errno;
		log_error("output folder '%s': %s", o->path, strerror(-err));
	} else {
		o->committed = true;
	}
	fs_ids_leave(old);
	return err;
}

void outdir__free(struct outdir *o)
{
	struct fs_ids old;
	size_t i;

	if (!o)
		return;
	old = fs_ids_enter();
	if (!o->committed && o->fd >= 0)
		for (i = 0; i < o->file_cnt; i++)
			unlinkat(o->fd, o->files[i], 0);
	if (!o->committed && o->partial[0])
		unlinkat(o->parent_fd, o->partial, AT_REMOVEDIR);
	if (o->fd >= 0)
		close(o->fd);
	if (o->parent_fd >= 0)
		close(o->parent_fd);
	fs_ids_leave(old);
	free(o->name);
	free(o->path);
	free(o);
}

void outdir__report_leftovers(const char *path)
{
	char *copy = strdup(path);
	struct dirent *d;
	DIR *dir = NULL;

	if (!copy)
		return;
	dir = opendir(dirname(copy));
	while (dir && (d = readdir(dir))) {
		const char *mark = strstr(d->d_name, PARTIAL_MARK "-");
		long pid;

		if (!mark || d->d_name[0] != '.')
			continue;
		pid = strtol(mark + strlen(PARTIAL_MARK "-"), NULL, 10);
		/* A run that is still alive is at work on its own. */
		if (pid > 0 && kill(pid, 0) == 0)
			continue;
		log_warn("'%s/%s': left by a run that was killed; it can be removed", copy,
			 d->d_name);
	}
	if (dir)
		closedir(dir);
	free(copy);
}
