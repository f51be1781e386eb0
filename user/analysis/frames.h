/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_FRAMES_H
#define ANALYSIS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goruntime/symtab.h"
#include "model/transition.h"
#include "raw/raw.h"

/* One logical frame of a stack. Strings are borrowed from whoever resolved it. */
struct frame {
	const char *func, *file; /* "" unknown, never NULL */
	uint32_t line;
};

/*
 * How the folds get the frames of a stack: at most max, leaf first; 0 when nothing is known of
 * it. A function instead of the tables, so that the folds can be tested with frames made by hand.
 */
struct frame_source {
	size_t (*frames)(void *ctx, const struct tr_stack *st, struct frame *out, size_t max);
	void *ctx;
};

/* The frame source of a capture: ctx of capture_frames. Both borrowed. */
struct capture_tables {
	const struct symtab *symtab;
	const struct raw_stacks *stacks;
};

size_t capture_frames(void *tables, const struct tr_stack *st, struct frame *out, size_t max);

/* ---- what a function's name tells ---- */

/* "net/http" of "net/http.(*conn).serve", "example.com/a.b/c" of "example.com/a%2eb/c.F". */
size_t func_package_len(const char *func);
/* Is it of Go's standard library (the runtime included)? By the first element of its package. */
bool func_is_std(const char *func);
/* Does a goroutine whose root it is count as the program's own? Not runtime.*, but runtime.main. */
bool func_is_user_root(const char *func);

#endif
