/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_LIBRARY_SYMBOLS_H
#define RECORDER_LIBRARY_SYMBOLS_H

#include "goruntime/target.h"

/*
 * Names of C functions in the shared libraries of a process, by their ELF symbols. A library is
 * read as it is mapped (/proc/PID/map_files), never by its path, which is the target's own choice,
 * and only when a PC of it is asked for. It is copied first: a mapped file that is cut
 * meanwhile would end us.
 */
struct library_symbols;

/* t is borrowed until free. -ENOMEM. */
int library_symbols__new(const struct go_target *t, struct library_symbols **out);
void library_symbols__free(struct library_symbols *l);
/* *name: borrowed until free; NULL: pc is in no library, or nothing is known of it there (no
 * privilege, no symbol, a file too large, damaged or gone). -ENOMEM. */
int library_symbols__find(struct library_symbols *l, uint64_t pc, const char **name);

#endif
