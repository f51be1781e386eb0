/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/state.h"

/*
 * The first pass: what each goroutine, thread and P is first seen doing tells what it was
 * when the window began. An observation of a thread counts for its goroutine and its P only
 * where it is the first of those too: the order number of the event says so.
 */
int prescan__new(uint64_t snapshot_ns, struct scanned *found, struct prescan **out)
{
	struct prescan *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->out = found;
	p->gc = GC_UNKNOWN;
	p->snapshot_ns = snapshot_ns;
	*out = p;
	return 0;
}

void prescan__free(struct prescan *p)
{
	if (!p)
		return;
	imap__free(&p->gs);
	imap__free(&p->ms);
	imap__free(&p->entering);
	buf__free(&p->g_list);
	buf__free(&p->m_list);
	tombs__free(&p->tombs);
	free(p->ps);
	free(p);
}

void prescan__begun(struct prescan *p)
{
	imap__free(&p->gs);
	buf__free(&p->g_list);
	tombs__free(&p->tombs);
	p->begun = true;
}

static int first_g(struct prescan *p, uint64_t goid, enum first_kind kind, uint64_t time_ns)
{
	struct first_g f = {goid, p->order, time_ns, kind};

	if (p->begun || !goid || imap__get(&p->gs, goid, NULL))
		return 0;
	if (kind == FIRST_CREATED) {
		tombs__forget(&p->tombs, goid);
		return imap__put(&p->gs, goid,
				 time_ns <= p->snapshot_ns ? CREATED_EARLY : CREATED_LATE);
	}
	if (tombs__has(&p->tombs, goid))
		return 0;
	buf__append(&p->g_list, &f, sizeof(f));
	if (p->g_list.err)
		return p->g_list.err;
	return imap__put(&p->gs, goid, p->g_list.len / sizeof(f));
}

/* A goroutine that was created in the window need not be remembered longer than it lives, unless
 * the snapshot may have it. */
static int ended(struct prescan *p, uint64_t goid)
{
	uint64_t v;

	if (!imap__get(&p->gs, goid, &v) || v != CREATED_LATE)
		return 0;
	imap__del(&p->gs, goid);
	return tombs__add(&p->tombs, goid);
}

static int first_p(struct prescan *p, int32_t id, bool held)
{
	if (id < 0 || id >= PROC_MAX)
		return 0;
	if (id >= p->p_cap) {
		int32_t cap = id + 16;
		struct first_p *ps = realloc(p->ps, cap * sizeof(*ps));

		if (!ps)
			return -ENOMEM;
		memset(ps + p->p_cap, 0, (cap - p->p_cap) * sizeof(*ps));
		p->ps = ps;
		p->p_cap = cap;
	}
	if (!p->ps[id].order)
		p->ps[id] = (struct first_p){.order = p->order, .held = held};
	return 0;
}

static int first_m(struct prescan *p, uint64_t tid, uint64_t goid, bool syscall, int32_t pid)
{
	struct first_m f = {
		.tid = tid, .order = p->order, .goid = goid, .syscall = syscall, .p = pid};

	if (imap__get(&p->ms, tid, NULL))
		return 0;
	buf__append(&p->m_list, &f, sizeof(f));
	if (p->m_list.err)
		return p->m_list.err;
	return imap__put(&p->ms, tid, p->m_list.len / sizeof(f));
}

/* Thread, goroutine (0 none) and P (-1 none) are bound to each other at this event. */
static int bound(struct prescan *p, const struct gbt_event *e, uint64_t goid, bool syscall,
		 int32_t pid)
{
	int err = first_m(p, e->hdr.tid, goid, syscall, pid);

	if (!err)
		err = first_g(p, goid, syscall ? FIRST_SYSCALL : FIRST_RUNNING, e->hdr.time_ns);
	if (!err)
		err = first_p(p, pid, true);
	return err;
}

static int scan_sample(struct prescan *p, const struct gbt_event *e)
{
	int status = e->cur & 0xfff;

	if (!e->goid || status == G_RUNNING || status == G_COPYSTACK)
		return e->p < 0 ? 0 : bound(p, e, e->goid, false, e->p);
	if (status == G_SYSCALL)
		return bound(p, e, e->goid, true, e->p);
	return 0;
}

static int scan_switch(struct prescan *p, const struct gbt_event *e)
{
	int err = bound(p, e, e->goid, false, e->p);

	if (!err)
		err = first_g(p, e->cur, FIRST_SWITCHED, e->hdr.time_ns);
	if (!err && e->arg32 == 1)
		err = ended(p, e->goid);
	return err;
}

static void scan_gc(struct prescan *p, const struct gbt_event *e)
{
	bool assist_end = e->hdr.kind == GBT_GC_ASSIST && !e->arg32;

	p->out->assist_ends |= assist_end;
	if (p->gc != GC_UNKNOWN || assist_end) /* which may come behind the cycle's */
		return;
	if (e->hdr.kind == GBT_GC_MARK_TERM || e->hdr.kind == GBT_GC_SWEEP ||
	    e->hdr.kind == GBT_GC_ASSIST)
		p->gc = 1;
	else if (e->hdr.kind == GBT_STW_BEGIN && e->arg32 == 2)
		p->gc = 0;
	else if (e->hdr.kind == GBT_STW_BEGIN && e->arg32 < 0)
		p->gc = GC_NOT_TOLD; /* no reasons in this version: the snapshot says it */
}

static int scan_kind(struct prescan *p, const struct gbt_event *e)
{
	uint64_t t = e->hdr.time_ns;
	int err;

	switch (e->hdr.kind) {
	case GBT_CREATE:
		err = bound(p, e, e->cur, false, e->p);
		return err ? err : first_g(p, e->goid, FIRST_CREATED, t);
	case GBT_RUN:
		err = bound(p, e, 0, false, e->p);
		return err ? err : first_g(p, e->goid, FIRST_RUNNABLE, t);
	case GBT_UNBLOCK:
		err = bound(p, e, e->cur, false, e->p);
		return err ? err : first_g(p, e->goid, FIRST_WAITING, t);
	case GBT_EXIT:
		err = bound(p, e, e->goid, false, e->p);
		return err ? err : ended(p, e->goid);
	case GBT_SYSCALL_EXIT:
		if (imap__del(&p->entering, e->hdr.tid))
			return first_g(p, e->goid, FIRST_CREATED, t);
		return bound(p, e, e->goid, true, e->arg32 == 1 ? e->p : TR_NO_P);
	case GBT_SYSCALL_EXIT_NOP:
		return bound(p, e, e->goid, true, TR_NO_P);
	case GBT_COROSWITCH:
		return scan_switch(p, e);
	case GBT_P_START:
		err = first_m(p, e->hdr.tid, 0, false, TR_NO_P);
		return err ? err : first_p(p, e->p, false);
	case GBT_P_STOP:
		return bound(p, e, 0, false, e->p);
	case GBT_P_HANDOFF:
		return e->arg < PROC_MAX ? first_p(p, e->arg, false) : 0;
	case GBT_CGO_NEEDM:
		err = first_m(p, e->hdr.tid, 0, false, TR_NO_P);
		if (!err && !e->goid)
			err = imap__put(&p->entering, e->hdr.tid, 1);
		return err ? err : first_g(p, e->goid, FIRST_CREATED, t);
	case GBT_CGO_DROPM:
		err = bound(p, e, e->goid, true, TR_NO_P);
		return err ? err : ended(p, e->goid);
	case GBT_SAMPLE:
		return scan_sample(p, e);
	case GBT_HEAP:
		return 0;
	default:
		return e->goid ? bound(p, e, e->goid, false, e->p) : 0;
	}
}

/* P id is taken or goes on elsewhere: a syscall exit that counted on it did not get it. */
static int scan_taking(struct prescan *p, uint64_t id, uint64_t taker_tid)
{
	const struct first_m *f;
	uint64_t i, exit_order;

	if (id >= (uint64_t)p->p_cap || !p->ps[id].exit_order)
		return 0;
	exit_order = p->ps[id].exit_order;
	p->ps[id].exit_order = 0;
	if (p->ps[id].exit_tid == taker_tid || !imap__get(&p->ms, p->ps[id].exit_tid, &i))
		return 0;
	f = (const struct first_m *)p->m_list.data + (i - 1);
	return f->exit_order == exit_order ? imap__put(&p->out->lost_p, exit_order, 1) : 0;
}

/* Was the end that the thread told before this event none? */
static int scan_end(struct prescan *p, const struct gbt_event *e)
{
	int kind = e->hdr.kind, err = 0;
	bool stops = kind == GBT_SCHED || kind == GBT_YIELD || kind == GBT_PREEMPT_PARK;
	struct first_m *f;
	uint64_t i;

	if (kind == GBT_SAMPLE || kind == GBT_HEAP || !imap__get(&p->ms, e->hdr.tid, &i))
		return 0;
	f = (struct first_m *)p->m_list.data + (i - 1);
	if (f->end_order && stops && f->end_goid == e->goid)
		err = imap__put(&p->out->undone, f->end_order, 1);
	f->end_order = kind == GBT_EXIT ? p->order : 0;
	f->end_goid = e->goid;
	return err;
}

/* Does the thread's last syscall exit turn out to have lost its P? */
static int scan_exit(struct prescan *p, const struct gbt_event *e)
{
	int kind = e->hdr.kind, err = 0;
	bool keeps = kind == GBT_SYSCALL_EXIT && e->arg32 == 1;
	struct first_m *f;
	uint64_t i;

	if (kind == GBT_SAMPLE || kind == GBT_HEAP)
		return 0;
	/* any event of another thread with that P will do: wirep (Go ≤ 1.25) has no probe */
	err = scan_taking(p, kind == GBT_P_HANDOFF ? e->arg : (uint64_t)(int64_t)e->p, e->hdr.tid);
	if (err || !imap__get(&p->ms, e->hdr.tid, &i))
		return err;
	f = (struct first_m *)p->m_list.data + (i - 1);
	if (f->exit_order && (kind == GBT_SYSCALL_EXIT_NOP || kind == GBT_P_START))
		err = imap__put(&p->out->lost_p, f->exit_order, 1);
	f->exit_order = keeps ? p->order : 0;
	if (keeps && e->p >= 0 && e->p < p->p_cap) {
		p->ps[e->p].exit_order = p->order;
		p->ps[e->p].exit_tid = e->hdr.tid;
	}
	return err;
}

int prescan__event(struct prescan *p, const struct gbt_event *e)
{
	int err;

	p->order++;
	if (e->hdr.kind == GBT_OFF_CPU) /* says nothing of what the thread did */
		return 0;
	scan_gc(p, e);
	err = scan_kind(p, e);
	if (!err)
		err = scan_end(p, e);
	return err ? err : scan_exit(p, e);
}
