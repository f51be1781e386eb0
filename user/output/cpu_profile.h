/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_CPU_PROFILE_H
#define OUTPUT_CPU_PROFILE_H

#include "base/imap.h"
#include "goruntime/symtab.h"
#include "output/pprof_writer.h"
#include "output/profile_tags.h"
#include "raw/raw.h"

/*
 * The cpu profile from the samples of a raw stream. Where these tell their place in the kernel, its
 * frames stand above those of the program that called it.
 */
struct cpu_profile {
	/* the caller's; all borrowed */
	struct pprof_writer *w; /* of PPROF_CPU */
	const struct raw_stacks *stacks;
	const struct symtab *symtab;
	const struct imap
		*tid_map;   /* tid of the events -> the target's own; NULL or empty: equal */
	uint64_t period_ns; /* 1e9 / Hz */
	unsigned tags;	    /* enum profile_tag */
	/* its own; zeroed at first */
	struct imap kernel_stack, kernel_time; /* by thread: of a sample that is about to come */
	struct imap creators;		       /* goid -> PC of the go statement */
};

void cpu_profile__fini(struct cpu_profile *p);
/* One record; what is no sample is ignored. A sample without a stack is kept under a pseudo
 * function, so that the total stays true. */
int cpu_profile__record(struct cpu_profile *p, const struct gbt_hdr *rec);
/* First, for TAG_CREATOR: every record, for a goroutine's creator is told behind its first sample.
 */
int cpu_profile__creator(struct cpu_profile *p, const struct gbt_hdr *rec);
/* Samples that were dropped before they reached us. */
int cpu_profile__lost(struct cpu_profile *p, uint64_t cnt);

#endif
