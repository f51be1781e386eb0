/* SPDX-License-Identifier: GPL-2.0-only */
/* Processors that threads take, give up, and lose. */
#include "model/state.h"

/*
 * The thread gets a P. With a goroutine whose syscall is over it goes on with that. With a
 * running one inside startTheWorld (whose probe is behind that, or at the entry and so before),
 * procresize has swapped the P under it, which the tracer shows as a stop and a start.
 */
void on_p_start(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = t->g;
	bool resized =
		g && g->status == TR_G_RUNNING && (t->world_started || g->stw) && t->p != e->p;
	bool stopping = false;

	if (e->p < 0 || e->p >= PROC_MAX) {
		event_drop(m);
		return;
	}
	if (resized) {
		stopping = g->stw;
		g->stw = false; /* the stop of the world goes on */
		move_go_stop(m, t, TR_STOP_GOSCHED, NULL, false);
		move_proc_stop(m, t, false);
	} else if (g && g->status == TR_G_RUNNING && t->p != e->p) {
		repair_free(m, t);
	}
	if (!repair_proc(m, t, e->p, true))
		return;
	if (resized) {
		move_go_start(m, t, g, false);
		g->stw = stopping;
	} else if (t->g && t->exiting) {
		g = t->g;
		move_syscall_end_blocked(m, t, false);
		move_go_start(m, t, g, false);
	}
}

void on_p_stop(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	if (t->p == TR_NO_P || (e->p >= 0 && e->p != t->p)) {
		event_drop(m);
		return;
	}
	if (t->g && t->g->status == TR_G_RUNNING)
		repair_leave(m, t);
	move_proc_stop(m, t, false);
}

/* sysmon or a stop of the world took the P of a thread in a syscall. A P that its own thread
 * released before comes here too: nothing to tell then. */
void on_p_handoff(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct proc *p = e->arg < PROC_MAX ? proc__get(m, e->arg) : NULL;

	if (!p) {
		event_drop(m);
		return;
	}
	if (!p->m)
		return;
	if (p->m == t) {
		if (t->g && t->g->status == TR_G_RUNNING)
			repair_free(m, t);
		move_proc_stop(m, t, true);
		return;
	}
	if (p->status == TR_P_SYSCALL)
		move_proc_steal(m, t, e->arg);
	else
		event_drop(m); /* it went on meanwhile, as later events of its thread show */
}
