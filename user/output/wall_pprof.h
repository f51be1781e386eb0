/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_WALL_PPROF_H
#define OUTPUT_WALL_PPROF_H

#include "goruntime/symtab.h"
#include "goruntime/wall.h"
#include "output/pprof_writer.h"
#include "raw/raw.h"

/*
 * wall: the time of every goroutine but the runtime's own, by stack, as fgprof (felixge/fgprof,
 * pprof.go) writes it. Where goroutines that run stand cannot be read from outside: the time that
 * they ran is given to the stacks that the CPU samples of goroutines show, in proportion. Without
 * such samples it stands under a pseudo function.
 */

/* The CPU samples of goroutines, by stack, labels and who made them. */
struct wall_running;
/* tags: enum profile_tag, with TAG_GOROUTINE goroutines are told apart. */
int wall_running__new(unsigned tags, struct wall_running **out);
void wall_running__free(struct wall_running *r);
/* First, for TAG_CREATOR: every record, for a goroutine's creator is told behind its first sample.
 */
int wall_running__creator(struct wall_running *r, const struct gbt_hdr *rec);
/* One record; what is no CPU sample of a goroutine is ignored. */
int wall_running__record(struct wall_running *r, const struct gbt_hdr *rec);

struct wall_pprof {
	const struct wall_profile *profile;
	const struct wall_running *running;
	const struct symtab *symtab;
	const struct raw_stacks *stacks;
	unsigned tags; /* enum profile_tag; threads are not known */
};
int wall_pprof__add(const struct wall_pprof *p, struct pprof_writer *w);

#endif
