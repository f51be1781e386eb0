/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RAW_COPY_H
#define RECORDER_RAW_COPY_H

#include <sys/types.h>

/*
 * A saved raw stream belongs to others, who may cut or change it while it is mapped: the one
 * would end us with SIGBUS, the other undo every check of a length. So a replay reads a copy of its
 * own, an unnamed file beside dir's place (outdir__spool). The file's size when it was opened
 * counts. Errors are told.
 */
int raw_copy__of(int fd, const char *name, const char *dir, int *out);

/* Bytes [0, size) of `from` to `to`, which it fills from its offset on; it ends early where
 * `from` does. Without a message. */
int copy_bytes(int from, int to, off_t size);

#endif
