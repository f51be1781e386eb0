/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/stops_places.h"

#define WAITING 4
#define RUNNABLE 1
#define RUNNING 2
#define PREEMPTED 9
#define CHAN_RECEIVE 3

struct world {
	struct stops *s;
};

static int begin(void **state)
{
	static struct world w;

	assert_int_equal(stops__new(10000, &w.s), 0);
	*state = &w;
	return 0;
}

static int end(void **state)
{
	stops__free(((struct world *)*state)->s);
	return 0;
}

static void feed(struct world *w, const struct gbt_event *e)
{
	assert_int_equal(stops__event(w->s, &e->hdr), 0);
}

/* goid is started on tid, which had prev; how and with which stack that was left. */
static void start(struct world *w, uint64_t t, uint32_t tid, uint64_t goid, uint64_t prev, int how,
		  uint64_t stack)
{
	const struct gbt_event e = {.hdr = {.time_ns = t, .tid = tid, .kind = GBT_START},
				    .goid = goid,
				    .cur = prev,
				    .arg32 = how,
				    .stack = stack};

	feed(w, &e);
}

static void left(struct world *w, uint64_t t, uint32_t tid, uint64_t prev, int how, uint64_t stack)
{
	const struct gbt_event e = {.hdr = {.time_ns = t, .tid = tid, .kind = GBT_LEFT},
				    .cur = prev,
				    .arg32 = how,
				    .stack = stack};

	feed(w, &e);
}

static const struct stop_row *row(struct world *w, uint64_t stack, enum stop_kind kind)
{
	size_t cnt;
	const struct stop_row *rows = stops__rows(w->s, &cnt);

	for (size_t i = 0; i < cnt; i++) {
		if (rows[i].stack == stack && rows[i].kind == kind)
			return &rows[i];
	}
	fail_msg("no row of stack %d", (int)stack);
	return NULL;
}

static void is(const struct stop_row *r, uint64_t cnt, uint64_t least, uint64_t most, uint64_t open)
{
	assert_int_equal(r->cnt, cnt);
	assert_int_equal(r->least_ns, least);
	assert_int_equal(r->most_ns, most);
	assert_int_equal(r->open, open);
}

static struct stop_totals totals(struct world *w)
{
	struct stop_totals t;

	stops__totals(w->s, &t);
	return t;
}

#define PARKED (WAITING | CHAN_RECEIVE << 8 | GBT_LEFT_PARKED)
/* and made ready since */
#define READY (RUNNABLE | CHAN_RECEIVE << 8 | GBT_LEFT_PARKED)

/* It stopped between its start and the next one of its thread. */
static void a_stop_lies_between_two_starts(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 150, 1, 8, 7, PARKED, 50);
	is(row(w, 50, STOPPED_WAIT), 0, 0, 0, 1);
	assert_int_equal(row(w, 50, STOPPED_WAIT)->reason, CHAN_RECEIVE);
	start(w, 400, 2, 7, 0, 0, 0);
	is(row(w, 50, STOPPED_WAIT), 1, 250, 300, 0);
	assert_int_equal(row(w, 50, STOPPED_WAIT)->longest_ns, 300);
	assert_int_equal(totals(w).starts, 3);
	assert_int_equal(totals(w).stops, 1);
	assert_int_equal(totals(w).unknown, 0);
}

static void a_thread_that_idles_tells_earlier(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	left(w, 120, 1, 7, READY, 50);
	start(w, 1000, 1, 8, 0, 0, 0);
	start(w, 1100, 2, 7, 0, 0, 0);
	is(row(w, 50, STOPPED_WAIT), 1, 980, 1000, 0);
}

static void the_same_goroutine_again(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 130, 1, 7, 7, READY, 50);
	is(row(w, 50, STOPPED_WAIT), 1, 0, 30, 0);
	start(w, 170, 1, 7, 7, RUNNABLE, 51);
	is(row(w, 51, STOPPED_RUNNABLE), 1, 0, 40, 0);
}

/* What its first thread finds later is of a later stop, if it is one at all. */
static void gone_on_elsewhere_first(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 140, 2, 7, 0, 0, 0);
	is(row(w, 0, STOPPED_UNKNOWN), 1, 0, 40, 0);
	start(w, 150, 1, 8, 7, PARKED, 99);
	assert_int_equal(totals(w).elsewhere, 1);
	start(w, 200, 2, 9, 7, PARKED, 50);
	start(w, 300, 1, 7, 8, PARKED, 51);
	is(row(w, 50, STOPPED_WAIT), 1, 100, 160, 0);
	assert_int_equal(totals(w).unknown, 1);
}

static void a_sample_narrows_it(void **state)
{
	struct world *w = *state;
	struct gbt_event sample = {
		.hdr = {.time_ns = 180, .tid = 1, .kind = GBT_SAMPLE}, .goid = 7, .cur = RUNNING};

	start(w, 100, 1, 7, 0, 0, 0);
	feed(w, &sample);
	sample.hdr.tid = 2; /* of another thread: not of this run */
	sample.hdr.time_ns = 190;
	feed(w, &sample);
	sample.hdr.tid = 1;
	sample.cur = WAITING; /* its thread parks it just now */
	feed(w, &sample);
	start(w, 200, 1, 8, 7, PARKED, 50);
	start(w, 300, 1, 7, 8, PARKED, 51);
	is(row(w, 50, STOPPED_WAIT), 1, 100, 120, 0);
}

static void ends_are_no_stops(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 150, 1, 8, 7, GBT_LEFT_ENDED, 0);
	left(w, 170, 1, 8, GBT_LEFT_ENDED, 0);
	assert_int_equal(totals(w).ended, 2);
	assert_int_equal(totals(w).stops, 0);
	start(w, 200, 1, 9, 0, 0, 0); /* takes a place that is free again */
	start(w, 250, 1, 10, 9, PARKED, 50);
	start(w, 300, 2, 9, 0, 0, 0);
	is(row(w, 50, STOPPED_WAIT), 1, 50, 100, 0);
}

/* A thread without memory of its own does not say whom it had. */
static void records_that_are_missing(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 150, 1, 8, 0, 0, 0);
	start(w, 180, 1, 9, 11, PARKED, 50); /* 11 was never seen to start here */
	start(w, 300, 2, 7, 0, 0, 0);
	is(row(w, 0, STOPPED_UNKNOWN), 1, 150, 200, 1);
	assert_int_equal(totals(w).unknown, 2);
}

static void what_each_was(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 110, 1, 8, 7, PREEMPTED, 50);
	start(w, 120, 1, 9, 8, RUNNING, 51); /* it runs elsewhere by now */
	start(w, 130, 1, 10, 9, RUNNING | GBT_LEFT_SWITCHED, 52);
	start(w, 140, 1, 11, 10, RUNNABLE | CHAN_RECEIVE << 8, 53);
	/* suspended by the collector; its reason is that of an earlier wait */
	start(w, 150, 1, 12, 11, WAITING | CHAN_RECEIVE << 8, 54);
	/* where gopark is inlined, its callers may have parked */
	start(w, 160, 1, 13, 12, WAITING | CHAN_RECEIVE << 8 | GBT_LEFT_COPIES, 55);
	start(w, 170, 1, 14, 13, RUNNABLE | CHAN_RECEIVE << 8 | GBT_LEFT_COPIES, 56);
	assert_int_equal(row(w, 50, STOPPED_SUSPENDED)->open, 1);
	assert_int_equal(row(w, 0, STOPPED_UNKNOWN)->open, 2);
	assert_int_equal(row(w, 54, STOPPED_SUSPENDED)->reason, 0);
	assert_int_equal(row(w, 55, STOPPED_WAIT)->reason, CHAN_RECEIVE);
	assert_false(row(w, 55, STOPPED_WAIT)->parked);
	assert_int_equal(row(w, 52, STOPPED_SWITCHED)->open, 1);
	assert_int_equal(row(w, 53, STOPPED_RUNNABLE)->reason, 0);
}

static void behind_the_window(void **state)
{
	struct world *w = *state;

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 150, 1, 8, 7, PARKED, 50);
	start(w, 10001, 2, 7, 0, 0, 0);
	is(row(w, 50, STOPPED_WAIT), 0, 0, 0, 1);
}

/* ---- by place ---- */

static size_t frames(void *ctx, const struct tr_stack *st, struct frame *out, size_t max)
{
	static const struct frame work = {"main.work", "/w.go", 10},
				  park = {"runtime.gopark", "", 0},
				  worker = {"runtime.gcBgMarkWorker", "/gc.go", 5};
	size_t n = 0;

	assert_true(max >= 3);
	if (st->id == 52) { /* of the runtime's own */
		out[n++] = worker;
		return n;
	}
	if (!st->skip)
		out[n++] = park;
	out[n++] = (struct frame){"runtime.chanrecv", "/chan.go", (uint32_t)st->id};
	out[n++] = work;
	return n;
}

static void places_add_up(void **state)
{
	const struct frame_source source = {frames, NULL};
	char *names[] = {"", "", "", "chan receive"};
	const struct snapshot snap = {.wait_reasons = names, .wait_reasons_cnt = 4};
	struct world *w = *state;
	struct summary *s = calloc(1, sizeof(*s));

	start(w, 100, 1, 7, 0, 0, 0);
	start(w, 110, 1, 8, 7, PARKED, 50);
	start(w, 120, 1, 9, 8, PARKED, 51);
	start(w, 130, 1, 10, 9, PARKED, 52);
	start(w, 210, 2, 7, 0, 0, 0);
	start(w, 220, 3, 8, 0, 0, 0);
	start(w, 230, 4, 9, 0, 0, 0);
	assert_int_equal(stops__summarize(w->s, &source, &snap, s), 0);
	assert_int_equal(s->stop_cnt, 1);
	assert_string_equal(s->stops[0].reason, "chan receive");
	assert_string_equal(s->stops[0].at.func, "main.work");
	assert_int_equal(s->stops[0].cnt, 2);
	assert_int_equal(s->stops[0].least_ns, 200);
	assert_int_equal(s->stops[0].most_ns, 220);
	assert_int_equal(s->stop_totals.starts, 7);
	summary__free(s);
}

/* As in a stream of others': what the programs never send. */
static void a_record_of_no_thread_is_refused(void **state)
{
	struct world *w = *state;
	struct gbt_event e = {.hdr = {.time_ns = 100, .kind = GBT_START}, .goid = 5};

	assert_int_equal(stops__event(w->s, &e.hdr), -EBADMSG);
	e.hdr.kind = GBT_LEFT;
	assert_int_equal(stops__event(w->s, &e.hdr), -EBADMSG);
	e.hdr.kind = GBT_SAMPLE; /* passed over */
	assert_int_equal(stops__event(w->s, &e.hdr), 0);
}

static void what_comes_late_is_not_below_zero(void **state)
{
	struct world *w = *state;
	struct stop_totals t;

	start(w, 1000, 1, 5, 0, 0, 0);
	left(w, 2000, 1, 5, 0, 77);
	start(w, 500, 2, 5, 0, 0, 0);
	stops__totals(w->s, &t);
	assert_int_equal(t.least_ns, 0);
	assert_int_equal(t.most_ns, 0);
	/* nor are its bounds the wrong way round */
	left(w, 400, 2, 5, 0, 77);
	start(w, 450, 1, 5, 0, 0, 0);
	start(w, 3000, 2, 5, 0, 0, 0);
	stops__totals(w->s, &t);
	assert_true(t.least_ns <= t.most_ns);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_stop_lies_between_two_starts),
		T(a_thread_that_idles_tells_earlier),
		T(the_same_goroutine_again),
		T(gone_on_elsewhere_first),
		T(a_sample_narrows_it),
		T(ends_are_no_stops),
		T(records_that_are_missing),
		T(what_each_was),
		T(behind_the_window),
		T(places_add_up),
		T(a_record_of_no_thread_is_refused),
		T(what_comes_late_is_not_below_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
