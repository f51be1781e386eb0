/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_TRACE_RULES_H
#define TESTS_TRACE_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/imap.h"
#include "model/transition.h"

/*
 * What a trace reader demands of the order of events, written down from Go's
 * internal/trace/order.go on its own: it shares no code with the model that it judges. The
 * first broken rule is kept as text.
 */
struct rules_m {
	uint64_t g; /* 0 none */
	int64_t p;  /* -1 none */
	bool seen;
};

struct rules_g {
	int status; /* 0: does not exist */
	uint64_t seq;
	bool stw, assist;
	int regions;
	struct {
		uint64_t task;
		uint32_t name;
	} region[512];
};

struct rules_p {
	int status;
	uint64_t seq;
};

struct rules {
	struct imap ms, gs, tasks;
	struct rules_p ps[1024];
	uint64_t last_ns, gc_seq;
	int gc; /* 0 undetermined 1 off 2 on */
	char error[200];
	uint64_t cnt;
};

static inline struct rules_m *rules__m(struct rules *r, uint64_t tid)
{
	uint64_t v;
	struct rules_m *m;

	if (imap__get(&r->ms, tid, &v))
		return (struct rules_m *)(uintptr_t)v;
	m = calloc(1, sizeof(*m));
	m->p = -1;
	imap__put(&r->ms, tid, (uintptr_t)m);
	return m;
}

static inline struct rules_g *rules__g(struct rules *r, uint64_t goid)
{
	uint64_t v;

	return imap__get(&r->gs, goid, &v) ? (struct rules_g *)(uintptr_t)v : NULL;
}

static inline struct rules_g *rules__new_g(struct rules *r, uint64_t goid, int status)
{
	struct rules_g *g = calloc(1, sizeof(*g));

	g->status = status;
	imap__put(&r->gs, goid, (uintptr_t)g);
	return g;
}

static inline void rules__del_g(struct rules *r, uint64_t goid)
{
	free(rules__g(r, goid));
	imap__del(&r->gs, goid);
}

#define RULE(cond, text)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			snprintf(r->error, sizeof(r->error),                                       \
				 "%s #%llu: %s (m %lld p %lld g %llu)", tr_type__name(t->type),    \
				 (unsigned long long)r->cnt, text, (long long)t->m,                \
				 (long long)t->p, (unsigned long long)t->g);                       \
			return -1;                                                                 \
		}                                                                                  \
	} while (0)

#define NEED_M RULE(t->m != UINT64_MAX, "needs a thread")
#define NEED_P RULE(m->p >= 0, "needs a P")
#define NEED_G RULE(m->g, "needs a goroutine")
#define NEED_RUNNING                                                                               \
	do {                                                                                       \
		NEED_M;                                                                            \
		NEED_P;                                                                            \
		NEED_G;                                                                            \
		RULE(g && g->status == TR_G_RUNNING, "goroutine is not running");                  \
	} while (0)

static inline int rules__status(struct rules *r, const struct transition *t, struct rules_m *m)
{
	if (t->type == TR_PROC_STATUS) {
		struct rules_p *p = &r->ps[t->subject];
		bool held = t->value == TR_P_RUNNING || t->value == TR_P_SYSCALL;

		RULE(!p->status || p->status == (int)t->value, "inconsistent P status");
		RULE(!held || t->m != UINT64_MAX, "needs a thread");
		RULE(!held || m->p < 0 || m->p == (int64_t)t->subject, "thread has another P");
		p->status = t->value;
		p->seq = 0;
		if (held)
			m->p = t->subject;
		return 0;
	}
	struct rules_g *g = rules__g(r, t->subject);

	RULE(!g || g->status == (int)t->value, "inconsistent goroutine status");
	if (!g)
		g = rules__new_g(r, t->subject, t->value);
	g->seq = 0;
	if (t->value == TR_G_RUNNING || t->value == TR_G_SYSCALL) {
		NEED_M;
		RULE(t->value2 == t->m, "status on another thread");
		RULE(!m->g || m->g == t->subject, "thread has another goroutine");
		RULE(t->value == TR_G_SYSCALL || m->p >= 0, "runs without a P");
		m->g = t->subject;
	}
	return 0;
}

static inline int rules__proc(struct rules *r, const struct transition *t, struct rules_m *m)
{
	struct rules_p *p =
		&r->ps[t->type == TR_PROC_STOP ? (m->p < 0 ? 0 : m->p) : (int64_t)t->subject];
	struct rules_m *victim;

	NEED_M;
	switch (t->type) {
	case TR_PROC_START:
		RULE(p->status == TR_P_IDLE, "P is not idle");
		RULE(t->seq == p->seq + 1, "P sequence");
		RULE(m->p < 0, "thread has a P");
		p->status = TR_P_RUNNING;
		p->seq++;
		m->p = t->subject;
		return 0;
	case TR_PROC_STOP:
		NEED_P;
		RULE(p->status == TR_P_RUNNING || p->status == TR_P_SYSCALL, "P is idle");
		RULE(!m->g || rules__g(r, m->g)->status == TR_G_SYSCALL,
		     "P of a running goroutine");
		p->status = TR_P_IDLE;
		m->p = -1;
		return 0;
	default:
		victim = rules__m(r, t->value2);
		RULE(p->status == TR_P_SYSCALL, "P is not in a syscall");
		RULE(t->seq == p->seq + 1, "P sequence");
		RULE(victim->p == (int64_t)t->subject, "stolen from another");
		p->status = TR_P_IDLE;
		p->seq++;
		victim->p = -1;
		return 0;
	}
}

static inline int rules__go(struct rules *r, const struct transition *t, struct rules_m *m)
{
	struct rules_g *g = m->g ? rules__g(r, m->g) : NULL, *to;

	switch (t->type) {
	case TR_GO_CREATE:
	case TR_GO_CREATE_BLOCKED:
		NEED_M;
		NEED_P;
		RULE(!m->g || g->status == TR_G_RUNNING, "creator is not running");
		RULE(!rules__g(r, t->subject), "goroutine exists");
		rules__new_g(r, t->subject, t->type == TR_GO_CREATE ? TR_G_RUNNABLE : TR_G_WAITING);
		return 0;
	case TR_GO_CREATE_SYSCALL:
		NEED_M;
		RULE(!m->g, "thread has a goroutine");
		RULE(!rules__g(r, t->subject), "goroutine exists");
		rules__new_g(r, t->subject, TR_G_SYSCALL);
		m->g = t->subject;
		return 0;
	case TR_GO_START:
		to = rules__g(r, t->subject);
		NEED_M;
		NEED_P;
		RULE(!m->g, "thread has a goroutine");
		RULE(to && to->status == TR_G_RUNNABLE, "not runnable");
		RULE(t->seq == to->seq + 1, "goroutine sequence");
		RULE(r->ps[m->p].status == TR_P_RUNNING, "P is not running");
		to->seq++;
		to->status = TR_G_RUNNING;
		m->g = t->subject;
		return 0;
	case TR_GO_DESTROY:
		NEED_RUNNING;
		RULE(!g->stw && !g->assist, "destroyed inside a range");
		rules__del_g(r, m->g);
		m->g = 0;
		return 0;
	case TR_GO_STOP:
	case TR_GO_BLOCK:
		NEED_RUNNING;
		/* startTheWorld may swap the P under its goroutine */
		RULE(!g->stw || (t->type == TR_GO_STOP && t->reason == TR_STOP_GOSCHED),
		     "left while the world is stopped");
		g->status = t->type == TR_GO_STOP ? TR_G_RUNNABLE : TR_G_WAITING;
		m->g = 0;
		return 0;
	case TR_GO_UNBLOCK:
		to = rules__g(r, t->subject);
		RULE(to && to->status == TR_G_WAITING, "not waiting");
		RULE(t->seq == to->seq + 1, "goroutine sequence");
		to->seq++;
		to->status = TR_G_RUNNABLE;
		return 0;
	default: /* GoSwitch */
		NEED_RUNNING;
		to = rules__g(r, t->subject);
		RULE(to && to->status == TR_G_WAITING, "switch to one that does not wait");
		RULE(t->seq == to->seq + 1, "goroutine sequence");
		to->seq++;
		if (t->type == TR_GO_SWITCH)
			g->status = TR_G_WAITING;
		else
			rules__del_g(r, m->g);
		to->status = TR_G_RUNNING;
		m->g = t->subject;
		return 0;
	}
}

static inline int rules__syscall(struct rules *r, const struct transition *t, struct rules_m *m)
{
	struct rules_g *g = m->g ? rules__g(r, m->g) : NULL;

	NEED_M;
	NEED_G;
	if (t->type == TR_GO_SYSCALL_BEGIN) {
		NEED_RUNNING;
		RULE(t->seq == r->ps[m->p].seq + 1, "P sequence");
		r->ps[m->p].seq++;
		r->ps[m->p].status = TR_P_SYSCALL;
		g->status = TR_G_SYSCALL;
		return 0;
	}
	RULE(g->status == TR_G_SYSCALL, "not in a syscall");
	if (t->type == TR_GO_SYSCALL_END) {
		NEED_P;
		RULE(r->ps[m->p].status == TR_P_SYSCALL, "P is not in the syscall");
		r->ps[m->p].status = TR_P_RUNNING;
		g->status = TR_G_RUNNING;
	} else if (t->type == TR_GO_SYSCALL_END_BLOCKED) {
		RULE(m->p < 0 || r->ps[m->p].status != TR_P_SYSCALL, "P is still in the syscall");
		g->status = TR_G_RUNNABLE;
		m->g = 0;
	} else { /* GoDestroySyscall */
		RULE(m->p < 0, "its P would be abandoned");
		rules__del_g(r, m->g);
		m->g = 0;
	}
	return 0;
}

static inline int rules__gc(struct rules *r, const struct transition *t, struct rules_m *m)
{
	bool begin = t->type == TR_GC_BEGIN;

	if (r->gc || !begin) {
		NEED_M;
		NEED_P;
		NEED_G;
		RULE(t->seq == r->gc_seq + 1, "GC sequence");
		RULE(r->gc == (begin ? 1 : 2), "GC state");
	}
	r->gc_seq = t->seq;
	r->gc = begin ? 2 : 1;
	return 0;
}

static inline int rules__range(struct rules *r, const struct transition *t, struct rules_m *m)
{
	struct rules_g *g = m->g ? rules__g(r, m->g) : NULL;
	bool *range;

	NEED_M;
	NEED_P;
	NEED_G;
	range = t->type == TR_STW_BEGIN || t->type == TR_STW_END ? &g->stw : &g->assist;
	if (t->type == TR_STW_BEGIN || t->type == TR_GC_MARK_ASSIST_BEGIN)
		RULE(!*range, "range is open");
	else
		RULE(*range, "range is not open");
	*range = !*range;
	return 0;
}

static inline int rules__user(struct rules *r, const struct transition *t, struct rules_m *m)
{
	struct rules_g *g = m->g ? rules__g(r, m->g) : NULL;

	NEED_M;
	NEED_P;
	if (t->type == TR_HEAP_ALLOC || t->type == TR_HEAP_GOAL)
		return 0;
	NEED_G;
	if (t->type == TR_USER_TASK_BEGIN) {
		RULE(!imap__get(&r->tasks, t->value, NULL), "task ID conflict");
		imap__put(&r->tasks, t->value, 1);
	} else if (t->type == TR_USER_TASK_END) {
		imap__del(&r->tasks, t->value);
	} else if (t->type == TR_USER_REGION_BEGIN) {
		RULE(g->regions < 512, "test's own limit");
		g->region[g->regions].task = t->value;
		g->region[g->regions++].name = t->str;
	} else if (t->type == TR_USER_REGION_END && g->regions) {
		g->regions--;
		RULE(g->region[g->regions].task == t->value && g->region[g->regions].name == t->str,
		     "misuse of region");
	}
	return 0;
}

/* A tr_sink_fn. */
static inline int rules__transition(void *ctx, const struct transition *t)
{
	struct rules *r = ctx;
	struct rules_m none = {.p = -1}, *m;

	r->cnt++;
	RULE(t->time_ns >= r->last_ns, "time falls");
	r->last_ns = t->time_ns;
	if (t->type == TR_CPU_SAMPLE || t->type == TR_END || t->type == TR_OFF_CPU)
		return 0;
	m = t->m == UINT64_MAX ? &none : rules__m(r, t->m);
	RULE(m->p == t->p && m->g == t->g, "context differs from the reader's");
	switch (t->type) {
	case TR_PROC_STATUS:
	case TR_GO_STATUS:
		return rules__status(r, t, m);
	case TR_PROC_START:
	case TR_PROC_STOP:
	case TR_PROC_STEAL:
		return rules__proc(r, t, m);
	case TR_GO_SYSCALL_BEGIN:
	case TR_GO_SYSCALL_END:
	case TR_GO_SYSCALL_END_BLOCKED:
	case TR_GO_DESTROY_SYSCALL:
		return rules__syscall(r, t, m);
	case TR_GC_BEGIN:
	case TR_GC_END:
		return rules__gc(r, t, m);
	case TR_STW_BEGIN:
	case TR_STW_END:
	case TR_GC_MARK_ASSIST_BEGIN:
	case TR_GC_MARK_ASSIST_END:
		return rules__range(r, t, m);
	case TR_GO_CREATE:
	case TR_GO_CREATE_BLOCKED:
	case TR_GO_CREATE_SYSCALL:
	case TR_GO_START:
	case TR_GO_DESTROY:
	case TR_GO_STOP:
	case TR_GO_BLOCK:
	case TR_GO_UNBLOCK:
	case TR_GO_SWITCH:
	case TR_GO_SWITCH_DESTROY:
		return rules__go(r, t, m);
	default:
		return rules__user(r, t, m);
	}
}

static inline void rules__free(struct rules *r)
{
	uint64_t v;

	for (size_t it = 0; imap__next(&r->ms, &it, NULL, &v);)
		free((void *)(uintptr_t)v);
	for (size_t it = 0; imap__next(&r->gs, &it, NULL, &v);)
		free((void *)(uintptr_t)v);
	imap__free(&r->ms);
	imap__free(&r->gs);
	imap__free(&r->tasks);
}

#endif
