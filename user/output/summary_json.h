/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_SUMMARY_JSON_H
#define OUTPUT_SUMMARY_JSON_H

#include "analysis/summary.h"
#include "base/buf.h"

/* Raised when a key is removed or changes its meaning; new keys do not raise it. */
#define SUMMARY_JSON_SCHEMA 1

/* The facts of summary.txt for programs; ends with a newline. 0 or -ENOMEM. */
int summary_json__write(const struct summary *s, struct buf *out);
/* Its member "reason" alone (reason.json), of a capture of a watch. */
int summary_json__reason(const struct summary *s, struct buf *out);

#endif
