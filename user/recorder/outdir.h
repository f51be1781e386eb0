/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_OUTDIR_H
#define RECORDER_OUTDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The folder of a capture. It is filled under a hidden name beside its place and takes its
 * own name in one rename, so whoever sees the name sees a whole capture. Everything is made
 * with the file-system ids of the user who called sudo: the folder 0700, its files 0600.
 */
struct outdir;

/*
 * Makes sure that the capture can be written, before anything is attached: -EEXIST when path
 * exists and is not an empty folder, another -errno when its parent is not there or not
 * writable; one message each. Nothing is left on disk.
 */
int outdir__check(const char *path);

/* The folder itself, empty, for captures of several targets; errors as above. */
int outdir__make(const char *path);
/* The folder is there, or is made now, whatever is in it: for a series of files. Errors as above.
 */
int outdir__need(const char *path);

/* An unnamed file beside path's place (O_TMPFILE; elsewhere when that file system has none). */
int outdir__spool(const char *path, int *fd);

int outdir__begin(const char *path, struct outdir **out);
/* A new file of the folder, O_NOFOLLOW and O_EXCL; the caller closes it. */
int outdir__create(struct outdir *o, const char *name, int *fd);
/* The folder takes its name. */
int outdir__commit(struct outdir *o);
/* Drops what was not committed. NULL is legal. */
void outdir__free(struct outdir *o);

/* Folders that a killed run left beside path's place: told, never touched. */
void outdir__report_leftovers(const char *path);

/* The user on whose behalf the tool runs: SUDO_UID and SUDO_GID when they are set and the tool is
 * root, else the tool's own ids. */
struct caller_ids {
	uid_t uid;
	gid_t gid;
	bool other; /* not the tool's own */
};
struct caller_ids caller_ids__get(void);

#endif
