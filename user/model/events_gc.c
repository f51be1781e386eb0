/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/state.h"

/*
 * Every version's gcStart traces GCBegin right before it stops the world for sweep
 * termination, on the same stack; gcMarkTermination traces GCEnd right after gcSweep.
 */
void on_stw_begin(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_runner(m, t, e, e->goid);
	struct tr_stack s = event_stack(m, e, 2, e->goid);
	uint16_t kind = e->arg32 > 0 && e->arg32 < TR_STW_KIND_MAX ? e->arg32 : 0;

	if (!g)
		return;
	if (kind != TR_STW_MARK_TERM) /* an assist may find the marking done and end it */
		leave_assist(m, t, g);
	if (g->stw) {
		count_repair(m, REPAIR_STOP);
		move_stw_end(m, t, true);
	}
	if (kind == TR_STW_SWEEP_TERM) {
		if (m->gc_on) {
			count_repair(m, REPAIR_STOP);
			move_gc_end(m, t, true);
		}
		move_gc_begin(m, t, &s, false);
	}
	move_stw_begin(m, t, kind, &s);
}

void on_stw_end(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *g = e->goid ? g__get(m, e->goid) : NULL;

	if (!g || !g->stw || g->m != t) {
		event_drop(m);
		return;
	}
	if (e->arg32 > 0 && e->arg32 < PROC_MAX)
		m->procs_want = e->arg32;
	tell_pending(m, t);
	move_stw_end(m, t, false);
}

static void heap_figures(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	if (e->arg)
		m->heap_alloc_want = e->arg;
	if (e->cur)
		m->heap_goal_want = e->cur;
	tell_pending(m, t);
}

void on_mark_term(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	if (event_runner(m, t, e, e->goid))
		heap_figures(m, t, e);
}

void on_gc_sweep(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	if (!event_runner(m, t, e, e->goid))
		return;
	if (m->gc_on)
		move_gc_end(m, t, false);
	else
		event_drop(m);
	heap_figures(m, t, e);
}

/*
 * gcAssistAlloc1 works off a debt, again and again until that is done: one range. Where its end
 * is seen (arg32 0), it goes on till then. Where not, it ends at the next thing that the
 * goroutine does (docs/trace.md), but for Gosched inside it, when the GC asked for the P: then the
 * next hit continues it.
 */
void on_gc_assist(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_runner(m, t, e, e->goid);
	struct tr_stack s = event_stack(m, e, 1, e->goid);

	if (!g)
		return;
	if (!e->arg32) {
		if (g->assist)
			move_assist_end(m, t, false);
		return;
	}
	if (g->assist == ASSIST_YIELDED || (g->assist && m->scanned.assist_ends)) {
		g->assist = ASSIST_OPEN;
		return;
	}
	leave_assist(m, t, g);
	if (!m->gc_on && m->cfg.go_minor <= 20)
		move_gc_begin(m, t, NULL, false);
	move_assist_begin(m, t, &s);
}

/* From user space, so the thread is not the target's: t is where a goroutine ran last. arg32,
 * where it is set, is GOMAXPROCS: startTheWorld changes it only behind its probe. */
void on_heap(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	if (e->arg32 > 0 && e->arg32 < PROC_MAX)
		m->procs_want = e->arg32;
	for (int32_t i = 0; (!t || t->p == TR_NO_P) && i < m->p_cap; i++)
		t = m->ps[i].m;
	heap_figures(m, t, e);
}
