/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_CONTEXTS_H
#define GORUNTIME_CONTEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "binary/gobinary.h"
#include "gobpftrace_abi.h"

/*
 * What is known of the contexts of a program, for bpf/contexts.h: by their Value methods what they
 * do with a key. Those of package context by name; of all other types those whose method the
 * compiler made, which hands on to an embedded context at the type's begin, told by its
 * instructions.
 */
struct context_method {
	uint64_t entry; /* link-time address */
	uint32_t kind;	/* enum gbt_context */
};

struct contexts {
	uint64_t key; /* link-time address of the type of the key that a task is found by; 0: the
		       * program has no regions by StartRegion that can be seen */
	struct context_method methods[GBT_CONTEXTS_MAX];
	size_t cnt;
};

/* -ENOMEM, -EBADMSG. */
int contexts__of_binary(const struct gobinary *b, struct contexts *out);

#endif
