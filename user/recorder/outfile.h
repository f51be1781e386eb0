/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_OUTFILE_H
#define RECORDER_OUTFILE_H

/*
 * A single file with the ids of the user who called sudo, 0600. One that is there is replaced as
 * a whole: it is written under a hidden name in the same folder and takes its own in one rename.
 */
struct outfile;

/*
 * Makes sure that the file can be written, before anything is attached: -EEXIST when path exists
 * and is no regular file (replacing a device or a link would do harm), another -errno when its
 * folder is not there or not writable; one message each. Nothing is left on disk.
 */
int outfile__check(const char *path);

/* Errors as above. */
int outfile__begin(const char *path, struct outfile **out);
int outfile__fd(const struct outfile *f);
/* The file takes its name. One message on error. */
int outfile__commit(struct outfile *f);
/* Drops what was not committed. NULL is legal. */
void outfile__free(struct outfile *f);

/* For output that is written as it comes: emptied when it is there; -errno without a message. */
int outfile__open(const char *path, int *fd);

#endif
