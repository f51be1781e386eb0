/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PROFILES_H
#define OUTPUT_PROFILES_H

#include "analysis/stack_profiles.h"
#include "goruntime/snapshot.h"
#include "goruntime/symtab.h"
#include "output/pprof_writer.h"
#include "raw/raw.h"

/*
 * The profiles that a capture writes: each feeds a pprof_writer of the type of the same name.
 */

/* Whose goroutine is it, the program's or the runtime's own? By the function that it was started
 * with (an exact key of symtab), or by the root of its stack. */
bool profile__is_system_start(const struct symtab *symtab, uint64_t startpc);
bool profile__is_system_stack(const struct symtab *symtab, const uint64_t *pcs, size_t cnt);

/* goroutine: all goroutines of the snapshot but those of the runtime. tags: enum profile_tag. */
int goroutine_profile__add(struct pprof_writer *w, const struct snapshot *s,
			   const struct symtab *symtab, unsigned tags);

/* A row of one of the folds of analysis/stack_profiles.h. */
int stack_profile__row(struct pprof_writer *w, const struct raw_stacks *stacks,
		       const struct symtab *symtab, enum stack_profile which,
		       const struct stack_profile_row *row);

/*
 * threadcreate: the number of Ms (allm), under one row as in runtime/pprof, whose Ms seldom have a
 * stack of their creation (src/runtime/proc.go, mcommoninit).
 */
int threadcreate_profile__add(struct pprof_writer *w, uint64_t m_cnt);

/*
 * The mappings of RAW_MAPS (recorder/raw_facts.c): START-END PERMS OFFSET BUILDID|- PATH, a line
 * each; those whose path's last part is exe first. -EBADMSG with one message when malformed.
 */
int profile__mappings(struct pprof_writer *w, const char *text, size_t len, const char *exe);

#endif
