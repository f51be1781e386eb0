/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Which captures of a watch stay: the oldest go first when there are too many or they are too
 * large together, but the worst of each condition (of equals, the newest) stays as long as another
 * can go. Folders that no watch wrote are never touched, and of those that one wrote only the files
 * that it wrote go.
 */
struct retention;

/* A capture's folder as it was written: which it is, and what is ours in it. */
struct capture_folder {
	char *path;
	dev_t dev;
	ino_t ino;
	struct buf names; /* each with its NUL */
	uint64_t sz;	  /* of these files */
};

/* Just after it was written, before anybody else can put something in. -errno. */
int capture_folder__look(const char *path, struct capture_folder *out);
/*
 * Removes these files, and the folder when nothing else is in it. What has become another folder
 * (or a link) stays: -ESTALE. -ENOTEMPTY: there is more in it. One message on error but for
 * -ENOENT.
 */
int capture_folder__remove(const struct capture_folder *f);
void capture_folder__free(struct capture_folder *f);

/* 0: no bound. */
int retention__new(size_t captures_max, uint64_t disk_max, struct retention **out);
void retention__free(struct retention *r);
/* Takes *f over, after an error too. condition: any number that is the same for the same one;
 * badness: how far beyond its threshold, larger is worse; comparable within a condition. */
int retention__add(struct retention *r, struct capture_folder *f, uint64_t condition,
		   double badness);
/* Other bounds, from the next look on. */
void retention__bound(struct retention *r, size_t captures_max, uint64_t disk_max);
/* The next that has to go, which is forgotten; false: none. The caller's to free. */
bool retention__next(struct retention *r, struct capture_folder *out);

#endif
