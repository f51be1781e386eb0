/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <sys/types.h>
#include <time.h>

/* What our own file names are made of. */
struct launch;

#define TIME_STAMP_SZ 32
#define TARGET_NAME_SZ 64 /* as struct process has it */

/* 20261121T143000Z */
void time_stamp(time_t t, char out[TIME_STAMP_SZ]);
/* The base name of the executable of pid, or of the command that waits in it (NULL: none), fit
 * for a file name. It is known before the process is opened in full. */
void target_name(pid_t pid, const struct launch *command, char out[TARGET_NAME_SZ]);

#endif
