/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/gstates.h"

#include "model/transition.h"

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

struct gstep gstate__lasts(const struct gstate *g, uint64_t now_ns)
{
	return (struct gstep){
		.goid = g->goid,
		.begin_ns = g->begun ? g->since_ns : 0,
		.end_ns = now_ns,
		.stack = g->stack,
		.from = g->status,
		.to = GSTEP_LASTS,
		.wait_reason = g->wait_reason,
		.block_reason = g->block_reason,
		.told = g->told,
		.assist_ns = g->assist_ns,
		.p = -1,
	};
}

static void tell(struct fold *f, const struct gstate *g, uint8_t to, uint64_t runner)
{
	const struct gbt_event *e = f->e;
	struct gstep *s;

	if (!f->steps || f->cnt == GSTEPS_MAX)
		return;
	s = &f->steps[f->cnt++];
	*s = gstate__lasts(g, e->hdr.time_ns);
	s->to = to;
	s->runner = runner;
	s->tid = e->hdr.tid;
	s->p = e->p;
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
	g->told = 0;
	g->status = to;
	if (to == G_RUNNING && g->assist == GASSIST_PARKED)
		g->assist = GASSIST_NONE;
	g->assist_ns = to == G_RUNNING && g->assist ? f->e->hdr.time_ns : 0;
	g->tid = to == G_RUNNING || to == G_SYSCALL ? f->e->hdr.tid : 0;
	return g;
}

/* ---- mark assists ----
 * One is a single range over its waits, where its end is seen; else it ends at the next thing that
 * the goroutine does (model/events_gc.c; the rules are the same). Counted is the time that it runs.
 */

static struct gstate *in_assist(struct fold *f, uint64_t goid)
{
	uint64_t i;

	if (!goid || !imap__get(&f->s->by_id, goid, &i) || !f->s->g[i].assist)
		return NULL;
	return &f->s->g[i];
}

/* It goes on running, but not in an assist. */
static void leaves_assist(struct fold *f, uint64_t goid)
{
	struct gstate *g = in_assist(f, goid);

	if (!g)
		return;
	if (g->assist_ns && g->assist_ns <= f->e->hdr.time_ns)
		tell(f, g, g->status, goid);
	g->assist = GASSIST_NONE;
	g->assist_ns = 0;
}

static uint8_t assist_behind_block(const struct fold *f, uint8_t assist)
{
	switch (f->e->arg32 & 0xff) {
	case TR_BLOCK_ASSIST_WAIT:
		return f->s->assist_ends ? assist : GASSIST_PARKED;
	case TR_BLOCK_SYNC: /* gcMarkDone waits for the runtime's semaphores */
		return f->s->assist_ends ? assist : GASSIST_NONE;
	default:
		return GASSIST_NONE;
	}
}

/* What is left of the assist when its goroutine stops so. */
static uint8_t assist_behind(const struct fold *f, uint8_t assist)
{
	switch (f->e->hdr.kind) {
	case GBT_BLOCK:
		return assist_behind_block(f, assist);
	case GBT_PREEMPT_PARK:
	case GBT_YIELD:
		return f->s->assist_ends ? assist : GASSIST_NONE;
	case GBT_SCHED:
		if (f->s->assist_ends)
			return assist;
		return assist == GASSIST_OPEN && f->e->arg32 != 1 ? GASSIST_YIELDED : GASSIST_NONE;
	default:
		return GASSIST_NONE;
	}
}

static void assists(struct fold *f)
{
	bool known, ends = f->e->arg32 == 0;
	struct gstate *g = subject(f, f->e->goid, &known);

	f->s->assist_ends |= ends;
	if (!g)
		return;
	if (!known)
		g->status = G_RUNNING;
	if (!ends && (g->assist == GASSIST_YIELDED || (g->assist && f->s->assist_ends))) {
		g->assist = GASSIST_OPEN;
		return;
	}
	leaves_assist(f, g->goid);
	if (ends)
		return;
	g->assist = GASSIST_OPEN;
	g->assist_ns = f->e->hdr.time_ns;
}

/* ---- transitions ---- */

static void stops(struct fold *f, uint8_t to)
{
	struct gstate *g = go_to(f, f->e->goid, to, 0);

	if (g) {
		if (g->assist)
			g->assist = assist_behind(f, g->assist);
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
	struct gstate *g;

	leaves_assist(f, f->e->cur);
	g = go_to(f, f->e->goid, f->e->arg32 == 1 ? G_WAITING : G_RUNNABLE, 0);
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
		f->err = gstates__drop(f->s, goid);
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

static void collects(struct fold *f)
{
	const struct gbt_event *e = f->e;

	if (e->hdr.kind == GBT_GC_SWEEP)
		f->s->gc_on = false;
	else if (e->hdr.kind == GBT_STW_BEGIN && e->arg32 == TR_STW_SWEEP_TERM)
		f->s->gc_on = true;
	else if (e->hdr.kind == GBT_RUN && e->arg32 >= 1 && e->arg32 <= 3) /* a mark worker */
		f->s->gc_on = true;
	if ((e->hdr.kind == GBT_STW_END || e->hdr.kind == GBT_HEAP) && e->arg32 > 0)
		f->s->gomaxprocs = e->arg32;
}

/* What a goroutine does; false: it is another kind of event. */
static bool fold_goroutine(struct fold *f)
{
	const struct gbt_event *e = f->e;

	switch (e->hdr.kind) {
	case GBT_CREATE:
		created(f);
		return true;
	case GBT_RUN:
		runs(f, e->goid);
		return true;
	case GBT_BLOCK:
	case GBT_PREEMPT_PARK:
		stops(f, e->hdr.kind == GBT_BLOCK ? G_WAITING : G_PREEMPTED);
		return true;
	case GBT_UNBLOCK:
		go_to(f, e->goid, G_RUNNABLE, e->cur);
		return true;
	case GBT_EXIT:
		ends(f, e->goid);
		return true;
	case GBT_SCHED:
	case GBT_YIELD:
		stops(f, G_RUNNABLE);
		return true;
	case GBT_COROSWITCH:
		switches(f);
		return true;
	default:
		return false;
	}
}

/* It enters the kernel or C, or comes from there. */
static bool fold_crossing(struct fold *f)
{
	const struct gbt_event *e = f->e;

	switch (e->hdr.kind) {
	case GBT_SYSCALL:
	case GBT_SYSCALL_BLOCK:
		stops(f, G_SYSCALL);
		return true;
	case GBT_SYSCALL_EXIT:
		syscall_ends(f);
		return true;
	case GBT_SYSCALL_EXIT_NOP:
		go_to(f, e->goid, G_RUNNABLE, 0);
		bind(f, 0, -1);
		return true;
	case GBT_CGO_NEEDM:
		if (e->goid)
			go_to(f, e->goid, G_SYSCALL, 0);
		bind(f, e->goid, -1);
		return true;
	case GBT_CGO_DROPM:
		ends(f, e->goid);
		return true;
	default:
		return false;
	}
}

/* The thread was without a CPU: did Go take its goroutine for running all the while? */
static void off_cpu(struct fold *f)
{
	const struct gbt_event *e = f->e;
	const struct gstate *g;
	const struct mstate *m;
	struct gstep *s;
	uint64_t i;

	if (!f->steps || !imap__get(&f->s->by_tid, e->hdr.tid, &i))
		return;
	m = &f->s->m[i];
	g = m->goid ? gstates__get(f->s, m->goid) : NULL;
	if (!g || g->status != G_RUNNING || g->tid != e->hdr.tid || g->since_ns > e->arg ||
	    e->arg > e->hdr.time_ns)
		return;
	s = &f->steps[f->cnt++];
	*s = gstate__lasts(g, e->hdr.time_ns);
	s->begin_ns = e->arg;
	s->to = GSTEP_OFF_CPU;
	s->stack = 0;
	s->told = 0;
	s->assist_ns = 0;
	s->runner = g->goid;
	s->tid = e->hdr.tid;
	s->p = m->p;
}

static void fold_rest(struct fold *f)
{
	const struct gbt_event *e = f->e;

	switch (e->hdr.kind) {
	case GBT_P_START:
		takes_p(f);
		break;
	case GBT_P_STOP:
		p_is_gone(f, e->p);
		break;
	case GBT_P_HANDOFF:
		p_is_gone(f, (int64_t)e->arg);
		break;
	case GBT_GC_ASSIST:
		assists(f);
		break;
	case GBT_OFF_CPU:
		off_cpu(f);
		break;
	case GBT_STW_BEGIN:
		if (e->arg32 !=
		    TR_STW_MARK_TERM) /* an assist may find the marking done and end it */
			leaves_assist(f, e->goid);
		break;
	case GBT_USER_TASK_BEGIN:
	case GBT_USER_TASK_END:
	case GBT_USER_REGION:
	case GBT_USER_LOG:
		leaves_assist(f, e->goid);
		break;
	default:
		break;
	}
}

static void fold(struct fold *f)
{
	collects(f);
	if (!fold_goroutine(f) && !fold_crossing(f))
		fold_rest(f);
}

int gstates__event(struct gstates *s, const struct gbt_event *e, struct gstep *steps, size_t *cnt)
{
	struct fold f = {.s = s, .e = e, .steps = steps};

	fold(&f);
	if (cnt)
		*cnt = f.cnt;
	return f.err;
}
