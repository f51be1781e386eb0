/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Which captures of a watch stay: the oldest go first when there are too many or they are too
 * large together, but the worst of each condition stays as long as another can go. Folders that
 * this watch did not write are never touched.
 */
struct retention;

/* 0: no bound. */
int retention__new(size_t captures_max, uint64_t disk_max, struct retention **out);
void retention__free(struct retention *r);
/* badness: how far beyond its threshold, larger is worse; comparable within a condition. */
int retention__add(struct retention *r, const char *dir, size_t condition, double badness,
		   uint64_t sz);
/* The next that has to go, which is forgotten; NULL: none. The caller's to free(). */
char *retention__next(struct retention *r);
/* Removes a capture's folder: its files and itself; -errno with a message. */
int retention__remove(const char *dir);

#endif
