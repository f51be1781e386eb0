/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_UNWIND_H
#define BPF_UNWIND_H

/*
 * Frame-pointer walk over a goroutine's stack. Go keeps frame pointers in every function
 * that has a frame: [fp] is the caller's fp, [fp + 8] the return address.
 *
 * The stack is read in pieces of UNWIND_CHUNK bytes and chased in that buffer: one read a
 * frame costs 1.4 times as much. Compiled into the BPF programs, and into user code that
 * runs it on recorded memory; whoever includes this defines
 *   int unwind_read(void *dst, __u32 sz, __u64 addr)	0 when all bytes were read
 */
#include "gobpftrace_abi.h"

#define UNWIND_CHUNK 2048
#define UNWIND_STACK_SZ_MAX (1ull << 30) /* runtime.maxstacksize on 64 bits is 1 GB */
#define UNWIND_BRIDGES_MAX 8		 /* callbacks within callbacks; beyond, a stack is cut */
#define UNWIND_STEP 16 /* frames that are followed at once; most stacks have fewer */

/* The BPF programs make functions of these two that the verifier goes through once. */
#ifndef UNWIND_FILL
#define UNWIND_FILL(u, addr) unwind_fill(u, addr)
#define UNWIND_FOLLOW(u) unwind_follow(u)
#endif

#ifndef unwind_opaque
/* keeps the compiler from dropping or moving a bound that the verifier has to see */
#define unwind_opaque(x) asm volatile("" : "+r"(x))
#endif

struct unwind {
	__u64 slot;   /* of the scratch memory that this is part of */
	__u64 lo;     /* address of buf[0] */
	__u64 frames; /* places in buf, in words, where two words can be read; 0: nothing is */
	__u64 hi;     /* end of the stack that is walked */
	__u64 fp;     /* where the walk stands; at the end what it could not follow */
	__u64 rec;    /* address of the last frame that was taken; 0 none */
	__u64 hash;   /* of the PCs so far */
	__u32 cnt;
	__u32 max;	   /* of cnt: at most GBT_STACK_MAX */
	__u32 flags;	   /* GBT_F_STACK_CUT */
	__u32 in_callback; /* 1: the stack has runtime.cgocallback, so C below it */
	__u64 buf[UNWIND_CHUNK / 8 + 1];
	struct gbt_stack out; /* pcs are built where they are sent from */
};

/*
 * One PC more. Two stacks that differ in one PC differ after it by a multiple of the odd factor,
 * which is far larger than what the next PCs can make up for; unwind_finish spreads it over all
 * bits.
 */
static inline __attribute__((always_inline)) __u64 unwind_mix(__u64 h, __u64 pc)
{
	return (h ^ pc) * 0x9fb21c651e98df25ull;
}

/* The end of MurmurHash3 (Austin Appleby, public domain). */
static inline __attribute__((always_inline)) __u64 unwind_finish(__u64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdull;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ull;
	h ^= h >> 33;
	return h ? h : 1; /* 0 says "no stack" */
}

static inline __attribute__((always_inline)) void unwind_begin(struct unwind *u, __u32 max)
{
	u->max = max;
	u->lo = 0;
	u->frames = 0;
	u->hi = 0;
	u->fp = 0;
	u->rec = 0;
	u->in_callback = 0;
	u->hash = 0;
	u->cnt = 0;
	u->flags = 0;
}

static inline __attribute__((always_inline)) void unwind_push(struct unwind *u, __u64 pc)
{
	__u64 i = u->cnt, at = i;

	unwind_opaque(at);
	if (i >= u->max) {
		u->flags |= GBT_F_STACK_CUT;
		return;
	}
	u->out.pcs[at & (GBT_STACK_SLOTS - 1)] = pc;
	u->hash = unwind_mix(u->hash, pc);
	u->cnt = i + 1;
}

/*
 * Reads the piece of the stack that begins at addr, so that [addr, addr + 16) is in the
 * buffer. A read across the end of a page fails as a whole when the second page is not
 * there, so it is tried again up to that end.
 */
static inline __attribute__((always_inline)) int unwind_fill(struct unwind *u, __u64 addr)
{
	__u64 left = u->hi - addr, page, sz;

	u->frames = 0;
	/* by subtraction: a torn pointer near 2^64 must not wrap to a small one */
	if (addr & 7 || addr >= u->hi || left < 16 || left > UNWIND_STACK_SZ_MAX)
		return -1;
	sz = left > UNWIND_CHUNK ? UNWIND_CHUNK : left;
	sz &= ~7ull;
	unwind_opaque(sz);
	if (sz > UNWIND_CHUNK)
		return -1;
	u->lo = addr;
	if (unwind_read(u->buf, sz, addr)) {
		page = 4096 - (addr & 4095);
		if (page < 16 || page >= sz)
			return -1;
		sz = page & (UNWIND_CHUNK - 8);
		unwind_opaque(sz);
		if (sz < 16 || sz > UNWIND_CHUNK || unwind_read(u->buf, sz, addr))
			return -1;
	}
	u->frames = sz / 8 - 1;
	return 0;
}

/* The word at addr, which is near the stack's top: reads the piece from there on. */
static inline __attribute__((always_inline)) int unwind_word(struct unwind *u, __u64 addr,
							     __u64 *val)
{
	if (UNWIND_FILL(u, addr))
		return -1;
	*val = u->buf[0];
	return 0;
}

/*
 * Follows u->fp for a few frames; 1: to the end, 0: there may be more.
 *
 * What changes in a round stays in memory, and pointers are compared by their difference:
 * the verifier then learns nothing about them that differs from round to round, and prunes.
 */
static inline __attribute__((always_inline)) int unwind_follow(struct unwind *u)
{
	__u64 fp = u->fp, hash = u->hash, ret, next, at;
	__u64 i, cnt = u->cnt;

	for (i = 0; i < UNWIND_STEP; i++) {
		if (!fp || cnt >= u->max)
			break;
		/* in words; rotated, so that an odd distance is a huge one */
		at = fp - u->lo;
		at = at >> 3 | at << 61;
		if (at >= u->frames) {
			if (UNWIND_FILL(u, fp))
				break;
			at = 0;
		}
		unwind_opaque(at);
		at &= UNWIND_CHUNK / 8 - 1;
		next = u->buf[at];
		ret = u->buf[at + 1];
		if (!ret) {
			fp = 0;
			break;
		}
		at = cnt;
		unwind_opaque(at);
		u->out.pcs[at & (GBT_STACK_SLOTS - 1)] = ret;
		hash = unwind_mix(hash, ret);
		u->rec = fp;
		cnt++;
		at = next - fp;
		unwind_opaque(at);
		fp = next;
		if ((__s64)at <= 0) /* the end; or another stack, or no frame pointer */
			break;
	}
	u->fp = fp;
	u->hash = hash;
	u->cnt = cnt;
	return i < UNWIND_STEP;
}

/*
 * Follows u->fp to the end of the chain (0) or of the stack u->hi. A pointer that does not
 * lead upwards inside of the stack ends the walk and stays in u->fp; callers decide whether
 * that cuts the stack.
 */
static inline __attribute__((always_inline)) void unwind_chase(struct unwind *u)
{
	int i;

	for (i = 0; i <= GBT_STACK_MAX / UNWIND_STEP; i++)
		if (UNWIND_FOLLOW(u))
			break;
}

static inline __attribute__((always_inline)) int unwind_in(__u64 pc,
							   const volatile struct gbt_range *r,
							   __u64 bias)
{
	pc -= bias;
	return pc >= r->lo && pc < r->hi;
}

/*
 * Across a callback from C. runtime.cgocallback (src/runtime/asm_amd64.s) moves from the g0 stack
 * to the goroutine's and calls cgocallbackg there, with its own frame's place below what asmcgocall
 * left in g.sched: a return address in systemstack_switch, as if that had called it. Its frame
 * pointer is of the g0 stack, so the chain of frame pointers ends here, and the caller's
 * place is had by the sizes of the frames, as the runtime's unwinder does it. Two more PCs, then
 * the chain goes on from cgocall's frame.
 *
 * 0: it does, from u->fp. A thread that C made has no cgocall there, and its stack stays as
 * it is.
 */
static inline __attribute__((always_inline)) int unwind_bridge(struct unwind *u,
							       const volatile struct gbt_cgo *cgo,
							       __u64 bias)
{
	__u64 at = (__u64)u->cnt - 1, pc, ret;

	unwind_opaque(at);
	if (!u->rec || !u->cnt ||
	    !unwind_in(u->out.pcs[at & (GBT_STACK_SLOTS - 1)], &cgo->callback, bias))
		return -1;
	u->in_callback = 1;
	if (u->cnt >= u->max)
		return -1;
	at = u->rec + 16 + cgo->callback_sz;
	if (UNWIND_FILL(u, at) || u->frames < 2)
		return -1;
	pc = u->buf[0];
	ret = cgo->parked_sz ? u->buf[2] : u->buf[1];
	if (!unwind_in(pc, &cgo->parked, bias) || !unwind_in(ret, &cgo->call, bias))
		return -1;
	unwind_push(u, pc);
	unwind_push(u, ret);
	u->rec = 0;
	/* cgocall keeps its caller's frame pointer below its return address */
	u->fp = at + 16 + cgo->parked_sz + cgo->call_sz - 8;
	return 0;
}

/* Ends a stack: its id, 0 when it is empty. */
static inline __attribute__((always_inline)) __u64 unwind_end(struct unwind *u)
{
	if (u->fp)
		u->flags |= GBT_F_STACK_CUT;
	if (!u->cnt)
		return 0;
	return unwind_finish(u->hash ^ ((__u64)u->flags << 32 | u->cnt));
}

#endif
