/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_EVENTS_H
#define BPF_EVENTS_H

/*
 * Events on their way to user space. To reserve, write and submit a record in a ring takes as long
 * as the rest of a hit: two locked instructions that wait for a line that another processor has
 * read. So events wait in the slot's own memory (struct gbt_slot), and sixteen go at once.
 *
 * The reader takes it that events are written before they are counted, and that a batch is in a
 * ring before the next one but one begins: stores in the order of the program, as x86 has them.
 * Elsewhere each event goes into a ring by itself.
 */
#include "common.h"

static __always_inline void set_event(struct gbt_event *e, const struct hit *h)
{
	e->hdr.time_ns = h->now;
	e->hdr.tid = h->tid;
	e->hdr.kind = h->kind;
	e->hdr.flags = h->flags;
	e->p = h->p;
	e->arg32 = h->arg32;
	e->goid = h->goid;
	e->cur = h->cur;
	e->arg = h->arg;
	e->stack = h->stack;
}

#if defined(__TARGET_ARCH_x86)
#define EVENTS_WAIT 1

/* The order of stores. */
#define stored() asm volatile("" ::: "memory")

static __always_inline int batch_send(struct scratch *s, __u32 slot)
{
	__u64 first = s->out.limit - GBT_BATCH_CNT;
	struct gbt_batch *b = &s->out.batch[first / GBT_BATCH_CNT & 1];

	b->hdr.time_ns = first;
	b->hdr.tid = slot;
	b->hdr.kind = GBT_RING_BATCH;
	return ring_output(b, sizeof(*b));
}

static __always_inline int slot_tell(__u32 slot)
{
	struct gbt_hdr hdr = {.tid = slot, .kind = GBT_RING_SLOT};

	return ring_output(&hdr, sizeof(hdr));
}

int batch_room_slot(__u32 slot);

/* Makes room for another batch; not 0: there is none in the ring for the one before. */
__noinline int batch_room_slot(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);

	if (!s || (s->out.limit ? batch_send(s, slot) : slot_tell(slot)))
		return -1;
	stored();
	*(volatile __u64 *)&s->out.limit += GBT_BATCH_CNT;
	stored();
	return 0;
}

/* Where the next event is written, if sent is below limit. */
static __always_inline struct gbt_event *event_place(struct scratch *s)
{
	__u64 n = s->out.sent;

	return &s->out.batch[n / GBT_BATCH_CNT & 1].ev[n & (GBT_BATCH_CNT - 1)];
}

static __always_inline void event_sent(struct scratch *s)
{
	stored();
	*(volatile __u64 *)&s->out.sent += 1;
	s->out.cnt[GBT_C_EVENTS]++;
}

static __always_inline void send_event(struct scratch *s)
{
	if (s->out.sent >= s->out.limit && batch_room_slot(s->unwind.slot)) {
		s->out.cnt[s->hit.lost & (GBT_COUNTERS - 1)]++;
		return;
	}
	set_event(event_place(s), &s->hit);
	event_sent(s);
}

#else
#define EVENTS_WAIT 0

static __always_inline void send_event(struct scratch *s)
{
	void *ring = ring_of_cpu();
	struct gbt_event *e;

	e = ring ? bpf_ringbuf_reserve(ring, sizeof(*e), 0) : NULL;
	if (!e) {
		s->out.cnt[s->hit.lost & (GBT_COUNTERS - 1)]++;
		return;
	}
	set_event(e, &s->hit);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	s->out.cnt[GBT_C_EVENTS]++;
}

#endif

/* Goroutines that have told who made them, by goid. */
#define TOLD_BITS 12
static __u64 told[1 << TOLD_BITS];

/* Of h->goid, whose g is at gp: a record of its own, once (or again: losing it does no harm). */
static __always_inline void tell_creator(struct scratch *s, struct hit *h, __u64 gp)
{
	__u64 i = h->goid & ((1 << TOLD_BITS) - 1), gopc = 0;

	if (!cfg.creators || cfg.g_gopc < 0 || !h->goid || !gp || told[i] == h->goid)
		return;
	if (unwind_read(&gopc, sizeof(gopc), gp + cfg.g_gopc))
		return;
	told[i] = h->goid;
	h->kind = GBT_CREATOR;
	h->arg = gopc;
	h->stack = 0;
	send_event(s);
}

#endif
