/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

#define MARK_TERMINATION 1
#define SWEEP_TERMINATION 2

static void stw(struct scenario *sc, uint64_t at, uint64_t until, uint64_t g, uint16_t kind)
{
	tell(sc, at, TR(STW_BEGIN, .g = g, .reason = kind));
	tell(sc, until, TR(STW_END, .g = g));
}

static void cycles_pauses_and_assists_are_summed(void **state)
{
	const struct summary_gc *gc;
	struct scenario sc;

	scenario_begin(&sc, 2);
	stw(&sc, 100, 130, 1, SWEEP_TERMINATION);
	tell(&sc, 130, TR(GC_BEGIN, .g = 1));
	tell(&sc, 200, TR(GC_MARK_ASSIST_BEGIN, .g = 5));
	tell(&sc, 210, TR(GC_MARK_ASSIST_BEGIN, .g = 6));
	tell(&sc, 250, TR(GC_MARK_ASSIST_END, .g = 5));
	tell(&sc, 310, TR(GC_MARK_ASSIST_END, .g = 6));
	stw(&sc, 400, 405, 9, MARK_TERMINATION);
	tell(&sc, 405, TR(GC_END, .g = 9));
	stw(&sc, 500, 510, 1, SWEEP_TERMINATION);
	tell(&sc, 510, TR(GC_BEGIN, .g = 1)); /* goes on at the end */
	tell(&sc, 900, TR(GC_MARK_ASSIST_BEGIN, .g = 5));
	scenario_finish(&sc, 1000);

	gc = &sc.s->gc;
	assert_int_equal(gc->cycles, 2);
	assert_int_equal(gc->active_ns, 275 + 490);
	assert_int_equal(gc->max_cycle_ns, 490);
	assert_int_equal(gc->assist_cnt, 3);
	assert_int_equal(gc->assist_ns, 50 + 100 + 100);
	assert_int_equal(gc->assist_max_ns, 100);
	assert_int_equal(gc->stw_cnt, 2);
	assert_string_equal(gc->stw[0].kind, "GC sweep termination");
	assert_int_equal(gc->stw[0].cnt, 2);
	assert_int_equal(gc->stw[0].total_ns, 40);
	assert_int_equal(gc->stw[0].max_ns, 30);
	assert_string_equal(gc->stw[1].kind, "GC mark termination");
	assert_int_equal(gc->stw[1].total_ns, 5);
	assert_int_equal(gc->stw_total_ns, 45);
	assert_int_equal(gc->stw_max_ns, 30);
	scenario_end(&sc);
}

/* An end that no probe saw makes the times an estimate; so does the window's, where none is seen.
 */
static void estimates_are_counted(void **state)
{
	for (int seen = 0; seen < 2; seen++) {
		struct scenario sc;

		scenario_begin(&sc, 2);
		tell(&sc, 100, TR(GC_MARK_ASSIST_BEGIN, .g = 5));
		tell(&sc, 200, TR(GC_MARK_ASSIST_END, .g = 5, .estimate = !seen));
		tell(&sc, 300, TR(GC_MARK_ASSIST_BEGIN, .g = 5));
		scenario_finish(&sc, 1000);
		assert_int_equal(sc.s->gc.assist_cnt, 2);
		assert_int_equal(sc.s->gc.assist_estimated_cnt, seen ? 0 : 2);
		scenario_end(&sc);
	}
}

static void a_cycle_from_before_the_window_counts(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 2);
	tell(&sc, 0, TR(GC_BEGIN, .initial = true));
	tell(&sc, 300, TR(GC_END, .g = 1));
	tell(&sc, 400, TR(STW_BEGIN, .g = 1, .reason = 9));
	scenario_finish(&sc, 1000);
	assert_int_equal(sc.s->gc.cycles, 1);
	assert_int_equal(sc.s->gc.active_ns, 300);
	assert_int_equal(sc.s->gc.stw_total_ns, 600); /* open: up to the end */
	assert_string_equal(sc.s->gc.stw[0].kind, "GOMAXPROCS");
	scenario_end(&sc);
}

static void the_heap_is_followed(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 2);
	tell(&sc, 0, TR(HEAP_ALLOC, .value = 500));
	tell(&sc, 0, TR(HEAP_GOAL, .value = 1000));
	tell(&sc, 100, TR(HEAP_ALLOC, .value = 900));
	tell(&sc, 200, TR(HEAP_ALLOC, .value = 300));
	tell(&sc, 300, TR(HEAP_ALLOC, .value = 400));
	scenario_finish(&sc, 1000);
	assert_int_equal(sc.s->heap.live.samples, 4);
	assert_int_equal(sc.s->heap.live.first, 500);
	assert_int_equal(sc.s->heap.live.min, 300);
	assert_int_equal(sc.s->heap.live.max, 900);
	assert_int_equal(sc.s->heap.live.last, 400);
	assert_int_equal(sc.s->heap.goal.samples, 1);
	assert_int_equal(sc.s->heap.goal.min, 1000);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cycles_pauses_and_assists_are_summed),
		cmocka_unit_test(estimates_are_counted),
		cmocka_unit_test(a_cycle_from_before_the_window_counts),
		cmocka_unit_test(the_heap_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
