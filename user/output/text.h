/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_TEXT_H
#define OUTPUT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Figures and names for a terminal. What comes from a target is made harmless: control and
 * direction characters and what is not UTF-8 become '?'. Columns are code points.
 */
struct cell {
	char s[32];
};

struct cell cell__dur(uint64_t ns);	 /* "1.23s", "45.6µs", "2m05s": three digits */
struct cell cell__count(uint64_t v);	 /* "1,234,567" */
struct cell cell__percent(double share); /* "0.1 %", "12 %" */
struct cell cell__bytes(uint64_t v);	 /* "1.23 MiB" */

size_t text__columns(const char *s);
/* s made harmless, at most max columns; what does not fit loses its beginning ("…nd.Func"). */
void text__clean(struct buf *out, const char *s, size_t max);
/* s as it is, filled up with blanks on the left or right. */
void text__right(struct buf *out, const char *s, size_t width);
void text__left(struct buf *out, const char *s, size_t width);
void text__blanks(struct buf *out, size_t n);
/* A bar of share × width columns, in eighths. */
void text__bar(struct buf *out, double share, size_t width);
/* s (harmless already) as lines of at most width columns; all but the first begin with indent
 * blanks, the first stands at column at. */
void text__wrap(struct buf *out, const char *s, size_t at, size_t indent, size_t width);

#endif
