/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SCHED_SIM_H
#define TESTS_SCHED_SIM_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gobpftrace_abi.h"
#include "goruntime/snapshot.h"
#include "model/transition.h"

/*
 * A make-believe Go scheduler: it takes random legal steps and sends the records that the
 * probes would send for them, and it notes for each goroutine what runtime/trace would have
 * said, so that a model fed without losses can be compared with it.
 */
#define SIM_PROCS 6
#define SIM_THREADS 12
#define SIM_GOROUTINES 512 /* ids modulo this share a slot */
#define SIM_LIVE_MAX 150   /* about as many live at once */
#define SIM_SYSMON 99
#define SIM_C_THREAD 11 /* the last thread is C's: it comes by callbacks only */
#define SIM_EXTRA_G 17	/* the goroutine of cgo callbacks */

enum sim_status {
	SIM_NONE,
	SIM_IDLE_G, /* waiting */
	SIM_READY,
	SIM_RUNS,
	SIM_IN_SYSCALL,
	SIM_CORO, /* waiting to be switched to */
};

struct sim_g {
	uint64_t id;
	enum sim_status status;
	int regions; /* open user regions */
	bool serves; /* a request */
	bool in_assist;
	uint64_t told; /* hash of what the tracer said */
};

struct sim_m {
	int p; /* -1 none */
	struct sim_g *g;
	bool p_in_syscall; /* its P may be taken */
};

struct sim {
	uint64_t rng, now_ns, next_goid, next_task;
	int live;
	struct sim_g gs[SIM_GOROUTINES];
	struct sim_m ms[SIM_THREADS];
	int owner[SIM_PROCS]; /* thread or -1 */
	bool gc_on;
	bool assist_ends; /* are seen */
	bool snapped;	  /* the snapshot is taken */
	bool quiet;	  /* steps are taken, nothing is sent: the time before the window */
	void (*emit)(void *ctx, const struct gbt_hdr *rec, size_t len);
	void *ctx;
	uint64_t emitted;
};

static inline uint64_t sim_random(struct sim *s)
{
	s->rng ^= s->rng << 13;
	s->rng ^= s->rng >> 7;
	s->rng ^= s->rng << 17;
	return s->rng;
}

static inline unsigned sim_below(struct sim *s, unsigned n)
{
	return sim_random(s) % n;
}

static inline uint64_t sim_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 31);
}

/* runtime/trace would have said this of g. */
static inline void sim_told(struct sim *s, struct sim_g *g, enum tr_type type, uint64_t arg)
{
	if (!s->quiet && g)
		g->told = sim_mix(g->told, (uint64_t)type << 32 | arg);
}

static inline void sim_send(struct sim *s, const struct gbt_hdr *rec, size_t len)
{
	if (s->quiet)
		return;
	s->emitted++;
	s->emit(s->ctx, rec, len);
}

static inline struct gbt_event sim_event(struct sim *s, int m, int kind, uint64_t goid)
{
	struct gbt_event e = {.hdr = {.tid = 100 + m, .kind = kind}, .p = -1, .goid = goid};

	s->now_ns += 50 + sim_below(s, 3000);
	e.hdr.time_ns = s->now_ns;
	if (m < SIM_THREADS)
		e.p = s->ms[m].p;
	e.stack = 1 + sim_below(s, 50);
	return e;
}

static inline void sim_put(struct sim *s, const struct gbt_event *e)
{
	sim_send(s, &e->hdr, sizeof(*e));
}

static inline void sim_simple(struct sim *s, int m, int kind, uint64_t goid)
{
	struct gbt_event e = sim_event(s, m, kind, goid);

	sim_put(s, &e);
}

/* Any goroutine of that status, or NULL. */
static inline struct sim_g *sim_pick(struct sim *s, enum sim_status st)
{
	unsigned from = sim_below(s, SIM_GOROUTINES);

	for (unsigned i = 0; i < SIM_GOROUTINES; i++) {
		struct sim_g *g = &s->gs[(from + i) % SIM_GOROUTINES];

		if (g->id && g->status == st)
			return g;
	}
	return NULL;
}

static inline struct sim_g *sim_new_g(struct sim *s, enum sim_status st)
{
	struct sim_g *g;

	do {
		g = &s->gs[s->next_goid++ % SIM_GOROUTINES];
	} while (g->id);
	*g = (struct sim_g){.id = s->next_goid - 1, .status = st};
	s->live++;
	return g;
}

static inline int sim_idle_p(struct sim *s)
{
	unsigned from = sim_below(s, SIM_PROCS);

	for (unsigned i = 0; i < SIM_PROCS; i++) {
		if (s->owner[(from + i) % SIM_PROCS] < 0)
			return (from + i) % SIM_PROCS;
	}
	return -1;
}

static inline void sim_acquire(struct sim *s, int m, int p)
{
	s->owner[p] = m;
	s->ms[m].p = p;
	s->ms[m].p_in_syscall = false;
	sim_simple(s, m, GBT_P_START, 0);
}

static inline void sim_release(struct sim *s, int m)
{
	sim_simple(s, m, GBT_P_STOP, 0);
	s->owner[s->ms[m].p] = -1;
	s->ms[m].p = -1;
}

static inline void sim_start(struct sim *s, int m, struct sim_g *g, int worker)
{
	struct gbt_event e = sim_event(s, m, GBT_RUN, g->id);

	if (g->status == SIM_IDLE_G)
		sim_told(s, g, TR_GO_UNBLOCK, 0);
	sim_told(s, g, TR_GO_START, 0);
	e.arg32 = worker;
	sim_put(s, &e);
	g->status = SIM_RUNS;
	s->ms[m].g = g;
}

static inline void sim_leave(struct sim *s, int m, enum sim_status st)
{
	s->ms[m].g->status = st;
	s->ms[m].g = NULL;
}

static inline void sim_block(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e = sim_event(s, m, GBT_BLOCK, g->id);

	e.arg32 = 2 + sim_below(s, 13); /* not "forever" */
	e.arg = 2;
	sim_told(s, g, TR_GO_BLOCK, e.arg32);
	sim_put(s, &e);
	sim_leave(s, m, SIM_IDLE_G);
}

static inline void sim_stop(struct sim *s, int m, int kind)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e = sim_event(s, m, kind, g->id);

	e.arg32 = kind == GBT_SCHED && sim_below(s, 2);
	if (kind == GBT_PREEMPT_PARK)
		sim_told(s, g, TR_GO_BLOCK, 11);
	else
		sim_told(s, g, TR_GO_STOP, kind == GBT_YIELD || e.arg32 ? 2 : 1);
	sim_put(s, &e);
	sim_leave(s, m, kind == GBT_PREEMPT_PARK ? SIM_IDLE_G : SIM_READY);
}

static inline void sim_exit(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;

	sim_told(s, g, TR_GO_DESTROY, 0);
	sim_simple(s, m, GBT_EXIT, g->id);
	s->ms[m].g = NULL;
	memset(g, 0, sizeof(*g));
	s->live--;
}

static inline void sim_create(struct sim *s, int m)
{
	struct sim_g *g = sim_new_g(s, SIM_READY);
	struct gbt_event e = sim_event(s, m, GBT_CREATE, g->id);

	e.cur = s->ms[m].g->id;
	e.arg = 0x1000;
	sim_told(s, g, TR_GO_CREATE, 0);
	sim_put(s, &e);
}

/* m -1: by sysmon, or by a thread that looks for work. */
static inline void sim_unblock(struct sim *s, int m)
{
	struct sim_g *g = sim_pick(s, SIM_IDLE_G);
	struct gbt_event e;

	if (!g)
		return;
	e = sim_event(s, m, GBT_UNBLOCK, g->id);
	e.cur = m < SIM_THREADS && s->ms[m].g ? s->ms[m].g->id : 0;
	e.arg = 3;
	sim_told(s, g, TR_GO_UNBLOCK, 0);
	sim_put(s, &e);
	g->status = SIM_READY;
}

static inline void sim_syscall(struct sim *s, int m, bool hand_off)
{
	struct sim_g *g = s->ms[m].g;

	sim_told(s, g, TR_GO_SYSCALL_BEGIN, 0);
	sim_simple(s, m, hand_off ? GBT_SYSCALL_BLOCK : GBT_SYSCALL, g->id);
	g->status = SIM_IN_SYSCALL;
	s->ms[m].p_in_syscall = true;
	if (hand_off) {
		struct gbt_event e;
		int p = s->ms[m].p;

		sim_release(s, m);
		e = sim_event(s, m, GBT_P_HANDOFF, 0);
		e.arg = p;
		sim_put(s, &e);
	}
}

/* sysmon takes the P of a thread in a syscall. */
static inline void sim_retake(struct sim *s, int m)
{
	struct gbt_event e = sim_event(s, SIM_SYSMON, GBT_P_HANDOFF, 0);

	e.arg = s->ms[m].p;
	sim_put(s, &e);
	s->owner[s->ms[m].p] = -1;
	s->ms[m].p = -1;
}

static inline void sim_syscall_exit(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e = sim_event(s, m, GBT_SYSCALL_EXIT, g->id);
	int p;

	e.arg32 = s->ms[m].p >= 0;
	sim_put(s, &e);
	if (e.arg32 && !sim_below(s, 8)) { /* it is taken in the same moment */
		sim_retake(s, m);
	} else if (e.arg32) {
		sim_told(s, g, TR_GO_SYSCALL_END, 0);
		g->status = SIM_RUNS;
		s->ms[m].p_in_syscall = false;
		return;
	}
	sim_told(s, g, TR_GO_SYSCALL_END_BLOCKED, 0);
	p = sim_idle_p(s);
	if (p >= 0 && sim_below(s, 4)) {
		sim_acquire(s, m, p);
		sim_told(s, g, TR_GO_START, 0);
		g->status = SIM_RUNS;
	} else {
		sim_simple(s, m, GBT_SYSCALL_EXIT_NOP, g->id);
		sim_leave(s, m, SIM_READY);
	}
}

static inline void sim_switch(struct sim *s, int m)
{
	struct sim_g *from = s->ms[m].g, *to = sim_pick(s, SIM_CORO);
	struct gbt_event e;

	if (!to && s->live > SIM_LIVE_MAX)
		return;
	if (!to || (!s->quiet && s->live < SIM_LIVE_MAX && !sim_below(s, 20))) {
		to = sim_new_g(s, SIM_CORO);
		sim_told(s, to, TR_GO_CREATE_BLOCKED, 0);
		/* where newcoro is not probed, the first switch tells; but not before the
		 * snapshot, which has it as one that was there */
		if (!s->snapped || sim_below(s, 2)) {
			e = sim_event(s, m, GBT_CREATE, to->id);
			e.cur = from->id;
			e.arg32 = 1;
			sim_put(s, &e);
		}
	}
	e = sim_event(s, m, GBT_COROSWITCH, from->id);
	e.cur = to->id;
	e.arg32 = !sim_below(s, 10);
	sim_told(s, to, e.arg32 ? TR_GO_SWITCH_DESTROY : TR_GO_SWITCH, 1);
	sim_told(s, from, e.arg32 ? TR_GO_SWITCH_DESTROY : TR_GO_SWITCH, 0);
	sim_put(s, &e);
	sim_leave(s, m, SIM_CORO);
	if (e.arg32) {
		memset(from, 0, sizeof(*from));
		s->live--;
	}
	to->status = SIM_RUNS;
	s->ms[m].g = to;
}

/* One goroutine does all of it while nobody else runs Go code. */
static inline void sim_stop_world(struct sim *s, int m, int reason)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e = sim_event(s, m, GBT_STW_BEGIN, g->id);

	e.arg32 = reason;
	sim_told(s, g, TR_STW_BEGIN, reason);
	sim_put(s, &e);
	if (reason == 1) {
		sim_simple(s, m, GBT_GC_MARK_TERM, g->id);
		e = sim_event(s, m, GBT_GC_SWEEP, g->id);
		e.arg = 4 << 20;
		e.cur = 8 << 20;
		sim_put(s, &e);
	}
	sim_told(s, g, TR_STW_END, 0);
	e = sim_event(s, m, GBT_STW_END, g->id);
	e.arg32 = SIM_PROCS;
	sim_put(s, &e);
}

static inline void sim_gc(struct sim *s, int m)
{
	sim_stop_world(s, m, s->gc_on ? 1 : 2);
	s->gc_on = !s->gc_on;
}

static inline void sim_text(struct sim *s, int m, int kind, uint64_t arg, int arg32, const char *a,
			    const char *b)
{
	struct gbt_text t = {.ev = sim_event(s, m, kind, s->ms[m].g->id)};

	t.ev.arg = arg;
	t.ev.arg32 = arg32;
	t.len[0] = strlen(a);
	t.len[1] = strlen(b);
	memcpy(t.text, a, t.len[0]);
	memcpy(t.text + t.len[0], b, t.len[1]);
	sim_send(s, &t.ev.hdr, 64u + t.len[0] + t.len[1]);
}

/* It begins to serve a request of net/http, or ends what it serves; its regions end in there. */
static inline void sim_request(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e = sim_event(s, m, GBT_REQUEST_END, g->id);

	if (g->regions)
		return;
	e.arg32 = 404;
	if (g->serves)
		sim_put(s, &e);
	else
		sim_text(s, m, GBT_REQUEST_BEGIN, 0, 0, "GET", "/a \x1b[31mpath\n\xff");
	g->serves = !g->serves;
}

/* The one in the middle is by StartRegion. */
static inline void sim_region(struct sim *s, int m, int depth, bool begins)
{
	static const char *const names[] = {"outer", "middle", "inner"};
	int what = begins ? GBT_REGION_BEGIN : GBT_REGION_END;

	if (depth == 1)
		what = begins ? GBT_REGION_START : GBT_REGION_STOP;
	sim_text(s, m, GBT_USER_REGION, 0, what, what == GBT_REGION_STOP ? "" : names[depth], "");
}

static inline void sim_annotate(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e;

	switch (sim_below(s, 6)) {
	case 5:
		sim_request(s, m);
		break;
	case 0:
		sim_text(s, m, GBT_USER_TASK_BEGIN, s->next_task++, 0, "a task", "");
		break;
	case 1:
		e = sim_event(s, m, GBT_USER_TASK_END, g->id);
		e.arg = sim_below(s, s->next_task);
		sim_put(s, &e);
		break;
	case 2:
		if (g->regions < 3)
			sim_region(s, m, g->regions++, true);
		break;
	case 3:
		if (g->regions)
			sim_region(s, m, --g->regions, false);
		break;
	default:
		sim_text(s, m, GBT_USER_LOG, 3, 0, "category", "a \x1b[31mmessage\n\xff");
	}
}

/* A C thread enters Go; it leaves again from a syscall (sim_in_syscall). */
static inline void sim_callback(struct sim *s)
{
	struct sim_m *m = &s->ms[SIM_C_THREAD];
	struct sim_g *g = &s->gs[SIM_EXTRA_G];

	if (m->g || g->id)
		return;
	sim_simple(s, SIM_C_THREAD, GBT_CGO_NEEDM, 0);
	*g = (struct sim_g){.id = SIM_EXTRA_G, .status = SIM_IN_SYSCALL};
	sim_told(s, g, TR_GO_CREATE_SYSCALL, 0);
	m->g = g;
	sim_syscall_exit(s, SIM_C_THREAD);
}

/* Half of the worlds have a probe at the end of assists. */
static inline void sim_assist(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;
	struct gbt_event e = sim_event(s, m, GBT_GC_ASSIST, g->id);
	bool again = sim_below(s, 4) == 0;

	e.arg32 = !g->in_assist || again;
	g->in_assist = e.arg32;
	if (e.arg32 || s->assist_ends)
		sim_put(s, &e);
}

static inline void sim_run_step(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;
	bool extra = g->id == SIM_EXTRA_G;
	struct gbt_event e;

	switch (sim_below(s, 40)) {
	case 0 ... 9:
		sim_block(s, m);
		break;
	case 10 ... 17:
		sim_unblock(s, m);
		break;
	case 18 ... 20:
		sim_stop(s, m, GBT_SCHED);
		break;
	case 21:
		sim_stop(s, m, GBT_YIELD);
		break;
	case 22:
		sim_stop(s, m, GBT_PREEMPT_PARK);
		break;
	case 23 ... 24:
		if (!extra)
			sim_exit(s, m);
		break;
	case 25 ... 27:
		if (s->live < SIM_LIVE_MAX)
			sim_create(s, m);
		break;
	case 28 ... 31:
		sim_syscall(s, m, false);
		break;
	case 32:
		sim_syscall(s, m, true);
		break;
	case 33 ... 34:
		if (!extra)
			sim_switch(s, m);
		break;
	case 35:
		sim_gc(s, m);
		break;
	case 36:
		if (s->gc_on || g->in_assist)
			sim_assist(s, m);
		else
			sim_stop_world(s, m, 9);
		break;
	case 37:
		sim_annotate(s, m);
		break;
	case 38:
		e = sim_event(s, m, GBT_SAMPLE, g->id);
		e.cur = 2;
		sim_put(s, &e);
		break;
	default:
		e = sim_event(s, 500, GBT_HEAP, 0);
		e.arg = 1 + sim_below(s, 1 << 20);
		e.cur = 8 << 20;
		sim_put(s, &e);
	}
}

static inline void sim_in_syscall(struct sim *s, int m)
{
	struct sim_g *g = s->ms[m].g;

	if (s->ms[m].p >= 0 && !sim_below(s, 3)) {
		sim_retake(s, m);
	} else if (m == SIM_C_THREAD && g->id == SIM_EXTRA_G && !sim_below(s, 3)) {
		if (s->ms[m].p >= 0)
			sim_retake(s, m);
		sim_told(s, g, TR_GO_DESTROY_SYSCALL, 0);
		sim_simple(s, m, GBT_CGO_DROPM, g->id);
		s->ms[m].g = NULL;
		memset(g, 0, sizeof(*g));
	} else {
		sim_syscall_exit(s, m);
	}
}

/* A thread without a goroutine: finds one, waits on, or gives its P back. */
static inline void sim_schedule(struct sim *s, int m)
{
	struct sim_g *g;
	int p;

	if (s->ms[m].p < 0) {
		p = sim_idle_p(s);
		if (p >= 0 && !sim_below(s, 2))
			sim_acquire(s, m, p);
		return;
	}
	g = sim_pick(s, sim_below(s, 6) ? SIM_READY : SIM_IDLE_G);
	if (g && (g->id != SIM_EXTRA_G || m == SIM_C_THREAD))
		sim_start(s, m, g, s->gc_on && !sim_below(s, 10) ? 1 + sim_below(s, 3) : 0);
	else if (sim_below(s, 4))
		sim_unblock(s, m);
	else
		sim_release(s, m);
}

static inline void sim_step(struct sim *s)
{
	int m = sim_below(s, SIM_THREADS + 1);

	if (m == SIM_THREADS) {
		if (sim_below(s, 4))
			sim_unblock(s, SIM_SYSMON);
		else
			sim_callback(s);
	} else if (m == SIM_C_THREAD && !s->ms[m].g && s->ms[m].p < 0 &&
		   !(s->gs[SIM_EXTRA_G].id && sim_below(s, 2))) {
		return;
	} else if (!s->ms[m].g) {
		sim_schedule(s, m);
	} else if (s->ms[m].g->status == SIM_IN_SYSCALL) {
		sim_in_syscall(s, m);
	} else {
		sim_run_step(s, m);
	}
}

static inline struct sim *sim_create_world(uint64_t seed)
{
	struct sim *s = calloc(1, sizeof(*s));

	s->rng = seed * 0x9e3779b97f4a7c15ull + 1;
	s->now_ns = 1000000000000ull + seed;
	s->next_goid = 100;
	s->next_task = 1;
	s->assist_ends = seed & 1;
	for (int m = 0; m < SIM_THREADS; m++)
		s->ms[m].p = -1;
	for (int p = 0; p < SIM_PROCS; p++)
		s->owner[p] = -1;
	for (int i = 0; i < 40; i++)
		sim_new_g(s, i % 2 ? SIM_READY : SIM_IDLE_G);
	return s;
}

/* What a snapshot taken now would show; free with snapshot__free's rules do not apply: the
 * caller frees g, m and p. */
static inline void sim_snapshot(struct sim *s, struct snapshot *out)
{
	static char *reasons[] = {"", "chan receive", "select"};

	s->snapped = true;
	*out = (struct snapshot){.begin_ns = s->now_ns,
				 .end_ns = s->now_ns,
				 .gomaxprocs = SIM_PROCS,
				 .wait_reasons = reasons,
				 .wait_reasons_cnt = 3,
				 .gcphase = s->gc_on};
	out->g = calloc(SIM_GOROUTINES, sizeof(*out->g));
	out->m = calloc(SIM_THREADS, sizeof(*out->m));
	for (size_t i = 0; i < SIM_GOROUTINES; i++) {
		static const uint8_t status[] = {G_DEAD,    G_WAITING, G_RUNNABLE,
						 G_RUNNING, G_SYSCALL, G_WAITING};
		const struct sim_g *g = &s->gs[i];

		if (g->id)
			out->g[out->g_cnt++] = (struct snap_g){.goid = g->id,
							       .status = status[g->status],
							       .wait_reason = 1,
							       .startpc = 0x1000};
	}
	for (int m = 0; m < SIM_THREADS; m++)
		out->m[out->m_cnt++] = (struct snap_m){.tid = 100 + m,
						       .procid = 100 + m,
						       .curg = s->ms[m].g ? s->ms[m].g->id : 0,
						       .p = s->ms[m].p};
}

#endif
