/* SPDX-License-Identifier: GPL-2.0-only */
#include "model_scene.h"

static void test_first_event_tells_what_was_before(void **state)
{
	struct scene *s = new_scene();

	snap_goroutine(s, 5, G_RUNNABLE); /* it blocked after the snapshot: it ran at the begin */
	snap_goroutine(s, 6, G_WAITING);
	snap_goroutine(s, 7, G_WAITING);
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7;
	ev(s, 11, 1, GBT_UNBLOCK, 6);
	ev(s, 12, -1, GBT_SYSCALL_EXIT, 8);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus 11/-1/0 1 =1\n"
		"@GoStatusStack 12/-1/0 8 =3\n"
		"@GoStatusStack -1/-1/0 6 =4\n"
		"@GoStatusStack -1/-1/0 7 =4\n"
		"ProcsChange 10/0/5 =2\n"
		"GoBlock 10/0/5 (chan receive)\n"
		"GoUnblock 11/1/0 6\n");
	end_unrepaired(s);
}

static void test_start_of_a_waiting_goroutine(void **state)
{
	struct scene *s = new_scene();

	snap_goroutine(s, 6, G_WAITING);
	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 10, 0, GBT_RUN, 6);
	play(s, "@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@GoStatusStack -1/-1/0 6 =4\n"
		"ProcStart 10/-1/0\n"
		"!GoUnblock 10/0/0 6\n"
		"GoStart 10/0/0 6\n"
		"ProcsChange 10/0/6 =2\n");
	assert_int_equal(repairs(s), 0);
	assert_int_equal(s->stats.synthesised_unblocks, 1);
	end_scene(s);
}

/* Preempted behind the probe of its end: it runs again, and ends then. */
static void test_end_that_was_none(void **state)
{
	static const int stops[] = {GBT_SCHED, GBT_PREEMPT_PARK};
	static const char before[] = "@ProcStatus 10/-1/0 =1\n"
				     "@GoStatusStack 10/0/0 5 =2\n"
				     "@ProcStatus 11/-1/0 1 =1\n"
				     "@GoStatusStack -1/-1/0 6 =1\n"
				     "ProcsChange 10/0/5 =2\n"
				     "GoCreate 10/0/5 30\n"
				     "GoBlock 10/0/5 (unspecified)\n"
				     "GoStart 10/0/0 30\n"
				     "CPUSample 10/0/0\n";
	static const char after[] = "GoStart 11/1/0 30\n"
				    "GoDestroy 11/1/30\n"
				    "GoStart 11/1/0 6\n";
	char want[1024];

	for (size_t i = 0; i < 2; i++) {
		struct scene *s = new_scene();

		s->cfg.go_minor = 19;
		ev(s, 10, 0, GBT_CREATE, 30)->cur = 5; /* so that it ends in the window */
		ev(s, 10, 0, GBT_BLOCK, 5);
		ev(s, 10, 0, GBT_RUN, 30);
		ev(s, 10, 0, GBT_EXIT, 30);
		ev(s, 10, 0, GBT_SAMPLE, 0); /* tells nothing about it */
		ev(s, 10, 0, stops[i], 30)->arg32 = 1;
		if (stops[i] == GBT_PREEMPT_PARK)
			ev(s, 11, 1, GBT_UNBLOCK, 30);
		ev(s, 11, 1, GBT_RUN, 30);
		ev(s, 11, 1, GBT_EXIT, 30);
		ev(s, 11, 1, GBT_RUN, 6);
		snprintf(want, sizeof(want), "%s%s%s", before,
			 stops[i] == GBT_SCHED ? "GoStop 10/0/30 (preempted)\n"
					       : "GoBlock 10/0/30 (preempted)\n"
						 "GoUnblock 11/1/0 30\n",
			 after);
		play(s, want);
		assert_int_equal(repairs(s), 0);
		end_scene(s);
	}
}

/* Go 1.19 with its own tracer on: preempted inside of that, behind the probe, it does not come
 * there again. */
static void test_end_that_was_preempted_behind_its_probe(void **state)
{
	static const char before[] = "@ProcStatus 10/-1/0 =1\n"
				     "@GoStatusStack 10/0/0 5 =2\n"
				     "@ProcStatus 11/-1/0 1 =1\n"
				     "@ProcStatus -1/-1/0 2 =2\n"
				     "@GoStatusStack -1/-1/0 6 =1\n"
				     "ProcsChange 10/0/5 =3\n"
				     "GoStop 10/0/5 (preempted)\n"
				     "GoStart 11/1/0 5\n"
				     "GoDestroy 11/1/5\n";

	for (size_t i = 0; i < 2; i++) {
		struct scene *s = new_scene();
		char want[1024];

		s->cfg.go_minor = 19;
		s->cfg.gomaxprocs = 3;
		ev(s, 10, 0, GBT_EXIT, 5);
		ev(s, 10, 0, GBT_SCHED, 5)->arg32 = 1;
		ev(s, 11, 1, GBT_RUN, 5);
		if (i) {
			ev(s, 11, 1, GBT_P_STOP, 0);
			ev(s, 11, 1, GBT_P_START, 0);
		}
		ev(s, 11, 1, GBT_RUN, 6);
		snprintf(want, sizeof(want), "%s%sGoStart 11/1/0 6\n", before,
			 i ? "ProcStop 11/1/0 1\nProcStart 11/-1/0 1\n" : "");
		play(s, want);
		assert_int_equal(repairs(s), 0);
		end_scene(s);
	}
}

/* Another goroutine's stop, or its own on another thread, undoes no end. */
static void test_end_is_the_end(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_EXIT, 5);
	ev(s, 10, 0, GBT_RUN, 6);
	ev(s, 10, 0, GBT_SCHED, 6);
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =1\n"
				"ProcsChange 10/0/5 =2\n"
				"GoDestroy 10/0/5\n"
				"GoStart 10/0/0 6\n"
				"GoStop 10/0/6 (runtime.Gosched)\n");
	end_unrepaired(s);
}

static void test_creation_of_a_parked_goroutine(void **state)
{
	struct scene *s = new_scene();
	struct gbt_event *e = ev(s, 10, 0, GBT_CREATE, 30);

	e->cur = 5;
	e->arg32 = 1;
	ev(s, 10, 0, GBT_COROSWITCH, 5)->cur = 30;
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoCreateBlocked 10/0/5 30\n"
				"GoSwitch 10/0/5 30\n");
	end_unrepaired(s);
}

static void test_coroutine(void **state)
{
	struct scene *s = new_scene();
	struct gbt_event *e;

	snap_goroutine(s, 5, G_RUNNING);
	ev(s, 10, 0, GBT_COROSWITCH, 5)->cur = 30;
	ev(s, 10, 0, GBT_COROSWITCH, 30)->cur = 5;
	ev(s, 10, 0, GBT_COROSWITCH, 5)->cur = 30;
	e = ev(s, 10, 0, GBT_COROSWITCH, 30);
	e->cur = 5;
	e->arg32 = 1;
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoCreateBlocked 10/0/5 30\n"
				"GoSwitch 10/0/5 30\n"
				"GoSwitch 10/0/30 5\n"
				"GoSwitch 10/0/5 30\n"
				"GoSwitchDestroy 10/0/30 5\n");
	end_unrepaired(s);
}

static void test_wait_reasons_of_old_versions(void **state)
{
	static char *reasons[] = {"", "GC assist marking", "IO wait", "sleep"};
	struct scene *s = new_scene();

	s->cfg.go_minor = 21;
	s->snap.wait_reasons = reasons;
	s->snap.wait_reasons_cnt = 4;
	snap_goroutine(s, 5, G_RUNNING);
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 27 | 2 << 8; /* 27: the old trace's event */
	ev(s, 10, 0, GBT_RUN, 6);
	ev(s, 10, 0, GBT_BLOCK, 6)->arg32 = 19 | 3 << 8;
	ev(s, 10, 0, GBT_RUN, 7);
	ev(s, 10, 0, GBT_BLOCK, 7)->arg32 = 19 | 200 << 8; /* no such reason */
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =1\n"
				"@GoStatusStack -1/-1/0 7 =1\n"
				"ProcsChange 10/0/5 =2\n"
				"GoBlock 10/0/5 (network)\n"
				"GoStart 10/0/0 6\n"
				"GoBlock 10/0/6 (sleep)\n"
				"GoStart 10/0/0 7\n"
				"GoBlock 10/0/7 (unspecified)\n");
	end_scene(s);
}

/* Goroutine 5 goes on on another thread although its block and all else was lost. */
static void test_goroutine_that_goes_on_elsewhere(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_SAMPLE, 5)->cur = G_RUNNING;
	ev(s, 11, 1, GBT_SAMPLE, 6)->cur = G_RUNNING;
	ev(s, 11, 1, GBT_EXIT, 5);
	ev(s, 10, 1, GBT_BLOCK, 5)->arg32 = 7; /* it has ended: nothing to say */
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus 11/-1/0 1 =1\n"
		"@GoStatusStack 11/1/0 6 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"CPUSample 10/0/5\n"
		"CPUSample 11/1/6\n"
		"!GoStop 11/1/6 (unspecified)\n"
		"!GoStop 10/0/5 (unspecified)\n"
		"!GoStart 11/1/0 5\n"
		"GoDestroy 11/1/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 2);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

static void test_stops_are_skipped_by_version(void **state)
{
	for (unsigned minor = 24; minor <= 25; minor++) {
		struct scene *s = new_scene();

		s->cfg.go_minor = minor;
		ev(s, 10, 0, GBT_SCHED, 5)->stack = 3;
		play(s, minor == 24 ? "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoStop 10/0/5 (runtime.Gosched) stack 3 skip 1\n"
				    : "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoStop 10/0/5 (runtime.Gosched) stack 3 skip 0\n");
		end_scene(s);
	}
}

static void test_events_outside_the_window_are_left_out(void **state)
{
	struct scene *s = new_scene();

	s->cfg.end_ns = 2150;
	ev(s, 10, 0, GBT_RUN, 5)->hdr.time_ns = 999;
	ev(s, 10, 0, GBT_BLOCK, 6)->arg32 = 7;
	ev(s, 10, 0, GBT_RUN, 7);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 6 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/6 =2\n"
		"GoBlock 10/0/6 (chan receive)\n");
	assert_int_equal(s->stats.outside, 2);
	assert_int_equal(s->stats.events_in, 1);
	end_scene(s);
}

/* What the sink returns ends the run and is what every later call returns. */
static int refuse(void *ctx, const struct transition *t)
{
	return ++*(int *)ctx == 3 ? -28 : 0;
}

static void test_error_of_the_sink_sticks(void **state)
{
	struct scene *s = new_scene();
	struct model *m;
	int calls = 0;

	ev(s, 10, 0, GBT_BLOCK, 5);
	s->cfg.sink = refuse;
	s->cfg.sink_ctx = &calls;
	assert_int_equal(strtab__new(&s->cfg.strings), 0);
	assert_int_equal(model__new(&s->cfg, &m), 0);
	assert_int_equal(model__event(m, &s->evs[0].ev.hdr, sizeof(s->evs[0])), -28);
	assert_int_equal(model__event(m, &s->evs[0].ev.hdr, sizeof(s->evs[0])), -28);
	assert_int_equal(model__finish(m, 5000), -28);
	assert_int_equal(calls, 3);
	model__free(m);
	end_scene(s);
}

static int count(void *ctx, const struct transition *t)
{
	++*(int *)ctx;
	return 0;
}

/* What is folded while a window is open is kept without texts: such an event tells nothing. */
static void test_events_whose_text_is_missing_are_passed_over(void **state)
{
	static const uint16_t kinds[] = {GBT_USER_TASK_BEGIN, GBT_USER_REGION, GBT_USER_LOG,
					 GBT_REQUEST_BEGIN};
	struct scene *s = new_scene();
	struct gbt_event *e = malloc(sizeof(*e));
	struct model *m;
	int calls = 0;

	s->cfg.sink = count;
	s->cfg.sink_ctx = &calls;
	assert_int_equal(strtab__new(&s->cfg.strings), 0);
	assert_int_equal(model__new(&s->cfg, &m), 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		*e = *ev(s, 10, 0, kinds[i], 7);
		assert_int_equal(model__prescan(m, &e->hdr, sizeof(*e)), 0);
		assert_int_equal(model__event(m, &e->hdr, sizeof(*e)), 0);
	}
	assert_int_equal(calls, 0);
	assert_int_equal(model__stats(m)->events_in, 0);
	model__free(m);
	free(e);
	end_scene(s);
}

/* A thread without a CPU is told where it runs a goroutine, and changes nothing: not what the
 * thread was before, nor an end that was none. */
static void test_threads_without_a_cpu(void **state)
{
	struct scene *s = new_scene();

	ev(s, 11, -1, GBT_OFF_CPU, 0)->arg = 1500; /* of which nothing else is ever told */
	ev(s, 10, -1, GBT_OFF_CPU, 0)->arg = 1500; /* runs 5, as the next event says */
	ev(s, 10, 0, GBT_EXIT, 5);
	ev(s, 10, -1, GBT_OFF_CPU, 0)->arg = 2210;
	ev(s, 10, 0, GBT_SCHED, 5);
	ev(s, 10, -1, GBT_OFF_CPU, 0)->arg = 2410; /* nothing runs there */
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"OffCPU 10/0/5\n"
		"OffCPU 10/0/5\n"
		"GoStop 10/0/5 (runtime.Gosched)\n");
	assert_int_equal(repairs(s), 0);
	end_scene(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_without_a_cpu),
		cmocka_unit_test(test_first_event_tells_what_was_before),
		cmocka_unit_test(test_start_of_a_waiting_goroutine),
		cmocka_unit_test(test_end_that_was_none),
		cmocka_unit_test(test_end_that_was_preempted_behind_its_probe),
		cmocka_unit_test(test_end_is_the_end),
		cmocka_unit_test(test_creation_of_a_parked_goroutine),
		cmocka_unit_test(test_coroutine),
		cmocka_unit_test(test_wait_reasons_of_old_versions),
		cmocka_unit_test(test_goroutine_that_goes_on_elsewhere),
		cmocka_unit_test(test_stops_are_skipped_by_version),
		cmocka_unit_test(test_events_outside_the_window_are_left_out),
		cmocka_unit_test(test_error_of_the_sink_sticks),
		cmocka_unit_test(test_events_whose_text_is_missing_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
