/* SPDX-License-Identifier: GPL-2.0-only */
#include "model_scene.h"

static void test_gc_cycle(void **state)
{
	struct scene *s = new_scene();
	struct gbt_event *e;

	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 2;
	s->evs[0].ev.stack = 70;
	ev(s, 10, 0, GBT_STW_END, 5)->arg32 = 2;
	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_GC_MARK_TERM, 5);
	e = ev(s, 10, 0, GBT_GC_SWEEP, 5);
	e->arg = 100;
	e->cur = 200;
	ev(s, 10, 0, GBT_STW_END, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GCBegin 10/0/5 stack 70 skip 2\n"
				"STWBegin 10/0/5 (GC sweep termination) stack 70 skip 2\n"
				"STWEnd 10/0/5\n"
				"STWBegin 10/0/5 (GC mark termination)\n"
				"GCEnd 10/0/5\n"
				"HeapAlloc 10/0/5 =100\n"
				"HeapGoal 10/0/5 =200\n"
				"STWEnd 10/0/5\n");
	end_unrepaired(s);
}

/* The probe that tells the world's start comes behind procresize, or at the entry before it. */
static void test_gomaxprocs_falls_while_the_world_is_stopped(void **state)
{
	struct scene *s = new_scene();

	s->cfg.gomaxprocs = 4;
	ev(s, 10, 3, GBT_STW_BEGIN, 5)->arg32 = 9;
	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 10, 0, GBT_STW_END, 5)->arg32 = 1;
	play(s, "@ProcStatus 10/-1/0 3 =1\n"
		"@GoStatusStack 10/3/0 5 =2\n"
		"@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@ProcStatus -1/-1/0 2 =2\n"
		"ProcsChange 10/3/5 =4\n"
		"STWBegin 10/3/5 (GOMAXPROCS)\n"
		"GoStop 10/3/5 (runtime.Gosched)\n"
		"ProcStop 10/3/0 3\n"
		"ProcStart 10/-1/0\n"
		"GoStart 10/0/0 5\n"
		"ProcsChange 10/0/5 =1\n"
		"STWEnd 10/0/5\n");
	end_unrepaired(s);
}

/* A capture that begins inside a cycle, and in a stop of the world. */
static void test_begin_inside_a_cycle(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_GC_SWEEP, 5);
	ev(s, 10, 0, GBT_STW_END, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"@GCBegin -1/-1/0\n"
				"GCEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

static void test_gomaxprocs_falls(void **state)
{
	struct scene *s = new_scene();

	s->cfg.gomaxprocs = 4;
	ev(s, 10, 3, GBT_STW_BEGIN, 5)->arg32 = 9;
	ev(s, 10, 3, GBT_STW_END, 5)->arg32 = 4;
	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 99, -1, GBT_HEAP, 0)->arg32 = 1;
	play(s, "@ProcStatus 10/-1/0 3 =1\n"
		"@GoStatusStack 10/3/0 5 =2\n"
		"@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@ProcStatus -1/-1/0 2 =2\n"
		"ProcsChange 10/3/5 =4\n"
		"STWBegin 10/3/5 (GOMAXPROCS)\n"
		"STWEnd 10/3/5\n"
		"GoStop 10/3/5 (runtime.Gosched)\n"
		"ProcStop 10/3/0 3\n"
		"ProcStart 10/-1/0\n"
		"GoStart 10/0/0 5\n"
		"ProcsChange 10/0/5 =1\n");
	end_unrepaired(s);
}

static void test_mark_assist_ends_with_the_next_event(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 2;
	ev(s, 10, 0, GBT_STW_END, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 8; /* waits for credit: still assisting */
	ev(s, 10, 0, GBT_UNBLOCK, 5);
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_SCHED, 5); /* the GC wanted the P: goes on */
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7;
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GCBegin 10/0/5\n"
				"STWBegin 10/0/5 (GC sweep termination)\n"
				"STWEnd 10/0/5\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GoBlock 10/0/5 (GC mark assist wait for work)\n"
				"GoUnblock 10/0/0 5\n"
				"GoStart 10/0/0 5\n"
				"GCMarkAssistEnd 10/0/5 estimate\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GoStop 10/0/5 (runtime.Gosched)\n"
				"GoStart 10/0/0 5\n"
				"GCMarkAssistEnd 10/0/5 estimate\n"
				"GoBlock 10/0/5 (chan receive)\n");
	assert_int_equal(s->stats.assists, 2);
	end_unrepaired(s);
}

/* Where the ends are seen, an assist goes on through all that may happen inside. */
static void test_mark_assist_ends_where_it_is_seen_to(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 2;
	ev(s, 10, 0, GBT_STW_END, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_UNBLOCK, 6)->cur = 5; /* gcMarkDone gives its semaphore back */
	ev(s, 10, 0, GBT_SCHED, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1; /* it tries again */
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 8;
	ev(s, 10, 0, GBT_UNBLOCK, 5);
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5); /* the end */
	ev(s, 10, 0, GBT_GC_ASSIST, 5); /* one whose begin was lost */
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7; /* not in an assist: its end was lost */
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =4\n"
				"ProcsChange 10/0/5 =2\n"
				"GCBegin 10/0/5\n"
				"STWBegin 10/0/5 (GC sweep termination)\n"
				"STWEnd 10/0/5\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GoUnblock 10/0/5 6\n"
				"GoStop 10/0/5 (preempted)\n"
				"GoStart 10/0/0 5\n"
				"GoBlock 10/0/5 (GC mark assist wait for work)\n"
				"GoUnblock 10/0/0 5\n"
				"GoStart 10/0/0 5\n"
				"GCMarkAssistEnd 10/0/5\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GCMarkAssistEnd 10/0/5 estimate\n"
				"GoBlock 10/0/5 (chan receive)\n");
	assert_int_equal(s->stats.assists, 2);
	end_unrepaired(s);
}

/* Behind the cycle that it belonged to, which ended before the window: none is on. */
static void test_end_of_an_assist_is_no_cycle(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_GC_ASSIST, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n");
	end_scene(s);
}

static void test_mark_worker_has_a_label(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 10, 0, GBT_RUN, 6)->arg32 = 1;
	play(s, "@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@GoStatusStack -1/-1/0 6 =1\n"
		"ProcStart 10/-1/0\n"
		"GoStart 10/0/0 6\n"
		"ProcsChange 10/0/6 =2\n"
		"GoLabel 10/0/6\n");
	assert_string_equal(strtab__get(s->cfg.strings, 1, NULL), "GC (dedicated)");
	end_scene(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gc_cycle),
		cmocka_unit_test(test_gomaxprocs_falls_while_the_world_is_stopped),
		cmocka_unit_test(test_begin_inside_a_cycle),
		cmocka_unit_test(test_gomaxprocs_falls),
		cmocka_unit_test(test_mark_assist_ends_with_the_next_event),
		cmocka_unit_test(test_mark_assist_ends_where_it_is_seen_to),
		cmocka_unit_test(test_end_of_an_assist_is_no_cycle),
		cmocka_unit_test(test_mark_worker_has_a_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
