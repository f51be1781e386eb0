/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_CLEAN_H
#define BASE_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strtab.h"

/*
 * Foreign strings made harmless before they are interned for a file or printed: a control
 * character (base/utf8.h) becomes '?', and so does each byte that is not UTF-8. All else stays as
 * it is, so that a valid string equals what Go itself writes.
 */
enum clean {
	CLEAN_NAME, /* functions, files, paths: on one line */
	CLEAN_TEXT, /* labels, messages, names of tasks: a program's text may have lines and tabs */
};

bool clean__is(const char *s, size_t n, enum clean how);
void clean__put(struct buf *out, const char *s, size_t n, enum clean how);
/* strtab__add of what clean__put makes of s. */
int64_t clean__intern(struct strtab *t, const char *s, size_t n, enum clean how);

#endif
