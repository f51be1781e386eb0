/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_KNOWN_H
#define BPF_KNOWN_H

/*
 * What earlier hits have told, so that it need not be read again: a read of the target's memory
 * takes as long as all else that a hit does.
 *
 * - A goroutine's id and entry: newproc1 alone writes them, to the g of a goroutine that has
 *   ended. So they hold from a start to the end, whose hit takes them away here.
 * - A thread's m and g0 belong together as long as the thread lives (runtime/proc.go: newm; an
 *   extra m of cgo keeps its g0), and P changes hands at acquirep and releasep and in system calls,
 *   from whose beginning to the first read of the m behind their end it is not known here.
 * - The goroutine that a thread runs is a guess, borne out by g.m: execute and dropg write it
 *   together with m.curg.
 *
 * It needs the sites that tell of such changes (cfg.remember), that no hit was missed, and that all
 * probes have been in place since: what an earlier era told is not known. A hit is of the era in
 * which it began, so one that was preempted in it while probes came tells the new era nothing.
 */
#include "common.h"

/* Direct-mapped by g. An entry that two CPUs wrote at once does not match its check. */
#define KNOWN_BITS 12
#define KNOWN_MIX 0x87c37b91114253d5ull

struct known {
	__u64 check, goid, startpc, pad;
};
static volatile struct known known[1 << KNOWN_BITS];

static __always_inline __u64 era_of_hit(void)
{
	return cfg.remember && !no_scratch_cnt ? era : 0;
}

static __always_inline volatile struct known *known_slot(__u64 gp)
{
	return &known[(gp * 0x9e3779b97f4a7c15ull) >> (64 - KNOWN_BITS)];
}

static __always_inline __u64 known_check(__u64 of_era, __u64 gp, __u64 goid, __u64 startpc)
{
	return gp ^ of_era ^ (goid + startpc * KNOWN_MIX) * KNOWN_MIX;
}

static __always_inline bool known_get(const struct hit *h, __u64 gp, __u64 *goid, __u64 *startpc)
{
	volatile struct known *k = known_slot(gp);

	if (!h->era)
		return false;
	*goid = k->goid;
	*startpc = k->startpc;
	return k->check == known_check(h->era, gp, *goid, *startpc);
}

static __always_inline void known_set(const struct hit *h, __u64 gp, __u64 goid, __u64 startpc)
{
	volatile struct known *k = known_slot(gp);

	if (!h->era)
		return;
	k->goid = goid;
	k->startpc = startpc;
	k->check = known_check(h->era, gp, goid, startpc);
}

/* The goroutine ends: its g will be another one's. */
static __always_inline void known_drop(const struct hit *h, __u64 gp)
{
	__u64 goid, startpc;

	if (known_get(h, gp, &goid, &startpc))
		known_slot(gp)->check = 0;
}

/* The subject's id and entry: from memory, or read; a new one's are read. */
static __always_inline void load_identity(struct scratch *s, struct hit *h, __u64 gp, bool is_new)
{
	__u64 goid, startpc;

	if (!gp)
		return;
	if (!is_new && known_get(h, gp, &goid, &startpc)) {
		h->goid = goid;
		h->startpc = startpc;
		return;
	}
	if (get(s, h, s->words, GBT_READ_GOID_SZ, gp + cfg.off.g_goid)) {
		known_drop(h, gp);
		return;
	}
	h->goid = s->words[0];
	h->startpc = *(__u64 *)((__u8 *)s->words + (cfg.off.g_startpc - cfg.off.g_goid));
	known_set(h, gp, h->goid, h->startpc);
}

/*
 * The m of g0. A thread keeps its own, so the last one is tried first, and must still point back
 * at g0, which the same read shows.
 */
static __always_inline void load_m_of_g(struct scratch *s, struct hit *h, __u64 g)
{
	__u64 m = s->own_m;

	if (s->own_g0 == g && !unwind_read(s->m, GBT_READ_M_SZ, m) && M_WORD(s, m_g0) == g)
		take_m(s, h, m);
	else if (!get(s, h, &m, sizeof(m), g + cfg.off.g_m))
		load_m(s, h, m);
}

/* The P of this thread, whose m is known from elsewhere; the m is read only if it has to. */
static __always_inline bool known_p(struct scratch *s, struct hit *h, __u64 m)
{
	if (!h->era || s->own_era != h->era || !s->own_p || s->own_m != m)
		return false;
	h->m = m;
	h->pp = s->own_p;
	h->p = read_p_id(s, h, h->pp);
	return true;
}

static __always_inline void load_p(struct scratch *s, struct hit *h, __u64 m)
{
	if (!known_p(s, h, m))
		load_m(s, h, m);
}

/* The same on g0; fresh: the m is read. */
static __always_inline void load_p_of_g(struct scratch *s, struct hit *h, __u64 g, bool fresh)
{
	if (fresh || s->own_g0 != g || !known_p(s, h, s->own_m))
		load_m_of_g(s, h, g);
}

/* From 1.26 on the end of a system call takes its time at its one read (STAMP_EARLY). */
static __always_inline void stamp_before_m(struct hit *h)
{
	if (h->site == GBT_SITE_EXITSYSCALL && cfg.go_minor >= 26)
		h->now = bpf_ktime_get_ns();
}

/* And then the middle of it: beside the tracer's own stamps the one side is 70 ns early and the
 * other 60 ns late, a hundredth and more of what runs between two short system calls. */
static __always_inline void stamp_behind_m(struct hit *h)
{
	if (h->site == GBT_SITE_EXITSYSCALL && h->now)
		h->now = (h->now + bpf_ktime_get_ns()) / 2;
}

/* The goroutine at g, which runs on this thread's own m: its id, and what the m says now. */
static __always_inline void load_own(struct scratch *s, struct hit *h, __u64 g)
{
	__u64 goid, startpc;
	bool known = s->own_m && known_get(h, g, &goid, &startpc);

	stamp_before_m(h);
	if (known && !unwind_read(s->m, GBT_READ_M_SZ, s->own_m) && M_WORD(s, m_curg) == g) {
		stamp_behind_m(h);
		h->goid = goid;
		take_m(s, h, s->own_m);
		return;
	}
	get(s, h, s->g, GBT_READ_G_SZ, g);
	h->goid = G_U64(s, g_goid);
	stamp_before_m(h);
	load_m(s, h, G_U64(s, g_m));
}

/*
 * Of the g at gp, whose id may be known, what a walk and the check of its m need: the first half,
 * which takes less time. The begin of an assist tells more of it.
 */
static __always_inline bool read_curg(struct scratch *s, struct hit *h, __u64 gp)
{
	__u64 startpc;

	if (h->site != GBT_SITE_GC_ASSIST && known_get(h, gp, &h->cur, &startpc))
		return !unwind_read(s->g, GBT_READ_WALK_SZ, gp);
	if (unwind_read(s->g, GBT_READ_G_SZ, gp))
		return false;
	h->cur = G_U64(s, g_goid);
	return true;
}

/*
 * The goroutine that this thread runs, into s->g, and its stack: saved in g.sched when we are
 * on the system stack, else in the registers.
 */
static __always_inline void load_curg(struct scratch *s, struct hit *h, __u64 g)
{
	__u64 gp = s->own_g;

	if (!gp || s->own_g0 != g || !known_p(s, h, s->own_m) || !read_curg(s, h, gp) ||
	    G_U64(s, g_m) != s->own_m) {
		load_m_of_g(s, h, g);
		gp = h->curg;
		h->cur = 0;
		if (!gp)
			return;
		get(s, h, s->g, GBT_READ_G_SZ, gp);
		h->cur = G_U64(s, g_goid);
	}
	h->walk = g == gp ? WALK_REGS : WALK_SCHED;
}

#endif
