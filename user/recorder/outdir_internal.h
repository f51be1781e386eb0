/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_OUTDIR_INTERNAL_H
#define RECORDER_OUTDIR_INTERNAL_H

#include <sys/types.h>

/* In the name of what is not whole yet, followed by "-" and the pid of who writes it. */
#define PARTIAL_MARK ".gobpftrace-partial"

/* Files are made with the file-system ids of the user who called sudo. They are the thread's own,
 * so other threads keep root's. */
struct fs_ids {
	uid_t uid;
	gid_t gid;
};
struct fs_ids fs_ids_enter(void);
void fs_ids_leave(struct fs_ids old);

#endif
