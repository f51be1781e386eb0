/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

static void begin_span(struct scenario *sc, uint64_t goid, uint64_t from, uint64_t to)
{
	struct analysis_config cfg = {.start_ns = START_NS,
				      .frames = {made_frames, NULL},
				      .gomaxprocs = 2,
				      .span_goid = goid,
				      .span_begin_ns = START_NS + from,
				      .span_end_ns = START_NS + to};

	memset(sc, 0, sizeof(*sc));
	assert_int_equal(analysis__new(&cfg, &sc->a), 0);
}

/*
 * g1, asked for from 50 to 700: running, waits at 100 for a lock that g2 gives back at 400, runs
 * from 450 on, assists from 500 to 540, is in a system call from 600 on.
 */
static void every_nanosecond_of_the_span_is_somewhere(void **state)
{
	const struct summary_span *sp;
	struct scenario sc;

	begin_span(&sc, 1, 50, 700);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	tell(&sc, 60, TR(CPU_SAMPLE, .g = 1, .stack = STACK(8)));
	tell(&sc, 70, TR(CPU_SAMPLE, .g = 2, .stack = STACK(8)));
	g_block(&sc, 100, 1, 5, 4);
	g_unblock(&sc, 400, 2, 1, 5);
	g_start(&sc, 450, 1);
	tell(&sc, 500, TR(GC_MARK_ASSIST_BEGIN, .g = 1));
	tell(&sc, 540, TR(GC_MARK_ASSIST_END, .g = 1));
	tell(&sc, 600, TR(GO_SYSCALL_BEGIN, .g = 1, .stack = STACK(8)));
	tell(&sc, 800, TR(GO_SYSCALL_END, .g = 1));
	scenario_finish(&sc, 1000);

	sp = &sc.s->span;
	assert_true(sp->have);
	assert_int_equal(sp->total_ns, 650);
	assert_int_equal(sp->running_ns, 50 + 150);
	assert_int_equal(sp->runnable_ns, 50);
	assert_int_equal(sp->runnable_cnt, 1);
	assert_int_equal(sp->wait_cnt, 2);
	assert_string_equal(sp->waits[0].reason, "sync");
	assert_int_equal(sp->waits[0].total_ns, 300);
	assert_string_equal(sp->waits[0].at.func, "main.(*Cache).Get");
	assert_string_equal(sp->waits[0].waker_at.func, "main.(*Cache).Put");
	assert_int_equal(sp->waits[0].waker_goid, 2);
	assert_string_equal(sp->waits[1].reason, "syscall");
	assert_int_equal(sp->waits[1].total_ns, 100);
	assert_int_equal(sp->unknown_ns, 0);
	assert_int_equal(sp->assist_ns, 40);
	assert_false(sp->assist_estimated);
	assert_int_equal(sp->samples, 1);
	assert_string_equal(sp->hot.at.func, "main.tail");
	scenario_end(&sc);
}

/* Still there when the window ended, and a start that nobody saw. */
static void what_was_not_seen_is_not_known(void **state)
{
	const struct summary_span *sp;
	struct scenario sc;

	begin_span(&sc, 1, 0, 500);
	g_status(&sc, 1, TR_G_RUNNABLE, 9, 0);
	tell(&sc, 200, TR(GO_START, .subject = 1, .repair = true));
	g_block(&sc, 300, 1, 7, 1);
	scenario_finish(&sc, 400);

	sp = &sc.s->span;
	assert_int_equal(sp->runnable_ns, 0);
	assert_int_equal(sp->running_ns, 0);
	assert_int_equal(sp->wait_cnt, 1);
	assert_int_equal(sp->waits[0].total_ns, 100);
	assert_int_equal(sp->waits[0].waker_goid, 0);
	assert_int_equal(sp->unknown_ns, 400);
	scenario_end(&sc);
}

/* Running from 0 to 400, of which its thread was without a CPU from 50 to 250 and from 300 to 350.
 */
static void without_a_cpu_it_does_not_run(void **state)
{
	const struct summary_span *sp;
	struct scenario sc;

	begin_span(&sc, 1, 100, 500);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	tell(&sc, 250, TR(OFF_CPU, .g = 1, .value = START_NS + 50));
	tell(&sc, 260, TR(OFF_CPU, .g = 2, .value = START_NS + 100));
	tell(&sc, 350, TR(OFF_CPU, .g = 1, .value = START_NS + 300));
	g_block(&sc, 400, 1, 7, 1);
	scenario_finish(&sc, 500);

	sp = &sc.s->span;
	assert_int_equal(sp->off_cpu_ns, 150 + 50);
	assert_int_equal(sp->off_cpu_cnt, 2);
	assert_int_equal(sp->running_ns, 300 - 200);
	assert_int_equal(sp->unknown_ns, 0);
	scenario_end(&sc);
}

static void nothing_is_asked_for(void **state)
{
	struct scenario sc;

	begin_span(&sc, 0, 0, 0);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	scenario_finish(&sc, 500);
	assert_false(sc.s->span.have);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_nanosecond_of_the_span_is_somewhere),
		cmocka_unit_test(what_was_not_seen_is_not_known),
		cmocka_unit_test(without_a_cpu_it_does_not_run),
		cmocka_unit_test(nothing_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
