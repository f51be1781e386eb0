/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_LIGHT_H
#define BPF_LIGHT_H

/*
 * Mode light: the one probe is where a goroutine starts. The thread's slot remembers which
 * goroutine it started before; what became of that one is read from its g, as it was left, when the
 * thread starts the next or is taken off its processor without one. So a stop is known as what it
 * was, and to lie between the two; docs/light.md.
 *
 * Between the probe and where execute has made the goroutine the thread's current one the thread
 * may be taken off, too, and has none: then the goroutine is as it was found at its start, by where
 * it was parked and by how often it had stopped running (g.trackingSeq), and has not been left.
 *
 * A record takes its time behind these reads. A goroutine that has gone on meanwhile on another
 * thread was started there by a hit of that thread's, whose time is before whatever changed in its
 * g: so where the reads may be of later, records in time order show it.
 */
#include "common.h"
#include "events.h"

#define SCAN_BIT 0x1000u
#define STATUS_RUNNABLE 1
#define STATUS_WAITING 4
#define STATUS_DEAD 6
#define STATUS_PREEMPTED 9
#define STATUS_LEAKED 10
#define STATUS_DEADEXTRA 11

/* Its stack, unless it is moved meanwhile: the collector shrinks those of parked goroutines. */
static __always_inline void light_stack(struct scratch *s, struct hit *h, __u64 gp)
{
	struct unwind *u = &s->unwind;
	__u64 pc = G_U64(s, g_sched_pc), lo = G_U64(s, g_stack_lo), now = 0;

	if (!pc)
		return;
	unwind_begin(u, cfg.stack_frames_max);
	u->hi = G_U64(s, g_stack_hi);
	u->fp = G_U64(s, g_sched_bp);
	unwind_push(u, pc);
	unwind_goroutine(u);
	if (unwind_read(&now, sizeof(now), gp + cfg.off.g_stack_lo) || now != lo) {
		h->flags |= GBT_F_STACK_CUT;
		s->out.cnt[GBT_C_STACK_CUT]++;
		return;
	}
	h->stack = stack_publish(s, h);
}

static __always_inline __u64 light_mark(__u64 sp, __u64 pc, __u8 seq)
{
	return unwind_mix(unwind_mix(seq, sp), pc);
}

#define G_MARK(s)                                                                                  \
	light_mark(G_U64(s, g_sched_sp), G_U64(s, g_sched_pc), *((s)->g + cfg.g_tracking_seq))

/* The goroutine that this thread started last: how it was left. false: it has not begun to run. */
static __always_inline bool light_left(struct scratch *s, struct hit *h, bool may_not_run)
{
	__u64 gp = s->ran_g, pc;
	__u32 status;

	h->cur = s->ran_goid;
	if (unwind_read(s->g, GBT_READ_G_SZ, gp)) {
		s->ran_g = 0;
		s->out.cnt[GBT_C_UNREADABLE]++;
		h->flags |= GBT_F_UNREADABLE;
		return true;
	}
	if (may_not_run && G_U64(s, g_goid) == h->cur && G_MARK(s) == s->ran_mark)
		return false;
	s->ran_g = 0;
	status = G_U32(s, g_atomicstatus) & ~SCAN_BIT;
	if (G_U64(s, g_goid) != h->cur || status == STATUS_DEAD || status == STATUS_DEADEXTRA) {
		h->arg32 = GBT_LEFT_ENDED;
		return true;
	}
	pc = G_U64(s, g_sched_pc);
	h->arg32 = GBT_LEFT_STATUS(status) | (__u32)G_U8(s, g_waitreason) << 8;
	if (in_range(pc, cfg.gopark.lo, cfg.gopark.hi))
		h->arg32 |= GBT_LEFT_PARKED;
	if (cfg.gopark_copies)
		h->arg32 |= GBT_LEFT_COPIES;
	if (h->arg)
		h->arg32 |= GBT_LEFT_SWITCHED;
	if (h->arg || status == STATUS_RUNNABLE || status == STATUS_WAITING ||
	    status == STATUS_PREEMPTED || status == STATUS_LEAKED)
		light_stack(s, h, gp);
	return true;
}

/* The m of this thread, which it keeps: where its current goroutine is told. */
static __always_inline void light_thread(struct scratch *s, struct hit *h, __u64 g0)
{
	if (s->own_g0 == g0)
		return;
	s->own_g0 = 0;
	if (!get(s, h, &s->own_m, sizeof(s->own_m), g0 + cfg.off.g_m))
		s->own_g0 = g0;
}

/* A hit of execute, or of a switch between coroutines, which is no call of it. */
static __always_inline void light_start(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 gp = GO_ARG0(ctx), coro = 0;

	h->kind = GBT_START;
	light_thread(s, h, GO_G(ctx));
	if (h->site == GBT_SITE_COROSWITCH) {
		if (cfg.off.g_coroarg < 0 ||
		    get(s, h, &coro, sizeof(coro), gp + cfg.off.g_coroarg) ||
		    get(s, h, &gp, sizeof(gp), coro))
			return;
		h->arg = 1;
	}
	if (!gp)
		return;
	if (s->ran_g)
		light_left(s, h, false);
	if (get(s, h, s->g + cfg.off.g_sched_sp, GBT_READ_MARK_SZ, gp + cfg.off.g_sched_sp))
		return;
	h->goid = G_U64(s, g_goid);
	if (s->owner) {
		s->ran_g = gp;
		s->ran_goid = h->goid;
		s->ran_mark = G_MARK(s);
	}
	h->now = bpf_ktime_get_ns();
	send_event(s);
}

/*
 * The thread goes off its processor. Has it no goroutine by then, the last one has stopped. Not in
 * the middle of a hit, which tells the same when it goes on.
 */
static __always_inline int light_switched(void)
{
	struct scratch *s;
	struct hit *h;
	__u64 curg = 0;
	__u32 tid, key, i;

	if (!armed || !is_target(&tid))
		return 0;
#pragma unroll
	for (i = 0; i < 2; i++) {
		key = (tid + i) & cfg.own_mask;
		s = bpf_map_lookup_elem(&gbt_scratch, &key);
		if (s && s->owner == tid)
			break;
		s = NULL;
	}
	if (!s)
		return 0;
	if (*(volatile __u64 *)&s->out.busy || !s->ran_g || !s->own_g0 ||
	    unwind_read(&curg, sizeof(curg), s->own_m + cfg.off.m_curg) || curg)
		return 0;
	h = hit_begin(s, tid);
	h->lost = GBT_C_RING_FULL;
	h->kind = GBT_LEFT;
	if (!light_left(s, h, true))
		return 0;
	h->now = bpf_ktime_get_ns();
	send_event(s);
	return 0;
}

#endif
