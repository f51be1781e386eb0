/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/triggers.h"

#include <errno.h>
#include <stdlib.h>

#include "watch/series.h"

#define FIRINGS_MAX 128
#define FIRINGS_EACH 2 /* of one condition: what fires all the time leaves room for the others */
#define SECOND_NS 1000000000ull
#define SLOTS_MAX 60	/* of a percentile's time */
#define SAMPLES_MIN 100 /* a percentile of fewer says nothing */

/* What a condition is judged by when it does not say how long. */
#define CPU_SPAN_NS (5 * SECOND_NS)
#define SHARE_SPAN_NS (10 * SECOND_NS)
#define GROWTH_SPAN_NS (60 * SECOND_NS)
#define PERCENTILE_SPAN_NS (10 * SECOND_NS)

struct percentile {
	struct histogram slots[SLOTS_MAX];
	size_t slot_cnt, at;
	uint64_t slot_ns, since_ns, seen;
};

struct judge {
	const struct condition *c;
	bool holds;	    /* and has fired */
	uint64_t since_ns;  /* it is over the threshold since then; 0: it is not */
	unsigned waiting;   /* firings that were not taken yet */
	struct series sums; /* shares and growth */
	struct percentile *pct;
};

struct triggers {
	struct judge *j;
	size_t cnt;
	struct firing fired[FIRINGS_MAX];
	size_t first, fired_cnt;
	uint64_t unkept;
	uint64_t assist_ns;	/* in sum */
	uint64_t gc_ns, stw_ns; /* the one that goes on began then; 0 none */
	uint64_t stw_goid, stw_stack;
};

/* ---- what fires ---- */

static void fire(struct triggers *t, struct judge *j, struct firing f)
{
	f.condition = (size_t)(j - t->j);
	if (j->waiting == FIRINGS_EACH || t->fired_cnt == FIRINGS_MAX) {
		t->unkept++;
		return;
	}
	j->waiting++;
	t->fired[(t->first + t->fired_cnt++) % FIRINGS_MAX] = f;
}

bool triggers__take(struct triggers *t, struct firing *out)
{
	if (!t->fired_cnt)
		return false;
	*out = t->fired[t->first];
	t->j[out->condition].waiting--;
	t->first = (t->first + 1) % FIRINGS_MAX;
	t->fired_cnt--;
	return true;
}

uint64_t triggers__unkept(const struct triggers *t)
{
	return t->unkept;
}

static bool exceeds(const struct condition *c, double value)
{
	return c->below ? value < c->value : value > c->value;
}

/* Something that lasts: fires when it has held for as long as is asked. */
static void judge_level(struct triggers *t, struct judge *j, double value, uint64_t for_ns,
			uint64_t now_ns)
{
	if (!exceeds(j->c, value)) {
		j->since_ns = 0;
		j->holds = false;
		return;
	}
	if (!j->since_ns)
		j->since_ns = now_ns;
	if (j->holds || now_ns - j->since_ns < for_ns)
		return;
	j->holds = true;
	fire(t, j, (struct firing){.time_ns = now_ns, .begin_ns = j->since_ns, .value = value});
}

/* ---- one by one ---- */

static void judge_step(struct triggers *t, struct judge *j, const struct gstep *s)
{
	double ns = s->end_ns > s->begin_ns ? (double)(s->end_ns - s->begin_ns) : 0;
	bool fits = false;

	if (!s->begin_ns)
		return;
	switch (j->c->subject) {
	case COND_SCHED:
		fits = s->from == G_RUNNABLE && s->to == G_RUNNING;
		break;
	case COND_SYSCALL:
		fits = s->from == G_SYSCALL && s->to != G_SYSCALL;
		break;
	case COND_BLOCK:
		fits = s->from == G_WAITING && s->to != G_WAITING && s->to != G_DEAD &&
		       s->block_reason < 32 && j->c->kinds & 1u << s->block_reason;
		break;
	default:
		break;
	}
	if (fits && exceeds(j->c, ns))
		fire(t, j,
		     (struct firing){.time_ns = s->end_ns,
				     .begin_ns = s->begin_ns,
				     .value = ns,
				     .goid = s->goid,
				     .stack = s->stack,
				     .runner = s->runner,
				     .tid = s->tid,
				     .p = s->p});
}

static void judge_range(struct triggers *t, enum cond_subject subject, uint64_t begin_ns,
			const struct gbt_event *e, uint64_t goid, uint64_t stack)
{
	uint64_t end_ns = e->hdr.time_ns;

	for (size_t i = 0; begin_ns && begin_ns < end_ns && i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (j->c->subject == subject && exceeds(j->c, (double)(end_ns - begin_ns)))
			fire(t, j,
			     (struct firing){.time_ns = end_ns,
					     .begin_ns = begin_ns,
					     .value = (double)(end_ns - begin_ns),
					     .goid = goid,
					     .stack = stack,
					     .runner = e->goid,
					     .tid = e->hdr.tid,
					     .p = e->p});
	}
}

/* A cycle goes from the stop that ends the last sweep (before Go 1.21, which gives stops no reason,
 * from the first mark worker) to gcSweep. */
static void collector(struct triggers *t, const struct gbt_event *e)
{
	switch (e->hdr.kind) {
	case GBT_STW_BEGIN:
		t->stw_ns = e->hdr.time_ns;
		t->stw_goid = e->goid;
		t->stw_stack = e->stack;
		if (e->arg32 == 2)
			t->gc_ns = e->hdr.time_ns;
		break;
	case GBT_STW_END:
		judge_range(t, COND_STW, t->stw_ns, e, t->stw_goid, t->stw_stack);
		t->stw_ns = 0;
		break;
	case GBT_RUN:
		if (e->arg32 >= 1 && e->arg32 <= 3 && !t->gc_ns)
			t->gc_ns = e->hdr.time_ns;
		break;
	case GBT_GC_SWEEP:
		judge_range(t, COND_GC, t->gc_ns, e, 0, 0);
		t->gc_ns = 0;
		break;
	default:
		break;
	}
}

static void count_latency(struct triggers *t, const struct gstep *s)
{
	for (size_t i = 0; i < t->cnt; i++) {
		struct percentile *p = t->j[i].pct;

		if (p && s->begin_ns && s->end_ns >= s->begin_ns)
			histogram__add(&p->slots[p->at], s->end_ns - s->begin_ns);
	}
}

void triggers__event(struct triggers *t, const struct gbt_event *e, const struct gstep *steps,
		     size_t cnt)
{
	for (size_t k = 0; k < cnt; k++) {
		if (steps[k].assist_ns && steps[k].end_ns > steps[k].assist_ns)
			t->assist_ns += steps[k].end_ns - steps[k].assist_ns;
		if (steps[k].from == G_RUNNABLE && steps[k].to == G_RUNNING)
			count_latency(t, &steps[k]);
		for (size_t i = 0; i < t->cnt; i++)
			judge_step(t, &t->j[i], &steps[k]);
	}
	collector(t, e);
	if (e->hdr.kind == GBT_HEAP && e->arg)
		triggers__level(t, COND_HEAP, (double)e->arg, e->hdr.time_ns);
}

/* ---- what lasts ---- */

static void grow(struct triggers *t, struct judge *j, double value, uint64_t now_ns)
{
	double change;

	series__add(&j->sums, value, 0, now_ns);
	if (series__change(&j->sums, &change, NULL))
		judge_level(t, j, change * 60 * SECOND_NS / (double)j->sums.span_ns, 0, now_ns);
}

void triggers__level(struct triggers *t, enum cond_subject subject, double value, uint64_t now_ns)
{
	for (size_t i = 0; i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (j->c->subject == subject)
			judge_level(t, j, value, j->c->for_ns, now_ns);
		else if (subject == COND_GOROUTINES && j->c->subject == COND_GROWTH)
			grow(t, j, value, now_ns);
	}
}

void triggers__sums(struct triggers *t, enum cond_subject subject, double part, double whole,
		    uint64_t now_ns)
{
	double dp, dw;

	if (subject == COND_ASSIST)
		part = (double)t->assist_ns;
	for (size_t i = 0; i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (j->c->subject != subject)
			continue;
		series__add(&j->sums, part, whole, now_ns);
		if (series__change(&j->sums, &dp, &dw) && dw > 0)
			judge_level(t, j, 100 * dp / dw, 0, now_ns);
	}
}

static void judge_percentile(struct triggers *t, struct judge *j, uint64_t now_ns)
{
	struct percentile *p = j->pct;
	struct histogram sum = {0};

	if (p->since_ns && now_ns < p->since_ns + p->slot_ns)
		return;
	for (size_t i = 0; i < p->slot_cnt; i++)
		histogram__merge(&sum, &p->slots[i]);
	if (p->since_ns && ++p->seen >= p->slot_cnt && sum.cnt >= SAMPLES_MIN)
		judge_level(t, j, (double)histogram__percentile(&sum, j->c->percentile), 0, now_ns);
	p->since_ns = now_ns;
	p->at = (p->at + 1) % p->slot_cnt;
	p->slots[p->at] = (struct histogram){0};
}

void triggers__tick(struct triggers *t, uint64_t now_ns)
{
	for (size_t i = 0; i < t->cnt; i++)
		if (t->j[i].pct)
			judge_percentile(t, &t->j[i], now_ns);
}

/* ---- life ---- */

static uint64_t span_of(const struct condition *c)
{
	if (c->for_ns)
		return c->for_ns;
	if (c->subject == COND_GROWTH)
		return GROWTH_SPAN_NS;
	return c->subject == COND_CPU ? CPU_SPAN_NS : SHARE_SPAN_NS;
}

static int judge_init(struct judge *j, const struct condition *c)
{
	uint64_t span_ns = c->for_ns ? c->for_ns : PERCENTILE_SPAN_NS;

	j->c = c;
	j->sums.span_ns = span_of(c);
	if (c->subject != COND_SCHED_PCT)
		return 0;
	j->pct = calloc(1, sizeof(*j->pct));
	if (!j->pct)
		return -ENOMEM;
	j->pct->slot_cnt = span_ns / SECOND_NS < SLOTS_MAX ? span_ns / SECOND_NS : SLOTS_MAX;
	j->pct->slot_ns = span_ns / j->pct->slot_cnt;
	return 0;
}

int triggers__new(const struct condition *c, size_t cnt, struct triggers **out)
{
	struct triggers *t = calloc(1, sizeof(*t));
	int err = 0;

	if (!t)
		return -ENOMEM;
	t->j = calloc(cnt + 1, sizeof(*t->j));
	if (!t->j)
		err = -ENOMEM;
	for (; !err && t->cnt < cnt; t->cnt++)
		err = judge_init(&t->j[t->cnt], &c[t->cnt]);
	if (err)
		triggers__free(t);
	else
		*out = t;
	return err;
}

void triggers__free(struct triggers *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->j && i < t->cnt; i++)
		free(t->j[i].pct);
	free(t->j);
	free(t);
}
