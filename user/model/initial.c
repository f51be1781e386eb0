/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/state.h"

/*
 * The state at the window's begin, told before the first event: what the first pass found,
 * and from the snapshot what had no event at all. Threads with their P and goroutine come
 * first (a reader wants a P's status on its thread before the goroutine's), then idle Ps, then
 * the goroutines that do not run.
 */
struct idle {
	uint64_t goid;
	int status;
	uint16_t reason;
	struct tr_stack stack;
};

struct begin {
	struct model *m;
	struct buf idle;	/* struct idle */
	struct imap snap_by_id; /* goid -> index + 1 */
};

static const struct snap_g *snap_g(const struct begin *b, uint64_t goid)
{
	uint64_t i;

	return imap__get(&b->snap_by_id, goid, &i) ? &b->m->cfg.snapshot->g[i - 1] : NULL;
}

static const char *wait_text(const struct model *m, const struct snap_g *g)
{
	const struct snapshot *s = m->cfg.snapshot;

	return g->wait_reason < s->wait_reasons_cnt ? s->wait_reasons[g->wait_reason] : NULL;
}

/* The trace's status for a goroutine of the snapshot; 0: not there for a tracer. */
static int snap_status(const struct model *m, const struct snap_g *g)
{
	switch (g->status) {
	case G_RUNNABLE:
		return TR_G_RUNNABLE;
	case G_RUNNING:
	case G_COPYSTACK:
		return TR_G_RUNNING;
	case G_SYSCALL:
		return TR_G_SYSCALL;
	case G_WAITING:
		return tr_wait_reason__runs(wait_text(m, g)) ? TR_G_RUNNING : TR_G_WAITING;
	case G_PREEMPTED:
	case G_LEAKED:
		return TR_G_WAITING;
	default:
		return 0;
	}
}

static uint64_t hash_pcs(const uint64_t *pcs, size_t cnt)
{
	uint64_t h = cnt + 0x9e3779b97f4a7c15ull;

	for (size_t i = 0; i < cnt; i++) {
		h = (h ^ pcs[i]) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

static struct tr_stack snap_stack(const struct model *m, const struct snap_g *g)
{
	const struct snapshot *s = m->cfg.snapshot;
	struct tr_stack st = {.goid = g->goid, .cut = g->stack_cut};

	if (!g->stack_cnt || g->stack_off > s->pcs_cnt ||
	    g->stack_cnt > s->pcs_cnt - g->stack_off) {
		st.pc = g->startpc;
		st.leaf_exact = true;
		return st;
	}
	st.pcs = s->pcs + g->stack_off;
	st.pcs_cnt = g->stack_cnt;
	st.id = hash_pcs(st.pcs, st.pcs_cnt);
	return st;
}

static uint16_t wait_reason(const struct model *m, const struct snap_g *g)
{
	if (g->status == G_PREEMPTED)
		return 11;
	return g->status == G_WAITING ? tr_block_reason__of_wait(wait_text(m, g)) : 0;
}

static void add_idle(struct begin *b, uint64_t goid, int status)
{
	const struct snap_g *g = snap_g(b, goid);
	struct idle i = {.goid = goid, .status = status};

	if (g) {
		i.stack = snap_stack(b->m, g);
		/* the stack of a goroutine that went on since is not that of its first wait; its
		 * name at the root is right all the same */
		if (status == TR_G_WAITING)
			i.reason = wait_reason(b->m, g);
	}
	buf__append(&b->idle, &i, sizeof(i));
}

/* ---- threads ---- */

static bool p_was_held(const struct prescan *pre, int32_t p, uint64_t order)
{
	return p >= 0 && p < pre->p_cap && pre->ps[p].order == order && pre->ps[p].held;
}

static bool p_seen(const struct prescan *pre, int32_t p)
{
	return p >= 0 && p < pre->p_cap && pre->ps[p].order;
}

static bool p_is_taken(struct model *m, int32_t p)
{
	const struct proc *pp = proc__get(m, p);

	return !pp || pp->status;
}

static void bind_p(struct model *m, struct mthread *t, int32_t p, bool syscall)
{
	move_proc_status(m, t, p, syscall ? TR_P_SYSCALL : TR_P_RUNNING, true);
}

static void bind_g(struct begin *b, struct mthread *t, uint64_t goid, int status)
{
	struct goroutine *g = g__add(b->m, goid, status);
	const struct snap_g *sg = snap_g(b, goid);
	struct tr_stack st = {0};

	if (!g)
		return;
	if (sg)
		st = snap_stack(b->m, sg);
	move_go_status(b->m, t, g, sg ? &st : NULL, 0, true);
}

static const struct first_g *first_of(const struct prescan *pre, uint64_t goid)
{
	uint64_t i;

	if (!imap__get(&pre->gs, goid, &i) || i == CREATED_LATE || i == CREATED_EARLY)
		return NULL;
	return (const struct first_g *)pre->g_list.data + (i - 1);
}

static void begin_thread(struct begin *b, const struct prescan *pre, const struct first_m *f)
{
	struct model *m = b->m;
	const struct first_g *g = f->goid ? first_of(pre, f->goid) : NULL;
	bool has_p = p_was_held(pre, f->p, f->order) && !p_is_taken(m, f->p);
	bool has_g = g && g->order == f->order && !g__get(m, f->goid) && (has_p || f->syscall);
	struct mthread *t = mthread__get(m, f->tid);

	if (!t)
		return;
	if (has_p)
		bind_p(m, t, f->p, f->syscall);
	if (has_g)
		bind_g(b, t, f->goid, f->syscall ? TR_G_SYSCALL : TR_G_RUNNING);
	else if (has_p && f->syscall)
		move_proc_stop(m, t, true); /* a P in a syscall without a goroutine is none */
}

/* A thread that had no event in the window: as the snapshot shows it. */
static void begin_quiet_thread(struct begin *b, const struct prescan *pre, const struct snap_m *s)
{
	struct model *m = b->m;
	const struct snap_g *g = s->curg ? snap_g(b, s->curg) : NULL;
	int status = g ? snap_status(m, g) : 0;
	bool has_p = s->p >= 0 && !p_seen(pre, s->p) && !p_is_taken(m, s->p);
	bool syscall = status == TR_G_SYSCALL;
	struct mthread *t;

	if (!s->tid || imap__get(&pre->ms, s->tid, NULL))
		return;
	if (g && (imap__get(&pre->gs, s->curg, NULL) || g__get(m, s->curg)))
		status = 0;
	if (status == TR_G_RUNNING && !has_p)
		status = 0;
	if (status != TR_G_RUNNING && status != TR_G_SYSCALL)
		status = 0;
	if (!status && (!has_p || syscall))
		return;
	t = mthread__get(m, s->tid);
	if (!t || t->g || t->p != TR_NO_P)
		return;
	if (has_p)
		bind_p(m, t, s->p, syscall);
	if (status)
		bind_g(b, t, s->curg, status);
}

static void begin_threads(struct begin *b, const struct prescan *pre)
{
	const struct snapshot *s = b->m->cfg.snapshot;
	const struct first_m *f = (const struct first_m *)pre->m_list.data;

	for (size_t i = 0; i < pre->m_list.len / sizeof(*f); i++)
		begin_thread(b, pre, &f[i]);
	for (size_t i = 0; s && i < s->m_cnt; i++)
		begin_quiet_thread(b, pre, &s->m[i]);
}

static void begin_idle_procs(struct model *m)
{
	for (uint32_t i = 0; i < m->procs_want && i < PROC_MAX; i++) {
		const struct proc *p = proc__get(m, i);

		if (p && !p->status)
			move_proc_status(m, NULL, i, TR_P_IDLE, true);
	}
}

/* ---- goroutines that do not run ---- */

/* What a goroutine was whose first event is this one; 0: it was not there. */
static int idle_status(const struct begin *b, const struct first_g *f)
{
	const struct snapshot *s = b->m->cfg.snapshot;
	const struct snap_g *g = snap_g(b, f->goid);
	bool snap_first = s && s->end_ns <= f->time_ns;

	switch (f->kind) {
	case FIRST_CREATED:
		return 0;
	case FIRST_SWITCHED:
		/* first sight of a coroutine: created since the snapshot, if that lacks it */
		return snap_first && !g ? 0 : TR_G_WAITING;
	case FIRST_RUNNABLE:
	case FIRST_RUNNING:
		/* made runnable inside the scheduler (which is not seen), or runnable already */
		if (g && snap_first && snap_status(b->m, g) == TR_G_WAITING)
			return TR_G_WAITING;
		return TR_G_RUNNABLE;
	default:
		return TR_G_WAITING;
	}
}

static void collect_idle(struct begin *b, const struct prescan *pre)
{
	const struct snapshot *s = b->m->cfg.snapshot;
	const struct first_g *f = (const struct first_g *)pre->g_list.data;

	for (size_t i = 0; i < pre->g_list.len / sizeof(*f); i++) {
		int status = g__get(b->m, f[i].goid) ? 0 : idle_status(b, &f[i]);

		if (status)
			add_idle(b, f[i].goid, status);
	}
	for (size_t i = 0; s && i < s->g_cnt; i++) {
		uint64_t goid = s->g[i].goid;
		int status = snap_status(b->m, &s->g[i]);

		if (!goid || !status || g__get(b->m, goid) || imap__get(&pre->gs, goid, NULL))
			continue;
		/* said to run, but its thread or P does something else: it had moved on */
		add_idle(b, goid, status == TR_G_RUNNABLE ? TR_G_RUNNABLE : TR_G_WAITING);
	}
}

static int by_goid(const void *a, const void *b)
{
	uint64_t x = ((const struct idle *)a)->goid, y = ((const struct idle *)b)->goid;

	return x < y ? -1 : x > y;
}

static void begin_idle_goroutines(struct begin *b)
{
	struct idle *i = (struct idle *)b->idle.data;
	size_t cnt = b->idle.len / sizeof(*i);

	if (cnt)
		qsort(i, cnt, sizeof(*i), by_goid);
	for (; cnt; cnt--, i++) {
		struct goroutine *g =
			g__get(b->m, i->goid) ? NULL : g__add(b->m, i->goid, i->status);

		if (g)
			move_go_status(b->m, NULL, g, &i->stack, i->reason, true);
	}
}

/* ---- */

static int index_snapshot(struct begin *b)
{
	const struct snapshot *s = b->m->cfg.snapshot;

	for (size_t i = 0; s && i < s->g_cnt; i++) {
		int err = s->g[i].goid ? imap__put(&b->snap_by_id, s->g[i].goid, i + 1) : 0;

		if (err)
			return err;
	}
	return 0;
}

static bool gc_was_on(const struct model *m, const struct prescan *pre)
{
	if (pre->gc >= 0)
		return pre->gc;
	return m->cfg.snapshot && m->cfg.snapshot->gcphase;
}

/* GOMAXPROCS and heap figures, by the first thread that may tell them. */
static void begin_values(struct model *m)
{
	for (int32_t i = 0; i < m->p_cap; i++) {
		struct mthread *t = m->ps[i].m;

		if (t && t->g) {
			tell_pending(m, t);
			return;
		}
	}
}

void model__begin(struct model *m)
{
	static const struct prescan none = {.gc = GC_UNKNOWN};
	const struct prescan *pre = m->pre ? m->pre : &none;
	const struct snapshot *s = m->cfg.snapshot;
	struct begin b = {.m = m};

	m->begun = true;
	m->now_ns = m->cfg.start_ns;
	m->procs_want = m->cfg.gomaxprocs ? m->cfg.gomaxprocs : s ? s->gomaxprocs : 0;
	m->heap_alloc_want = s ? s->heap_live : 0;
	m->heap_goal_want = s ? s->heap_goal : 0;
	m->err = index_snapshot(&b);
	if (!m->err) {
		begin_threads(&b, pre);
		begin_idle_procs(m);
		collect_idle(&b, pre);
		if (b.idle.err && !m->err)
			m->err = b.idle.err;
		else
			begin_idle_goroutines(&b);
		begin_values(m);
		if (gc_was_on(m, pre))
			move_gc_begin(m, NULL, NULL, true);
	}
	buf__free(&b.idle);
	imap__free(&b.snap_by_id);
	if (m->pre && m->cfg.ahead) {
		prescan__begun(m->pre);
		return;
	}
	prescan__free(m->pre);
	m->pre = NULL;
}
