/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_STACKSET_H
#define ANALYSIS_STACKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/summary.h"
#include "analysis/wait_kind.h"
#include "base/imap.h"

/*
 * The distinct stacks of a capture, numbered as they come. Number 0 is "no stack". What they mean
 * is looked up late, and for each stack once.
 */
enum g_class {
	CLASS_UNKNOWN, /* root function not known */
	CLASS_USER,
	CLASS_SYSTEM,
	CLASS_MAX,
};

struct stackset_entry {
	struct tr_stack st;
	uint8_t root_class; /* enum g_class */
	bool root_known;    /* root_class has been looked up */
	uint8_t wait_kind;  /* enum wait_kind */
	bool wait_known;    /* wait_kind has been looked up */
};

struct stackset {
	struct frame_source source;
	struct stackset_entry *entries;
	size_t cnt, cap;
	struct imap by_key;
};

int stackset__init(struct stackset *s, const struct frame_source *source);
void stackset__fini(struct stackset *s);
/* 0 for a stack without content, else its number; -ENOMEM. */
int64_t stackset__add(struct stackset *s, const struct tr_stack *st);
size_t stackset__frames(const struct stackset *s, uint32_t at, struct frame *out, size_t max);
/* What the root function of this stack makes of its goroutine. */
enum g_class stackset__class(struct stackset *s, uint32_t at);
/* Of a stack that waits with the reason "sync". */
enum wait_kind stackset__wait_kind(struct stackset *s, uint32_t at);
/* Is it one of the functions of the stack, what the tracer skips included? */
bool stackset__has_func(const struct stackset *s, uint32_t at, const char *func);
void stackset__copy(const struct stackset *s, uint32_t at, struct summary_stack *out);

/*
 * Where in a program a stack is: at = the first frame that is not of the standard library, op =
 * the function that it called. Without such a frame at is the root and op the first function
 * outside of the runtime's machinery. False: nothing is known of the stack.
 */
bool stackset__place(const struct stackset *s, uint32_t at_stack, struct frame *op,
		     struct frame *at);

#endif
