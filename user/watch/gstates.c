/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/gstates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void gstates__free(struct gstates *s)
{
	if (!s)
		return;
	free(s->g);
	free(s->free);
	free(s->m);
	imap__free(&s->by_id);
	imap__free(&s->by_tid);
	*s = (struct gstates){0};
}

const struct gstate *gstates__get(const struct gstates *s, uint64_t goid)
{
	uint64_t i;

	return imap__get(&s->by_id, goid, &i) ? &s->g[i] : NULL;
}

static int place(struct gstates *s, size_t *out)
{
	int err;

	if (s->free_cnt) {
		*out = s->free[--s->free_cnt];
		return 0;
	}
	err = array__reserve(&s->g, s->g_cnt, &s->g_cap, 1, sizeof(*s->g));
	if (!err)
		*out = s->g_cnt++;
	return err;
}

int gstates__put(struct gstates *s, const struct gstate *g)
{
	uint64_t i;
	size_t at;
	int err;

	if (imap__get(&s->by_id, g->goid, &i)) {
		s->g[i] = *g;
		return 0;
	}
	err = place(s, &at);
	if (err)
		return err;
	s->g[at] = *g;
	err = imap__put(&s->by_id, g->goid, at);
	if (err)
		s->g[at].goid = 0;
	else
		s->alive++;
	return err;
}

static int drop(struct gstates *s, uint64_t goid)
{
	uint64_t i;
	int err;

	if (!imap__get(&s->by_id, goid, &i))
		return 0;
	imap__del(&s->by_id, goid);
	s->g[i].goid = 0;
	s->alive--;
	err = array__reserve(&s->free, s->free_cnt, &s->free_cap, 1, sizeof(*s->free));
	if (!err)
		s->free[s->free_cnt++] = i;
	return err;
}

int gstates__put_m(struct gstates *s, const struct mstate *m)
{
	uint64_t i;
	int err;

	if (imap__get(&s->by_tid, m->tid, &i)) {
		s->m[i] = *m;
		return 0;
	}
	err = array__reserve(&s->m, s->m_cnt, &s->m_cap, 1, sizeof(*s->m));
	if (!err)
		err = imap__put(&s->by_tid, m->tid, s->m_cnt);
	if (!err)
		s->m[s->m_cnt++] = *m;
	return err;
}

/* With free places filled up: ids change places, which only by_id knows. */
int gstates__copy(const struct gstates *s, struct gstates *out)
{
	int err = 0;

	*out = (struct gstates){.gomaxprocs = s->gomaxprocs, .gc_on = s->gc_on};
	for (size_t i = 0; !err && i < s->g_cnt; i++)
		err = s->g[i].goid ? gstates__put(out, &s->g[i]) : 0;
	for (size_t i = 0; !err && i < s->m_cnt; i++)
		err = gstates__put_m(out, &s->m[i]);
	if (err)
		gstates__free(out);
	return err;
}

/* ---- events ---- */

struct fold {
	struct gstates *s;
	const struct gbt_event *e;
	struct gstep *steps; /* NULL: not wanted */
	size_t cnt;
	int err;
};

static struct mstate *thread_of(struct fold *f)
{
	struct mstate m = {.tid = f->e->hdr.tid, .p = -1};
	uint64_t i;

	if (!m.tid)
		return NULL;
	if (!imap__get(&f->s->by_tid, m.tid, &i)) {
		f->err = gstates__put_m(f->s, &m);
		if (f->err)
			return NULL;
		i = f->s->m_cnt - 1;
	}
	return &f->s->m[i];
}

static void bind(struct fold *f, uint64_t goid, int32_t p)
{
	struct mstate *m = thread_of(f);

	if (!m)
		return;
	m->goid = goid;
	m->exiting = false;
	if (p >= 0)
		m->p = p;
}

static void tell(struct fold *f, const struct gstate *g, uint8_t to, uint64_t runner)
{
	const struct gbt_event *e = f->e;

	if (!f->steps || f->cnt == GSTEPS_MAX)
		return;
	f->steps[f->cnt++] = (struct gstep){
		.goid = g->goid,
		.begin_ns = g->begun ? g->since_ns : 0,
		.end_ns = e->hdr.time_ns,
		.stack = g->stack,
		.from = g->status,
		.to = to,
		.wait_reason = g->wait_reason,
		.block_reason = g->block_reason,
		.assist_ns = g->assist_ns,
		.runner = runner,
		.tid = e->hdr.tid,
		.p = e->p,
	};
}

/* The goroutine's place, which is made when it was not known; NULL: what is known is newer. */
static struct gstate *subject(struct fold *f, uint64_t goid, bool *known)
{
	struct gstate fresh = {.goid = goid, .since_ns = f->e->hdr.time_ns};
	uint64_t i;

	*known = goid && imap__get(&f->s->by_id, goid, &i);
	if (*known)
		return f->s->g[i].since_ns > f->e->hdr.time_ns ? NULL : &f->s->g[i];
	if (!goid)
		return NULL;
	f->err = gstates__put(f->s, &fresh);
	if (f->err || !imap__get(&f->s->by_id, goid, &i))
		return NULL;
	return &f->s->g[i];
}

static struct gstate *go_to(struct fold *f, uint64_t goid, uint8_t to, uint64_t runner)
{
	bool known;
	struct gstate *g = subject(f, goid, &known);

	if (!g)
		return NULL;
	if (known && (g->status != to || g->assist_ns))
		tell(f, g, to, runner);
	/* In that state already: events are missing (lost, or of the time when the snapshot was
	 * taken), and this one begins it anew. */
	g->since_ns = f->e->hdr.time_ns;
	g->begun = true;
	g->status = to;
	g->assist_ns = 0;
	g->tid = to == G_RUNNING || to == G_SYSCALL ? f->e->hdr.tid : 0;
	return g;
}

static void stops(struct fold *f, uint8_t to)
{
	struct gstate *g = go_to(f, f->e->goid, to, 0);

	if (g) {
		g->stack = f->e->stack;
		g->stack_cut = f->e->hdr.flags & GBT_F_STACK_CUT;
		g->block_reason = 0;
		g->wait_reason = 0;
	}
	if (g && f->e->hdr.kind == GBT_BLOCK) {
		g->block_reason = f->e->arg32 & 0xff;
		g->wait_reason = ((uint32_t)f->e->arg32 >> 8) & 0xff;
	}
	bind(f, to == G_SYSCALL ? f->e->goid : 0, f->e->p);
}

static void created(struct fold *f)
{
	struct gstate *g = go_to(f, f->e->goid, f->e->arg32 == 1 ? G_WAITING : G_RUNNABLE, 0);

	if (g)
		g->startpc = f->e->arg;
}

static void runs(struct fold *f, uint64_t goid)
{
	struct gstate *g = go_to(f, goid, G_RUNNING, goid);

	if (g && f->e->hdr.kind == GBT_RUN && f->e->arg)
		g->startpc = f->e->arg;
	bind(f, goid, f->e->p);
}

static void ends(struct fold *f, uint64_t goid)
{
	const struct gstate *g = gstates__get(f->s, goid);

	if (g) {
		tell(f, g, G_DEAD, 0);
		f->err = drop(f->s, goid);
	}
	bind(f, 0, f->e->p);
}

static void switches(struct fold *f)
{
	if (f->e->arg32 == 1)
		ends(f, f->e->goid);
	else
		stops(f, G_WAITING);
	runs(f, f->e->cur);
}

static void syscall_ends(struct fold *f)
{
	struct mstate *m;

	if (f->e->arg32 == 1) {
		runs(f, f->e->goid);
		return;
	}
	m = thread_of(f);
	if (m) {
		m->goid = f->e->goid;
		m->exiting = true;
	}
}

static void takes_p(struct fold *f)
{
	struct mstate *m = thread_of(f);

	if (!m)
		return;
	m->p = f->e->p;
	if (m->exiting && m->goid)
		runs(f, m->goid);
}

static void p_is_gone(struct fold *f, int64_t p)
{
	for (size_t i = 0; i < f->s->m_cnt; i++)
		if (f->s->m[i].p == p)
			f->s->m[i].p = -1;
}

static void assists(struct fold *f)
{
	bool known;
	struct gstate *g = subject(f, f->e->goid, &known);

	if (!g)
		return;
	if (g->assist_ns)
		tell(f, g, g->status, f->e->goid);
	g->assist_ns = f->e->arg32 == 0 ? 0 : f->e->hdr.time_ns;
	if (!known)
		g->status = G_RUNNING;
}

static void collects(struct fold *f)
{
	const struct gbt_event *e = f->e;

	if (e->hdr.kind == GBT_GC_SWEEP)
		f->s->gc_on = false;
	else if (e->hdr.kind == GBT_STW_BEGIN && e->arg32 == 2) /* sweep termination */
		f->s->gc_on = true;
	else if (e->hdr.kind == GBT_RUN && e->arg32 >= 1 && e->arg32 <= 3) /* a mark worker */
		f->s->gc_on = true;
	if ((e->hdr.kind == GBT_STW_END || e->hdr.kind == GBT_HEAP) && e->arg32 > 0)
		f->s->gomaxprocs = e->arg32;
}

static void fold(struct fold *f)
{
	const struct gbt_event *e = f->e;

	collects(f);
	switch (e->hdr.kind) {
	case GBT_CREATE:
		created(f);
		break;
	case GBT_RUN:
		runs(f, e->goid);
		break;
	case GBT_BLOCK:
	case GBT_PREEMPT_PARK:
		stops(f, e->hdr.kind == GBT_BLOCK ? G_WAITING : G_PREEMPTED);
		break;
	case GBT_UNBLOCK:
		go_to(f, e->goid, G_RUNNABLE, e->cur);
		break;
	case GBT_EXIT:
		ends(f, e->goid);
		break;
	case GBT_SCHED:
	case GBT_YIELD:
		stops(f, G_RUNNABLE);
		break;
	case GBT_SYSCALL:
	case GBT_SYSCALL_BLOCK:
		stops(f, G_SYSCALL);
		break;
	case GBT_SYSCALL_EXIT:
		syscall_ends(f);
		break;
	case GBT_SYSCALL_EXIT_NOP:
		go_to(f, e->goid, G_RUNNABLE, 0);
		bind(f, 0, -1);
		break;
	case GBT_COROSWITCH:
		switches(f);
		break;
	case GBT_P_START:
		takes_p(f);
		break;
	case GBT_P_STOP:
		p_is_gone(f, e->p);
		break;
	case GBT_P_HANDOFF:
		p_is_gone(f, (int64_t)e->arg);
		break;
	case GBT_CGO_NEEDM:
		if (e->goid)
			go_to(f, e->goid, G_SYSCALL, 0);
		bind(f, e->goid, -1);
		break;
	case GBT_CGO_DROPM:
		ends(f, e->goid);
		break;
	case GBT_GC_ASSIST:
		assists(f);
		break;
	default:
		break;
	}
}

int gstates__event(struct gstates *s, const struct gbt_event *e, struct gstep *steps, size_t *cnt)
{
	struct fold f = {.s = s, .e = e, .steps = steps};

	fold(&f);
	if (cnt)
		*cnt = f.cnt;
	return f.err;
}
