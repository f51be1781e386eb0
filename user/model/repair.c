/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/state.h"

struct goroutine *repair_known(struct model *m, uint64_t goid)
{
	struct goroutine *g;

	if (tombs__has(&m->tombs, goid))
		return NULL;
	g = g__add(m, goid, TR_G_WAITING);
	if (!g)
		return NULL;
	/* viewers date such a status back to the trace's begin: so nothing but waiting */
	count_repair(m, REPAIR_STATUS);
	move_go_status(m, NULL, g, NULL, 0, false);
	return g;
}

void repair_free(struct model *m, struct mthread *t)
{
	if (!t->g)
		return;
	count_repair(m, REPAIR_STOP);
	if (t->g->status == TR_G_RUNNING) {
		if (m->cfg.partial)
			move_go_block(m, t, 0, NULL);
		else
			move_go_stop(m, t, TR_STOP_UNSPECIFIED, NULL, true);
		return;
	}
	if (t->p != TR_NO_P && m->ps[t->p].status == TR_P_SYSCALL)
		move_proc_stop(m, t, true);
	move_syscall_end_blocked(m, t, true);
}

/*
 * The thread goes on without its goroutine. One that was preempted behind the probe of its end,
 * inside of the tracer that was on there (up to Go 1.21), has passed it: it ended.
 */
void repair_leave(struct model *m, struct mthread *t)
{
	if (t->g && t->g->ending && t->g->status == TR_G_RUNNING)
		move_go_destroy(m, t);
	else
		repair_free(m, t);
}

/* p leaves the thread that has it. */
static void take_proc(struct model *m, struct mthread *thief, int32_t p)
{
	struct mthread *victim = m->ps[p].m;

	if (m->ps[p].status == TR_P_SYSCALL) {
		move_proc_steal(m, thief, p);
		return;
	}
	if (victim->g && victim->g->status == TR_G_RUNNING)
		repair_free(m, victim);
	count_repair(m, REPAIR_PROC);
	move_proc_stop(m, victim, true);
}

bool repair_proc(struct model *m, struct mthread *t, int32_t p, bool expected)
{
	struct proc *pp = proc__get(m, p);

	if (!pp)
		return false;
	if (t->p == p && pp->status == TR_P_RUNNING)
		return true;
	if (t->p != TR_NO_P) {
		bool in_syscall = m->ps[t->p].status == TR_P_SYSCALL;

		if (t->g && t->g->status == TR_G_RUNNING)
			repair_free(m, t);
		if (in_syscall)
			m->stats.retaken++;
		else
			count_repair(m, REPAIR_PROC);
		move_proc_stop(m, t, !in_syscall);
	}
	if (pp->m)
		take_proc(m, t, p);
	if (!pp->status) {
		count_repair(m, REPAIR_STATUS);
		move_proc_status(m, NULL, p, TR_P_IDLE, false);
	}
	if (!expected)
		count_repair(m, REPAIR_PROC);
	move_proc_start(m, t, p, !expected);
	return true;
}

/* A P that nobody has, for an event that does not know its own. */
static int32_t spare_proc(struct model *m)
{
	for (uint32_t i = 0; i < m->procs_want && i < PROC_MAX; i++) {
		const struct proc *p = proc__get(m, i);

		if (p && !p->m)
			return i;
	}
	return TR_NO_P;
}

/* The syscall was over, its P lost; it got one back where no probe is: by wirep (Go ≤ 1.25), from
 * a thread that is in a syscall itself. */
static bool finish_exit(struct model *m, struct mthread *t, struct goroutine *g, int32_t p)
{
	if (!t->exiting || !repair_proc(m, t, p, true))
		return false;
	move_syscall_end_blocked(m, t, false);
	move_go_start(m, t, g, false);
	return true;
}

/* The exit of a syscall was not seen; when it still has its P, the goroutine just goes on. */
static bool finish_syscall(struct model *m, struct mthread *t, int32_t p)
{
	if (t->p != p || m->ps[p].status != TR_P_SYSCALL)
		return false;
	count_repair(m, REPAIR_STOP);
	move_syscall_end(m, t, true);
	return true;
}

bool repair_run(struct model *m, struct mthread *t, struct goroutine *g, int32_t p)
{
	if (p < 0 || p >= PROC_MAX)
		p = t->p != TR_NO_P ? t->p : spare_proc(m);
	if (p == TR_NO_P)
		return false;
	if (t->g == g) {
		if (g->status == TR_G_RUNNING && t->p == p)
			return true;
		if (g->status == TR_G_SYSCALL &&
		    (finish_exit(m, t, g, p) || finish_syscall(m, t, p)))
			return true;
	}
	repair_free(m, t);
	if (g->m)
		repair_free(m, g->m);
	if (!repair_proc(m, t, p, false))
		return false;
	if (g->status == TR_G_WAITING) {
		count_repair(m, REPAIR_UNBLOCK);
		move_go_unblock(m, t, g, NULL, true);
	}
	count_repair(m, REPAIR_START);
	move_go_start(m, t, g, true);
	return !m->err;
}
