/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "recorder/outdir_internal.h"

struct kept {
	char *dir;
	size_t condition;
	double badness;
	uint64_t sz;
};

struct retention {
	size_t captures_max;
	uint64_t disk_max, sz;
	struct kept *k; /* oldest first */
	size_t cnt, cap;
};

int retention__new(size_t captures_max, uint64_t disk_max, struct retention **out)
{
	struct retention *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->captures_max = captures_max;
	r->disk_max = disk_max;
	*out = r;
	return 0;
}

void retention__free(struct retention *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->cnt; i++)
		free(r->k[i].dir);
	free(r->k);
	free(r);
}

int retention__add(struct retention *r, const char *dir, size_t condition, double badness,
		   uint64_t sz)
{
	struct kept k = {strdup(dir), condition, badness, sz};
	int err = k.dir ? array__reserve(&r->k, r->cnt, &r->cap, 1, sizeof(k)) : -ENOMEM;

	if (err) {
		free(k.dir);
		return err;
	}
	r->k[r->cnt++] = k;
	r->sz += sz;
	return 0;
}

static bool is_worst(const struct retention *r, size_t i)
{
	for (size_t k = 0; k < r->cnt; k++)
		if (k != i && r->k[k].condition == r->k[i].condition &&
		    r->k[k].badness > r->k[i].badness)
			return false;
	return true;
}

char *retention__next(struct retention *r)
{
	bool many = r->captures_max && r->cnt > r->captures_max;
	bool large = r->disk_max && r->sz > r->disk_max;
	size_t i = 0;
	char *dir;

	/* the last one is what was just asked for */
	if ((!many && !large) || r->cnt < 2)
		return NULL;
	while (i + 1 < r->cnt && is_worst(r, i))
		i++;
	if (i + 1 == r->cnt)
		i = 0;
	dir = r->k[i].dir;
	r->sz -= r->k[i].sz;
	memmove(&r->k[i], &r->k[i + 1], (--r->cnt - i) * sizeof(*r->k));
	return dir;
}

int retention__remove(const char *path)
{
	struct fs_ids old = fs_ids_enter();
	int err = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		err = -errno;
	while (dir && (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
		    unlinkat(dirfd(dir), d->d_name, 0) && errno != ENOENT)
			err = -errno;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (!err && rmdir(path))
		err = -errno;
	fs_ids_leave(old);
	if (err && err != -ENOENT)
		log_warn("'%s': an old capture cannot be removed: %s", path, strerror(-err));
	return err;
}
