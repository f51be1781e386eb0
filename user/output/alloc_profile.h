/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_ALLOC_PROFILE_H
#define OUTPUT_ALLOC_PROFILE_H

#include "analysis/alloc_estimate.h"
#include "output/pprof_writer.h"
#include "raw/raw.h"

/*
 * allocs where the runtime keeps no profile: the estimate's rows, as PPROF_ALLOCS_ESTIMATE has its
 * values. As in runtime/pprof's own the runtime's frames at the leaf are left out. What was
 * allocated, but not sampled, is under a pseudo function, so that the total is exact.
 */
int alloc_profile__add(struct pprof_writer *w, const struct alloc_estimate *e,
		       const struct alloc_slices *slices, const struct raw_stacks *stacks,
		       const struct symtab *symtab);

/* What a reader must know of it: one line. */
void alloc_profile__estimate(const struct alloc_estimate *e, const struct alloc_slices *slices,
			     char *out, size_t sz);

#endif
