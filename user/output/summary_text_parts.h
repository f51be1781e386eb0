/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_SUMMARY_TEXT_PARTS_H
#define OUTPUT_SUMMARY_TEXT_PARTS_H

#include "analysis/summary.h"
#include "base/buf.h"

/* The sections of summary.txt, in their order; each begins with an empty line. */
#define SUMMARY_COLUMNS 100

void part__reason(const struct summary *s, struct buf *out);	 /* of a watch; else nothing */
void part__span(const struct summary_span *sp, struct buf *out); /* nothing without one */
void part__states(const struct summary *s, struct buf *out);
/* Instead of states and memory, where there are no transitions. */
void part__stops(const struct summary *s, struct buf *out);
void part__looks(const struct summary *s, struct buf *out);
void part__readings(const struct summary *s, struct buf *out);
void part__sites(const struct summary *s, struct buf *out);
void part__scheduler(const struct summary *s, struct buf *out);
void part__memory(const struct summary *s, struct buf *out);
void part__creators(const struct summary *s, struct buf *out);
void part__capture(const struct summary *s, struct buf *out);
void part__findings(const struct summary *s, struct buf *out);
void part__commands(const struct summary *s, const char *dir, struct buf *out);

/* "pkg.F file.go:12", at most max columns. */
void part__frame(struct buf *out, const struct frame *f, size_t max);
/* A line of a section: NAME in its column, then text wrapped behind it. */
void part__line(struct buf *out, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
