/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_SUMMARY_TEXT_H
#define OUTPUT_SUMMARY_TEXT_H

#include "analysis/summary.h"
#include "base/buf.h"

/*
 * The summary for a terminal of 100 columns, UTF-8. dir is put before the file names in the
 * commands at the end; NULL or "" for none. 0 or -ENOMEM.
 */
int summary_text__write(const struct summary *s, const char *dir, struct buf *out);

#endif
