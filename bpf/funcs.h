/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_FUNCS_H
#define BPF_FUNCS_H

/*
 * Calls of functions that somebody asked for, by goroutine and function. A call is known by how
 * deep its return address lies in its goroutine's stack, from the top of it: stacks move, and that
 * stays. Whatever lies as deep as a new call, or deeper, is over without a return: a panic or
 * Goexit went through it. It is dropped, and counted. What another goroutine began that had the
 * same g, or what began in another era (common.h), is none of this one's.
 */
#include "common.h"

#define FUNC_NEST_MAX                                                                              \
	8 /* calls within calls of one function; those of a recursion beyond are counted */

struct func_key {
	__u64 g, func;
};

struct func_open {
	__u64 goid, era, cnt;
	struct {
		__u64 begin_ns, depth;
	} f[FUNC_NEST_MAX]; /* ever deeper */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* user space: GBT_FUNC_OPEN_MAX */
	__type(key, struct func_key);
	__type(value, struct func_open);
} gbt_func_open SEC(".maps");

/* By the run-time address of each entry and return. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* user space: as many as there are */
	__type(key, __u64);
	__type(value, struct gbt_func_site);
} gbt_func_sites SEC(".maps");

/* What began before a gap may have been missed to end in it; not where probes stay. */
static __always_inline __u64 era_of_funcs(void)
{
	return cfg.func_steady ? 1 : era_number;
}

/* Those as deep as this, and deeper, are gone; or only those that are deeper. */
static __always_inline void func_drop(struct scratch *s, struct func_open *o, __u64 depth)
{
	__u64 cnt = 0, i;

	for (i = 0; i < FUNC_NEST_MAX; i++)
		if (i < o->cnt && o->f[i].depth < depth)
			cnt = i + 1;
	if (o->cnt > cnt)
		s->out.cnt[GBT_C_FUNC_UNWOUND] += o->cnt - cnt;
	o->cnt = cnt;
}

static __always_inline void func_enter(struct scratch *s, struct hit *h, __u64 g, __u64 func,
				       __u64 depth)
{
	struct func_key key = {.g = g, .func = func};
	struct func_open *o = bpf_map_lookup_elem(&gbt_func_open, &key);
	__u64 at;

	if (!o) {
		struct func_open fresh = {.goid = h->goid, .era = era_of_funcs(), .cnt = 1};

		fresh.f[0].depth = depth;
		fresh.f[0].begin_ns = bpf_ktime_get_ns();
		if (bpf_map_update_elem(&gbt_func_open, &key, &fresh, BPF_ANY))
			s->out.cnt[GBT_C_FUNC_LOST]++;
		return;
	}
	if (o->goid != h->goid || o->era != era_of_funcs()) {
		s->out.cnt[GBT_C_FUNC_UNWOUND] += o->cnt;
		o->goid = h->goid;
		o->era = era_of_funcs();
		o->cnt = 0;
	}
	func_drop(s, o, depth);
	at = o->cnt;
	if (at >= FUNC_NEST_MAX) {
		s->out.cnt[GBT_C_FUNC_LOST]++;
		return;
	}
	o->f[at & (FUNC_NEST_MAX - 1)].depth = depth;
	o->f[at & (FUNC_NEST_MAX - 1)].begin_ns = bpf_ktime_get_ns();
	o->cnt = at + 1;
}

/* When the call began that returns; 0: that was not seen. */
static __always_inline __u64 func_leave(struct scratch *s, struct hit *h, __u64 g, __u64 func,
					__u64 depth)
{
	struct func_key key = {.g = g, .func = func};
	struct func_open *o = bpf_map_lookup_elem(&gbt_func_open, &key);
	__u64 begin_ns = 0, at;

	if (!o || o->goid != h->goid || !o->era || o->era != era_of_funcs())
		return 0;
	func_drop(s, o, depth + 1);
	at = o->cnt - 1;
	if (o->cnt && o->f[at & (FUNC_NEST_MAX - 1)].depth == depth) {
		begin_ns = o->f[at & (FUNC_NEST_MAX - 1)].begin_ns;
		o->cnt = at;
	}
	if (!o->cnt)
		bpf_map_delete_elem(&gbt_func_open, &key);
	return begin_ns;
}

#endif
