/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_TEXT_H
#define GORUNTIME_SNAPSHOT_TEXT_H

#include "goruntime/frame_cache.h"
#include "goruntime/snapshot.h"

/* What every dump says of one goroutine. */

/* "chan receive", "runnable", …: as goroutineheader (runtime/traceback.go) has it; borrowed from
 * head or static. */
const char *snap_g__state(const struct snapshot *head, const struct snap_g *g);
/* Whole minutes that it has been waiting or in a syscall, as debug=2 shows them; 0 less or
 * unknown. */
uint64_t snap_g__wait_minutes(const struct snapshot *head, const struct snap_g *g);
/* Is it one of the runtime's own, which Go's dumps and profiles leave out? -ENOMEM. */
int snap_g__is_system(struct frame_cache *fc, const struct snap_g *g, const uint64_t *pcs,
		      bool *out);

/* A logical frame of a goroutine's stack, as Go's unwinder gives them. */
struct snap_frame {
	const char *func, *file; /* borrowed from the binary; "" unknown */
	uint32_t line;
	uint64_t pc;	/* run-time; of the call, unique for function, line and inlining */
	uint64_t ret;	/* run-time; physical PC as the stack has it */
	uint64_t entry; /* run-time; of the physical function, 0 unknown */
	bool inlined, wrapper;
};
/* Calls fn for each, leaf first; false from fn ends the walk. -ENOMEM. */
typedef bool (*snap_frame_fn)(void *ctx, const struct snap_frame *f);
int snap_stack__each_frame(struct frame_cache *fc, const uint64_t *pcs, size_t cnt,
			   snap_frame_fn fn, void *ctx);

/* The go statement that made it: *name is the function, file and line of the statement. false:
 * unknown, or the first goroutine. */
struct snap_creator {
	const char *func, *file;
	uint32_t line;
	uint64_t pc, entry;
	bool wrapper;
};
bool snap_g__creator(struct frame_cache *fc, const struct snap_g *g, struct snap_creator *out);

#endif
