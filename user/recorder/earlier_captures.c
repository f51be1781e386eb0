/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/earlier_captures.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/log.h"
#include "output/profile_kinds.h"
#include "output/reason_read.h"
#include "recorder/outdir.h"
#include "recorder/outdir_internal.h"
#include "watch/condition.h"

#define REASON "reason.json"
#define REASON_SZ_MAX (64u << 10)
#define EARLIER_MAX 100000
/* All files of a capture are written one behind the other. What was changed later is somebody's. */
#define WRITTEN_WITHIN_SEC 60

uint64_t capture__key(const char *text)
{
	struct condition_error err;
	struct condition c;

	return condition__parse(text, &c, &err) ? 0 : hash__bytes(text, strlen(text)) | 1;
}

double capture__badness(const char *text, double value)
{
	struct condition_error err;
	struct condition c;

	if (condition__parse(text, &c, &err))
		return 0;
	return c.below ? -value : value;
}

/* 20261121T143000Z-SLUG, as cli names them */
static bool is_named(const char *name)
{
	static const char form[] = "00000000T000000Z-";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == '0' ? !isdigit((unsigned char)name[i]) : name[i] != form[i])
			return false;
	return name[i] &&
	       strspn(name + i, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(name + i);
}

static bool is_written(const char *name)
{
	static const char *const fixed[] = {"trace.out", "summary.txt", "summary.json", REASON,
					    "capture.raw"};
	char file[64];
	unsigned n;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!strcmp(name, fixed[i]))
			return true;
	for (int id = 0; id < PROFILE_ID_MAX; id++) {
		snprintf(file, sizeof(file), "%s.pprof", profile_kind__get(id)->name);
		if (!strcmp(name, file))
			return true;
	}
	if (sscanf(name, "trace-%u.out", &n) != 1)
		return false;
	snprintf(file, sizeof(file), "trace-%u.out", n);
	return !strcmp(name, file);
}

/* A file of the caller's own and nobody else's name for it. */
static bool is_plain(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == caller_ids__get().uid && st->st_nlink == 1;
}

static int read_reason(int dir, struct raw_reason *out, time_t *written)
{
	static char text[REASON_SZ_MAX];
	int fd = openat(dir, REASON, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && is_plain(&st) && st.st_size < REASON_SZ_MAX)
		n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || n != st.st_size)
		return -EBADMSG;
	*written = st.st_mtime;
	return reason_json__read(span__of(text, (size_t)n), out);
}

static void take_files(DIR *d, time_t written, struct capture_folder *f)
{
	struct dirent *e;
	struct stat st;

	while ((e = readdir(d))) {
		if (!is_written(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !is_plain(&st) ||
		    st.st_mtime > written + WRITTEN_WITHIN_SEC)
			continue;
		buf__append(&f->names, e->d_name, strlen(e->d_name) + 1);
		f->sz += (uint64_t)st.st_size;
	}
}

/* -ENODATA: no capture of a watch of the same user. */
static int recognise(const char *path, struct capture_folder *f, struct raw_reason *reason)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	time_t written = 0;
	DIR *d = NULL;

	if (fd < 0)
		return -ENODATA;
	if (!fstat(fd, &st) && st.st_uid == caller_ids__get().uid && (st.st_mode & 07777) == 0700 &&
	    !read_reason(fd, reason, &written))
		d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENODATA;
	}
	*f = (struct capture_folder){.path = strdup(path), .dev = st.st_dev, .ino = st.st_ino};
	take_files(d, written, f);
	closedir(d);
	if (f->path && !f->names.err)
		return 0;
	capture_folder__free(f);
	return -ENOMEM;
}

struct names {
	char **n;
	size_t cnt, cap;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const char *dir, struct names *out)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int err = 0;

	if (!d)
		return -errno;
	while (!err && out->cnt < EARLIER_MAX && (e = readdir(d))) {
		if (!is_named(e->d_name))
			continue;
		err = array__reserve(&out->n, out->cnt, &out->cap, 1, sizeof(*out->n));
		if (!err && !(out->n[out->cnt++] = strdup(e->d_name)))
			err = -ENOMEM;
	}
	closedir(d);
	if (!err && out->cnt)
		qsort(out->n, out->cnt, sizeof(*out->n), by_name);
	return err;
}

static int take(const char *dir, const char *name, struct retention *kept)
{
	size_t sz = strlen(dir) + strlen(name) + 2;
	char *path = malloc(sz);
	struct capture_folder f;
	struct raw_reason r;
	int err = -ENOMEM;

	if (path) {
		snprintf(path, sz, "%s/%s", dir, name);
		err = recognise(path, &f, &r);
	}
	free(path);
	if (!err)
		err = retention__add(kept, &f, capture__key(r.condition),
				     capture__badness(r.condition, (double)r.value_raw));
	return err == -ENODATA ? 0 : err;
}

int earlier_captures__take(const char *dir, struct retention *kept)
{
	struct fs_ids old = fs_ids_enter();
	struct names names = {0};
	int err = list(dir, &names);

	for (size_t i = 0; !err && i < names.cnt; i++)
		err = take(dir, names.n[i], kept);
	fs_ids_leave(old);
	for (size_t i = 0; i < names.cnt; i++)
		free(names.n[i]);
	free(names.n);
	if (err)
		log_warn("'%s': earlier captures in it are not counted: %s", dir, strerror(-err));
	return err;
}
