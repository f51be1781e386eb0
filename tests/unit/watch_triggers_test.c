/* SPDX-License-Identifier: GPL-2.0-only */
/* Conditions judged by events made by hand: through the states, as a window does it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "watch/series.h"
#include "watch/triggers.h"
#include "watch/window.h"

#define MS 1000000ull
#define S 1000000000ull

struct world {
	struct condition c;
	struct triggers *t;
	struct gstates gs;
};

static void begin(struct world *w, const char *condition)
{
	struct condition_error err;

	memset(w, 0, sizeof(*w));
	assert_int_equal(condition__parse(condition, &w->c, &err), 0);
	assert_int_equal(triggers__new(&w->c, 1, &w->t), 0);
}

static void end(struct world *w)
{
	triggers__free(w->t);
	gstates__free(&w->gs);
}

static void happens(struct world *w, uint64_t time_ns, uint16_t kind, uint32_t tid, uint64_t goid,
		    int32_t arg32, uint64_t stack)
{
	const struct gbt_event e = {.hdr = {.time_ns = time_ns, .tid = tid, .kind = kind},
				    .p = (int32_t)tid,
				    .goid = goid,
				    .arg32 = arg32,
				    .stack = stack};
	struct gstep steps[GSTEPS_MAX];
	size_t cnt;

	assert_int_equal(gstates__event(&w->gs, &e, steps, &cnt), 0);
	assert_int_equal(triggers__event(w->t, &e, steps, cnt), 0);
}

static void request_begins(struct world *w, uint64_t time_ns, uint64_t goid, const char *method,
			   const char *path)
{
	struct gbt_text r = {
		.ev = {.hdr = {.time_ns = time_ns, .kind = GBT_REQUEST_BEGIN}, .goid = goid}};

	r.len[0] = (uint16_t)strlen(method);
	r.len[1] = (uint16_t)strlen(path);
	memcpy(r.text, method, r.len[0]);
	memcpy(r.text + r.len[0], path, r.len[1]);
	assert_int_equal(triggers__event(w->t, &r.ev, NULL, 0), 0);
}

static void request_ends(struct world *w, uint64_t time_ns, uint64_t goid, uint64_t begin_ns,
			 int32_t ended)
{
	const struct gbt_event e = {.hdr = {.time_ns = time_ns, .kind = GBT_REQUEST_END},
				    .goid = goid,
				    .arg = begin_ns,
				    .arg32 = ended};

	assert_int_equal(triggers__event(w->t, &e, NULL, 0), 0);
}

static bool fires(struct world *w, struct firing *f)
{
	return triggers__take(w->t, f);
}

static void wait_for_a_processor(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "sched > 10ms");
	happens(&w, 1 * S, GBT_CREATE, 1, 7, 0, 0);
	happens(&w, 1 * S + 10 * MS, GBT_RUN, 1, 7, 0, 0); /* not above */
	assert_false(fires(&w, &f));
	happens(&w, 2 * S, GBT_SCHED, 1, 7, 1, 77);
	happens(&w, 2 * S + 11 * MS, GBT_RUN, 2, 7, 0, 0);
	assert_true(fires(&w, &f));
	assert_int_equal(f.goid, 7);
	assert_int_equal(f.begin_ns, 2 * S);
	assert_int_equal(f.time_ns, 2 * S + 11 * MS);
	assert_true(f.value == 11.0 * MS);
	assert_int_equal(f.stack, 77);
	assert_int_equal(f.runner, 7);
	assert_false(fires(&w, &f));
	end(&w);
}

static void blocked_by_kind(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "block chan > 1s");
	happens(&w, 1 * S, GBT_RUN, 1, 7, 0, 0);
	happens(&w, 2 * S, GBT_BLOCK, 1, 7, 5, 70); /* a lock */
	happens(&w, 4 * S, GBT_UNBLOCK, 2, 7, 0, 0);
	happens(&w, 4 * S, GBT_RUN, 1, 7, 0, 0);
	assert_false(fires(&w, &f));
	happens(&w, 5 * S, GBT_BLOCK, 1, 7, 7, 71); /* a channel */
	happens(&w, 7 * S, GBT_UNBLOCK, 2, 7, 0, 0);
	assert_true(fires(&w, &f));
	assert_int_equal(f.stack, 71);
	assert_true(f.value == 2.0 * S);
	end(&w);
}

static void slow_requests_by_name(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "request match 'POST /pay*' > 50ms");
	request_begins(&w, 1 * S, 7, "POST", "/pay/1");
	request_begins(&w, 1 * S + 1, 8, "GET", "/pay/2");
	request_ends(&w, 1 * S + 100 * MS, 8, 1 * S + 1, 200);
	assert_false(fires(&w, &f)); /* another method */
	request_ends(&w, 1 * S + 90 * MS, 7, 1 * S, 503 | GBT_REQUEST_HTTP2);
	assert_true(fires(&w, &f));
	assert_true(f.is_request);
	assert_int_equal(f.goid, 7);
	assert_int_equal(f.begin_ns, 1 * S);
	assert_true(f.value == 90.0 * MS);
	assert_int_equal(GBT_REQUEST_STATUS(f.ended), 503);
	assert_int_equal(f.request.method_len, 4);
	assert_memory_equal(f.request.path, "/pay/1", f.request.path_len);
	/* on time; and one whose goroutine ended without it, whose end is then another one's */
	request_begins(&w, 2 * S, 7, "POST", "/pay/3");
	request_ends(&w, 2 * S + 50 * MS, 7, 2 * S, 200);
	request_begins(&w, 3 * S, 7, "POST", "/pay/4");
	happens(&w, 3 * S + 1, GBT_EXIT, 1, 7, 0, 0);
	request_ends(&w, 4 * S, 7, 3 * S, 200);
	assert_false(fires(&w, &f));
	end(&w);
}

static void call_begins(struct world *w, uint64_t time_ns, uint64_t goid, const char *where)
{
	struct gbt_text r = {.ev = {.hdr = {.time_ns = time_ns, .kind = GBT_REQUEST_BEGIN},
				    .goid = goid,
				    .stack = 33,
				    .arg32 = GBT_SPAN_CLIENT << GBT_SPAN_SHIFT},
			     .len = {3, (uint16_t)strlen(where)},
			     .text = "GET"};

	memcpy(r.text + 3, where, r.len[1]);
	assert_int_equal(triggers__event(w->t, &r.ev, NULL, 0), 0);
}

/* The goroutine serves a request, and calls meanwhile: each has its own begin, end and conditions.
 */
static void calls_are_no_requests(void **state)
{
	const int32_t client = GBT_SPAN_CLIENT << GBT_SPAN_SHIFT;
	struct world w;
	struct firing f;

	begin(&w, "client match '/cart*' > 50ms");
	request_begins(&w, 1 * S, 7, "GET", "/cart");
	call_begins(&w, 1 * S + 10 * MS, 7, "shop:80/cart/1");
	request_ends(&w, 1 * S + 90 * MS, 7, 1 * S + 10 * MS, GBT_REQUEST_FAILED | client);
	assert_true(fires(&w, &f));
	assert_true(f.is_request);
	assert_int_equal(f.begin_ns, 1 * S + 10 * MS);
	assert_int_equal(f.stack, 33);
	assert_int_equal(f.request.span, GBT_SPAN_CLIENT);
	assert_memory_equal(f.request.path, "shop:80/cart/1", f.request.path_len);
	request_ends(&w, 3 * S, 7, 1 * S, 200);
	assert_false(fires(&w, &f));
	call_begins(&w, 4 * S, 7, "shop:80/other");
	request_ends(&w, 5 * S, 7, 4 * S, 200 | client);
	assert_false(fires(&w, &f));
	/* with its goroutine both are gone; what is of no kind is not kept */
	call_begins(&w, 6 * S, 7, "shop:80/cart/2");
	happens(&w, 6 * S + 1, GBT_EXIT, 1, 7, 0, 0);
	triggers__looked(w.t, 1 * S, 9 * S);
	assert_false(fires(&w, &f));
	end(&w);
}

/* The longest fires once while it goes on, and not again at its end. */
static void requests_that_do_not_end(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "request match '/slow*' > 1s");
	request_begins(&w, 10 * S, 7, "GET", "/slow/1");
	request_begins(&w, 10 * S + 1, 8, "GET", "/slow/2");
	request_begins(&w, 9 * S, 9, "GET", "/fast");
	request_begins(&w, 8 * S, 10, "GET", "/slow/before");
	triggers__looked(w.t, 9 * S, 12 * S);
	assert_false(fires(&w, &f));
	triggers__looked(w.t, 9 * S, 13 * S);
	assert_true(fires(&w, &f));
	assert_true(f.lasts && f.is_request);
	assert_int_equal(f.goid, 7);
	assert_int_equal(f.begin_ns, 10 * S);
	assert_true(f.value == 3.0 * S);
	assert_memory_equal(f.request.path, "/slow/1", 7);
	assert_int_equal(triggers__unkept(w.t), 1); /* that of 8 */
	triggers__looked(w.t, 9 * S, 13 * S);
	request_ends(&w, 14 * S, 7, 10 * S, 200);
	assert_false(fires(&w, &f));
	request_begins(&w, 15 * S, 7, "GET", "/slow/3");
	request_ends(&w, 17 * S, 7, 15 * S, 200);
	assert_true(fires(&w, &f));
	assert_false(f.lasts);
	end(&w);
}

/* An end alone knows since when, but not of whom. */
static void requests_whose_begin_was_lost(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "request > 50ms");
	request_begins(&w, 1 * S, 7, "GET", "/old"); /* its end was lost, then the next begin */
	request_ends(&w, 3 * S, 7, 2 * S, GBT_REQUEST_NO_STATUS);
	assert_true(fires(&w, &f));
	assert_true(f.value == 1.0 * S);
	assert_int_equal(f.request.path_len, 0);
	request_ends(&w, 4 * S, 7, 0, 200);
	request_ends(&w, 4 * S, 7, 5 * S, 200);
	assert_false(fires(&w, &f));
	end(&w);
}

static void rate_of_requests(void **state)
{
	struct world w;
	struct firing f;
	bool fired = false;

	begin(&w, "request match 'GET *' rate < 10/s for 2s");
	for (uint64_t ms = 0; ms <= 8000; ms += 50) {
		/* 20 a second for four seconds, then only those that do not count */
		request_begins(&w, ms * MS + 1, 7, ms < 4000 ? "GET" : "PUT", "/");
		request_ends(&w, ms * MS + 2, 7, ms * MS + 1, 200);
		if (ms % 250 == 0)
			triggers__tick(w.t, ms * MS + 3);
		if (fires(&w, &f)) {
			assert_false(fired);
			assert_true(ms > 4000 && ms <= 5500);
			assert_true(f.value < 10);
			fired = true;
		}
	}
	assert_true(fired);
	end(&w);
}

static void percentile_of_requests(void **state)
{
	struct world w;
	struct firing f;
	bool fired = false;

	begin(&w, "request p99 > 80ms for 2s");
	for (uint64_t ms = 0; ms <= 8000; ms += 10) {
		uint64_t took = ms > 4000 && ms % 50 == 0 ? 100 * MS : MS;

		request_begins(&w, 1 * S + ms * MS, 7, "GET", "/");
		request_ends(&w, 1 * S + ms * MS + took, 7, 1 * S + ms * MS, 200);
		triggers__tick(w.t, 1 * S + ms * MS);
		if (fires(&w, &f)) {
			assert_false(fired);
			assert_true(ms > 4000);
			assert_true(f.value > 80.0 * MS && f.value < 110.0 * MS);
			fired = true;
		}
	}
	assert_true(fired);
	end(&w);
}

/* Without a P at its end the call goes on until one is had. */
/* Thread 1 has its CPU again, which it was without since since_ns. */
static void comes_back(struct world *w, uint64_t time_ns, uint64_t since_ns)
{
	const struct gbt_event e = {.hdr = {.time_ns = time_ns, .tid = 1, .kind = GBT_OFF_CPU},
				    .p = -1,
				    .arg = since_ns};
	struct gstep steps[GSTEPS_MAX];
	size_t cnt;

	assert_int_equal(gstates__event(&w->gs, &e, steps, &cnt), 0);
	assert_int_equal(triggers__event(w->t, &e, steps, cnt), 0);
}

static void without_a_cpu(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "offcpu-running > 10ms");
	comes_back(&w, 1 * S, 1 * S - 20 * MS); /* nothing is known of the thread */
	happens(&w, 1 * S, GBT_RUN, 1, 7, 0, 0);
	comes_back(&w, 1 * S + 20 * MS, 1 * S + 10 * MS); /* not above */
	comes_back(&w, 1 * S + 40 * MS, 1 * S - 1);	  /* it did not run yet when it began */
	triggers__looked(w.t, 0, 1 * S + 45 * MS);
	assert_false(fires(&w, &f));
	comes_back(&w, 1 * S + 60 * MS, 1 * S + 49 * MS);
	triggers__looked(w.t, 0, 1 * S + 79 * MS); /* what it was doing may still be told */
	assert_false(fires(&w, &f));
	triggers__looked(w.t, 0, 1 * S + 80 * MS);
	assert_true(fires(&w, &f));
	assert_int_equal(f.goid, 7);
	assert_int_equal(f.begin_ns, 1 * S + 49 * MS);
	assert_int_equal(f.time_ns, 1 * S + 60 * MS);
	assert_true(f.value == 11.0 * MS);
	assert_int_equal(f.runner, 7);
	assert_int_equal(f.tid, 1);
	/* it went on running: another time is another one */
	comes_back(&w, 2 * S, 1 * S + 60 * MS);
	happens(&w, 2 * S + MS, GBT_SYSCALL, 1, 7, 0, 0);
	happens(&w, 2 * S + 2 * MS, GBT_SYSCALL_EXIT, 1, 7, 1, 0);
	triggers__looked(w.t, 0, 2 * S + 20 * MS);
	assert_true(fires(&w, &f));
	/* in a system call, or with nothing to run, threads are meant to sleep */
	happens(&w, 3 * S, GBT_SYSCALL, 1, 7, 0, 0);
	comes_back(&w, 4 * S, 3 * S + MS);
	happens(&w, 4 * S, GBT_SYSCALL_EXIT, 1, 7, 1, 0);
	happens(&w, 5 * S, GBT_BLOCK, 1, 7, 3, 0);
	comes_back(&w, 6 * S, 5 * S + MS);
	triggers__looked(w.t, 0, 7 * S);
	assert_false(fires(&w, &f));
	end(&w);
}

/* Preempted in the probe of a system call, whose record comes when the thread does. */
static void it_had_stopped_before(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "offcpu-running > 10ms");
	happens(&w, 1 * S, GBT_RUN, 1, 7, 0, 0);
	comes_back(&w, 1 * S + 50 * MS, 1 * S + 20 * MS);
	happens(&w, 1 * S + 20 * MS - 1, GBT_SYSCALL, 1, 7, 0, 0);
	triggers__looked(w.t, 0, 2 * S);
	assert_false(fires(&w, &f));
	end(&w);
}

/* What is held back for what may come late fires when nothing can. */
static void the_end_is_not_waited_for(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "offcpu-running > 10ms");
	happens(&w, 1 * S, GBT_RUN, 1, 7, 0, 0);
	comes_back(&w, 1 * S + 50 * MS, 1 * S + 20 * MS);
	assert_false(fires(&w, &f));
	assert_int_equal(triggers__left(w.t), 1);
	triggers__end(w.t);
	assert_true(fires(&w, &f));
	assert_int_equal(triggers__left(w.t), 0);
	end(&w);
}

/* Nor is it the end of any other state. */
static void without_a_cpu_it_still_runs(void **state)
{
	static const char *const others[] = {"sched > 1ms", "block any > 1ms", "syscall > 1ms"};
	struct world w;
	struct firing f;

	for (size_t i = 0; i < 3; i++) {
		begin(&w, others[i]);
		happens(&w, 1 * S, GBT_RUN, 1, 7, 0, 0);
		comes_back(&w, 2 * S, 1 * S + MS);
		assert_int_equal(w.gs.g[0].status, G_RUNNING);
		assert_false(fires(&w, &f));
		end(&w);
	}
}

static void slow_calls_of_a_function(void **state)
{
	struct gbt_event e = {.hdr = {.time_ns = 2 * S, .tid = 3, .kind = GBT_FUNC},
			      .p = 1,
			      .goid = 7,
			      .arg = 2 * S - 51 * MS,
			      .stack = 77};
	struct condition other;
	struct condition_error err;
	struct world w;
	struct firing f;

	begin(&w, "func main.f > 50ms");
	assert_int_equal(condition__parse("func main.g > 1s", &other, &err), 0);
	assert_int_not_equal(condition__func_id(&other), condition__func_id(&w.c));
	e.arg32 = condition__func_id(&other);
	assert_int_equal(triggers__event(w.t, &e, NULL, 0), 0);
	assert_false(fires(&w, &f));
	e.arg32 = condition__func_id(&w.c);
	assert_int_equal(triggers__event(w.t, &e, NULL, 0), 0);
	assert_true(fires(&w, &f));
	assert_int_equal(f.goid, 7);
	assert_int_equal(f.begin_ns, 2 * S - 51 * MS);
	assert_true(f.value == 51.0 * MS);
	assert_int_equal(f.stack, 77);
	assert_int_equal(f.runner, 7);
	e.arg = 2 * S - 50 * MS; /* not above */
	assert_int_equal(triggers__event(w.t, &e, NULL, 0), 0);
	assert_false(fires(&w, &f));
	end(&w);
}

static void long_system_call(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "syscall > 100ms");
	happens(&w, 1 * S, GBT_RUN, 1, 7, 0, 0);
	happens(&w, 2 * S, GBT_SYSCALL, 1, 7, 0, 70);
	happens(&w, 2 * S + 50 * MS, GBT_SYSCALL_EXIT, 1, 7, 0, 0);
	assert_false(fires(&w, &f));
	happens(&w, 2 * S + 120 * MS, GBT_P_START, 1, 0, 0, 0);
	assert_true(fires(&w, &f));
	assert_true(f.value == 120.0 * MS);
	end(&w);
}

static void stops_and_collections(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "gc > 500ms");
	happens(&w, 1 * S, GBT_STW_BEGIN, 1, 7, 2, 0);
	happens(&w, 1 * S + MS, GBT_STW_END, 1, 7, 2, 0);
	happens(&w, 1 * S + 400 * MS, GBT_GC_SWEEP, 1, 7, 0, 0);
	assert_false(fires(&w, &f));
	happens(&w, 3 * S, GBT_STW_BEGIN, 1, 7, 2, 0);
	happens(&w, 3 * S + 600 * MS, GBT_GC_SWEEP, 1, 7, 0, 0);
	assert_true(fires(&w, &f));
	assert_int_equal(f.begin_ns, 3 * S);
	end(&w);
	begin(&w, "stw > 1ms");
	happens(&w, 1 * S, GBT_STW_BEGIN, 1, 9, 7, 90);
	happens(&w, 1 * S + 3 * MS, GBT_STW_END, 1, 9, 2, 0);
	assert_true(fires(&w, &f));
	assert_int_equal(f.goid, 9);
	assert_int_equal(f.stack, 90);
	end(&w);
}

/* ---- what goes on, seen through a window ---- */

struct view {
	struct condition c[2];
	struct triggers *t;
	struct window *w;
};

static void view_begin(struct view *v, const char *one, const char *two, unsigned go_minor,
		       const struct snapshot *s)
{
	const struct window_config cfg = {
		.keep_ns = 100 * S, .max_sz = 1 << 20, .go_minor = go_minor};
	struct condition_error err;

	assert_int_equal(condition__parse(one, &v->c[0], &err), 0);
	assert_int_equal(condition__parse(two, &v->c[1], &err), 0);
	assert_int_equal(triggers__new(v->c, 2, &v->t), 0);
	assert_int_equal(window__new(&cfg, &v->w), 0);
	assert_int_equal(window__begin(v->w, s), 0);
}

static void view_end(struct view *v)
{
	window__free(v->w);
	triggers__free(v->t);
}

static int judge(void *ctx, const struct gbt_event *e, const struct gstep *steps, size_t cnt)
{
	triggers__event(ctx, e, steps, cnt);
	return 0;
}

static void lasts(void *ctx, const struct gstep *s, uint32_t *told)
{
	triggers__lasting(ctx, s, told);
}

static void look(struct view *v, uint64_t from_ns, uint64_t now_ns)
{
	window__each_lasting(v->w, from_ns, now_ns, lasts, v->t);
	triggers__looked(v->t, from_ns, now_ns);
}

static void comes(struct view *v, uint64_t time_ns, uint16_t kind, uint64_t goid, int32_t arg32,
		  uint64_t stack)
{
	const struct gbt_event e = {.hdr = {.time_ns = time_ns, .tid = 1, .kind = kind},
				    .p = 1,
				    .goid = goid,
				    .arg32 = arg32,
				    .stack = stack};

	assert_int_equal(window__record(v->w, &e, sizeof(e)), 0);
	assert_int_equal(window__settle(v->w, time_ns, judge, v->t), 0);
}

/* Once, while it goes on: neither the next look nor its end tell of it again. */
static void waits_that_go_on(void **state)
{
	const struct snapshot s = {.end_ns = S};
	struct view v;
	struct firing f;

	view_begin(&v, "block sync > 1s", "block receive > 1s", 27, &s);
	comes(&v, 2 * S, GBT_BLOCK, 7, 5, 70);
	comes(&v, 2 * S + MS, GBT_BLOCK, 8, 5, 71);
	look(&v, 0, 3 * S + 10 * MS); /* its end may be under way */
	assert_false(triggers__take(v.t, &f));
	look(&v, 0, 3 * S + 250 * MS);
	assert_true(triggers__take(v.t, &f));
	assert_true(f.condition == 0 && f.goid == 7 && f.stack == 70 && f.lasts);
	assert_true(f.begin_ns == 2 * S && f.time_ns == 3 * S + 250 * MS);
	assert_true(f.value == 1250.0 * MS && f.runner == 0);
	assert_false(triggers__take(v.t, &f));
	assert_int_equal(triggers__unkept(v.t), 1); /* that of 8: the longest says it */
	look(&v, 0, 4 * S);
	comes(&v, 5 * S, GBT_UNBLOCK, 7, 0, 0);
	assert_false(triggers__take(v.t, &f));
	comes(&v, 6 * S, GBT_BLOCK, 7, 5, 72); /* the next wait is another */
	comes(&v, 8 * S, GBT_UNBLOCK, 7, 0, 0);
	assert_true(triggers__take(v.t, &f));
	assert_true(f.stack == 72 && !f.lasts && f.value == 2.0 * S);
	view_end(&v);
}

/* System calls and runnable goroutines; what began unseen or before a loss is left to its end. */
static void other_waits_that_go_on(void **state)
{
	struct snap_g g = {.goid = 5, .status = G_SYSCALL};
	const struct snapshot s = {.end_ns = S, .g = &g, .g_cnt = 1};
	struct view v;
	struct firing f;

	view_begin(&v, "syscall > 100ms", "sched > 100ms", 27, &s);
	look(&v, 0, 2 * S); /* 5 may have been in it for ever */
	assert_false(triggers__take(v.t, &f));
	comes(&v, 2 * S, GBT_SYSCALL, 7, 0, 70);
	comes(&v, 3 * S, GBT_UNBLOCK, 8, 0, 0);
	look(&v, 2 * S + MS, 4 * S);
	assert_true(triggers__take(v.t, &f));
	assert_true(f.condition == 1 && f.goid == 8 && f.lasts);
	assert_false(triggers__take(v.t, &f));
	look(&v, 0, 4 * S);
	assert_true(triggers__take(v.t, &f));
	assert_true(f.condition == 0 && f.goid == 7 && f.value == 2.0 * S);
	view_end(&v);
}

/* Up to 1.21 the text of its wait reason says what a goroutine waits for. */
static void waits_by_their_text(void **state)
{
	char *texts[] = {"", "chan receive"};
	const struct snapshot s = {.end_ns = S, .wait_reasons = texts, .wait_reasons_cnt = 2};
	struct view v;
	struct firing f;

	view_begin(&v, "block sync > 1s", "block receive > 1s", 19, &s);
	comes(&v, 2 * S, GBT_BLOCK, 7, 1 << 8 | 5, 70);
	look(&v, 0, 4 * S);
	assert_true(triggers__take(v.t, &f) && f.condition == 1);
	assert_false(triggers__take(v.t, &f));
	view_end(&v);
}

static void stops_that_go_on(void **state)
{
	const struct snapshot s = {.end_ns = S};
	struct view v;
	struct firing f;

	view_begin(&v, "stw > 10ms", "gc > 1s", 27, &s);
	comes(&v, 2 * S, GBT_STW_BEGIN, 9, 2, 90);
	look(&v, 2 * S + 1, 2 * S + 100 * MS); /* a loss: its end may be missing */
	assert_false(triggers__take(v.t, &f));
	look(&v, 0, 2 * S + 100 * MS);
	assert_true(triggers__take(v.t, &f));
	assert_true(f.condition == 0 && f.goid == 9 && f.stack == 90 && f.lasts);
	comes(&v, 2 * S + 200 * MS, GBT_STW_END, 9, 2, 0);
	look(&v, 0, 4 * S);
	assert_true(triggers__take(v.t, &f));
	assert_true(f.condition == 1 && f.begin_ns == 2 * S && f.value == 2.0 * S && !f.goid);
	comes(&v, 5 * S, GBT_GC_SWEEP, 9, 0, 0);
	assert_false(triggers__take(v.t, &f));
	view_end(&v);
}

/* ---- mark assists ---- */

struct doing {
	uint64_t time_ns;
	uint16_t kind;
	int32_t arg32;
	uint64_t goid, cur;
};

/* The time that these count for mark assists. */
static uint64_t assisted(const struct doing *d, size_t cnt)
{
	struct gstates gs = {0};
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < cnt; i++) {
		const struct gbt_event e = {
			.hdr = {.time_ns = d[i].time_ns, .tid = 1, .kind = d[i].kind},
			.p = 1,
			.goid = d[i].goid,
			.cur = d[i].cur,
			.arg32 = d[i].arg32};
		struct gstep steps[GSTEPS_MAX];
		size_t n;

		assert_int_equal(gstates__event(&gs, &e, steps, &n), 0);
		for (size_t k = 0; k < n; k++)
			if (steps[k].assist_ns)
				sum_ns += steps[k].end_ns - steps[k].assist_ns;
	}
	gstates__free(&gs);
	return sum_ns;
}

static void an_assist_goes_on_over_its_waits(void **state)
{
	static const struct doing d[] = {
		{1, GBT_GC_ASSIST, 0, 3, 0}, /* ends are seen */
		{10, GBT_RUN, 0, 7, 0},
		{20, GBT_GC_ASSIST, 1, 7, 0},
		{30, GBT_BLOCK, 8, 7, 0}, /* for credit: 10 */
		{50, GBT_UNBLOCK, 0, 7, 3},
		{60, GBT_RUN, 0, 7, 0},
		{65, GBT_SCHED, 0, 7, 0}, /* 5 */
		{70, GBT_RUN, 0, 7, 0},
		{71, GBT_GC_ASSIST, 1, 7, 0}, /* the same one */
		{75, GBT_GC_ASSIST, 0, 7, 0}, /* 5 */
		{90, GBT_BLOCK, 7, 7, 0},
		{100, GBT_RUN, 0, 7, 0},
		{110, GBT_GC_ASSIST, 1, 7, 0},
		{114, GBT_BLOCK, 5, 7, 0}, /* gcMarkDone's semaphore: 4 */
		{120, GBT_RUN, 0, 7, 0},
		{123, GBT_CREATE, 0, 9, 7}, /* it does something else: 3 */
		{130, GBT_GC_ASSIST, 0, 7, 0},
		{140, GBT_EXIT, 0, 7, 0},
	};

	assert_int_equal(assisted(d, sizeof(d) / sizeof(d[0])), 27);
}

static void an_assist_whose_end_is_not_seen(void **state)
{
	static const struct doing d[] = {
		{10, GBT_RUN, 0, 7, 0},		  {20, GBT_GC_ASSIST, 1, 7, 0},
		{30, GBT_BLOCK, 8, 7, 0},				  /* 10 */
		{50, GBT_UNBLOCK, 0, 7, 3},	  {60, GBT_RUN, 0, 7, 0}, /* over */
		{90, GBT_BLOCK, 7, 7, 0},	  {100, GBT_RUN, 0, 7, 0},
		{110, GBT_GC_ASSIST, 1, 7, 0},	  {114, GBT_SCHED, 0, 7, 0},	 /* 4 */
		{120, GBT_RUN, 0, 7, 0},	  {125, GBT_GC_ASSIST, 1, 7, 0}, /* the same one */
		{130, GBT_SYSCALL, 0, 7, 0},					 /* 10 */
		{140, GBT_SYSCALL_EXIT, 1, 7, 0}, {150, GBT_EXIT, 0, 7, 0},
	};

	assert_int_equal(assisted(d, sizeof(d) / sizeof(d[0])), 24);
}

/* What began before the first event that tells of it has no length that could be judged. */
static void what_began_unseen(void **state)
{
	const struct gstate blocked = {
		.goid = 7, .since_ns = 1 * S, .status = G_WAITING, .block_reason = 7, .stack = 70};
	const struct gstate runnable = {.goid = 8, .since_ns = 1 * S, .status = G_RUNNABLE};
	struct world w;
	struct firing f;

	begin(&w, "block chan > 1s");
	assert_int_equal(gstates__put(&w.gs, &blocked), 0);
	happens(&w, 9 * S, GBT_UNBLOCK, 2, 7, 0, 0);
	assert_false(fires(&w, &f));
	happens(&w, 9 * S, GBT_RUN, 1, 7, 0, 0);
	happens(&w, 10 * S, GBT_BLOCK, 1, 7, 7, 71); /* the next one is seen whole */
	happens(&w, 12 * S, GBT_UNBLOCK, 2, 7, 0, 0);
	assert_true(fires(&w, &f));
	assert_true(f.value == 2.0 * S && f.stack == 71);
	end(&w);
	begin(&w, "sched > 1s");
	assert_int_equal(gstates__put(&w.gs, &runnable), 0);
	happens(&w, 9 * S, GBT_RUN, 1, 8, 0, 0);
	assert_false(fires(&w, &f));
	end(&w);
}

/* Its start was missed (lost, or of the time of the snapshot): it did not wait all that time. */
static void what_was_missed_between(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "sched > 1s");
	happens(&w, 1 * S, GBT_UNBLOCK, 1, 7, 0, 0);
	happens(&w, 9 * S, GBT_SCHED, 1, 7, 1, 77);
	happens(&w, 9 * S + MS, GBT_RUN, 1, 7, 0, 0);
	assert_false(fires(&w, &f));
	end(&w);
	begin(&w, "block any > 1s");
	happens(&w, 1 * S, GBT_BLOCK, 1, 7, 7, 70);
	happens(&w, 9 * S, GBT_BLOCK, 1, 7, 7, 71);
	happens(&w, 9 * S + MS, GBT_UNBLOCK, 1, 7, 0, 0);
	assert_false(fires(&w, &f));
	end(&w);
}

/* One that fires all the time leaves room for the others, and what is not kept is counted. */
static void none_starves_another(void **state)
{
	struct condition c[2];
	struct condition_error err;
	const struct gstep quick = {
		.goid = 7, .begin_ns = S, .end_ns = S + MS, .from = G_RUNNABLE, .to = G_RUNNING};
	const struct gstep slow = {.goid = 8,
				   .begin_ns = S,
				   .end_ns = 3 * S,
				   .from = G_WAITING,
				   .to = G_RUNNABLE,
				   .block_reason = 7};
	const struct gbt_event e = {.hdr = {.time_ns = 3 * S, .kind = GBT_RUN}};
	struct triggers *t;
	struct firing f;

	assert_int_equal(condition__parse("sched > 1us", &c[0], &err), 0);
	assert_int_equal(condition__parse("block any > 1s", &c[1], &err), 0);
	assert_int_equal(triggers__new(c, 2, &t), 0);
	for (int i = 0; i < 1000; i++)
		triggers__event(t, &e, &quick, 1);
	triggers__event(t, &e, &slow, 1);
	assert_int_equal(triggers__unkept(t), 998);
	assert_true(triggers__take(t, &f) && f.condition == 0);
	assert_true(triggers__take(t, &f) && f.condition == 0);
	assert_true(triggers__take(t, &f) && f.condition == 1);
	assert_false(triggers__take(t, &f));
	triggers__event(t, &e, &quick, 1);
	assert_true(triggers__take(t, &f));
	triggers__free(t);
}

/* Fires when it has lasted, once, and again only after it was over. */
/* Half way to a threshold, which is when somebody looks closer. */
static void signs(void **state)
{
	struct world w;

	begin(&w, "threads > 200");
	triggers__level(w.t, COND_THREADS, 100, 10 * S);
	assert_int_equal(triggers__sign(w.t, 10 * S), 0);
	triggers__level(w.t, COND_THREADS, 101, 11 * S);
	triggers__level(w.t, COND_THREADS, 5, 12 * S);
	assert_int_equal(triggers__sign(w.t, 12 * S), 11 * S);
	end(&w);
	begin(&w, "threads < 200");
	triggers__level(w.t, COND_THREADS, 400, 10 * S);
	assert_int_equal(triggers__sign(w.t, 10 * S), 0);
	triggers__level(w.t, COND_THREADS, 399, 11 * S);
	assert_int_equal(triggers__sign(w.t, 11 * S), 11 * S);
	end(&w);
	begin(&w, "request match 'POST /pay*' > 100ms");
	request_begins(&w, 1 * S, 7, "GET", "/pay/1");
	assert_int_equal(triggers__sign(w.t, 2 * S), 0);
	request_begins(&w, 2 * S, 8, "POST", "/pay/1");
	assert_int_equal(triggers__sign(w.t, 2 * S + 50 * MS), 0);
	assert_int_equal(triggers__sign(w.t, 2 * S + 51 * MS), 2 * S + 51 * MS);
	triggers__blind(w.t, true);
	assert_int_equal(triggers__sign(w.t, 3 * S), 2 * S + 51 * MS);
	request_begins(&w, 4 * S, 8, "POST", "/pay/1");
	request_ends(&w, 4 * S + 60 * MS, 8, 4 * S, 200);
	assert_int_equal(triggers__sign(w.t, 5 * S), 4 * S + 60 * MS);
	end(&w);
}

/* A stop whose end may not be seen does not last until it is. */
static void blind_to_stops(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "stw > 1ms");
	happens(&w, 1 * S, GBT_STW_BEGIN, 1, 7, 0, 1);
	triggers__blind(w.t, false);
	triggers__looked(w.t, 0, 2 * S);
	assert_false(fires(&w, &f));
	happens(&w, 3 * S, GBT_STW_END, 1, 7, 0, 0);
	assert_false(fires(&w, &f));
	end(&w);
}

static void what_lasts(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "threads > 200 for 2s");
	for (uint64_t t = 10; t < 12; t++) {
		triggers__level(w.t, COND_THREADS, 201, t * S);
		assert_false(fires(&w, &f));
	}
	triggers__level(w.t, COND_THREADS, 250, 12 * S);
	assert_true(fires(&w, &f));
	assert_true(f.value == 250 && f.begin_ns == 10 * S);
	triggers__level(w.t, COND_THREADS, 300, 20 * S);
	assert_false(fires(&w, &f));
	triggers__level(w.t, COND_THREADS, 200, 21 * S);
	triggers__level(w.t, COND_THREADS, 201, 22 * S);
	triggers__level(w.t, COND_THREADS, 201, 23 * S);
	assert_false(fires(&w, &f));
	triggers__level(w.t, COND_THREADS, 201, 24 * S);
	assert_true(fires(&w, &f));
	end(&w);
}

static void shares_over_a_time(void **state)
{
	struct world w;
	struct firing f;
	double cpu = 0;

	begin(&w, "cpu > 90% for 2s");
	for (uint64_t i = 0; i <= 16; i++) { /* two processors half used */
		triggers__sums(w.t, COND_CPU, cpu, (double)i * 0.25 * S * 2, 5 * S + i * S / 4);
		cpu += 0.25 * S;
	}
	assert_false(fires(&w, &f));
	for (uint64_t i = 17; i <= 32; i++) { /* and then in full */
		triggers__sums(w.t, COND_CPU, cpu, (double)i * 0.25 * S * 2, 5 * S + i * S / 4);
		cpu += 0.5 * S;
	}
	assert_true(fires(&w, &f));
	assert_true(f.value > 90 && f.value <= 100.001);
	assert_false(fires(&w, &f));
	end(&w);
}

static void growth_a_minute(void **state)
{
	struct world w;
	struct firing f;

	begin(&w, "goroutines growth > 600/min for 10s");
	for (uint64_t i = 0; i < 60; i++) /* 5 a second */
		triggers__level(w.t, COND_GOROUTINES, 100 + (double)i * 5, (100 + i) * S);
	assert_false(fires(&w, &f));
	for (uint64_t i = 0; i < 15; i++)
		triggers__level(w.t, COND_GOROUTINES, 400 + (double)i * 20, (160 + i) * S);
	assert_true(fires(&w, &f));
	assert_true(f.value > 600 && f.value <= 1200);
	end(&w);
}

static void percentiles(void **state)
{
	struct world w;
	struct firing f;
	uint64_t t = 1 * S;

	begin(&w, "sched p99 > 10ms for 2s");
	for (int i = 0; i < 3000; i++, t += 2 * MS) { /* one in 50 takes 20 ms */
		happens(&w, t, GBT_UNBLOCK, 1, 7, 0, 0);
		happens(&w, t + (i % 50 ? MS / 10 : 20 * MS), GBT_RUN, 1, 7, 0, 0);
		if (i % 50 == 0)
			t += 20 * MS;
		happens(&w, t + MS, GBT_BLOCK, 1, 7, 7, 0);
		triggers__tick(w.t, t);
	}
	assert_true(fires(&w, &f));
	assert_true(f.value >= 20.0 * MS && f.value < 23.0 * MS);
	end(&w);
}

static void histogram_is_within_its_cells(void **state)
{
	static const uint64_t ns[] = {0, 7, 8, 1000, 999999, 123456789, S * 3600, UINT64_MAX};

	for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
		struct histogram *h = calloc(1, sizeof(*h));
		uint64_t p;

		assert_non_null(h);
		histogram__add(h, ns[i]);
		p = histogram__percentile(h, 50);
		assert_true(p >= ns[i] && (double)p <= (double)ns[i] * 1.125 + 1);
		free(h);
	}
}

/* An event of before what is known changes nothing; a goroutine that ends is forgotten. */
static void states_are_kept(void **state)
{
	struct world w;
	const struct gstate *g;

	begin(&w, "exit");
	happens(&w, 10, GBT_CREATE, 1, 7, 0, 0);
	happens(&w, 20, GBT_RUN, 1, 7, 0, 0);
	happens(&w, 15, GBT_UNBLOCK, 2, 7, 0, 0);
	g = gstates__get(&w.gs, 7);
	assert_non_null(g);
	assert_int_equal(g->status, G_RUNNING);
	assert_int_equal(g->tid, 1);
	happens(&w, 30, GBT_SYSCALL, 1, 7, 0, 5);
	assert_int_equal(gstates__get(&w.gs, 7)->stack, 5);
	happens(&w, 40, GBT_P_HANDOFF, 2, 0, 0, 0);
	assert_int_equal(w.gs.alive, 1);
	happens(&w, 50, GBT_EXIT, 1, 7, 0, 0);
	assert_null(gstates__get(&w.gs, 7));
	assert_int_equal(w.gs.alive, 0);
	happens(&w, 60, GBT_CREATE, 1, 8, 0, 0); /* takes the free place */
	assert_int_equal(w.gs.g_cnt, 1);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_for_a_processor),
		cmocka_unit_test(blocked_by_kind),
		cmocka_unit_test(slow_requests_by_name),
		cmocka_unit_test(calls_are_no_requests),
		cmocka_unit_test(requests_that_do_not_end),
		cmocka_unit_test(requests_whose_begin_was_lost),
		cmocka_unit_test(rate_of_requests),
		cmocka_unit_test(percentile_of_requests),
		cmocka_unit_test(without_a_cpu),
		cmocka_unit_test(it_had_stopped_before),
		cmocka_unit_test(the_end_is_not_waited_for),
		cmocka_unit_test(without_a_cpu_it_still_runs),
		cmocka_unit_test(slow_calls_of_a_function),
		cmocka_unit_test(long_system_call),
		cmocka_unit_test(stops_and_collections),
		cmocka_unit_test(waits_that_go_on),
		cmocka_unit_test(other_waits_that_go_on),
		cmocka_unit_test(waits_by_their_text),
		cmocka_unit_test(stops_that_go_on),
		cmocka_unit_test(an_assist_goes_on_over_its_waits),
		cmocka_unit_test(an_assist_whose_end_is_not_seen),
		cmocka_unit_test(what_began_unseen),
		cmocka_unit_test(what_was_missed_between),
		cmocka_unit_test(none_starves_another),
		cmocka_unit_test(signs),
		cmocka_unit_test(blind_to_stops),
		cmocka_unit_test(what_lasts),
		cmocka_unit_test(shares_over_a_time),
		cmocka_unit_test(growth_a_minute),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(histogram_is_within_its_cells),
		cmocka_unit_test(states_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
