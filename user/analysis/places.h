/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_PLACES_H
#define ANALYSIS_PLACES_H

#include "analysis/stackset.h"
#include "base/strtab.h"

/* Numbers for the places of a program (stackset__place), so that stacks of one place add up. */
struct places {
	const struct stackset *stacks;
	struct strtab *names;
	uint32_t *of_stack; /* [stacks->cnt], number + 1 */
};

int places__init(struct places *p, const struct stackset *stacks);
void places__fini(struct places *p);
/* -ENOMEM. Stacks of which nothing is known share one place with "no stack". */
int64_t places__of(struct places *p, uint32_t stack);

#endif
