/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_ALLOC_PROFILE_H
#define OUTPUT_ALLOC_PROFILE_H

#include "analysis/alloc_estimate.h"
#include "output/pprof_writer.h"
#include "raw/raw.h"

/*
 * allocs where the runtime keeps no profile: the estimate's rows, as PPROF_ALLOCS_ESTIMATE has its
 * values. As in runtime/pprof's own of that Go minor the runtime's frames at the leaf are left out.
 * What was allocated, but not sampled, is under a pseudo function, so that the total is exact.
 */
int alloc_profile__add(struct pprof_writer *w, const struct alloc_estimate *e,
		       const struct alloc_slices *slices, const struct raw_stacks *stacks,
		       const struct symtab *symtab, unsigned go_minor);

/* How many logical frames at the leaf are left out, wrappers not counted; 0 when there are no
 * others. Source: src/runtime/mprof.go (mProf_Malloc) and runtime/pprof/protomem.go, Go 1.19
 * to 1.27. */
uint16_t alloc_profile__runtime_frames(const struct symtab *symtab, unsigned go_minor,
				       const uint64_t *pcs, size_t cnt);

/* What a reader must know of it: one line. */
void alloc_profile__estimate(const struct alloc_estimate *e, const struct alloc_slices *slices,
			     char *out, size_t sz);

#endif
