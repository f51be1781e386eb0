/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

/*
 * g1  0 running … 100 waits (select) … 600 woken … 650 runs … 1000 end
 * g2  0 waiting (chan receive) … 300 woken … 400 runs … 500 syscall … 700 back … 1000 end
 * g3  the runtime's: runs 0 … 1000
 */
static void every_nanosecond_is_in_one_state(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_WAITING, 1, 7);
	g_status(&sc, 3, TR_G_RUNNING, 7, 0);
	g_block(&sc, 100, 1, 3, 9);
	g_unblock(&sc, 300, 3, 2, 0);
	g_start(&sc, 400, 2);
	tell(&sc, 500, TR(GO_SYSCALL_BEGIN, .g = 2, .stack = STACK(8)));
	g_unblock(&sc, 600, 0, 1, 0);
	g_start(&sc, 650, 1);
	tell(&sc, 700, TR(GO_SYSCALL_END, .g = 2));
	scenario_finish(&sc, 1000);

	assert_int_equal(state_of(&sc, "running")->total_ns, 100 + 350 + 100 + 300);
	assert_int_equal(state_of(&sc, "running")->cnt, 4);
	assert_int_equal(state_of(&sc, "running")->max_ns, 350);
	assert_int_equal(state_of(&sc, "runnable")->total_ns, 50 + 100);
	assert_int_equal(state_of(&sc, "syscall")->total_ns, 200);
	assert_int_equal(state_of(&sc, "select")->total_ns, 500);
	assert_int_equal(state_of(&sc, "chan receive")->total_ns, 300);
	assert_int_equal(state_of(&sc, "chan receive")->cnt, 1);
	/* two goroutines of the program, the whole window each */
	assert_int_equal(sc.s->states_total_ns, 2000);
	assert_int_equal(sc.s->system_running_ns, 1000);
	assert_int_equal(sc.s->unknown_ns, 0);
	/* reasons are sorted by time behind the three that are none */
	assert_string_equal(sc.s->states[3].name, "select");
	assert_true(sc.s->states[3].blocked);
	assert_false(sc.s->states[2].blocked);
	scenario_end(&sc);
}

static void switches_between_coroutines_have_no_runnable_time(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	tell(&sc, 100,
	     TR(GO_CREATE_BLOCKED, .g = 1, .subject = 5, .stack = STACK(10),
		.new_stack = ENTRY(ENTRY_WORKER)));
	tell(&sc, 200, TR(GO_SWITCH, .g = 1, .subject = 5, .stack = STACK(9)));
	tell(&sc, 500, TR(GO_SWITCH_DESTROY, .g = 5, .subject = 1, .stack = STACK(1)));
	scenario_finish(&sc, 600);

	assert_int_equal(state_of(&sc, "running")->total_ns, 200 + 300 + 100);
	assert_int_equal(state_of(&sc, "coroutine")->total_ns, 100 + 300);
	assert_int_equal(state_of(&sc, "runnable")->cnt, 0);
	assert_int_equal(sc.s->latency.cnt, 0);
	assert_int_equal(sc.s->goroutines.end, 1);
	assert_int_equal(sc.s->goroutines.created, 1);
	scenario_end(&sc);
}

static void a_wait_without_a_reason_is_called_not_known(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	g_status(&sc, 2, TR_G_WAITING, 1, 0);
	g_status(&sc, 2, TR_G_WAITING, 1, 0); /* told twice: counts once */
	scenario_finish(&sc, 500);
	assert_int_equal(state_of(&sc, "not known")->total_ns, 500);
	assert_int_equal(state_of(&sc, "not known")->cnt, 1);
	assert_int_equal(sc.s->goroutines.start, 1);
	scenario_end(&sc);
}

static void a_coroutine_of_the_snapshot_is_called_one(void **state)
{
	char other[] = "select", coroutine[] = "coroutine";
	char *reasons[] = {other, coroutine};
	struct snap_g gs[] = {
		{.goid = 2, .status = G_WAITING, .wait_reason = 1, .startpc = ENTRY_LEAK},
		{.goid = 3, .status = G_WAITING, .wait_reason = 0},
		{.goid = 4, .status = G_WAITING, .wait_reason = 9}};
	struct snapshot snap = {
		.g = gs, .g_cnt = 3, .wait_reasons = reasons, .wait_reasons_cnt = 2};
	struct analysis_config cfg = {
		.start_ns = START_NS, .frames = {made_frames, NULL}, .snapshot = &snap};
	struct scenario sc = {0};

	assert_int_equal(analysis__new(&cfg, &sc.a), 0);
	for (uint64_t goid = 2; goid <= 4; goid++)
		g_status(&sc, goid, TR_G_WAITING, 1, 0);
	scenario_finish(&sc, 500);
	assert_int_equal(state_of(&sc, "coroutine")->cnt, 1);
	assert_int_equal(state_of(&sc, "not known")->cnt, 2);
	scenario_end(&sc);
}

static void the_snapshot_knows_the_root_of_a_cut_stack(void **state)
{
	struct snap_g gs[] = {{.goid = 2, .startpc = ENTRY_WORKER},
			      {.goid = 3, .startpc = ENTRY_GC_WORKER}};
	struct snapshot snap = {.g = gs, .g_cnt = 2};
	struct analysis_config cfg = {
		.start_ns = START_NS, .frames = {made_frames, NULL}, .snapshot = &snap};
	struct scenario sc = {0};

	assert_int_equal(analysis__new(&cfg, &sc.a), 0);
	for (uint64_t goid = 2; goid <= 4; goid++)
		tell(&sc, 0,
		     TR(GO_STATUS, .subject = goid, .value = TR_G_RUNNING, .initial = true,
			.stack = {.id = 3, .cut = true}));
	scenario_finish(&sc, 500);
	assert_int_equal(sc.s->goroutines.end, 1);
	assert_int_equal(sc.s->goroutines.system_end, 1);
	assert_int_equal(sc.s->goroutines.unknown_end, 1);
	assert_int_equal(sc.s->unknown_ns, 500);
	scenario_end(&sc);
}

static void a_late_status_is_dated_back_when_it_waits(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	tell(&sc, 400,
	     TR(GO_STATUS, .subject = 2, .value = TR_G_WAITING, .stack = STACK(1), .reason = 7));
	g_unblock(&sc, 500, 0, 2, 0);
	scenario_finish(&sc, 1000);
	assert_int_equal(state_of(&sc, "chan receive")->total_ns, 500);
	assert_int_equal(state_of(&sc, "runnable")->total_ns, 500);
	scenario_end(&sc);
}

static void the_class_is_learned_from_the_first_stack(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	/* 5: no stack at first, the program's; 6: the runtime's; 7: never tells */
	g_status(&sc, 5, TR_G_RUNNING, 0, 0);
	g_status(&sc, 6, TR_G_RUNNING, 0, 0);
	g_status(&sc, 7, TR_G_RUNNABLE, 0, 0);
	g_block(&sc, 100, 5, 7, 1);
	g_block(&sc, 200, 6, 10, 7);
	scenario_finish(&sc, 1000);
	assert_int_equal(state_of(&sc, "running")->total_ns, 100);
	assert_int_equal(state_of(&sc, "chan receive")->total_ns, 900);
	assert_int_equal(sc.s->system_running_ns, 200);
	assert_int_equal(sc.s->unknown_ns, 1000);
	assert_int_equal(sc.s->unknown_cnt, 1);
	assert_int_equal(sc.s->goroutines.start, 1);
	assert_int_equal(sc.s->goroutines.end, 1);
	assert_int_equal(sc.s->goroutines.system_end, 1);
	assert_int_equal(sc.s->goroutines.unknown_end, 1);
	scenario_end(&sc);
}

/* A fold trusts nobody: a sequence that no model makes must not break it. */
static void nonsense_is_survived(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	g_unblock(&sc, 10, 0, 77, 3);
	g_end(&sc, 20, 78);
	g_start(&sc, 30, 79);
	g_start(&sc, 40, 79);
	g_status(&sc, 80, 99, 0, 0);
	tell(&sc, 50, TR(GO_BLOCK, .g = 0, .reason = 3));
	tell(&sc, 60, TR(GO_BLOCK, .g = 81, .reason = 60000, .stack = STACK(12345)));
	tell(&sc, 60, TR(PROC_START, .subject = UINT64_MAX));
	tell(&sc, 60, TR(STW_END, .g = 1));
	tell(&sc, 60, TR(GC_END));
	tell(&sc, 60, TR(STW_BEGIN, .g = 1, .reason = 60000));
	g_create(&sc, 70, 1, 79, 10, ENTRY_WORKER);
	scenario_finish(&sc, 100);
	assert_int_equal(sc.s->gc.cycles, 0);
	assert_int_equal(sc.s->procs.running_share * 1000, 0);
	scenario_end(&sc);
}

static void nothing_at_all_gives_an_empty_summary(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 4);
	scenario_finish(&sc, 0);
	assert_int_equal(sc.s->states_total_ns, 0);
	assert_int_equal(sc.s->site_cnt, 0);
	assert_int_equal(sc.s->latency.cnt, 0);
	assert_int_equal(sc.s->finding_cnt, 0);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_nanosecond_is_in_one_state),
		cmocka_unit_test(switches_between_coroutines_have_no_runnable_time),
		cmocka_unit_test(a_wait_without_a_reason_is_called_not_known),
		cmocka_unit_test(a_coroutine_of_the_snapshot_is_called_one),
		cmocka_unit_test(the_snapshot_knows_the_root_of_a_cut_stack),
		cmocka_unit_test(a_late_status_is_dated_back_when_it_waits),
		cmocka_unit_test(the_class_is_learned_from_the_first_stack),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(nothing_at_all_gives_an_empty_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
