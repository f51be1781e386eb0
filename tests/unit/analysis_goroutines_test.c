/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

static void numbers_over_the_window(void **state)
{
	const struct summary_goroutines *g;
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_WAITING, 1, 7);
	g_status(&sc, 3, TR_G_WAITING, 1, 7);
	g_end(&sc, 100, 2);
	g_end(&sc, 100, 3);
	for (uint64_t i = 0; i < 5; i++)
		g_create(&sc, 200 + i, 1, 10 + i, 10, ENTRY_WORKER);
	g_create(&sc, 300, 1, 20, 10, ENTRY_GC_WORKER);
	g_end(&sc, 400, 10);
	/* met late: has been there since before the window, at every moment */
	tell(&sc, 500, TR(GO_STATUS, .subject = 30, .value = TR_G_WAITING, .stack = STACK(1)));
	scenario_finish(&sc, 1000);

	g = &sc.s->goroutines;
	assert_int_equal(g->start, 4);
	assert_int_equal(g->min, 2);
	assert_int_equal(g->max, 7);
	assert_int_equal(g->end, 6);
	assert_int_equal(g->created, 5);
	assert_int_equal(g->exited, 3);
	assert_int_equal(g->system_end, 1);
	scenario_end(&sc);
}

static void creators_are_grouped_by_statement(void **state)
{
	const struct summary_creator *c;
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	for (uint64_t i = 0; i < 3; i++)
		g_create(&sc, 100, 1, 10 + i, 10, ENTRY_WORKER);
	for (uint64_t i = 0; i < 4; i++)
		g_create(&sc, 200, 1, 20 + i, 9, ENTRY_LEAK);
	g_create(&sc, 300, 1, 40, 10, ENTRY_GC_WORKER);
	g_end(&sc, 400, 11);
	g_end(&sc, 400, 12);
	scenario_finish(&sc, 1000);

	assert_int_equal(sc.s->creators_seen, 2);
	assert_int_equal(sc.s->creator_cnt, 2);
	c = &sc.s->creators[0];
	assert_string_equal(c->entry.func, "main.leak");
	assert_string_equal(c->at.func, "runtime.selectgo"); /* the leaf, whatever it is */
	assert_int_equal(c->cnt, 4);
	assert_int_equal(c->alive_cnt, 4);
	c = &sc.s->creators[1];
	assert_string_equal(c->entry.func, "main.worker");
	assert_string_equal(c->at.func, "main.start");
	assert_int_equal(c->at.line, 5);
	assert_int_equal(c->cnt, 3);
	assert_int_equal(c->alive_cnt, 1);
	assert_int_equal(c->stack.cnt, 2);
	scenario_end(&sc);
}

/* Entries are reused: memory follows those alive, not those created. */
static void many_short_lives(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	for (uint64_t i = 0; i < 100000; i++) {
		g_create(&sc, 10 * i, 1, 10 + i, 10, ENTRY_WORKER);
		g_start(&sc, 10 * i + 3, 10 + i);
		g_end(&sc, 10 * i + 8, 10 + i);
	}
	scenario_finish(&sc, 1000000);
	assert_int_equal(sc.s->goroutines.created, 100000);
	assert_int_equal(sc.s->goroutines.max, 2);
	assert_int_equal(state_of(&sc, "running")->total_ns, 1000000 + 500000);
	assert_int_equal(sc.s->latency.p99_ns, 3);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_over_the_window),
		cmocka_unit_test(creators_are_grouped_by_statement),
		cmocka_unit_test(many_short_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
