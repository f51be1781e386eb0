/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_GOROUTINES_LEAKS_H
#define OUTPUT_GOROUTINES_LEAKS_H

#include "analysis/goroutine_leaks.h"

/* What only grew, as text: a head line, then a paragraph a group with its stack as debug=2 has
 * it. 0 or -errno. */
int goroutines_leaks__write(const struct goroutine_leaks *leaks, struct frame_cache *fc, int fd);

#endif
