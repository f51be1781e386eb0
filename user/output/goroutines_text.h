/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_GOROUTINES_TEXT_H
#define OUTPUT_GOROUTINES_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "goruntime/frame_cache.h"
#include "goruntime/snapshot.h"

/*
 * The text of runtime/pprof's goroutine profile, debug=2: all goroutines but the runtime's own,
 * in the order of allgs. Equal to Go's but for argument values, which are "..." here. Rules:
 * src/runtime/traceback.go of the target's version.
 */
struct goroutines_text {
	struct frame_cache *frames; /* borrowed */
	int fd;			    /* borrowed */
	bool labels; /* in the headers, as GODEBUG=tracebacklabels=1 has them, default from 1.27 on
		      */
	bool system; /* the runtime's own too */
	/* the writer's own */
	unsigned go_minor;
	uint64_t cnt;
	struct buf out;
};

int goroutines_text__begin(struct goroutines_text *t); /* the first four members are set */
/* A snap_visit_fn: ctx is a struct goroutines_text *. Needs stacks with SNAP_FRAMES_ALL. */
int goroutines_text__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			   const uint64_t *pcs, const struct snap_label *labels);
/* Parts of one goroutine's text, into t->out: its frames, and the go statement that made it. */
int goroutines_text__stack(struct goroutines_text *t, const uint64_t *pcs, size_t cnt);
void goroutines_text__creator(struct goroutines_text *t, const struct snap_g *g);
/* Writes the rest and frees what begin and visit made. */
int goroutines_text__end(struct goroutines_text *t);

#endif
