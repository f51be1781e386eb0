/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PPROF_STACK_H
#define OUTPUT_PPROF_STACK_H

#include "output/pprof_writer.h"

/*
 * What runtime/pprof shows of a stack: which physical PCs, and from which of their logical frames
 * on (src/runtime/pprof/proto.go, src/runtime/mprof.go).
 */
struct pprof_place {
	uint64_t pc;
	bool exact;			/* pc is no return address */
	const struct sym_frame *frames; /* innermost first; cnt 0: nothing is known of it */
	size_t cnt, from;		/* from: the first that is kept */
};

struct pprof_stack_rule {
	bool keep_wrappers; /* as pprof_writer__keep_wrappers has it */
	bool keep_goexit;   /* texts list its PC, files have no location of it */
};

/* What fn returns, if not 0, ends the walk and is returned. */
typedef int (*pprof_place_fn)(void *ctx, const struct pprof_place *p);
int pprof_stack__each(const struct symtab *t, const struct pprof_stack *stack,
		      const struct pprof_stack_rule *rule, pprof_place_fn fn, void *ctx);
/* Is frame i of the place, from `from` on, shown? */
bool pprof_place__shows(const struct pprof_place *p, const struct pprof_stack_rule *rule, size_t i);

#endif
