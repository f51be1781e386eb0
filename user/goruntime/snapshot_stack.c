/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Go's stack grows to 1 GB by default (runtime/debug.SetMaxStack may say more). */
#define STACK_SZ_MAX (UINT64_C(1) << 40)
#define RECORD_SZ 16 /* saved frame pointer, return address */

/* A window of the target's stack that moves upwards as the chain of frames does. */
struct window {
	const struct snap_source *src;
	const uint8_t *data;
	uint64_t start, len, hi;
	uint8_t own[SNAP_STACK_CHUNK];
};

bool snap_stack__is_parked(uint32_t status)
{
	return status == G_RUNNABLE || status == G_WAITING || status == G_PREEMPTED ||
	       status == G_LEAKED || status == G_SYSCALL;
}

/*
 * As the runtime's own unwinder does (initAt, runtime/traceback.go): the words of the system call
 * hold for as long as they are set, so also for one that is back from it and waits for a processor.
 */
static bool is_in_syscall(const struct g_words *g)
{
	return g->status == G_SYSCALL || g->syscall_sp;
}

bool snap_stack__first(const struct g_words *g, uint64_t *sp, size_t *len)
{
	uint64_t at = is_in_syscall(g) ? g->syscall_sp : g->sp;

	if (!snap_stack__is_parked(g->status) || g->lo >= g->hi || g->hi - g->lo > STACK_SZ_MAX)
		return false;
	if (at < g->lo || at >= g->hi || g->hi - at < 8 || (at & 7))
		return false;
	*sp = at;
	*len = g->hi - at < SNAP_STACK_CHUNK ? (size_t)(g->hi - at) : SNAP_STACK_CHUNK;
	return true;
}

static int push(struct snap_unwind *u, uint64_t pc)
{
	if (array__reserve(&u->pcs, u->cnt, &u->cap, 1, sizeof(*u->pcs)))
		return -ENOMEM;
	u->pcs[u->cnt++] = pc;
	return 0;
}

/* len bytes at addr, which lies in [start of the window, hi - len]; moves the window up. */
static int window_at(struct window *w, uint64_t addr, size_t len, const uint8_t **out, bool *moved)
{
	uint64_t off = addr - w->start;
	int err;

	if (off > w->len || w->len - off < len) {
		w->start = addr;
		w->len = w->hi - addr < sizeof(w->own) ? w->hi - addr : sizeof(w->own);
		err = snap_read(&w->src->rd, addr, w->own, w->len);
		if (err)
			return err;
		w->data = w->own;
		*moved = true;
		off = 0;
	}
	*out = w->data + off;
	return 0;
}

static int delta_at(const struct snap_source *src, uint64_t pc, uint64_t *delta)
{
	return src->sp_delta ? src->sp_delta(src->sp_delta_ctx, pc, delta) : -ENOENT;
}

static bool is_trap(const struct snap_source *src, uint64_t pc)
{
	return (pc > src->traps[0].lo && pc <= src->traps[0].hi) ||
	       (pc > src->traps[1].lo && pc <= src->traps[1].hi);
}

/*
 * A signal struck at pc, where SP was sp and the frame pointer bp. If the frame of that function
 * was not set up there, its frame pointer is still its caller's, and the return address is
 * found only by the table.
 */
static int push_hidden_caller(struct window *w, uint64_t pc, uint64_t sp, uint64_t bp,
			      struct snap_unwind *u)
{
	uint64_t delta, ret;
	const uint8_t *at;
	int err;

	if (delta_at(w->src, pc, &delta) || delta > w->hi - sp || w->hi - sp - delta < 8 ||
	    (delta >= 8 && bp == sp + delta - 8))
		return 0;
	err = window_at(w, sp + delta, 8, &at, &u->again);
	if (err)
		return err;
	memcpy(&ret, at, sizeof(ret));
	return ret ? push(u, ret) : 0;
}

/* Frame records are {caller's frame pointer, return address}; the root's frame pointer is 0. */
static int chase(struct window *w, uint64_t low, uint64_t bp, size_t frames_max,
		 struct snap_unwind *u)
{
	while (bp) {
		bool trap = u->cnt && is_trap(w->src, u->pcs[u->cnt - 1]);
		uint64_t rec[2];
		const uint8_t *at;
		int err;

		/* by subtraction: bp may be near 2^64 when it is torn */
		if ((bp & 7) || bp < low || bp > w->hi || w->hi - bp < RECORD_SZ ||
		    u->cnt >= frames_max) {
			u->cut = true;
			return 0;
		}
		err = window_at(w, bp, RECORD_SZ, &at, &u->again);
		if (err)
			return err;
		memcpy(rec, at, sizeof(rec));
		if (!rec[1]) {
			u->cut = true;
			return 0;
		}
		err = push(u, rec[1]);
		if (!err && trap)
			err = push_hidden_caller(w, rec[1], bp + RECORD_SZ, rec[0], u);
		if (err)
			return err;
		low = bp + RECORD_SZ;
		bp = rec[0];
	}
	return 0;
}

/*
 * Has the leaf no frame of its own, so that the word at SP is the return address? So it is
 * for a goroutine that has not run yet, and for one that was preempted in a prologue
 * (morestack): its frame pointer is then its caller's.
 */
static bool leaf_is_frameless(const struct snap_source *src, const struct g_words *g)
{
	uint64_t delta;

	if (!delta_at(src, g->pc, &delta))
		return delta == 0;
	return g->sync_safe_point || (g->bp == 0 && g->pc == g->startpc);
}

/*
 * Go ≤ 1.22 saves no frame pointer for a system call. The record is the topmost part of the
 * frame; a function without one (syscall.Syscall up to 1.18, assembly) has its return address at
 * the stack pointer, and its caller's frame begins above that. *bp 0: not to be had.
 */
static int find_syscall_record(const struct g_words *g, struct window *w, struct snap_unwind *u,
			       uint64_t *bp)
{
	uint64_t sp = g->syscall_sp, pc = g->syscall_pc, delta;
	const uint8_t *at;
	int err;

	*bp = 0;
	if (delta_at(w->src, pc, &delta))
		return 0;
	if (!delta && w->hi - sp > 8) {
		err = window_at(w, sp, 8, &at, &u->again);
		if (err)
			return err;
		memcpy(&pc, at, sizeof(pc));
		if (!pc || delta_at(w->src, pc, &delta))
			return 0;
		err = push(u, pc);
		if (err)
			return err;
		sp += 8;
	}
	if (delta >= 8 && delta <= w->hi - sp)
		*bp = sp + delta - 8;
	return 0;
}

static int unwind_syscall(const struct snap_source *src, const struct g_words *g, struct window *w,
			  size_t frames_max, struct snap_unwind *u)
{
	uint64_t bp = g->syscall_bp;
	int err = push(u, g->syscall_pc);

	if (!err && src->lay->off.g_syscallbp < 0) {
		err = find_syscall_record(g, w, u, &bp);
		u->cut = !bp;
	}
	return err ? err : chase(w, g->syscall_sp, bp, frames_max, u);
}

int snap_stack__unwind(const struct snap_source *src, const struct g_words *g, const uint8_t *chunk,
		       size_t len, size_t frames_max, struct snap_unwind *u)
{
	struct window w = {.src = src, .data = chunk, .len = len, .hi = g->hi};
	uint64_t ret;
	int err;

	u->cnt = 0;
	u->cut = u->again = false;
	w.start = is_in_syscall(g) ? g->syscall_sp : g->sp;
	if (is_in_syscall(g))
		return unwind_syscall(src, g, &w, frames_max, u);
	err = push(u, g->pc);
	if (err)
		return err;
	if (len >= 8 && leaf_is_frameless(src, g)) {
		memcpy(&ret, chunk, sizeof(ret));
		err = push(u, ret);
		if (err)
			return err;
	}
	return chase(&w, g->sp, g->bp, frames_max, u);
}
