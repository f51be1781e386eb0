/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/snapshot.h"
#include "goruntime/snapshot_labels.h"
#include "goruntime/snapshot_read.h"
#include "goruntime/snapshot_stack.h"
#include "goruntime/snapshot_text.h"
#include "go_world.h"

static struct snapshot *take(struct world *w)
{
	const struct snap_options opt = {.stacks = true, .labels = true};
	struct snapshot *s = NULL;

	assert_int_equal(snapshot__take(&w->src, &opt, &s), 0);
	return s;
}

static void end(struct world *w, struct snapshot *s)
{
	snapshot__free(s);
	free(w->mem);
}

static void test_whole(void **state)
{
	struct world w;
	struct snapshot *s;

	make_world(&w, 3);
	make_g(&w, 0, 1, 2);
	make_g(&w, 1, 7, 5);
	make_g(&w, 2, 9, 5);
	put64(&w, g_at(2) + 128, at(MS)); /* lockedm */
	s = take(&w);
	assert_int_equal(s->g_cnt, 3);
	assert_int_equal(s->g_total, 3);
	assert_int_equal(s->torn_cnt, 0);
	assert_int_equal(s->gomaxprocs, 1);
	assert_int_equal(s->m_cnt, 1);
	assert_int_equal(s->m[0].tid, 4711);
	assert_int_equal(s->m[0].p, 0);
	assert_int_equal(s->p_cnt, 1);
	assert_int_equal(s->p[0].m_tid, 4711);
	assert_int_equal(s->p[0].runq_cnt, 3);
	assert_int_equal(s->g[1].goid, 7);
	assert_int_equal(s->g[1].status, G_WAITING);
	assert_string_equal(snap_g__state(s, &s->g[1]), "chan receive");
	assert_int_equal(s->g[1].parent_goid, 1);
	assert_false(s->g[1].locked);
	assert_true(s->g[2].locked);
	assert_int_equal(s->g[1].stack_cnt, 6);
	assert_false(s->g[1].stack_cut);
	assert_true(s->pcs[s->g[1].stack_off] == TEXT + 0x10);
	assert_true(s->pcs[s->g[1].stack_off + 1] == TEXT + 0x100);
	assert_true(s->pcs[s->g[1].stack_off + 5] == GOEXIT);
	/* the same stack is kept once */
	assert_int_equal(s->g[1].stack_off, s->g[2].stack_off);
	assert_int_equal(s->pcs_cnt, 3 + 6);
	end(&w, s);
}

static void test_kinds(void **state)
{
	struct world w;
	struct snapshot *s;

	make_parked(&w, 6, 10, 3);
	put32(&w, g_at(0) + 80, G_DEAD);
	put32(&w, g_at(1) + 80, G_RUNNING);
	put64(&w, g_at(1) + 24, at(MS));
	put64(&w, at(MS) + 8, g_at(1));
	put32(&w, g_at(2) + 80, 0x1000 | G_RUNNABLE);
	/* waits in name only: it is still on its thread */
	put64(&w, g_at(3) + 24, at(MS));
	put32(&w, g_at(4) + 80, G_DEADEXTRA);
	/* a syscall: its words, not sched's */
	put32(&w, g_at(5) + 80, G_SYSCALL);
	put64(&w, g_at(5) + 56, stack_hi(5) - 64 - 96);
	put64(&w, g_at(5) + 64, TEXT + 0x77);
	put64(&w, g_at(5) + 72, stack_hi(5) - 64 - 96 + 16);
	put64(&w, g_at(5) + 32, 0);
	s = take(&w);
	assert_int_equal(s->g_cnt, 4);
	assert_int_equal(s->g[0].status, G_RUNNING);
	assert_true(s->g[0].sampled);
	assert_int_equal(s->g[0].stack_cnt, 0);
	assert_int_equal(s->g[0].tid, 4711);
	assert_int_equal(s->m[0].curg, 11);
	assert_int_equal(s->g[1].status, G_RUNNABLE);
	assert_int_equal(s->g[1].stack_cnt, 4);
	assert_int_equal(s->g[2].status, G_RUNNING);
	assert_true(s->g[2].sampled);
	assert_int_equal(s->g[3].status, G_SYSCALL);
	assert_true(s->pcs[s->g[3].stack_off] == TEXT + 0x77);
	assert_int_equal(s->g[3].stack_cnt, 4);
	end(&w, s);
}

/* Back from a system call and waiting for a processor: Go's unwinder begins at the system call. */
static void test_back_from_syscall(void **state)
{
	struct world w;
	struct snapshot *s;

	make_world(&w, 1);
	make_g(&w, 0, 10, 3);
	put32(&w, g_at(0) + 80, G_RUNNABLE);
	put64(&w, g_at(0) + 56, stack_hi(0) - 64 - 96);
	put64(&w, g_at(0) + 64, TEXT + 0x77);
	put64(&w, g_at(0) + 72, stack_hi(0) - 64 - 96 + 16);
	put64(&w, g_at(0) + 32, stack_hi(0) - 64 - 200); /* in exitsyscall, below */
	put64(&w, g_at(0) + 40, TEXT + 0x99);
	s = take(&w);
	assert_int_equal(s->g_cnt, 1);
	assert_int_equal(s->g[0].status, G_RUNNABLE);
	assert_int_equal(s->g[0].stack_cnt, 4);
	assert_true(s->pcs[s->g[0].stack_off] == TEXT + 0x77);
	end(&w, s);
}

/* ---- stacks -------------------------------------------------------------------------------- */

static size_t unwind(struct world *w, struct g_words *g, struct snap_unwind *u, size_t max)
{
	uint8_t chunk[SNAP_STACK_CHUNK];
	uint8_t image[256];
	uint64_t sp;
	size_t len;

	memcpy(image, w->mem + (g_at(0) - BASE), sizeof(image));
	g_words__decode(&w->lay, image, g);
	if (!snap_stack__first(g, &sp, &len))
		return 0;
	assert_int_equal(snap_read(&w->src.rd, sp, chunk, len), 0);
	assert_int_equal(snap_stack__unwind(&w->src, g, chunk, len, max, u), 0);
	return u->cnt;
}

static void test_deep_stack(void **state)
{
	struct snap_unwind u = {0};
	struct g_words g;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 1, 120); /* 3,840 bytes: two chunks */
	assert_int_equal(unwind(&w, &g, &u, 1000), 121);
	assert_true(u.again);
	assert_false(u.cut);
	assert_true(u.pcs[120] == GOEXIT);
	assert_int_equal(unwind(&w, &g, &u, 100), 100);
	assert_true(u.cut);
	free(u.pcs);
	free(w.mem);
}

static void test_hostile_chain(void **state)
{
	static const uint64_t bad[] = {
		UINT64_MAX - 7, UINT64_MAX, 1, BASE, 0x10, UINT64_C(1) << 63,
	};
	struct snap_unwind u = {0};
	struct g_words g;
	struct world w;

	make_world(&w, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_g(&w, 0, 1, 3);
		put64(&w, g_at(0) + 48, bad[i]);
		assert_int_equal(unwind(&w, &g, &u, 100), 1);
		assert_true(u.cut);
	}
	/* a record that points at itself, and one that points back */
	make_g(&w, 0, 1, 3);
	put64(&w, stack_hi(0) - 64 - 96 + 16, stack_hi(0) - 64 - 96 + 16);
	assert_int_equal(unwind(&w, &g, &u, 100), 2);
	assert_true(u.cut);
	/* at the very end of the stack there is no room for a record */
	make_g(&w, 0, 1, 3);
	put64(&w, g_at(0) + 48, stack_hi(0) - 8);
	assert_int_equal(unwind(&w, &g, &u, 100), 1);
	assert_true(u.cut);
	/* a stack pointer outside */
	make_g(&w, 0, 1, 3);
	put64(&w, g_at(0) + 32, stack_hi(0));
	assert_int_equal(unwind(&w, &g, &u, 100), 0);
	free(u.pcs);
	free(w.mem);
}

static void test_frameless_leaf(void **state)
{
	struct snap_unwind u = {0};
	struct g_words g;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 1, 3);
	put64(&w, stack_hi(0) - 64 - 96, TEXT + 0x999); /* at sp: the return address */
	w.src.sp_delta = world_delta;
	w.src.sp_delta_ctx = &w;
	w.delta = 24;
	assert_int_equal(unwind(&w, &g, &u, 100), 4);
	w.delta = 0;
	assert_int_equal(unwind(&w, &g, &u, 100), 5);
	assert_true(u.pcs[1] == TEXT + 0x999);
	/* without tables only what the runtime marks */
	w.delta_err = -ENOENT;
	assert_int_equal(unwind(&w, &g, &u, 100), 4);
	w.mem[g_at(0) + 86 - BASE] = 1;
	assert_int_equal(unwind(&w, &g, &u, 100), 5);
	free(u.pcs);
	free(w.mem);
}

/* Go ≤ 1.22 keeps no frame pointer for a syscall: the frame's size tells where its record is. */
static void test_old_syscall(void **state)
{
	struct snap_unwind u = {0};
	struct g_words g;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 1, 3);
	w.lay.off.g_syscallbp = -1;
	put32(&w, g_at(0) + 80, G_SYSCALL);
	put64(&w, g_at(0) + 56, stack_hi(0) - 64 - 96);
	put64(&w, g_at(0) + 64, TEXT + 0x77);
	assert_int_equal(unwind(&w, &g, &u, 100), 1);
	assert_true(u.cut);
	w.src.sp_delta = world_delta;
	w.src.sp_delta_ctx = &w;
	w.delta = 24; /* the record at sp + 16 */
	assert_int_equal(unwind(&w, &g, &u, 100), 4);
	assert_false(u.cut);
	assert_true(u.pcs[3] == GOEXIT);
	/* the function has no frame: its return address is at sp, the record 8 + 8 above */
	put64(&w, stack_hi(0) - 64 - 96, TEXT + 0x999);
	w.frameless_pc = TEXT + 0x77;
	w.delta = 16;
	assert_int_equal(unwind(&w, &g, &u, 100), 5);
	assert_false(u.cut);
	assert_true(u.pcs[0] == TEXT + 0x77);
	assert_true(u.pcs[1] == TEXT + 0x999);
	assert_true(u.pcs[4] == GOEXIT);
	/* neither has its caller: not Go's */
	w.delta = 0;
	assert_int_equal(unwind(&w, &g, &u, 100), 2);
	assert_true(u.cut);
	put64(&w, stack_hi(0) - 64 - 96, 0);
	assert_int_equal(unwind(&w, &g, &u, 100), 1);
	assert_true(u.cut);
	free(u.pcs);
	free(w.mem);
}

/* ---- torn reads ---------------------------------------------------------------------------- */

static bool is_in_g(uint64_t addr, unsigned i)
{
	return addr >= g_at(i) && addr < g_at(i) + G_SZ;
}

/* Goroutine 1 moves on between the first and the second look, once. */
static void meddle_once(struct world *w, uint64_t addr)
{
	if (addr < at(STACKS) || w->meddled)
		return;
	w->meddled = 1;
	w->mem[g_at(1) + 85 - BASE]++; /* trackingSeq */
	put64(w, g_at(1) + 40, TEXT + 0x4444);
}

static void meddle_always(struct world *w, uint64_t addr)
{
	if (addr >= at(STACKS))
		w->mem[g_at(1) + 85 - BASE]++;
}

static void meddle_dies(struct world *w, uint64_t addr)
{
	if (addr >= at(STACKS))
		put32(w, g_at(1) + 80, G_DEAD);
}

static void test_torn_once(void **state)
{
	struct snapshot *s;
	struct world w;

	make_parked(&w, 3, 1, 3);
	w.meddle = meddle_once;
	s = take(&w);
	assert_int_equal(s->g_cnt, 3);
	assert_int_equal(s->retried_cnt, 1);
	assert_int_equal(s->torn_cnt, 0);
	assert_false(s->g[1].torn);
	assert_true(s->pcs[s->g[1].stack_off] == TEXT + 0x4444);
	end(&w, s);
}

static void test_torn_for_good(void **state)
{
	struct snapshot *s;
	struct world w;

	make_parked(&w, 3, 1, 3);
	w.meddle = meddle_always;
	s = take(&w);
	assert_int_equal(s->g_cnt, 3);
	assert_int_equal(s->torn_cnt, 1);
	assert_true(s->g[1].torn);
	assert_int_equal(s->g[1].status, G_WAITING);
	assert_int_equal(s->g[1].stack_cnt, 0);
	assert_int_equal(s->g[0].stack_cnt, 4);
	end(&w, s);
}

static void test_dies_meanwhile(void **state)
{
	struct snapshot *s;
	struct world w;

	make_parked(&w, 3, 1, 3);
	w.meddle = meddle_dies;
	s = take(&w);
	assert_int_equal(s->g_cnt, 2);
	assert_int_equal(s->g[1].goid, 3);
	assert_true(is_in_g(s->g[1].addr, 2));
	end(&w, s);
}

static void test_unreadable(void **state)
{
	struct snapshot *s;
	struct world w;

	make_parked(&w, 3, 1, 3);
	put64(&w, at(PTRS) + 8, UINT64_C(0xd000000000)); /* no memory there */
	s = take(&w);
	assert_int_equal(s->g_cnt, 2);
	assert_int_equal(s->unreadable_cnt, 1);
	end(&w, s);
}

static void test_nonsense(void **state)
{
	const struct snap_options opt = {.stacks = true};
	struct snapshot *s = NULL;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 1, 3);
	put64(&w, at(MS) + 32, at(MS)); /* a list of threads that is a ring */
	assert_int_equal(snapshot__take(&w.src, &opt, &s), -EBADMSG);
	put64(&w, at(MS) + 32, 0);
	put64(&w, at(ALLGLEN), UINT64_MAX);
	assert_int_equal(snapshot__take(&w.src, &opt, &s), -EBADMSG);
	put64(&w, at(ALLGLEN), 1);
	put64(&w, at(ALLP) + 8, UINT64_MAX);
	assert_int_equal(snapshot__take(&w.src, &opt, &s), -EBADMSG);
	put64(&w, at(ALLP) + 8, 1);
	w.lay.off.g_goid = 1 << 20;
	assert_int_equal(snapshot__take(&w.src, &opt, &s), -EBADMSG);
	assert_null(s);
	free(w.mem);
}

/* ---- labels -------------------------------------------------------------------------------- */

static void test_labels_slice(void **state)
{
	struct snapshot *s;
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 1, 3);
	make_g(&w, 1, 2, 3);
	put64(&w, g_at(0) + 136, at(0x31000));
	put64(&w, g_at(1) + 136, at(0x31000));
	put64(&w, at(0x31000), at(0x31100));
	put64(&w, at(0x31008), 2);
	put64(&w, at(0x31010), 2);
	put_string(&w, at(0x31100), at(0x32000), "zone");
	put_string(&w, at(0x31110), at(0x32010), "b");
	put_string(&w, at(0x31120), at(0x32020), "app");
	put_string(&w, at(0x31130), at(0x32030), "x");
	s = take(&w);
	assert_int_equal(s->g[0].label_cnt, 2);
	assert_string_equal(s->labels[s->g[0].label_off].key, "app");
	assert_string_equal(s->labels[s->g[0].label_off + 1].val, "b");
	assert_int_equal(s->labels_cnt, 2); /* kept once */
	assert_int_equal(s->g[1].label_off, s->g[0].label_off);
	snapshot__free(s);
	/* a slice that was overwritten */
	put64(&w, at(0x31008), UINT64_MAX);
	s = take(&w);
	assert_int_equal(s->g[0].label_cnt, 0);
	assert_true(s->unreadable_cnt > 0);
	end(&w, s);
}

#define SET_A at(0x31000)
#define SET_B at(0x31200)

static void put_set(struct world *w, uint64_t set, const char *val)
{
	put64(w, set, set + 0x40);
	put64(w, set + 8, 1);
	put64(w, set + 16, 1);
	put_string(w, set + 0x40, set + 0x80, "app");
	put_string(w, set + 0x50, set + 0x90, val);
}

/* The goroutine takes another set while its first one is read, which then is overwritten. */
static void replaced_once(struct world *w, uint64_t addr)
{
	if (addr != SET_A || w->meddled++)
		return;
	put64(w, g_at(0) + 136, SET_B);
	put_set(w, SET_A, "garbage");
}

/* … and goes on to. */
static void replaced_always(struct world *w, uint64_t addr)
{
	if (addr != SET_A && addr != SET_B)
		return;
	w->meddled++;
	put64(w, g_at(0) + 136, addr == SET_A ? SET_B : SET_A);
}

static void dropped(struct world *w, uint64_t addr)
{
	if (addr == SET_A)
		put64(w, g_at(0) + 136, 0);
}

/* The g is another goroutine's by now: these are not the labels of the one that was met. */
static void reused(struct world *w, uint64_t addr)
{
	if (addr == SET_A)
		put64(w, g_at(0) + w->lay.off.g_goid, 99);
}

static void test_labels_replaced_while_read(void **state)
{
	static const struct {
		void (*meddle)(struct world *w, uint64_t addr);
		size_t labels, unreadable;
		const char *val;
	} cases[] = {
		{replaced_once, 1, 0, "new"},
		{replaced_always, 0, 1, NULL},
		{dropped, 0, 0, NULL},
		{reused, 0, 1, NULL},
	};

	for (size_t i = 0; i < 4; i++) {
		struct snapshot *s;
		struct world w;

		make_world(&w, 1);
		make_g(&w, 0, 1, 3);
		put_set(&w, SET_A, "old");
		put_set(&w, SET_B, "new");
		put64(&w, g_at(0) + 136, SET_A);
		w.meddle = cases[i].meddle;
		s = take(&w);
		assert_int_equal(s->g_cnt, 1);
		assert_int_equal(s->g[0].label_cnt, cases[i].labels);
		assert_int_equal(s->unreadable_cnt, cases[i].unreadable);
		if (cases[i].val)
			assert_string_equal(s->labels[s->g[0].label_off].val, cases[i].val);
		end(&w, s);
	}
}

static void put_bucket(struct world *w, uint64_t b, unsigned slot, const char *key, const char *val,
		       uint64_t texts)
{
	w->mem[b + slot - BASE] = 0x80;
	put_string(w, b + 8 + 16 * slot, texts, key);
	put_string(w, b + 8 + 128 + 16 * slot, texts + 64, val);
}

static void test_labels_map(void **state)
{
	struct snap_label *labels;
	struct world w;
	size_t cnt;
	bool cut;

	make_world(&w, 1);
	put64(&w, at(0x31000), at(0x31100)); /* the map */
	put64(&w, at(0x31100), 3);	     /* count */
	w.mem[0x31109] = 1;		     /* B: two buckets */
	put64(&w, at(0x31110), at(0x34000));
	put64(&w, at(0x31118), at(0x35000)); /* it grew: one old bucket, half moved */
	put_bucket(&w, at(0x34000), 2, "b", "2", at(0x36000));
	put64(&w, at(0x34000) + 264, at(0x37000)); /* overflow of bucket 0 */
	put_bucket(&w, at(0x37000), 7, "c", "3", at(0x36100));
	put_bucket(&w, at(0x35000), 0, "a", "1", at(0x36200));
	w.mem[0x35001] = 2; /* evacuated: not there any more */
	assert_int_equal(snap_labels__read(&w.src.rd, 23, at(0x31000), &labels, &cnt, &cut), 0);
	assert_int_equal(cnt, 3);
	assert_false(cut);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(labels[i].key[0], 'a' + (int)i);
		assert_int_equal(labels[i].val[0], '1' + (int)i);
	}
	snap_labels__free(labels, cnt);
	/* an overflow chain that is a ring */
	put64(&w, at(0x37000) + 264, at(0x34000));
	assert_int_equal(snap_labels__read(&w.src.rd, 23, at(0x31000), &labels, &cnt, &cut), 0);
	assert_true(cut);
	snap_labels__free(labels, cnt);
	w.mem[0x31109] = 60;
	assert_int_equal(snap_labels__read(&w.src.rd, 23, at(0x31000), &labels, &cnt, &cut),
			 -EBADMSG);
	free(w.mem);
}

/* ---- heap goal ----------------------------------------------------------------------------- */

static uint64_t goal_of(struct world *w, bool *estimate)
{
	uint64_t live, goal;

	assert_int_equal(snapshot__heap(&w->src, &live, &goal, estimate), 0);
	return goal;
}

static void test_heap_goal(void **state)
{
	const uint64_t mb = 1 << 20;
	struct world w;
	bool estimate;

	make_world(&w, 1);
	w.globals.gc_controller = at(GC);
	w.lay.gc_heap_live = 0;
	w.lay.gc_percent_goal = 8;
	w.lay.gc_sweep_min_trigger = 16;
	w.lay.gc_triggered = 24;
	w.lay.gc_memory_limit = 32;
	w.lay.gc_heap_marked = 40;
	w.lay.gc_heap_free = 48;
	w.lay.gc_total_alloc = 56;
	w.lay.gc_total_free = 64;
	w.lay.gc_mapped_ready = 72;
	put64(&w, at(GC) + 8, 8 * mb);
	put64(&w, at(GC) + 24, UINT64_MAX); /* not triggered */
	put64(&w, at(GC) + 32, INT64_MAX);  /* no limit */
	assert_true(goal_of(&w, &estimate) == 8 * mb);
	assert_false(estimate);
	put64(&w, at(GC) + 24, 8 * mb); /* triggered right at the goal */
	assert_true(goal_of(&w, &estimate) == 8 * mb + 65536);
	put64(&w, at(GC) + 16, 9 * mb); /* sweeping needs more room */
	assert_true(goal_of(&w, &estimate) == 9 * mb);
	/* a limit of 20 MB, of which 6 are not heap, and 3 % or 1 MB stay free */
	put64(&w, at(GC) + 8, 100 * mb);
	put64(&w, at(GC) + 32, 20 * mb);
	put64(&w, at(GC) + 72, 16 * mb);
	put64(&w, at(GC) + 56, 10 * mb);
	assert_true(goal_of(&w, &estimate) == 13 * mb);
	assert_true(estimate);
	/* never below what is live */
	put64(&w, at(GC) + 40, 15 * mb);
	assert_true(goal_of(&w, &estimate) == 15 * mb);
	/* Go 1.18 has the goal in a word */
	memset(&w.lay.gc_percent_goal, 0xff, sizeof(w.lay.gc_percent_goal));
	w.lay.gc_heap_goal = 8;
	assert_true(goal_of(&w, &estimate) == 100 * mb);
	free(w.mem);
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void test_bytes(void **state)
{
	struct snapshot *s, *again;
	struct buf a = {0}, b = {0};
	struct world w;

	make_world(&w, 3);
	for (unsigned i = 0; i < 3; i++)
		make_g(&w, i, i + 1, 3 + i);
	s = take(&w);
	assert_int_equal(snapshot__serialize(s, &a), 0);
	assert_int_equal(snapshot__parse(span__of(a.data, a.len), &again), 0);
	assert_int_equal(again->g_cnt, 3);
	assert_int_equal(again->g[2].stack_cnt, 6);
	assert_string_equal(again->wait_reasons[1], "chan receive");
	assert_int_equal(snapshot__serialize(again, &b), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	snapshot__free(again);
	for (size_t n = 0; n < a.len; n++)
		assert_int_equal(snapshot__parse(span__of(a.data, n), &again), -EBADMSG);
	snapshot__free(s);
	buf__free(&a);
	buf__free(&b);
	free(w.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_back_from_syscall),
		cmocka_unit_test(test_deep_stack),
		cmocka_unit_test(test_hostile_chain),
		cmocka_unit_test(test_frameless_leaf),
		cmocka_unit_test(test_old_syscall),
		cmocka_unit_test(test_torn_once),
		cmocka_unit_test(test_torn_for_good),
		cmocka_unit_test(test_dies_meanwhile),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_labels_slice),
		cmocka_unit_test(test_labels_map),
		cmocka_unit_test(test_labels_replaced_while_read),
		cmocka_unit_test(test_heap_goal),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
