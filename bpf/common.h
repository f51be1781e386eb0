/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_COMMON_H
#define BPF_COMMON_H

/*
 * What all programs share: configuration, rings, scratch memory, counters. Each object has
 * its own read-only and zeroed data; rings and scratch are one set of maps, which user
 * space makes and hands to every object.
 *
 * Nothing here may need a kernel newer than 5.10 (no atomics that return a value, no
 * bpf_loop); what is newer sits in programs that are loaded only where they work.
 */
#include "types.h"
#include "regs.h"

#include <bpf/bpf_helpers.h>

#include "gobpftrace_abi.h"
#include "gobpftrace_sites.h"

static __always_inline int unwind_read(void *dst, __u32 sz, __u64 addr)
{
	return bpf_probe_read_user(dst, sz, (const void *)addr);
}

/*
 * The verifier goes through a global function once, whoever calls it, but before 5.13 such
 * a function takes numbers only: it looks its memory up again.
 */
int unwind_fill_slot(__u32 slot, __u64 addr);
int unwind_follow_slot(__u32 slot);
#define UNWIND_FILL(u, addr) unwind_fill_slot((u)->slot, addr)
#define UNWIND_FOLLOW(u) unwind_follow_slot((u)->slot)

#include "unwind.h"

const volatile struct gbt_config cfg;

/* Written by user space. Breakpoints are in place before the capture begins and after it has
 * ended, so a flag, not attaching, says what counts. */
volatile __u32 armed;
/* Added to the run-time addresses of cfg: not 0 when the load bias was told later. */
volatile __u64 bias_delta;

/*
 * What hits remember (known.h) holds while the probes stay in place: each time that they have come
 * is an era of its own, 0 while they come and go. Written by user space; above all addresses, so
 * that it can be mixed into them.
 */
volatile __u64 era;
/* The number of the same, without an end (era has one: then it stays 0). */
volatile __u64 era_number;

/*
 * An exec ends the capture in the very moment: what runs from then on is another program, even if
 * it comes from the same file. Execs that are still expected (a command's own): user space says.
 */
volatile __u32 execs_expected;
volatile __u64 execed_ns; /* when it was; 0 not yet */

/* Counted where no scratch memory is held: atomically. */
__u64 foreign_cnt;
__u64 no_scratch_cnt;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} gbt_rings SEC(".maps");

enum walk {
	WALK_NONE,
	WALK_SCHED, /* from the saved context of the g in s->g */
	WALK_REGS,  /* from the registers, on the stack of the g in s->g */
};

/* A record in the making. */
struct hit {
	__u64 now;
	__u32 tid;
	__u16 kind;
	__u16 flags;
	__s32 p;
	__s32 arg32;
	__u64 goid, cur, arg, stack;
	/* for the rest of the work; addresses */
	__u64 m, pp, curg, startpc;
	__u64 era; /* when it began, for what it remembers; 0: it remembers nothing */
	__u32 walk;
	/* Looked at again for each question: in a register the verifier would tell apart all
	 * combinations of answers. */
	volatile __u32 site, needs;
	__u32 in_frame;			     /* the probed function's own frame is set up */
	__u64 list;			     /* injectglist: the first goroutine */
	volatile __u32 scan_state, scan_cnt; /* bpf/requests.h, sql_scan */
	__u64 labels;			     /* id of the set that labels_define was told of */
	__u32 lost; /* enum gbt_counter to count it by when the ring is full */
};

/* The g that a hit is about: up to startpc (312 in 1.18). */
#define G_SZ 320

/*
 * Memory for one run of a program. Uprobe programs are preempted by threads that run the same
 * program, so per-CPU memory would not be ours. A thread takes a slot at its first hit and
 * keeps it: it is in one probe at a time. Where there are more threads than slots, and for
 * samples, which interrupt probes, there are slots that are taken for the time of a run.
 */
struct scratch {
	struct gbt_slot out; /* what user space reads; exact without atomics */
	__u64 owner;	     /* id of the thread that keeps the slot; 0 none */
	/* What the last hits told of that thread: bpf/known.h. Addresses; 0: not known. */
	__u64 own_g0, own_m, own_p, own_g;
	__u64 own_era; /* of own_p */
	/* Mode light: the goroutine that the thread started last, 0 none or told, and its id */
	__u64 ran_g, ran_goid, ran_mark;
	struct hit hit;
	__u8 m[GBT_READ_M_SZ];
	__u8 g[G_SZ + 16];
	union {
		struct gbt_text text;
		struct gbt_labels labels;
		__u8 code[16]; /* around a PC */
		__u64 words[32];
	};
	struct unwind unwind;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GBT_SCRATCH_PER_CPU);
	__type(key, __u32);
	__type(value, struct scratch);
} gbt_scratch SEC(".maps");

/*
 * Two that count up at once see 2 and both leave the slot alone; whoever reads 1 is alone. (A
 * compare-and-swap needs 5.12.)
 */
static __always_inline bool scratch_claim(struct scratch *s)
{
	__sync_fetch_and_add(&s->out.users, 1);
	if (*(volatile __u64 *)&s->out.users == 1)
		return true;
	__sync_fetch_and_add(&s->out.users, -1);
	return false;
}

/* A slot of this CPU, for one run. */
static __always_inline struct scratch *scratch_get_shared(void)
{
	__u32 base = bpf_get_smp_processor_id() * GBT_SCRATCH_PER_CPU, i, key;
	struct scratch *s;

#pragma unroll
	for (i = 0; i < GBT_SCRATCH_PER_CPU; i++) {
		key = cfg.own_mask + 1 + ((base + i) & cfg.scratch_mask);
		s = bpf_map_lookup_elem(&gbt_scratch, &key);
		if (!s)
			return NULL;
		if (scratch_claim(s)) {
			s->unwind.slot = key;
			return s;
		}
	}
	return NULL;
}

static __always_inline struct scratch *scratch_get(__u32 tid)
{
	struct scratch *s;
	__u32 i, key;

#pragma unroll
	for (i = 0; i < 2; i++) {
		key = (tid + i) & cfg.own_mask;
		s = bpf_map_lookup_elem(&gbt_scratch, &key);
		if (!s)
			return NULL;
		if (s->owner == tid)
			return s;
		if (!s->owner && scratch_claim(s)) {
			s->unwind.slot = key;
			s->owner = tid;
			return s;
		}
	}
	return scratch_get_shared();
}

/* A thread ends: its slot is free, for what is known of it would be wrong for another. */
static __always_inline void scratch_give_back(__u32 tid)
{
	struct scratch *s;
	__u32 i, key;

#pragma unroll
	for (i = 0; i < 2; i++) {
		key = (tid + i) & cfg.own_mask;
		s = bpf_map_lookup_elem(&gbt_scratch, &key);
		if (!s || s->owner != tid)
			continue;
		s->own_g0 = s->own_m = s->own_p = s->own_g = 0;
		s->ran_g = 0;
		s->owner = 0;
		__sync_fetch_and_add(&s->out.users, -1);
	}
}

static __always_inline void scratch_put(struct scratch *s)
{
	if (!s->owner)
		__sync_fetch_and_add(&s->out.users, -1);
}

/* From before the hit's memory is used until all of it is written: a thread may be preempted in it.
 */
static __always_inline void scratch_busy(struct scratch *s, bool on)
{
	*(volatile __u64 *)&s->out.busy = on;
}

static __always_inline struct hit *hit_begin(struct scratch *s, __u32 tid)
{
	struct hit *h = &s->hit;

	__builtin_memset(h, 0, sizeof(*h));
	h->tid = tid;
	h->p = -1;
	return h;
}

__noinline int unwind_fill_slot(__u32 slot, __u64 addr)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);

	return s ? unwind_fill(&s->unwind, addr) : -1;
}

__noinline int unwind_follow_slot(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);

	return s ? unwind_follow(&s->unwind) : -1;
}

/* A chain that ended, on below callbacks from C. */
__noinline int unwind_cross_slot(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	int i;

	if (!s)
		return -1;
	for (i = 0; i < UNWIND_BRIDGES_MAX; i++) {
		if (!s->unwind.fp || unwind_bridge(&s->unwind, &cfg.cgo, bias_delta))
			break;
		unwind_chase(&s->unwind);
	}
	return 0;
}

/* A goroutine's stack from u->fp on. */
static __always_inline void unwind_goroutine(struct unwind *u)
{
	__u64 at = u->fp - u->lo;

	/* the first piece here: a call for it, as for those that follow, costs more */
	if (u->fp && (at >> 3 | at << 61) >= u->frames)
		unwind_fill(u, u->fp);
	unwind_chase(u);
	if (cfg.cgo.callback.hi && u->fp)
		unwind_cross_slot(u->slot);
}

static __always_inline void *ring_of_cpu(void)
{
	__u32 key = bpf_get_smp_processor_id() & cfg.ring_mask;

	return bpf_map_lookup_elem(&gbt_rings, &key);
}

static __always_inline int ring_output(void *data, __u64 sz)
{
	void *ring = ring_of_cpu();

	return ring ? bpf_ringbuf_output(ring, data, sz, BPF_RB_NO_WAKEUP) : -1;
}

/* Is this thread one of the target's? And its id. */
static __always_inline bool is_target(__u32 *tid)
{
	struct bpf_pidns_info ns = {};
	__u64 ids;

	if (cfg.pidns_level == 0) {
		ids = bpf_get_current_pid_tgid();
		*tid = (__u32)ids;
		return ids >> 32 == cfg.tgid;
	}
	if (bpf_get_ns_current_pid_tgid(cfg.pidns_dev, cfg.pidns_ino, &ns, sizeof(ns)))
		return false;
	*tid = ns.pid;
	return ns.tgid == cfg.tgid;
}

/* Called by the thread that has exec'ed, before it runs the new program. */
SEC("raw_tp/sched_process_exec")
int exec_seen(void *ctx)
{
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	if (execs_expected) {
		execs_expected--;
		return 0;
	}
	armed = 0;
	if (!execed_ns)
		execed_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline bool in_range(__u64 pc, __u64 lo, __u64 hi)
{
	pc -= bias_delta;
	return pc >= lo && pc < hi;
}

/* Field of a g that was read to s->g. Offsets are constants when the programs are loaded, so
 * the verifier drops what a version does not have. */
#define G_U64(s, field) (*(__u64 *)((s)->g + cfg.off.field))
#define G_U32(s, field) (*(__u32 *)((s)->g + cfg.off.field))
#define G_U8(s, field) (*(__u8 *)((s)->g + cfg.off.field))

/* A read that the record needs: a failure is counted and told in its flags. */
static __always_inline int get(struct scratch *s, struct hit *h, void *dst, __u32 sz, __u64 addr)
{
	int err = unwind_read(dst, sz, addr);

	if (err) {
		s->out.cnt[GBT_C_UNREADABLE]++;
		h->flags |= GBT_F_UNREADABLE;
	}
	return err;
}

#define M_WORD(s, field) (*(__u64 *)((s)->m + cfg.off.field))

/* A small direct-mapped cache over addresses in the target. */
#define CACHE_BITS 10
#define CACHE_SLOT(addr) (((addr)*0x9e3779b97f4a7c15ull) >> (64 - CACHE_BITS))

static __u64 p_ids[1 << CACHE_BITS]; /* address << 16 | id */

/* The runtime never frees a P nor changes its id, so a read of each is enough. */
static __always_inline __s32 read_p_id(struct scratch *s, struct hit *h, __u64 pp)
{
	__u64 slot = CACHE_SLOT(pp), known = p_ids[slot];
	__s32 id = -1;

	if (!pp)
		return -1;
	if (known >> 16 == pp)
		return known & 0xffff;
	if (get(s, h, &id, sizeof(id), pp + cfg.off.p_id))
		return -1;
	if (id >= 0 && id < 1 << 16 && pp >> 48 == 0)
		p_ids[slot] = pp << 16 | id;
	return id;
}

/* What is in s->m of the thread's m: its current goroutine and its P. */
static __always_inline void take_m(struct scratch *s, struct hit *h, __u64 m)
{
	h->m = m;
	h->curg = M_WORD(s, m_curg);
	h->pp = M_WORD(s, m_p);
	h->p = read_p_id(s, h, h->pp);
	if (s->owner) {
		s->own_g0 = M_WORD(s, m_g0);
		s->own_m = m;
		s->own_p = h->pp;
		s->own_g = h->curg;
		s->own_era = h->era;
	}
}

static __always_inline void load_m(struct scratch *s, struct hit *h, __u64 m)
{
	if (m && !get(s, h, s->m, GBT_READ_M_SZ, m))
		take_m(s, h, m);
}

/* Seen stacks, by hash, two places each. Lost races only send a definition twice. User space clears
 * it where it forgets definitions. */
#define SEEN_BITS 16
__u64 seen[1 << SEEN_BITS];

static __always_inline __u64 *seen_find(__u64 id, bool *found)
{
	__u64 i = (id >> 8) & ((1 << SEEN_BITS) - 2), free;

	unwind_opaque(i);
	*found = seen[i] == id || seen[i + 1] == id;
	free = i + (seen[i] != 0 && (seen[i + 1] == 0 || (id & 1)));
	free &= (1 << SEEN_BITS) - 1;
	return &seen[free];
}

/*
 * Ends the walk in s->unwind; its definition goes out unless it did before, and before the
 * event that refers to it. Returns the id.
 */
static __always_inline __u64 stack_publish(struct scratch *s, struct hit *h)
{
	__u64 id = unwind_end(&s->unwind), cnt = s->unwind.cnt, *place;
	struct gbt_stack *out = &s->unwind.out;
	bool found;

	h->flags |= s->unwind.flags;
	if (s->unwind.flags & GBT_F_STACK_CUT)
		s->out.cnt[GBT_C_STACK_CUT]++;
	if (!id)
		return 0;
	place = seen_find(id, &found);
	if (found)
		return id;
	out->hdr.time_ns = bpf_ktime_get_ns();
	out->hdr.tid = h->tid;
	out->hdr.kind = GBT_STACK;
	out->hdr.flags = 0;
	out->id = id;
	out->cnt = cnt;
	out->flags = s->unwind.flags;
	unwind_opaque(cnt);
	if (cnt > GBT_STACK_MAX)
		cnt = GBT_STACK_MAX;
	if (ring_output(out, __builtin_offsetof(struct gbt_stack, pcs) + cnt * 8)) {
		s->out.cnt[GBT_C_STACK_LOST]++;
		h->flags |= GBT_F_STACK_LOST;
		return id;
	}
	s->out.cnt[GBT_C_STACKS]++;
	*place = id; /* only now: a lost definition is sent again */
	return id;
}

#endif
