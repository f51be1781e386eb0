/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_STACK_TEXT_H
#define OUTPUT_STACK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The pieces of runtime/pprof's texts (debug=1): the PCs and labels that name a stack, and its
 * lines as printStackRecord (src/runtime/pprof/pprof.go) and text/tabwriter set them.
 */
struct text_frame {
	uint64_t pc, entry;	 /* of the call; of the physical function */
	const char *func, *file; /* func "": nothing is known but the PC. Equal functions have equal
				  * addresses */
	uint32_t line;
};

struct text_label {
	const char *key, *val;
};

void stack_text__hex(struct buf *out, uint64_t v); /* " 0x…" */
/* "\n# labels: {…}" as labelMap.String has it, nothing without labels. -ENOMEM. */
int stack_text__labels(struct buf *out, const struct text_label *labels, size_t cnt);

/* Remembers the lines of frames that come again. */
struct stack_text;
int stack_text__new(unsigned go_minor, struct stack_text **out);
void stack_text__free(struct stack_text *t);
/* The lines of one stack and the empty one behind it. all: the runtime's frames at the leaf, too,
 * which otherwise are hidden unless there are no others. -ENOMEM. */
int stack_text__put(struct stack_text *t, struct buf *out, const struct text_frame *frames,
		    size_t cnt, bool all);

#endif
