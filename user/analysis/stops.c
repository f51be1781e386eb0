/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/stops.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/imap.h"
#include "goruntime/snapshot.h"

#define NONE SIZE_MAX

/* A goroutine: on a thread since, at the latest, since_ns; or stopped between lo_ns and hi_ns. */
struct runner {
	uint64_t goid, tid; /* tid 0: it is off */
	uint64_t since_ns, lo_ns, hi_ns;
	size_t row;	  /* of its stop; NONE: it was not seen to stop */
	size_t next_free; /* among those that have ended */
};

struct stops {
	uint64_t end_ns;
	struct runner *gs;
	size_t g_cnt, g_cap, free;
	struct imap by_goid; /* -> index in gs */
	struct imap on_tid;  /* -> goid */
	struct stop_row *rows;
	size_t row_cnt, row_cap;
	struct imap by_key;
	struct stop_totals t;
};

int stops__new(uint64_t end_ns, struct stops **out)
{
	struct stops *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->end_ns = end_ns;
	s->free = NONE;
	*out = s;
	return 0;
}

void stops__free(struct stops *s)
{
	if (!s)
		return;
	imap__free(&s->by_goid);
	imap__free(&s->on_tid);
	imap__free(&s->by_key);
	free(s->gs);
	free(s->rows);
	free(s);
}

/* ---- rows ---- */

static bool same(const struct stop_row *a, const struct stop_row *b)
{
	return a->stack == b->stack && a->kind == b->kind && a->reason == b->reason &&
	       a->first == b->first && a->parked == b->parked;
}

/* NONE: no memory. */
static size_t row_of(struct stops *s, const struct stop_row *want)
{
	uint64_t key = want->stack ^ (uint64_t)want->kind << 16 ^ (uint64_t)want->reason << 8 ^
		       (uint64_t)want->first;
	uint64_t at;

	key *= UINT64_C(0x9e3779b97f4a7c15); /* else dense ids would lie in one row */

	for (; imap__get(&s->by_key, key, &at); key++) {
		if (same(&s->rows[at], want))
			return (size_t)at;
	}
	if (array__reserve(&s->rows, s->row_cnt, &s->row_cap, 1, sizeof(*s->rows)) ||
	    imap__put(&s->by_key, key, s->row_cnt))
		return NONE;
	s->rows[s->row_cnt] = *want;
	return s->row_cnt++;
}

/*
 * What a goroutine that does not run was stopped by. Who waits but is not in gopark was suspended:
 * its wait reason is of the wait before.
 */
static enum stop_kind kind_of(uint32_t how)
{
	bool parked = how & GBT_LEFT_PARKED, copies = how & GBT_LEFT_COPIES;

	switch (GBT_LEFT_STATUS(how)) {
	case G_WAITING:
	case G_LEAKED:
		return parked || copies ? STOPPED_WAIT : STOPPED_SUSPENDED;
	case G_RUNNABLE: /* or ready again */
		if (parked)
			return STOPPED_WAIT;
		return copies ? STOPPED_UNKNOWN : STOPPED_RUNNABLE;
	case G_PREEMPTED:
		return STOPPED_SUSPENDED;
	}
	return STOPPED_UNKNOWN; /* it runs: of a later moment */
}

/* How a goroutine was left. */
static struct stop_row found(const struct gbt_event *e)
{
	uint32_t how = (uint32_t)e->arg32;
	struct stop_row r = {.kind = how & GBT_LEFT_SWITCHED ? STOPPED_SWITCHED : kind_of(how)};

	if (r.kind == STOPPED_UNKNOWN)
		return r;
	r.stack = e->stack;
	r.first = e->cur == 1;
	if (r.kind == STOPPED_WAIT) {
		r.reason = GBT_LEFT_REASON(how);
		r.parked = how & GBT_LEFT_PARKED;
	}
	return r;
}

/* ---- goroutines ---- */

static struct runner *runner_of(struct stops *s, uint64_t goid)
{
	uint64_t at;

	return imap__get(&s->by_goid, goid, &at) ? &s->gs[at] : NULL;
}

static struct runner *add_runner(struct stops *s, uint64_t goid)
{
	size_t at = s->free;

	if (at != NONE)
		s->free = s->gs[at].next_free;
	else if (array__reserve(&s->gs, s->g_cnt, &s->g_cap, 1, sizeof(*s->gs)))
		return NULL;
	else
		at = s->g_cnt++;
	s->gs[at] = (struct runner){.goid = goid, .row = NONE};
	return imap__put(&s->by_goid, goid, at) ? NULL : &s->gs[at];
}

static void end_runner(struct stops *s, struct runner *g)
{
	imap__del(&s->by_goid, g->goid);
	g->next_free = s->free;
	s->free = (size_t)(g - s->gs);
	s->t.ended++;
}

/* It has left its thread, at the latest now. */
static int stop(struct stops *s, struct runner *g, const struct stop_row *how, uint64_t now_ns)
{
	imap__del(&s->on_tid, g->tid);
	g->tid = 0;
	g->lo_ns = g->since_ns;
	g->hi_ns = now_ns > g->lo_ns ? now_ns : g->lo_ns;
	g->row = row_of(s, how);
	if (g->row == NONE)
		return -ENOMEM;
	s->rows[g->row].open++;
	s->t.stops++;
	s->t.unknown += how->kind == STOPPED_UNKNOWN;
	return 0;
}

static int stop_unseen(struct stops *s, struct runner *g, uint64_t now_ns)
{
	const struct stop_row unknown = {.kind = STOPPED_UNKNOWN};

	return stop(s, g, &unknown, now_ns);
}

/* The thread of e has not its goroutine any more. */
static int leave(struct stops *s, const struct gbt_event *e)
{
	uint64_t goid, now_ns = e->hdr.time_ns;
	struct stop_row how;
	struct runner *g;

	if (!imap__get(&s->on_tid, e->hdr.tid, &goid)) {
		s->t.elsewhere += e->cur != 0;
		return 0;
	}
	g = runner_of(s, goid);
	if (!g) {
		imap__del(&s->on_tid, e->hdr.tid);
		return 0;
	}
	if (e->cur != goid) /* a record is missing */
		return stop_unseen(s, g, now_ns);
	if (e->arg32 & GBT_LEFT_ENDED) {
		imap__del(&s->on_tid, e->hdr.tid);
		end_runner(s, g);
		return 0;
	}
	how = found(e);
	return stop(s, g, &how, now_ns);
}

/* A record that came late, behind later ones of other threads, may lie before what they told. */
static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void went_on(struct stops *s, struct runner *g, uint64_t now_ns)
{
	struct stop_row *r = &s->rows[g->row];
	uint64_t least = since(g->hi_ns, now_ns), most = since(g->lo_ns, now_ns);

	r->open--;
	r->cnt++;
	r->least_ns += least;
	r->most_ns += most;
	if (r->longest_ns < most)
		r->longest_ns = most;
	s->t.least_ns += least;
	s->t.most_ns += most;
	g->row = NONE;
}

static int start(struct stops *s, const struct gbt_event *e)
{
	struct runner *g = runner_of(s, e->goid);
	int err = 0;

	if (!g)
		g = add_runner(s, e->goid);
	if (!g)
		return -ENOMEM;
	if (g->tid) /* its thread has not told yet */
		err = stop_unseen(s, g, e->hdr.time_ns);
	if (err)
		return err;
	if (g->row != NONE)
		went_on(s, g, e->hdr.time_ns);
	g->tid = e->hdr.tid;
	g->since_ns = e->hdr.time_ns;
	s->t.starts++;
	return imap__put(&s->on_tid, g->tid, g->goid);
}

/* A sample of a goroutine that runs: it had not stopped by then. */
static void seen(struct stops *s, const struct gbt_event *e)
{
	struct runner *g = e->goid ? runner_of(s, e->goid) : NULL;

	if (g && g->tid == e->hdr.tid && (e->cur & 0xfff) == G_RUNNING &&
	    e->hdr.time_ns > g->since_ns)
		g->since_ns = e->hdr.time_ns;
}

int stops__event(struct stops *s, const struct gbt_hdr *rec)
{
	const struct gbt_event *e = (const struct gbt_event *)rec;
	int err;

	if (s->end_ns && rec->time_ns > s->end_ns)
		return 0;
	if (!rec->tid) /* there is none; 0 is "on no thread" here */
		return rec->kind == GBT_START || rec->kind == GBT_LEFT ? -EBADMSG : 0;
	switch (rec->kind) {
	case GBT_START:
		err = leave(s, e);
		return err || !e->goid ? err : start(s, e);
	case GBT_LEFT:
		return leave(s, e);
	case GBT_SAMPLE:
		seen(s, e);
		return 0;
	}
	return 0;
}

void stops__totals(const struct stops *s, struct stop_totals *out)
{
	*out = s->t;
}

const struct stop_row *stops__rows(const struct stops *s, size_t *cnt)
{
	*cnt = s->row_cnt;
	return s->rows;
}
