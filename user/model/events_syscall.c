/* SPDX-License-Identifier: GPL-2.0-only */
/* Outside of Go and back: system calls, and C threads that call Go. */
#include "model/state.h"

/*
 * 1.21 and 1.22 skip the four frames that a walk by frame pointers has up to the syscall
 * (traceGoSysCall in src/runtime/trace.go, GoSysCall in trace2runtime.go). With C on the stack
 * they walk from the syscall on, and skip four all the same. Where entersyscallblock hands the P
 * over on the system stack, four are one too many.
 */
static int syscall_skip(const struct model *m, const struct gbt_event *e)
{
	if (m->cfg.go_minor != 21 && m->cfg.go_minor != 22)
		return 1;
	if (e->arg32 == 1)
		return 4;
	return e->hdr.kind == GBT_SYSCALL_BLOCK ? 2 : 1;
}

void on_syscall(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *g = event_runner(m, t, e, e->goid);
	struct tr_stack s = event_stack(m, e, syscall_skip(m, e), e->goid);

	if (!g)
		return;
	leave_assist(m, t, g);
	move_syscall_begin(m, t, &s);
}

/* The extra goroutine of a cgo callback begins to exist, in a syscall. */
static void enter_go(struct model *m, struct mthread *t, uint64_t goid)
{
	struct goroutine *g = goid ? g__get(m, goid) : NULL;

	t->entering = false;
	if (!goid || (g && g->status != TR_G_SYSCALL)) {
		event_drop(m);
		return;
	}
	if (g) { /* dropm was not seen */
		count_repair(m, REPAIR_STOP);
		move_destroy_syscall(m, g->m);
	}
	move_create_syscall(m, t, goid);
}

/* With its P it just goes on. Without one, the next event tells: a P is acquired (on_p_start),
 * or there is none (on_syscall_exit_nop). */
void on_syscall_exit(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	/* it had its P when it looked, and lost it right then: the first pass has seen it */
	bool lost_p = imap__del(&m->scanned.lost_p, m->order);
	struct goroutine *g;

	if (t->entering && !t->g)
		enter_go(m, t, e->goid);
	g = t->g;
	if (!g || g->id != e->goid || g->status != TR_G_SYSCALL) {
		event_drop(m);
		return;
	}
	t->exiting = true;
	if (e->arg32 != 1 || lost_p)
		return;
	if (t->p != TR_NO_P && t->p == e->p && m->ps[t->p].status == TR_P_SYSCALL) {
		move_syscall_end(m, t, false);
		return;
	}
	/* the mirror lost its P meanwhile; so the tracer says when syscalltick moved (cgo) */
	if (repair_proc(m, t, e->p, false)) {
		move_syscall_end_blocked(m, t, false);
		move_go_start(m, t, g, false);
	}
}

/* Where system calls are not seen, their goroutine has been waiting since its thread or its P went
 * on with another. */
static void made_runnable(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_subject(m, e->goid);

	if (g && g->m)
		repair_free(m, g->m);
	if (g && g->status == TR_G_WAITING)
		move_go_unblock(m, t, g, NULL, false);
}

void on_syscall_exit_nop(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *g = t->g;

	if (m->cfg.partial && !(g && g->id == e->goid && g->status == TR_G_SYSCALL)) {
		made_runnable(m, t, e);
		return;
	}
	if (!g || g->id != e->goid) {
		event_drop(m);
		return;
	}
	if (g->status == TR_G_RUNNING) {
		repair_free(m, t);
		return;
	}
	if (t->p != TR_NO_P && m->ps[t->p].status == TR_P_SYSCALL) {
		m->stats.retaken++;
		move_proc_stop(m, t, false);
	}
	move_syscall_end_blocked(m, t, false);
}

/* A C thread enters Go: it has nothing yet, and its goroutine is known by the next event. */
void on_needm(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	repair_free(m, t);
	if (t->p != TR_NO_P) {
		count_repair(m, REPAIR_PROC);
		move_proc_stop(m, t, true);
	}
	t->entering = true;
	if (e->goid)
		enter_go(m, t, e->goid);
}

void on_dropm(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	if (!t->g || t->g->id != e->goid || t->g->status != TR_G_SYSCALL) {
		event_drop(m);
		return;
	}
	move_destroy_syscall(m, t);
}
