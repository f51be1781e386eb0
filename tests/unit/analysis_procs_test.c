/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

static void assert_share(double share, unsigned thousandths)
{
	assert_int_equal((unsigned)(share * 1000 + 0.5), thousandths);
}

/*
 * GOMAXPROCS 2.   P0 runs 0-1000, in a syscall 400-500 of it; P1 runs 200-600
 * runnable: 300-350 (both run: saturated), 450-480 (P0 in a syscall: not idle, saturated),
 * 700-800 (P1 idle)
 */
static void shares_are_integrated_over_the_window(void **state)
{
	const struct summary_procs *p;
	struct scenario sc;

	scenario_begin(&sc, 2);
	tell(&sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	tell(&sc, 0, TR(PROC_STATUS, .subject = 1, .value = TR_P_IDLE, .initial = true));
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_WAITING, 1, 7);
	tell(&sc, 200, TR(PROC_START, .subject = 1));
	g_unblock(&sc, 300, 1, 2, 3);
	g_start(&sc, 350, 2);
	tell(&sc, 400, TR_ON(GO_SYSCALL_BEGIN, 0, .g = 1, .stack = STACK(8)));
	tell(&sc, 450, TR(GO_STOP, .g = 2, .stack = STACK(1)));
	g_start(&sc, 480, 2);
	tell(&sc, 500, TR_ON(GO_SYSCALL_END, 0, .g = 1));
	g_block(&sc, 600, 2, 7, 1);
	tell(&sc, 600, TR_ON(PROC_STOP, 1, .subject = 1));
	g_unblock(&sc, 700, 1, 2, 3);
	g_start(&sc, 800, 2);
	scenario_finish(&sc, 1000);

	p = &sc.s->procs;
	assert_int_equal(p->gomaxprocs, 2);
	assert_false(p->changed);
	assert_share(p->running_share, (900 + 400) / 2);
	assert_share(p->syscall_share, 50);
	assert_share(p->idle_share, 300);
	assert_share(p->all_idle_share, 0);
	assert_share(p->saturated_share, 80);
	assert_share(p->runnable_avg, 50 + 30 + 100);
	assert_int_equal(p->runnable_max, 1);
	scenario_end(&sc);
}

static void stolen_processors_are_idle(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	tell(&sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	tell(&sc, 100, TR_ON(GO_SYSCALL_BEGIN, 0, .g = 1, .stack = STACK(8)));
	tell(&sc, 200, TR(PROC_STEAL, .subject = 0));
	tell(&sc, 700, TR(PROC_START, .subject = 0));
	scenario_finish(&sc, 1000);
	assert_share(sc.s->procs.running_share, 400);
	assert_share(sc.s->procs.syscall_share, 100);
	assert_share(sc.s->procs.all_idle_share, 500);
	scenario_end(&sc);
}

static void gomaxprocs_may_change(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 0);
	tell(&sc, 0, TR(PROCS_CHANGE, .value = 2, .initial = true));
	tell(&sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	tell(&sc, 500, TR(PROCS_CHANGE, .value = 8));
	scenario_finish(&sc, 1000);
	assert_int_equal(sc.s->procs.gomaxprocs, 8);
	assert_true(sc.s->procs.changed);
	assert_share(sc.s->procs.running_share, 200); /* 1000 of 2 × 500 + 8 × 500 */
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_integrated_over_the_window),
		cmocka_unit_test(stolen_processors_are_idle),
		cmocka_unit_test(gomaxprocs_may_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
