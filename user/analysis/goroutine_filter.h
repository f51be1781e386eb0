/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_GOROUTINE_FILTER_H
#define ANALYSIS_GOROUTINE_FILTER_H

#include <stdbool.h>

#include "base/imap.h"
#include "goruntime/frame_cache.h"
#include "goruntime/snapshot.h"

/*
 * Whose goroutine is it: the program's, or the runtime's own, which Go's dumps leave out? The root
 * is looked up by name once for each start function, of which there are few.
 */
struct goroutine_filter {
	struct frame_cache *fc; /* borrowed; not asked when system is set */
	bool system;		/* leave nothing out */
	struct imap roots; /* startpc -> 0 the program's, 1 the runtime's, 2 look at the stack */
};

/* 0 or -ENOMEM. */
int goroutine_filter__leaves_out(struct goroutine_filter *f, const struct snap_g *g,
				 const uint64_t *pcs, bool *out);
void goroutine_filter__free(struct goroutine_filter *f);

#endif
