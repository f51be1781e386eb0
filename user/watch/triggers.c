/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/triggers.h"

#include <errno.h>
#include <stdlib.h>

#include "model/transition.h"
#include "watch/series.h"

#define FIRINGS_MAX 128
#define FIRINGS_EACH 2 /* of one condition: what fires all the time leaves room for the others */
#define HELD_MAX 32
#define SECOND_NS 1000000000ull
#define SLOTS_MAX 60			   /* of a percentile's time */
#define REQUEST_GRACE_NS (1.0 * SECOND_NS) /* or as long as it may take, whichever is more */
#define SAMPLES_MIN 100			   /* a percentile of fewer says nothing */
/* So much longer has a wait to be that goes on: its end may be under way still. */
#define LASTING_GRACE_NS (20ull * 1000000)

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
	size_t lasting;	       /* waits of this look that are too long, not told before */
	struct firing longest; /* of them */
	uint64_t request_cnt;  /* COND_REQUEST_RATE: that ended */
};

/* Something of the whole program that goes on. */
struct range {
	uint64_t begin_ns; /* 0: it does not */
	uint32_t told;	   /* 1 << each condition that fired meanwhile */
};

struct triggers {
	struct judge *j;
	size_t cnt;
	struct firing fired[FIRINGS_MAX];
	size_t first, fired_cnt;
	uint64_t unkept;
	uint64_t assist_ns; /* in sum */
	struct range gc, stw;
	uint64_t stw_goid, stw_stack;
	/* COND_OFF_CPU: may be none. A thread that loses its CPU inside of a probe sends that
	 * record behind what the kernel tells of it. */
	struct firing held[HELD_MAX];
	size_t held_cnt;
	bool requests;	  /* a condition is about them */
	uint64_t sign_ns; /* triggers__sign */
	struct open_requests open;
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

size_t triggers__left(const struct triggers *t)
{
	return t->held_cnt + t->fired_cnt;
}

static bool exceeds(const struct condition *c, double value)
{
	return c->below ? value < c->value : value > c->value;
}

/* Half way to it: who sees so much has time to look closer. */
static bool is_near(const struct condition *c, double value)
{
	return c->below ? value < c->value * 2 : value > c->value / 2;
}

/* Something that lasts: fires when it has held for as long as is asked. */
static void judge_level(struct triggers *t, struct judge *j, double value, uint64_t for_ns,
			uint64_t now_ns)
{
	if (is_near(j->c, value))
		t->sign_ns = now_ns;
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

/* Is it the kind of wait that this judges, over or not? */
static bool is_of(const struct condition *c, const struct gstep *s)
{
	switch (c->subject) {
	case COND_SCHED:
		return s->from == G_RUNNABLE && (s->to == G_RUNNING || s->to == GSTEP_LASTS);
	case COND_SYSCALL:
		return s->from == G_SYSCALL && s->to != G_SYSCALL;
	case COND_OFF_CPU:
		return s->to == GSTEP_OFF_CPU;
	case COND_BLOCK:
		return s->from == G_WAITING && s->to != G_WAITING && s->to != G_DEAD &&
		       s->block_reason < 32 && c->kinds & 1u << s->block_reason;
	default:
		return false;
	}
}

static uint64_t length(uint64_t begin_ns, uint64_t end_ns)
{
	return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static uint32_t bit_of(const struct triggers *t, const struct judge *j)
{
	return 1u << (j - t->j);
}

static struct firing firing_of(const struct gstep *s)
{
	return (struct firing){.time_ns = s->end_ns,
			       .begin_ns = s->begin_ns,
			       .value = (double)length(s->begin_ns, s->end_ns),
			       .lasts = s->to == GSTEP_LASTS,
			       .goid = s->goid,
			       .stack = s->stack,
			       .runner = s->runner,
			       .tid = s->tid,
			       .p = s->p};
}

/* Until the next look at what lasts. */
static void hold(struct triggers *t, const struct judge *j, const struct firing *f)
{
	if (t->held_cnt == HELD_MAX) {
		t->unkept++;
		return;
	}
	t->held[t->held_cnt] = *f;
	t->held[t->held_cnt++].condition = (size_t)(j - t->j);
}

static void judge_step(struct triggers *t, struct judge *j, const struct gstep *s)
{
	struct firing f = firing_of(s);

	if (!s->begin_ns || !is_of(j->c, s) || s->told & bit_of(t, j) || !exceeds(j->c, f.value))
		return;
	if (j->c->subject == COND_OFF_CPU)
		hold(t, j, &f);
	else
		fire(t, j, f);
}

static bool stops_running(const struct gbt_event *e)
{
	switch (e->hdr.kind) {
	case GBT_BLOCK:
	case GBT_EXIT:
	case GBT_SCHED:
	case GBT_YIELD:
	case GBT_PREEMPT_PARK:
	case GBT_SYSCALL:
	case GBT_SYSCALL_BLOCK:
	case GBT_COROSWITCH:
		return true;
	default:
		return false;
	}
}

/* It had stopped running before its thread lost the CPU, as is told only now. */
static void drop_held(struct triggers *t, const struct gbt_event *e)
{
	size_t kept = 0;

	if (!t->held_cnt || !stops_running(e))
		return;
	for (size_t i = 0; i < t->held_cnt; i++) {
		const struct firing *f = &t->held[i];

		if (f->goid != e->goid || e->hdr.time_ns > f->begin_ns)
			t->held[kept++] = *f;
	}
	t->held_cnt = kept;
}

static void fire_held(struct triggers *t, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->held_cnt; i++) {
		const struct firing *f = &t->held[i];

		if (f->time_ns + LASTING_GRACE_NS > now_ns)
			t->held[kept++] = *f;
		else
			fire(t, &t->j[f->condition], *f);
	}
	t->held_cnt = kept;
}

void triggers__end(struct triggers *t)
{
	fire_held(t, UINT64_MAX);
}

bool triggers__judges_waits(const struct triggers *t)
{
	for (size_t i = 0; i < t->cnt; i++)
		if (t->j[i].c->subject == COND_SCHED || t->j[i].c->subject == COND_SYSCALL ||
		    t->j[i].c->subject == COND_BLOCK)
			return true;
	return false;
}

void triggers__lasting(struct triggers *t, const struct gstep *s, uint32_t *told)
{
	uint64_t ns = length(s->begin_ns + LASTING_GRACE_NS, s->end_ns);

	for (size_t i = 0; s->begin_ns && i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (*told & bit_of(t, j) || !is_of(j->c, s) || !exceeds(j->c, (double)ns))
			continue;
		*told |= bit_of(t, j);
		if (!j->lasting++ || s->begin_ns < j->longest.begin_ns)
			j->longest = firing_of(s);
	}
}

static void fire_range(struct triggers *t, struct judge *j, const struct range *r,
		       const struct firing *f)
{
	struct firing of = *f;

	of.begin_ns = r->begin_ns;
	of.value = (double)length(r->begin_ns, f->time_ns);
	fire(t, j, of);
}

static void judge_range_lasting(struct triggers *t, enum cond_subject subject, struct range *r,
				uint64_t from_ns, const struct firing *f)
{
	if (!r->begin_ns || r->begin_ns < from_ns)
		return;
	for (size_t i = 0; i < t->cnt; i++) {
		struct judge *j = &t->j[i];
		uint64_t ns = length(r->begin_ns + LASTING_GRACE_NS, f->time_ns);

		if (j->c->subject != subject || r->told & bit_of(t, j) ||
		    !exceeds(j->c, (double)ns))
			continue;
		r->told |= bit_of(t, j);
		fire_range(t, j, r, f);
	}
}

static bool is_asked_for(const struct condition *c, const struct request_name *r)
{
	return c->span == r->span &&
	       condition__matches(c, r->method, r->method_len, r->path, r->path_len);
}

/* One that ends soon is judged then: who ended its last wait is in the capture. */
static bool lasts_too_long(const struct condition *c, double ns)
{
	return exceeds(c, ns - (c->value > REQUEST_GRACE_NS ? c->value : REQUEST_GRACE_NS));
}

static void judge_request_lasting(struct triggers *t, uint64_t goid, struct request_name *r,
				  uint64_t now_ns)
{
	for (size_t i = 0; i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (j->c->subject != COND_REQUEST || r->told & bit_of(t, j) ||
		    !lasts_too_long(j->c, (double)(now_ns - r->begin_ns)) || !is_asked_for(j->c, r))
			continue;
		r->told |= bit_of(t, j);
		if (!j->lasting++ || r->begin_ns < j->longest.begin_ns)
			j->longest = (struct firing){.time_ns = now_ns,
						     .begin_ns = r->begin_ns,
						     .value = (double)(now_ns - r->begin_ns),
						     .goid = goid,
						     .stack = r->stack,
						     .p = -1,
						     .lasts = true,
						     .is_request = true,
						     .request = *r};
	}
}

static void sign_of_request(struct triggers *t, const struct request_name *r, uint64_t now_ns)
{
	for (size_t i = 0; i < t->cnt; i++) {
		const struct condition *c = t->j[i].c;

		if (c->subject == COND_REQUEST && is_near(c, (double)length(r->begin_ns, now_ns)) &&
		    is_asked_for(c, r))
			t->sign_ns = now_ns;
	}
}

uint64_t triggers__sign(struct triggers *t, uint64_t now_ns)
{
	uint64_t who, at;
	size_t it = 0;

	while (t->requests && t->sign_ns < now_ns && imap__next(&t->open.by_who, &it, &who, &at))
		sign_of_request(t, &t->open.r[at], now_ns);
	return t->sign_ns;
}

static void requests_lasting(struct triggers *t, uint64_t from_ns, uint64_t now_ns)
{
	uint64_t who, at;
	size_t it = 0;

	while (imap__next(&t->open.by_who, &it, &who, &at)) {
		struct request_name *r = &t->open.r[at];

		if (r->begin_ns >= from_ns && r->begin_ns <= now_ns)
			judge_request_lasting(t, OPEN_GOID(who), r, now_ns);
	}
}

void triggers__looked(struct triggers *t, uint64_t from_ns, uint64_t now_ns)
{
	struct firing f = {.time_ns = now_ns, .lasts = true, .p = -1};

	fire_held(t, now_ns);
	requests_lasting(t, from_ns, now_ns);
	for (size_t i = 0; i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (!j->lasting)
			continue;
		fire(t, j, j->longest);
		t->unkept += j->lasting - 1; /* one says what they all would */
		j->lasting = 0;
	}
	judge_range_lasting(t, COND_GC, &t->gc, from_ns, &f);
	f.goid = t->stw_goid;
	f.stack = t->stw_stack;
	judge_range_lasting(t, COND_STW, &t->stw, from_ns, &f);
}

static void end_range(struct triggers *t, enum cond_subject subject, struct range *r,
		      const struct gbt_event *e, const struct firing *f)
{
	for (size_t i = 0; r->begin_ns && r->begin_ns < e->hdr.time_ns && i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (j->c->subject == subject && !(r->told & bit_of(t, j)) &&
		    exceeds(j->c, (double)(e->hdr.time_ns - r->begin_ns)))
			fire_range(t, j, r, f);
	}
	*r = (struct range){0};
}

/* A cycle goes from the stop that ends the last sweep (before Go 1.21, which gives stops no reason,
 * from the first mark worker) to gcSweep. */
static void collector(struct triggers *t, const struct gbt_event *e)
{
	struct firing f = {
		.time_ns = e->hdr.time_ns, .runner = e->goid, .tid = e->hdr.tid, .p = e->p};

	switch (e->hdr.kind) {
	case GBT_STW_BEGIN:
		t->stw = (struct range){.begin_ns = e->hdr.time_ns};
		t->stw_goid = e->goid;
		t->stw_stack = e->stack;
		if (e->arg32 == TR_STW_SWEEP_TERM)
			t->gc = (struct range){.begin_ns = e->hdr.time_ns};
		break;
	case GBT_STW_END:
		f.goid = t->stw_goid;
		f.stack = t->stw_stack;
		end_range(t, COND_STW, &t->stw, e, &f);
		break;
	case GBT_RUN:
		if (e->arg32 >= 1 && e->arg32 <= 3 && !t->gc.begin_ns)
			t->gc = (struct range){.begin_ns = e->hdr.time_ns};
		break;
	case GBT_GC_SWEEP:
		end_range(t, COND_GC, &t->gc, e, &f);
		break;
	default:
		break;
	}
}

static void count_latency(struct triggers *t, const struct gstep *s)
{
	for (size_t i = 0; i < t->cnt; i++) {
		struct percentile *p = t->j[i].pct;

		if (t->j[i].c->subject == COND_SCHED_PCT && s->begin_ns && s->end_ns >= s->begin_ns)
			histogram__add(&p->slots[p->at], s->end_ns - s->begin_ns);
	}
}

static void judge_request(struct triggers *t, struct judge *j, const struct gbt_event *e,
			  const struct request_name *r)
{
	uint64_t ns = e->hdr.time_ns - r->begin_ns;

	if (!condition__needs_requests(j->c) || !is_asked_for(j->c, r))
		return;
	if (j->c->subject == COND_REQUEST && is_near(j->c, (double)ns))
		t->sign_ns = e->hdr.time_ns;
	if (j->c->subject == COND_REQUEST_RATE)
		j->request_cnt++;
	else if (j->c->subject == COND_REQUEST_PCT)
		histogram__add(&j->pct->slots[j->pct->at], ns);
	else if (exceeds(j->c, (double)ns) && !(r->told & bit_of(t, j)))
		fire(t, j,
		     (struct firing){.time_ns = e->hdr.time_ns,
				     .begin_ns = r->begin_ns,
				     .value = (double)ns,
				     .goid = e->goid,
				     .stack = r->stack,
				     .runner = e->goid,
				     .tid = e->hdr.tid,
				     .p = e->p,
				     .is_request = true,
				     .request = *r,
				     .ended = e->arg32});
}

static int requests(struct triggers *t, const struct gbt_event *e)
{
	struct request_name r;

	if (e->hdr.kind == GBT_REQUEST_BEGIN)
		return open_requests__begin(&t->open, (const struct gbt_text *)e);
	if (e->hdr.kind == GBT_EXIT)
		open_requests__gone(&t->open, e->goid);
	if (e->hdr.kind != GBT_REQUEST_END || !open_requests__end(&t->open, e, &r))
		return 0;
	for (size_t i = 0; i < t->cnt; i++)
		judge_request(t, &t->j[i], e, &r);
	return 0;
}

static void calls(struct triggers *t, const struct gbt_event *e)
{
	uint64_t ns = length(e->arg, e->hdr.time_ns);

	for (size_t i = 0; e->hdr.kind == GBT_FUNC && e->arg && i < t->cnt; i++) {
		struct judge *j = &t->j[i];

		if (j->c->subject != COND_FUNC || condition__func_id(j->c) != e->arg32)
			continue;
		if (is_near(j->c, (double)ns))
			t->sign_ns = e->hdr.time_ns;
		if (exceeds(j->c, (double)ns))
			fire(t, j,
			     (struct firing){.time_ns = e->hdr.time_ns,
					     .begin_ns = e->arg,
					     .value = (double)ns,
					     .goid = e->goid,
					     .stack = e->stack,
					     .runner = e->goid,
					     .tid = e->hdr.tid,
					     .p = e->p});
	}
}

int triggers__event(struct triggers *t, const struct gbt_event *e, const struct gstep *steps,
		    size_t cnt)
{
	drop_held(t, e);
	calls(t, e);
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
	return t->requests ? requests(t, e) : 0;
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

static void judge_rate(struct triggers *t, struct judge *j, uint64_t now_ns)
{
	double ended;

	series__add(&j->sums, (double)j->request_cnt, 0, now_ns);
	if (series__change(&j->sums, &ended, NULL))
		judge_level(t, j, ended * SECOND_NS / (double)j->sums.span_ns, 0, now_ns);
}

void triggers__tick(struct triggers *t, uint64_t now_ns)
{
	for (size_t i = 0; i < t->cnt; i++) {
		if (t->j[i].pct)
			judge_percentile(t, &t->j[i], now_ns);
		else if (t->j[i].c->subject == COND_REQUEST_RATE)
			judge_rate(t, &t->j[i], now_ns);
	}
}

void triggers__blind(struct triggers *t, bool to_requests)
{
	t->gc = t->stw = (struct range){0};
	if (to_requests)
		open_requests__free(&t->open);
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
	if (c->subject != COND_SCHED_PCT && c->subject != COND_REQUEST_PCT)
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
	if (cnt > TRIGGERS_MAX) {
		free(t);
		return -E2BIG;
	}
	t->j = calloc(cnt + 1, sizeof(*t->j));
	if (!t->j)
		err = -ENOMEM;
	for (; !err && t->cnt < cnt; t->cnt++) {
		err = judge_init(&t->j[t->cnt], &c[t->cnt]);
		t->requests |= condition__needs_requests(&c[t->cnt]);
	}
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
	open_requests__free(&t->open);
	free(t->j);
	free(t);
}
