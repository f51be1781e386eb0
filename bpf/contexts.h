/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_CONTEXTS_H
#define BPF_CONTEXTS_H

/*
 * The task of a context: what context.Value would find for the key of runtime/trace. A context is
 * an interface, and what it does with a key is its Value method, which its itab holds; those
 * that are known (user/goruntime/contexts.h) hand on to the context that they wrap. A
 * chain with any other in it, or too long a one, does not tell its task.
 */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GBT_CONTEXTS_MAX);
	__type(key, __u64);   /* entry of a Value method: link-time address */
	__type(value, __u32); /* enum gbt_context */
} gbt_contexts SEC(".maps");

#define CONTEXT_STEPS 64
/* itab.fun[3]: of Deadline, Done, Err, Value (runtime/runtime2.go, internal/abi/iface.go) */
#define ITAB_VALUE (24 + 3 * 8)

/* valueCtx: the context that it wraps, key, val; two words each. */
enum {
	VALUE_KEY_TYPE = 2,
	VALUE_VAL_DATA = 5,
	VALUE_WORDS = 6
};

/* One step of the chain from s->words[0], [1]. 0: it ends; h->arg is the task. 1: go on. */
static __always_inline int context_step(struct scratch *s, struct hit *h)
{
	__u64 method = 0, *w = s->words;
	__u32 *kind;

	if (get(s, h, &method, sizeof(method), w[0] + ITAB_VALUE))
		return -1;
	method -= bias_delta;
	kind = bpf_map_lookup_elem(&gbt_contexts, &method);
	if (!kind)
		return -1;
	if (*kind == GBT_CONTEXT_EMPTY)
		return 0;
	if (*kind == GBT_CONTEXT_POINT && get(s, h, &w[1], sizeof(w[1]), w[1]))
		return -1;
	if (*kind != GBT_CONTEXT_VALUE)
		return get(s, h, w, 2 * 8, w[1]) ? -1 : 1;
	if (get(s, h, w, VALUE_WORDS * 8, w[1]))
		return -1;
	if (w[VALUE_KEY_TYPE] - bias_delta != cfg.trace_key)
		return 1;
	return get(s, h, &h->arg, sizeof(h->arg), w[VALUE_VAL_DATA]) ? -1 : 0;
}

int context_task_slot(__u32 slot);

/* The verifier goes through it once; it begins with the context in s->words. */
__noinline int context_task_slot(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	int i, more = 1;

	if (!s || !cfg.trace_key)
		return -1;
	for (i = 0; i < CONTEXT_STEPS && more > 0; i++)
		more = context_step(s, &s->hit);
	return more;
}

/* The task of the context whose two words these are, into h->arg, 0 none; false: not known. */
static __always_inline bool context_task(struct scratch *s, struct hit *h, __u64 itab, __u64 data)
{
	s->words[0] = itab;
	s->words[1] = data;
	return context_task_slot(s->unwind.slot) == 0;
}

#endif
