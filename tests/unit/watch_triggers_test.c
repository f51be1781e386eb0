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
	triggers__event(w->t, &e, steps, cnt);
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

/* Without a P at its end the call goes on until one is had. */
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
		cmocka_unit_test(long_system_call),
		cmocka_unit_test(stops_and_collections),
		cmocka_unit_test(what_began_unseen),
		cmocka_unit_test(what_was_missed_between),
		cmocka_unit_test(none_starves_another),
		cmocka_unit_test(what_lasts),
		cmocka_unit_test(shares_over_a_time),
		cmocka_unit_test(growth_a_minute),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(histogram_is_within_its_cells),
		cmocka_unit_test(states_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
