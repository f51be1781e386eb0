/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_GOROUTINES_GROUPED_H
#define OUTPUT_GOROUTINES_GROUPED_H

#include "analysis/goroutine_groups.h"
#include "output/pprof_writer.h"

/*
 * Grouped by stack: the text of runtime/pprof's goroutine profile, debug=1 (printCountProfile and
 * printStackRecord, src/runtime/pprof/pprof.go), addresses included. Up to Go 1.22 it keeps 32
 * frames of a stack, from 1.23 on 128.
 * By anything else: a line a group, the largest first: count, what they share, and how long
 * the oldest of them has been waiting where the runtime knows (head's begin_ns is now).
 */
int goroutines_grouped__write(const struct goroutine_groups *groups, struct frame_cache *fc,
			      const struct snapshot *head, int fd);

/*
 * The groups by stack as a pprof goroutine profile: the writer's symtab, which must be symtab,
 * gets what it does not have from fc's binary. Stacks that are not known (running goroutines)
 * are under a pseudo function, so that the total is true.
 */
int goroutines_grouped__pprof(const struct goroutine_groups *groups, struct frame_cache *fc,
			      struct symtab *symtab, struct pprof_writer *w);

#endif
