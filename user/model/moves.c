/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/state.h"

struct transition tr_on(const struct mthread *t, enum tr_type type)
{
	struct transition tr = {.type = type, .m = UINT64_MAX, .p = TR_NO_P};

	if (t) {
		tr.m = t->file_tid;
		tr.p = t->p;
		tr.g = t->g ? t->g->id : 0;
		tr.subject = tr.g;
	}
	return tr;
}

void tell(struct model *m, struct transition *tr)
{
	if (m->err)
		return;
	tr->time_ns = m->now_ns;
	m->stats.transitions_out++;
	m->err = m->cfg.sink(m->cfg.sink_ctx, tr);
}

/* ---- processors ---- */

void move_proc_status(struct model *m, struct mthread *t, int32_t p, int status, bool initial)
{
	struct proc *pp = proc__get(m, p);
	struct transition tr = tr_on(t, TR_PROC_STATUS);

	if (!pp)
		return;
	tr.subject = p;
	tr.value = status;
	tr.initial = initial;
	tell(m, &tr);
	pp->status = status;
	pp->seq = 0;
	if (status == TR_P_RUNNING || status == TR_P_SYSCALL) {
		pp->m = t;
		t->p = p;
	}
}

void move_proc_start(struct model *m, struct mthread *t, int32_t p, bool repair)
{
	struct proc *pp = proc__get(m, p);
	struct transition tr = tr_on(t, TR_PROC_START);

	tr.subject = p;
	tr.seq = ++pp->seq;
	tr.repair = repair;
	tell(m, &tr);
	pp->status = TR_P_RUNNING;
	pp->m = t;
	t->p = p;
	if ((uint32_t)p >= m->procs_want)
		m->procs_want = p + 1; /* readers take a P beyond GOMAXPROCS badly */
}

void move_proc_stop(struct model *m, struct mthread *t, bool repair)
{
	struct transition tr = tr_on(t, TR_PROC_STOP);

	tr.subject = t->p;
	tr.repair = repair;
	tell(m, &tr);
	m->ps[t->p].status = TR_P_IDLE;
	m->ps[t->p].m = NULL;
	t->p = TR_NO_P;
}

void move_proc_steal(struct model *m, struct mthread *thief, int32_t p)
{
	struct proc *pp = &m->ps[p];
	struct transition tr = tr_on(thief, TR_PROC_STEAL);

	tr.subject = p;
	tr.seq = ++pp->seq;
	tr.value2 = pp->m->file_tid;
	tell(m, &tr);
	pp->m->p = TR_NO_P;
	pp->m = NULL;
	pp->status = TR_P_IDLE;
	m->stats.retaken++;
}

/* ---- goroutines ---- */

static void unbind(struct mthread *t)
{
	t->last_g = t->g->id;
	t->g->m = NULL;
	t->g = NULL;
	t->exiting = false;
}

static void bind(struct mthread *t, struct goroutine *g)
{
	t->g = g;
	g->m = t;
	t->exiting = false;
}

void move_go_status(struct model *m, struct mthread *t, struct goroutine *g,
		    const struct tr_stack *stack, uint16_t reason, bool initial)
{
	struct transition tr = tr_on(t, TR_GO_STATUS);
	bool bound = g->status == TR_G_RUNNING || g->status == TR_G_SYSCALL;

	tr.subject = g->id;
	tr.value = g->status;
	tr.value2 = bound ? t->file_tid : UINT64_MAX;
	tr.reason = reason;
	tr.initial = initial;
	if (stack)
		tr.stack = *stack;
	tell(m, &tr);
	g->seq = 0;
	if (bound)
		bind(t, g);
}

void move_go_start(struct model *m, struct mthread *t, struct goroutine *g, bool repair)
{
	struct transition tr = tr_on(t, TR_GO_START);

	tr.subject = g->id;
	tr.seq = ++g->seq;
	tr.repair = repair;
	tell(m, &tr);
	g->status = TR_G_RUNNING;
	bind(t, g);
	m->runner = t;
	if (g->assist == ASSIST_PARKED)
		move_assist_end(m, t, true);
	tell_pending(m, t);
}

/* A range of the world's stop cannot be ended later: only its goroutine may, while it runs. */
static void end_ranges(struct model *m, struct mthread *t)
{
	if (t->g->stw)
		move_stw_end(m, t, true);
}

void move_go_stop(struct model *m, struct mthread *t, uint16_t reason, const struct tr_stack *s,
		  bool repair)
{
	struct transition tr;

	end_ranges(m, t);
	tr = tr_on(t, TR_GO_STOP);
	tr.reason = reason;
	tr.repair = repair;
	if (s)
		tr.stack = *s;
	tell(m, &tr);
	t->g->status = TR_G_RUNNABLE;
	unbind(t);
}

void move_go_block(struct model *m, struct mthread *t, uint16_t reason, const struct tr_stack *s)
{
	struct transition tr;

	end_ranges(m, t);
	tr = tr_on(t, TR_GO_BLOCK);
	tr.reason = reason;
	if (s)
		tr.stack = *s;
	tell(m, &tr);
	t->g->status = TR_G_WAITING;
	unbind(t);
}

void move_go_destroy(struct model *m, struct mthread *t)
{
	struct goroutine *g = t->g;
	struct transition tr;

	end_ranges(m, t);
	tr = tr_on(t, TR_GO_DESTROY);
	tell(m, &tr);
	unbind(t);
	g__drop(m, g);
}

void move_go_unblock(struct model *m, struct mthread *t, struct goroutine *g,
		     const struct tr_stack *s, bool repair)
{
	struct transition tr = tr_on(t, TR_GO_UNBLOCK);

	tr.subject = g->id;
	tr.seq = ++g->seq;
	tr.repair = repair;
	if (s)
		tr.stack = *s;
	tell(m, &tr);
	g->status = TR_G_RUNNABLE;
}

void move_syscall_begin(struct model *m, struct mthread *t, const struct tr_stack *s)
{
	struct transition tr;

	end_ranges(m, t);
	tr = tr_on(t, TR_GO_SYSCALL_BEGIN);
	tr.seq = ++m->ps[t->p].seq;
	tr.stack = *s;
	tell(m, &tr);
	t->g->status = TR_G_SYSCALL;
	m->ps[t->p].status = TR_P_SYSCALL;
}

void move_syscall_end(struct model *m, struct mthread *t, bool repair)
{
	struct transition tr = tr_on(t, TR_GO_SYSCALL_END);

	tr.repair = repair;
	tell(m, &tr);
	t->exiting = false;
	t->g->status = TR_G_RUNNING;
	m->ps[t->p].status = TR_P_RUNNING;
}

void move_syscall_end_blocked(struct model *m, struct mthread *t, bool repair)
{
	struct transition tr = tr_on(t, TR_GO_SYSCALL_END_BLOCKED);

	tr.repair = repair;
	tell(m, &tr);
	t->g->status = TR_G_RUNNABLE;
	unbind(t);
}

void move_create_syscall(struct model *m, struct mthread *t, uint64_t goid)
{
	struct transition tr = tr_on(t, TR_GO_CREATE_SYSCALL);
	struct goroutine *g = g__add(m, goid, TR_G_SYSCALL);

	if (!g)
		return;
	tr.subject = goid;
	tell(m, &tr);
	bind(t, g);
}

/* Its P goes first: the format would leave it abandoned, to be stolen before its next use. */
void move_destroy_syscall(struct model *m, struct mthread *t)
{
	struct goroutine *g = t->g;
	struct transition tr;

	if (t->p != TR_NO_P)
		move_proc_stop(m, t, false);
	tr = tr_on(t, TR_GO_DESTROY_SYSCALL);
	tell(m, &tr);
	unbind(t);
	g__drop(m, g);
}

void move_switch(struct model *m, struct mthread *t, struct goroutine *to, bool destroy,
		 const struct tr_stack *s)
{
	struct goroutine *from = t->g;
	struct transition tr;

	end_ranges(m, t);
	tr = tr_on(t, destroy ? TR_GO_SWITCH_DESTROY : TR_GO_SWITCH);
	tr.subject = to->id;
	tr.seq = ++to->seq;
	tr.stack = *s;
	tell(m, &tr);
	unbind(t);
	if (destroy)
		g__drop(m, from);
	else
		from->status = TR_G_WAITING;
	to->status = TR_G_RUNNING;
	bind(t, to);
	m->runner = t;
}

/* ---- ranges and values ---- */

void move_assist_begin(struct model *m, struct mthread *t, const struct tr_stack *s)
{
	struct transition tr = tr_on(t, TR_GC_MARK_ASSIST_BEGIN);

	tr.stack = *s;
	tell(m, &tr);
	t->g->assist = ASSIST_OPEN;
	m->stats.assists++;
}

void move_assist_end(struct model *m, struct mthread *t, bool estimate)
{
	struct transition tr = tr_on(t, TR_GC_MARK_ASSIST_END);

	tr.estimate = estimate;
	tell(m, &tr);
	t->g->assist = ASSIST_NONE;
}

void move_stw_begin(struct model *m, struct mthread *t, uint16_t kind, const struct tr_stack *s)
{
	struct transition tr = tr_on(t, TR_STW_BEGIN);

	tr.reason = kind;
	tr.stack = *s;
	tell(m, &tr);
	t->g->stw = true;
}

void move_stw_end(struct model *m, struct mthread *t, bool repair)
{
	struct transition tr = tr_on(t, TR_STW_END);

	tr.repair = repair;
	tell(m, &tr);
	t->g->stw = false;
}

void move_gc_begin(struct model *m, struct mthread *t, const struct tr_stack *s, bool initial)
{
	struct transition tr = tr_on(t, TR_GC_BEGIN);

	tr.seq = ++m->gc_seq;
	tr.initial = initial;
	if (s)
		tr.stack = *s;
	tell(m, &tr);
	m->gc_on = true;
}

void move_gc_end(struct model *m, struct mthread *t, bool repair)
{
	struct transition tr = tr_on(t, TR_GC_END);

	tr.seq = ++m->gc_seq;
	tr.repair = repair;
	tell(m, &tr);
	m->gc_on = false;
}

void move_value(struct model *m, struct mthread *t, enum tr_type type, uint64_t value)
{
	struct transition tr = tr_on(t, type);

	tr.value = value;
	tell(m, &tr);
}

/* GOMAXPROCS needs a thread with a running goroutine, the heap figures one with a P. */
void tell_pending(struct model *m, struct mthread *t)
{
	if (!t || t->p == TR_NO_P)
		return;
	if (m->procs_want && m->procs_want != m->procs && t->g) {
		m->procs = m->procs_want;
		move_value(m, t, TR_PROCS_CHANGE, m->procs);
	}
	if (m->heap_alloc_want && m->heap_alloc_want != m->heap_alloc) {
		m->heap_alloc = m->heap_alloc_want;
		move_value(m, t, TR_HEAP_ALLOC, m->heap_alloc);
	}
	if (m->heap_goal_want && m->heap_goal_want != m->heap_goal) {
		m->heap_goal = m->heap_goal_want;
		move_value(m, t, TR_HEAP_GOAL, m->heap_goal);
	}
}
