/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_GO_WORLD_H
#define TESTS_GO_WORLD_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/snapshot.h"

/* A runtime built by hand in a few pages of memory, read through the snapshot's reader. Include
 * cmocka.h first. */
#define BASE UINT64_C(0xc000000000)
#define MEM_SZ (1u << 20)
#define TEXT UINT64_C(0x401000)
#define ETEXT UINT64_C(0x500000)
#define GOEXIT UINT64_C(0x4f0001)

/* Offsets of no real version: nothing here may depend on one. */
enum {
	G_SZ = 512,
	M_SZ_ = 256,
	P_SZ_ = 256,
	ALLGLEN = 0x000,
	ALLGPTR = 0x008,
	ALLM = 0x010,
	ALLP = 0x018,
	GOMAXPROCS = 0x030,
	REASONS = 0x040,
	GC = 0x100,
	GS = 0x1000,
	PTRS = 0x400,
	MS = 0x20000,
	PS = 0x21000,
	PPTRS = 0x800,
	STACKS = 0x40000,
	TEXTS = 0x30000,
};

struct world {
	uint8_t *mem;
	unsigned reads;
	/* called before each read that touches a g, to change the world under the reader */
	void (*meddle)(struct world *w, uint64_t addr);
	int meddled;
	struct gobinary_globals globals;
	struct go_layout lay;
	struct snap_source src;
	uint64_t delta;
	uint64_t frameless_pc;
	int delta_err;
};

static inline uint64_t at(uint64_t off)
{
	return BASE + off;
}

static inline void put64(struct world *w, uint64_t addr, uint64_t v)
{
	memcpy(w->mem + (addr - BASE), &v, sizeof(v));
}

static inline void put32(struct world *w, uint64_t addr, uint32_t v)
{
	memcpy(w->mem + (addr - BASE), &v, sizeof(v));
}

static inline void put_string(struct world *w, uint64_t header, uint64_t text_at, const char *s)
{
	memcpy(w->mem + (text_at - BASE), s, strlen(s));
	put64(w, header, text_at);
	put64(w, header + 8, strlen(s));
}

static inline int world_readv(void *ctx, const uint64_t *addrs, void *const *dst,
			      const size_t *lens, size_t cnt)
{
	struct world *w = ctx;

	for (size_t i = 0; i < cnt; i++) {
		if (addrs[i] < BASE || addrs[i] - BASE > MEM_SZ ||
		    lens[i] > MEM_SZ - (addrs[i] - BASE))
			return -EFAULT;
		if (w->meddle)
			w->meddle(w, addrs[i]);
		memcpy(dst[i], w->mem + (addrs[i] - BASE), lens[i]);
		w->reads++;
	}
	return 0;
}

static inline int world_delta(void *ctx, uint64_t pc, uint64_t *delta)
{
	struct world *w = ctx;

	*delta = pc == w->frameless_pc ? 0 : w->delta;
	return w->delta_err;
}

static inline void layout_of_world(struct go_layout *l)
{
	memset(l, 0xff, sizeof(*l)); /* -1 everywhere */
	l->off.g_stack_lo = 0;
	l->off.g_stack_hi = 8;
	l->g_stackguard0 = 16;
	l->off.g_m = 24;
	l->off.g_sched_sp = 32;
	l->off.g_sched_pc = 40;
	l->off.g_sched_bp = 48;
	l->off.g_syscallsp = 56;
	l->off.g_syscallpc = 64;
	l->off.g_syscallbp = 72;
	l->off.g_atomicstatus = 80;
	l->off.g_waitreason = 84;
	l->g_tracking_seq = 85;
	l->off.g_sync_safe_point = 86;
	l->off.g_in_mark_assist = 87;
	l->off.g_goid = 88;
	l->off.g_startpc = 96;
	l->g_gopc = 104;
	l->g_parent_goid = 112;
	l->g_waitsince = 120;
	l->g_lockedm = 128;
	l->off.g_labels = 136;
	l->off.g_schedlink = 144;
	l->off.m_procid = 0;
	l->off.m_curg = 8;
	l->off.m_p = 16;
	l->off.m_id = 24;
	l->m_alllink = 32;
	l->off.p_id = 0;
	l->off.p_status = 4;
	l->p_m = 8;
	l->p_runqhead = 16;
	l->p_runqtail = 20;
	l->p_runnext = 24;
}

static inline uint64_t g_at(unsigned i)
{
	return at(GS) + (uint64_t)i * G_SZ;
}

static inline uint64_t stack_hi(unsigned i)
{
	return at(STACKS) + (uint64_t)(i + 1) * 4096;
}

/* A goroutine that waits, with depth frames below its leaf; the root's caller is goexit. */
static inline void make_g(struct world *w, unsigned i, uint64_t goid, unsigned depth)
{
	uint64_t g = g_at(i), hi = stack_hi(i), sp = hi - 64 - 32 * (uint64_t)depth, rec = sp + 16;

	put64(w, at(PTRS) + 8 * i, g);
	put64(w, g + 0, hi - 4096);
	put64(w, g + 8, hi);
	put64(w, g + 32, sp);
	put64(w, g + 40, TEXT + 0x10);
	put64(w, g + 48, rec);
	put32(w, g + 80, G_WAITING);
	w->mem[g + 84 - BASE] = 1;
	put64(w, g + 88, goid);
	put64(w, g + 96, TEXT + 0x1000);
	put64(w, g + 104, TEXT + 0x2000);
	put64(w, g + 112, 1);
	for (unsigned d = 0; d < depth; d++, rec += 32) {
		put64(w, rec, d + 1 < depth ? rec + 32 : 0);
		put64(w, rec + 8, d + 1 < depth ? TEXT + 0x100 * (d + 1) : GOEXIT);
	}
}

static inline void make_world(struct world *w, unsigned g_cnt)
{
	memset(w, 0, sizeof(*w));
	w->mem = calloc(1, MEM_SZ);
	assert_non_null(w->mem);
	layout_of_world(&w->lay);
	w->globals = (struct gobinary_globals){
		.allglen = at(ALLGLEN),
		.allgptr = at(ALLGPTR),
		.allm = at(ALLM),
		.allp = at(ALLP),
		.gomaxprocs = at(GOMAXPROCS),
		.wait_reason_strings = at(REASONS),
		.wait_reason_cnt = 2,
		.text = TEXT,
		.etext = ETEXT,
	};
	put64(w, at(ALLGLEN), g_cnt);
	put64(w, at(ALLGPTR), at(PTRS));
	put64(w, at(ALLM), at(MS));
	put64(w, at(MS) + 0, 4711);
	put64(w, at(MS) + 24, 0);
	put64(w, at(ALLP), at(PPTRS));
	put64(w, at(ALLP) + 8, 1);
	put64(w, at(ALLP) + 16, 1);
	put64(w, at(PPTRS), at(PS));
	put32(w, at(PS) + 16, 5);
	put32(w, at(PS) + 20, 8);
	put64(w, at(PS) + 8, at(MS));
	put64(w, at(MS) + 16, at(PS));
	put32(w, at(GOMAXPROCS), 1);
	put_string(w, at(REASONS), at(TEXTS), "");
	put_string(w, at(REASONS) + 16, at(TEXTS) + 64, "chan receive");
	w->src = (struct snap_source){
		.rd = {world_readv, w},
		.globals = &w->globals,
		.lay = &w->lay,
		.go_minor = 27,
	};
}

/* A world of goroutines that wait alike. */
static inline void make_parked(struct world *w, unsigned g_cnt, uint64_t first_goid, unsigned depth)
{
	make_world(w, g_cnt);
	for (unsigned i = 0; i < g_cnt; i++)
		make_g(w, i, first_goid + i, depth);
}

#endif
