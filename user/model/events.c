/* SPDX-License-Identifier: GPL-2.0-only */
#include <stddef.h>

#include "model/state.h"

/*
 * What each event means for the state. The tracer's order of things inside one event is kept
 * (runtime/proc.go's calls of traceLocker), the skips of stacks are its own arguments.
 */
struct tr_stack event_stack(const struct model *m, const struct gbt_event *e, int skip,
			    uint64_t goid)
{
	return (struct tr_stack){.id = e->stack,
				 .skip = skip,
				 .cut = e->hdr.flags & GBT_F_STACK_CUT,
				 /* tracestack.go up to Go 1.25: a buffer of 128, one of them for
				  * the skip, and the last PC taken for goexit whatever it is */
				 .pcs_max = m->cfg.go_minor <= 25 ? 126 : 0,
				 .goid = goid};
}

void event_drop(struct model *m)
{
	count_repair(m, REPAIR_DROPPED);
}

struct goroutine *event_subject(struct model *m, uint64_t goid)
{
	struct goroutine *g = goid ? g__get(m, goid) : NULL;

	if (!g && goid)
		g = repair_known(m, goid);
	if (!g)
		event_drop(m);
	return g;
}

struct goroutine *event_runner(struct model *m, struct mthread *t, const struct gbt_event *e,
			       uint64_t goid)
{
	struct goroutine *g = t->g;

	/* the usual case without a lookup */
	if (g && g->id == goid && g->status == TR_G_RUNNING && (e->p < 0 || t->p == e->p))
		return g;
	g = event_subject(m, goid);
	if (!g)
		return NULL;
	if (!repair_run(m, t, g, e->p)) {
		event_drop(m);
		return NULL;
	}
	return g;
}

void leave_assist(struct model *m, struct mthread *t, const struct goroutine *g)
{
	if (g->assist == ASSIST_OPEN || g->assist == ASSIST_YIELDED)
		move_assist_end(m, t, true);
}

void maybe_leave_assist(struct model *m, struct mthread *t, const struct goroutine *g)
{
	if (!m->scanned.assist_ends)
		leave_assist(m, t, g);
}

static void on_create(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	bool parked = e->arg32 == 1; /* newcoro's: waits to be switched to */
	struct transition tr;

	if (!e->goid || e->goid == e->cur || g__get(m, e->goid) || tombs__has(&m->tombs, e->goid)) {
		event_drop(m);
		return;
	}
	if (e->cur) {
		const struct goroutine *creator = event_runner(m, t, e, e->cur);

		if (!creator)
			return;
		leave_assist(m, t, creator);
	} else {
		if (t->g && t->g->status != TR_G_RUNNING)
			repair_free(m, t);
		if (!repair_proc(m, t, e->p >= 0 ? e->p : t->p, false)) {
			event_drop(m);
			return;
		}
	}
	if (!g__add(m, e->goid, parked ? TR_G_WAITING : TR_G_RUNNABLE))
		return;
	tr = tr_on(t, parked ? TR_GO_CREATE_BLOCKED : TR_GO_CREATE);
	tr.subject = e->goid;
	tr.stack = event_stack(m, e, 2, e->cur);
	tr.new_stack = (struct tr_stack){.pc = e->arg, .leaf_exact = true, .goid = e->goid};
	tell(m, &tr);
}

static void tell_worker(struct model *m, struct mthread *t, int32_t mode)
{
	static const char *const labels[] = {NULL, "GC (dedicated)", "GC (fractional)",
					     "GC (idle)"};
	struct transition tr = tr_on(t, TR_GO_LABEL);
	int64_t id = m->str_gc[mode];

	if (!id)
		id = strtab__add(m->cfg.strings, labels[mode], strlen(labels[mode]));
	if (id < 0) {
		m->err = id;
		return;
	}
	m->str_gc[mode] = tr.str = id;
	tell(m, &tr);
}

static void on_run(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_subject(m, e->goid);
	int32_t p = e->p >= 0 ? e->p : t->p;

	if (!g)
		return;
	if (t->g == g)
		repair_free(m, t);
	else
		repair_leave(m, t);
	if (g->m)
		repair_free(m, g->m);
	if (!repair_proc(m, t, p, false)) {
		/* no P known: repair_run finds a free one */
		if (!repair_run(m, t, g, TR_NO_P))
			event_drop(m);
		return;
	}
	if (g->status == TR_G_WAITING) {
		/* findRunnable readies mark workers, netpoll's first and others without ready() */
		m->stats.synthesised_unblocks++;
		move_go_unblock(m, t, g, NULL, true);
	}
	move_go_start(m, t, g, false);
	if (e->arg32 >= 1 && e->arg32 <= 3) {
		/* up to Go 1.20 nothing says which stop begins a cycle: the first worker does */
		if (!m->gc_on && m->cfg.go_minor <= 20)
			move_gc_begin(m, t, NULL, false);
		tell_worker(m, t, e->arg32);
	}
}

static uint16_t block_reason(const struct model *m, const struct gbt_event *e)
{
	const struct snapshot *s = m->cfg.snapshot;
	uint32_t wait = ((uint32_t)e->arg32 >> 8) & 0xff, reason = e->arg32 & 0xff;

	if (m->cfg.go_minor >= 22)
		return reason < TR_BLOCK_REASON_MAX ? reason : 0;
	/* the runtime kept event numbers of the old trace format there */
	if (!s || wait >= s->wait_reasons_cnt)
		return 0;
	return tr_block_reason__of_wait(s->wait_reasons[wait]);
}

/* In an assist a goroutine waits for credit, or in gcMarkDone for the runtime's semaphores. */
static void assist_at_block(struct model *m, struct mthread *t, struct goroutine *g,
			    uint16_t reason)
{
	if (reason == TR_BLOCK_ASSIST_WAIT) {
		if (g->assist && !m->scanned.assist_ends)
			g->assist = ASSIST_PARKED;
	} else if (reason == TR_BLOCK_SYNC) {
		maybe_leave_assist(m, t, g);
	} else {
		leave_assist(m, t, g);
	}
}

static void on_block(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_runner(m, t, e, e->goid);
	struct tr_stack s = event_stack(m, e, e->arg > 64 ? 0 : e->arg, e->goid);
	uint16_t reason = block_reason(m, e);

	if (!g)
		return;
	assist_at_block(m, t, g, reason);
	move_go_block(m, t, reason, &s);
}

static void on_preempt_park(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *g = event_runner(m, t, e, e->goid);
	struct tr_stack s = event_stack(m, e, 0, e->goid);

	if (!g)
		return;
	maybe_leave_assist(m, t, g);
	move_go_block(m, t, TR_BLOCK_PREEMPTED, &s);
}

/* Is it plain that the waker runs here although the mirror does not say so? Not while it is in
 * a syscall or has just left: casgstatus in a synctest bubble wakes others then. */
static bool waker_is_missing(const struct model *m, const struct mthread *t,
			     const struct gbt_event *e)
{
	if (!e->cur || (t->g && t->g->id == e->cur && t->g->status == TR_G_SYSCALL))
		return false;
	return !(t->last_g == e->cur && !t->g) && !tombs__has(&m->tombs, e->cur);
}

static void on_unblock(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct tr_stack s = event_stack(m, e, e->arg > 64 ? 0 : e->arg, e->cur);
	struct goroutine *g = event_subject(m, e->goid);

	if (!g)
		return;
	if (waker_is_missing(m, t, e)) {
		const struct goroutine *waker = event_runner(m, t, e, e->cur);

		if (waker)
			maybe_leave_assist(m, t, waker);
	}
	if (g->status == TR_G_RUNNABLE) {
		event_drop(m);
		return;
	}
	if (g->m) { /* its block was not seen: it is runnable now all the same */
		repair_free(m, g->m);
		if (!m->cfg.partial)
			return;
	}
	move_go_unblock(m, t, g, e->cur ? &s : NULL, false);
}

static void on_exit(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *g;

	if (imap__del(&m->scanned.undone, m->order)) {
		/* preempted right behind the probe: mostly it comes here again */
		if (t->g && t->g->id == e->goid)
			t->g->ending = true;
		return;
	}
	g = event_runner(m, t, e, e->goid);
	if (!g)
		return;
	leave_assist(m, t, g);
	move_go_destroy(m, t);
}

static void stop(struct model *m, struct mthread *t, const struct gbt_event *e, uint16_t reason)
{
	struct goroutine *g = event_runner(m, t, e, e->goid);
	/* traceLocker.GoStop: stack(0) from Go 1.25 on, stack(1) before */
	struct tr_stack s = event_stack(m, e, m->cfg.go_minor >= 25 ? 0 : 1, e->goid);

	if (!g)
		return;
	if (g->assist == ASSIST_OPEN && reason == TR_STOP_GOSCHED && !m->scanned.assist_ends)
		g->assist = ASSIST_YIELDED;
	else
		maybe_leave_assist(m, t, g);
	move_go_stop(m, t, reason, &s, false);
}

static void on_sched(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	stop(m, t, e, e->arg32 == 1 ? TR_STOP_PREEMPTED : TR_STOP_GOSCHED);
}

static void on_yield(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	stop(m, t, e, TR_STOP_PREEMPTED); /* goyield_m traces GoPreempt */
}

/* The coroutine's first sight inside the window is its creation: nothing is probed there. */
static struct goroutine *switched_to(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *to = e->cur ? g__get(m, e->cur) : NULL;
	struct transition tr;

	if (to || !e->cur || tombs__has(&m->tombs, e->cur))
		return to;
	to = g__add(m, e->cur, TR_G_WAITING);
	tr = tr_on(t, TR_GO_CREATE_BLOCKED);
	tr.subject = e->cur;
	if (e->arg)
		tr.new_stack = (struct tr_stack){.pc = e->arg, .leaf_exact = true, .goid = e->cur};
	tell(m, &tr);
	return to;
}

static void on_coroswitch(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *from = event_runner(m, t, e, e->goid);
	struct tr_stack s = event_stack(m, e, 4, e->goid);
	struct goroutine *to;

	if (!from)
		return;
	leave_assist(m, t, from);
	to = switched_to(m, t, e);
	if (!to || to == from) {
		event_drop(m);
		return;
	}
	if (to->status == TR_G_WAITING) {
		move_switch(m, t, to, e->arg32 == 1, &s);
		return;
	}
	/* the block of the other was not seen: three events instead of the one */
	if (to->m)
		repair_free(m, to->m);
	if (e->arg32 == 1)
		move_go_destroy(m, t);
	else
		move_go_block(m, t, 0, &s);
	repair_run(m, t, to, t->p);
}

static void on_sample(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct transition tr = tr_on(t, TR_CPU_SAMPLE);

	tr.p = e->p < PROC_MAX ? e->p : TR_NO_P;
	tr.g = tr.subject = e->goid;
	tr.value = e->arg;
	tr.value2 = e->arg32 & 1;
	tr.stack = event_stack(m, e, 0, e->goid);
	tr.stack.leaf_exact = true;
	tr.stack.pcs_max = 0;
	tell(m, &tr);
}

/* It changes nothing here, and says so only where the thread is known to run a goroutine. */
static void on_off_cpu(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct transition tr = tr_on(t, TR_OFF_CPU);

	if (!t->g || t->g->status != TR_G_RUNNING || e->arg > e->hdr.time_ns)
		return;
	tr.value = e->arg;
	tell(m, &tr);
}

typedef void (*handler)(struct model *m, struct mthread *t, const struct gbt_event *e);

static const handler handlers[GBT_EVENT_MAX + 1] = {
	[GBT_CREATE] = on_create,
	[GBT_RUN] = on_run,
	[GBT_BLOCK] = on_block,
	[GBT_UNBLOCK] = on_unblock,
	[GBT_EXIT] = on_exit,
	[GBT_SCHED] = on_sched,
	[GBT_YIELD] = on_yield,
	[GBT_PREEMPT_PARK] = on_preempt_park,
	[GBT_SYSCALL] = on_syscall,
	[GBT_SYSCALL_BLOCK] = on_syscall,
	[GBT_SYSCALL_EXIT] = on_syscall_exit,
	[GBT_SYSCALL_EXIT_NOP] = on_syscall_exit_nop,
	[GBT_COROSWITCH] = on_coroswitch,
	[GBT_STW_BEGIN] = on_stw_begin,
	[GBT_STW_END] = on_stw_end,
	[GBT_GC_MARK_TERM] = on_mark_term,
	[GBT_GC_SWEEP] = on_gc_sweep,
	[GBT_GC_ASSIST] = on_gc_assist,
	[GBT_P_START] = on_p_start,
	[GBT_P_STOP] = on_p_stop,
	[GBT_P_HANDOFF] = on_p_handoff,
	[GBT_CGO_NEEDM] = on_needm,
	[GBT_CGO_DROPM] = on_dropm,
	[GBT_HEAP] = on_heap,
	[GBT_SAMPLE] = on_sample,
	[GBT_USER_TASK_BEGIN] = on_task_begin,
	[GBT_USER_TASK_END] = on_task_end,
	[GBT_USER_REGION] = on_region,
	[GBT_USER_LOG] = on_log,
	[GBT_REQUEST_BEGIN] = on_request_begin,
	[GBT_REQUEST_END] = on_request_end,
	[GBT_OFF_CPU] = on_off_cpu,
};

/* Is it a kind that changes what is mirrored? Not where its text was left out (raw_sorter). */
static bool is_told(const struct gbt_hdr *rec, size_t len)
{
	size_t least = gbt_has_text(rec->kind) ? offsetof(struct gbt_text, text)
					       : sizeof(struct gbt_event);

	return rec->kind <= GBT_EVENT_MAX && handlers[rec->kind] && len >= least;
}

static bool in_window(const struct model *m, uint64_t time_ns)
{
	return time_ns >= m->cfg.start_ns && (!m->cfg.end_ns || time_ns <= m->cfg.end_ns);
}

int model__prescan(struct model *m, const struct gbt_hdr *rec, size_t len)
{
	int err = 0;

	if ((m->begun && !m->cfg.ahead) || !is_told(rec, len) || !in_window(m, rec->time_ns))
		return 0;
	if (!m->pre)
		err = prescan__new(m->cfg.snapshot ? m->cfg.snapshot->end_ns : 0, &m->scanned,
				   &m->pre);
	return err ? err : prescan__event(m->pre, (const struct gbt_event *)rec);
}

int model__event(struct model *m, const struct gbt_hdr *rec, size_t len)
{
	const struct gbt_event *e = (const struct gbt_event *)rec;
	struct mthread *t;

	if (m->err || !is_told(rec, len))
		return m->err;
	if (!in_window(m, rec->time_ns)) {
		m->stats.outside++;
		return 0;
	}
	if (!m->begun)
		model__begin(m);
	m->stats.events_in++;
	m->order++;
	if (rec->time_ns > m->now_ns)
		m->now_ns = rec->time_ns;
	if (rec->kind == GBT_OFF_CPU && !imap__get(&m->ms, rec->tid, NULL))
		return 0; /* a thread that Go has told nothing of */
	t = rec->kind == GBT_HEAP ? m->runner : mthread__get(m, rec->tid);
	if (t || rec->kind == GBT_HEAP)
		handlers[rec->kind](m, t, e);
	/* startTheWorld's own netpoll may ready goroutines before the Ps are dealt out again */
	if (t && rec->kind != GBT_UNBLOCK && rec->kind != GBT_SAMPLE && rec->kind != GBT_HEAP &&
	    rec->kind != GBT_OFF_CPU)
		t->world_started = rec->kind == GBT_STW_END;
	return m->err;
}
