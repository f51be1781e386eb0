/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_FRAME_CACHE_H
#define GORUNTIME_FRAME_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binary/gobinary.h"

/*
 * The logical frames of run-time PCs, looked up once each. Unlike a symtab it is bound to its
 * binary, copies no strings but unclean ones (base/clean.h), and knows where the physical function
 * begins, which Go's own dumps print. For dumps of a live process.
 */
struct frame_cache;

struct cached_pc {
	const struct gobinary_frame *frames; /* innermost first; frames[cnt - 1] is the physical
					      * function's own */
	size_t cnt;			     /* 0: in no Go function */
	uint64_t entry;			     /* run-time address of the physical function */
};

int frame_cache__new(const struct gobinary *bin, uint64_t bias, struct frame_cache **out);
void frame_cache__free(struct frame_cache *c);
const struct gobinary *frame_cache__binary(const struct frame_cache *c);
uint64_t frame_cache__bias(const struct frame_cache *c);

/*
 * pc as a stack has it: a return address, of which the call before it is meant, unless it is a
 * function's first instruction (a goroutine that has not run); exact: the PC itself is meant.
 * Borrowed until the cache is freed. -ENOMEM; a PC in no function is no error.
 */
int frame_cache__get(struct frame_cache *c, uint64_t pc, bool exact, struct cached_pc *out);

/* ---- the runtime's rules about names, by version ---- */

/* isSystemGoroutine (runtime/traceback.go): does Go's own dump leave it out? has_user_frame: a
 * frame of its stack is not the runtime's, which tells finalizers that run from those that wait. */
bool go_func__is_system_root(const char *startfn, bool has_user_frame);
/* showfuncinfo: is a frame printed by debug=2? callee: the frame below it, "" none. */
bool go_func__is_shown(unsigned go_minor, const char *name, bool wrapper, bool first,
		       const char *callee);
/* funcNameForPrint: [go.shape…] becomes [...]; at most sz - 1 bytes; returns out. */
const char *go_func__print_name(const char *name, char *out, size_t sz);
/* Did this function's frame come about by a signal, so that its caller's PC is exact? */
bool go_func__is_trap(const char *name);
/* Is it of the runtime as printStackRecord (runtime/pprof) sees it? */
bool go_func__is_runtime(unsigned go_minor, const char *name);

#endif
