/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

#include "analysis/findings.h"

#define MS 1000000ull
#define SYNC 5
#define CHAN_SEND 6

/* Each finding from both sides of its threshold. */

static void one_latency(struct scenario *sc, unsigned slow)
{
	scenario_begin(sc, 2);
	g_status(sc, 1, TR_G_RUNNING, 9, 0);
	for (uint64_t i = 0; i < 200; i++) {
		g_create(sc, i * 5 * MS, 1, 10 + i, 10, ENTRY_WORKER);
		g_start(sc, i * 5 * MS + (i < slow ? 2 * MS : 1000), 10 + i);
		g_end(sc, i * 5 * MS + 3 * MS, 10 + i);
	}
	scenario_finish(sc, 1000 * MS);
}

static void scheduler_latency(void **state)
{
	const struct summary_finding *f;
	struct scenario sc;

	one_latency(&sc, 2); /* rank 198 of 200 is the last fast one */
	assert_null(finding_of(&sc, FINDING_LATENCY));
	scenario_end(&sc);
	one_latency(&sc, 3);
	f = finding_of(&sc, FINDING_LATENCY);
	assert_non_null(f);
	assert_string_equal(f->text,
			    "Of 200 waits for a processor one in a hundred lasted 2ms or more, "
			    "the longest 2ms.");
	assert_string_equal(f->where, "trace.out: Scheduler latency profile");
	scenario_end(&sc);
}

static void goroutines_that_never_got_a_processor(void **state)
{
	struct scenario sc;

	for (uint64_t ms = 9; ms <= 10; ms++) {
		scenario_begin(&sc, 2);
		g_status(&sc, 1, TR_G_RUNNING, 9, 0);
		g_create(&sc, 0, 1, 2, 10, ENTRY_WORKER);
		g_create(&sc, 1, 1, 3, 10, ENTRY_GC_WORKER);
		scenario_finish(&sc, ms * MS);
		if (ms == 9)
			assert_null(finding_of(&sc, FINDING_LATENCY));
		else
			assert_string_equal(finding_of(&sc, FINDING_LATENCY)->text,
					    "1 goroutine still waited for a processor at the end, "
					    "the longest for 10ms.");
		scenario_end(&sc);
	}
}

static void one_lock(struct scenario *sc, unsigned waits, uint64_t each_ns)
{
	uint64_t at = 0;

	scenario_begin(sc, 2);
	g_status(sc, 1, TR_G_RUNNING, 9, 0);
	g_status(sc, 2, TR_G_RUNNING, 4, 0);
	g_status(sc, 3, TR_G_WAITING, 4, SYNC); /* for the whole window: counts elsewhere */
	for (unsigned i = 0; i < waits; i++, at += each_ns) {
		g_block(sc, at, 2, SYNC, 4);
		g_unblock(sc, at + each_ns, 1, 2, 5);
		g_start(sc, at + each_ns, 2);
	}
	scenario_finish(sc, 1000 * MS);
}

static void lock_contention(void **state)
{
	const struct summary_finding *f;
	struct scenario sc;

	one_lock(&sc, 10, 9 * MS); /* 9 % of the window */
	assert_null(finding_of(&sc, FINDING_CONTENTION));
	scenario_end(&sc);
	one_lock(&sc, 9, 50 * MS); /* too few */
	assert_null(finding_of(&sc, FINDING_CONTENTION));
	scenario_end(&sc);
	one_lock(&sc, 10, 10 * MS);
	f = finding_of(&sc, FINDING_CONTENTION);
	assert_non_null(f);
	assert_string_equal(
		f->text, "Goroutines waited 100ms in sum (10 times, at longest 10ms) for the lock "
			 "taken in main.(*Cache).Get (cache.go:42), released most often by "
			 "main.(*Cache).Put (cache.go:80).");
	scenario_end(&sc);
}

static void goroutines_stuck(void **state)
{
	struct scenario sc;

	for (uint64_t n = 9; n <= 10; n++) {
		scenario_begin(&sc, 2);
		for (uint64_t i = 0; i < n; i++)
			g_status(&sc, 10 + i, TR_G_WAITING, 11, CHAN_SEND);
		for (uint64_t i = 0; i < 50; i++) /* idle workers are no news */
			g_status(&sc, 50 + i, TR_G_WAITING, 1, 7);
		scenario_finish(&sc, 1000 * MS);
		if (n < FINDING_STUCK_CNT) {
			assert_null(finding_of(&sc, FINDING_STUCK));
		} else {
			assert_non_null(finding_of(&sc, FINDING_STUCK));
			assert_string_equal(finding_of(&sc, FINDING_STUCK)->text,
					    "10 goroutines waited for the whole window (chan send) "
					    "in main.leak (leak.go:9): nobody woke them.");
		}
		scenario_end(&sc);
	}
}

static void one_growth(struct scenario *sc, uint64_t old, uint64_t new)
{
	scenario_begin(sc, 2);
	g_status(sc, 1, TR_G_RUNNING, 9, 0);
	for (uint64_t i = 1; i < old; i++)
		g_status(sc, 1 + i, TR_G_WAITING, 1, 7);
	for (uint64_t i = 0; i < new; i++)
		g_create(sc, MS * i, 1, 10000 + i, 10, ENTRY_LEAK);
	scenario_finish(sc, 1000 * MS);
}

static void goroutine_growth(void **state)
{
	const struct summary_finding *f;
	struct scenario sc;

	one_growth(&sc, 10, 99);
	assert_null(finding_of(&sc, FINDING_GROWTH));
	scenario_end(&sc);
	one_growth(&sc, 600, 100); /* a sixth */
	assert_null(finding_of(&sc, FINDING_GROWTH));
	scenario_end(&sc);
	one_growth(&sc, 500, 100);
	f = finding_of(&sc, FINDING_GROWTH);
	assert_non_null(f);
	assert_string_equal(f->text, "Goroutines grew from 500 to 600; 100 of the new ones were "
				     "started by main.start (pool.go:5) and are still there.");
	scenario_end(&sc);
}

static void one_gc(struct scenario *sc, uint64_t active_ns, uint64_t pause_ns, uint64_t assist_ns)
{
	scenario_begin(sc, 2);
	g_status(sc, 1, TR_G_RUNNING, 9, 0);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t at = i * 500 * MS;

		tell(sc, at, TR(STW_BEGIN, .g = 1, .reason = 2));
		tell(sc, at + pause_ns, TR(STW_END, .g = 1));
		tell(sc, at + pause_ns, TR(GC_BEGIN, .g = 1));
		tell(sc, at + pause_ns, TR(GC_MARK_ASSIST_BEGIN, .g = 1));
		tell(sc, at + pause_ns + assist_ns, TR(GC_MARK_ASSIST_END, .g = 1));
		tell(sc, at + pause_ns + active_ns, TR(GC_END, .g = 1));
	}
	scenario_finish(sc, 1000 * MS);
}

static void garbage_collection(void **state)
{
	struct scenario sc;

	one_gc(&sc, 124 * MS, 4 * MS, 24 * MS);
	assert_null(finding_of(&sc, FINDING_GC_BUSY));
	assert_null(finding_of(&sc, FINDING_GC_PAUSE));
	assert_null(finding_of(&sc, FINDING_GC_ASSIST));
	scenario_end(&sc);
	one_gc(&sc, 125 * MS, 5 * MS, 25 * MS);
	assert_string_equal(finding_of(&sc, FINDING_GC_BUSY)->text,
			    "A garbage collection was going on for 25 % of the window (2 cycles, "
			    "one every 500ms).");
	assert_string_equal(finding_of(&sc, FINDING_GC_PAUSE)->text,
			    "The world was stopped 2 times for 10ms in sum, at longest 5ms (GC "
			    "sweep termination).");
	assert_string_equal(finding_of(&sc, FINDING_GC_ASSIST)->text,
			    "Goroutines were made to help the collector 2 times, for 50ms in sum "
			    "(5 % of their running time): they allocate faster than it marks.");
	scenario_end(&sc);
}

static void saturated_and_idle(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	tell(&sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_create(&sc, 750 * MS, 1, 2, 10, ENTRY_WORKER);
	scenario_finish(&sc, 1000 * MS);
	assert_non_null(finding_of(&sc, FINDING_SATURATED));
	assert_null(finding_of(&sc, FINDING_IDLE));
	scenario_end(&sc);

	scenario_begin(&sc, 1);
	tell(&sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	g_create(&sc, 0, 1, 2, 10, ENTRY_WORKER);
	tell(&sc, 50 * MS, TR_ON(PROC_STOP, 0, .subject = 0));
	scenario_finish(&sc, 1000 * MS);
	assert_null(finding_of(&sc, FINDING_SATURATED));
	assert_non_null(finding_of(&sc, FINDING_IDLE));
	scenario_end(&sc);
}

/* One processor that runs Go code for so long, and CPU samples in two places. */
static void one_busy(struct scenario *sc, uint64_t ms)
{
	scenario_begin(sc, 1);
	tell(sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	for (uint64_t i = 0; i < 4; i++)
		tell(sc, i * MS, TR_ON(CPU_SAMPLE, 0, .stack = STACK(i ? 4 : 8)));
	tell(sc, ms * MS, TR_ON(PROC_STOP, 0, .subject = 0));
	scenario_finish(sc, 1000 * MS);
}

static void processors_busy(void **state)
{
	struct scenario sc;

	one_busy(&sc, 799);
	assert_null(finding_of(&sc, FINDING_CPU));
	scenario_end(&sc);
	one_busy(&sc, 800);
	assert_non_null(finding_of(&sc, FINDING_CPU));
	assert_string_equal(finding_of(&sc, FINDING_CPU)->text,
			    "Processors ran Go code for 80 % of their time (GOMAXPROCS is 1); 75 % "
			    "of the CPU samples are in main.(*Cache).Get (cache.go:42).");
	assert_string_equal(finding_of(&sc, FINDING_CPU)->where, "cpu.pprof");
	scenario_end(&sc);
}

/* Idle processors, and what was waited for meanwhile: not the worker that nobody had work for. */
static void idle_and_waiting(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	g_status(&sc, 2, TR_G_RUNNING, 9, 0);
	g_status(&sc, 3, TR_G_WAITING, 1, 7);
	g_block(&sc, 100 * MS, 2, 2, 6);
	g_unblock(&sc, 150 * MS, 0, 2, 0);
	g_start(&sc, 150 * MS, 2);
	scenario_finish(&sc, 1000 * MS);
	assert_non_null(finding_of(&sc, FINDING_IDLE));
	assert_string_equal(
		finding_of(&sc, FINDING_IDLE)->text,
		"Processors were idle for 100 % of their time: the program waits; longest in "
		"net/http.(*conn).serve (server.go:2027): 50ms in sum (network).");
	scenario_end(&sc);
}

#define HEAP(sc, at, mib) tell(sc, (at)*MS, TR(HEAP_ALLOC, .value = (uint64_t)(mib) << 20))

/* Collections that leave behind what is told of each; between them the heap doubles. */
static void collections(struct scenario *sc, const unsigned *left_mib, unsigned cnt)
{
	scenario_begin(sc, 1);
	for (unsigned i = 0; i < cnt; i++) {
		HEAP(sc, 100 * i, 2 * left_mib[i]);
		tell(sc, (100 * i + 1) * MS, TR(GC_BEGIN, .seq = i));
		tell(sc, (100 * i + 5) * MS, TR(GC_END, .seq = i));
		HEAP(sc, 100 * i + 5, left_mib[i]);
	}
	scenario_finish(sc, 1000 * MS);
}

static void heap_growth(void **state)
{
	static const unsigned grows[] = {20, 22, 24}, little[] = {20, 22, 23},
			      back[] = {20, 40, 24};
	struct scenario sc;

	collections(&sc, grows, 3);
	assert_non_null(finding_of(&sc, FINDING_HEAP));
	assert_string_equal(
		finding_of(&sc, FINDING_HEAP)->text,
		"What collections leave behind grew from 20.0 MiB to 24.0 MiB over 3 of "
		"them: it is kept.");
	scenario_end(&sc);
	collections(&sc, grows, 2);
	assert_null(finding_of(&sc, FINDING_HEAP));
	scenario_end(&sc);
	collections(&sc, little, 3);
	assert_null(finding_of(&sc, FINDING_HEAP));
	scenario_end(&sc);
	collections(&sc, back, 3);
	assert_null(finding_of(&sc, FINDING_HEAP));
	scenario_end(&sc);
}

static void allocation_rate(void **state)
{
	struct scenario sc;

	for (unsigned mib = 255; mib <= 256; mib++) {
		scenario_begin(&sc, 1);
		HEAP(&sc, 0, 10);
		HEAP(&sc, 10, 10 + mib);
		scenario_finish(&sc, 1000 * MS);
		assert_int_equal(sc.s->heap.allocated, (uint64_t)mib << 20);
		if (mib < 256)
			assert_null(finding_of(&sc, FINDING_ALLOC));
		else
			assert_string_equal(
				finding_of(&sc, FINDING_ALLOC)->text,
				"About 256.0 MiB were allocated each second (an estimate "
				"from the heap's size), which took 0 collections.");
		scenario_end(&sc);
	}
}

/* A heap that is filled and collected between two readings: from what was left to the goal. */
static void allocation_between_readings(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	tell(&sc, 0, TR(HEAP_GOAL, .value = 4ull << 20));
	HEAP(&sc, 0, 3);
	for (unsigned i = 0; i < 4; i++) {
		tell(&sc, (1 + i) * MS, TR(GC_BEGIN, .seq = i));
		tell(&sc, (1 + i) * MS + 1, TR(GC_END, .seq = i));
		HEAP(&sc, 1 + i, 1);
	}
	scenario_finish(&sc, 1000 * MS);
	/* the first began with what is not known; three went from 1 to 4 MiB */
	assert_int_equal(sc.s->heap.allocated, 9ull << 20);
	scenario_end(&sc);
}

static void slow_system_calls(void **state)
{
	struct scenario sc;

	for (uint64_t each = 49; each <= 50; each++) {
		scenario_begin(&sc, 1);
		g_status(&sc, 2, TR_G_RUNNING, 8, 0);
		g_status(&sc, 3, TR_G_SYSCALL, 8, 0); /* all the time: not counted */
		for (uint64_t i = 0; i < 10; i++) {
			tell(&sc, i * 100 * MS, TR(GO_SYSCALL_BEGIN, .g = 2, .stack = STACK(8)));
			tell(&sc, (i * 100 + each) * MS, TR(GO_SYSCALL_END, .g = 2));
		}
		scenario_finish(&sc, 1000 * MS);
		if (each == 49) {
			assert_null(finding_of(&sc, FINDING_SYSCALL));
		} else {
			assert_non_null(finding_of(&sc, FINDING_SYSCALL));
			assert_string_equal(
				finding_of(&sc, FINDING_SYSCALL)->text,
				"10 system calls from main.tail (tail.go:7) took 50ms on "
				"average, at longest 50ms; each keeps a thread.");
		}
		scenario_end(&sc);
	}
}

static void spawn_rate(void **state)
{
	struct scenario sc;

	for (uint64_t n = 999; n <= 1000; n++) {
		scenario_begin(&sc, 1);
		g_status(&sc, 1, TR_G_RUNNING, 9, 0);
		for (uint64_t i = 0; i < n; i++) {
			g_create(&sc, i, 1, 10 + i, 10, ENTRY_WORKER);
			g_end(&sc, i, 10 + i);
		}
		scenario_finish(&sc, 100 * MS);
		if (n < 1000)
			assert_null(finding_of(&sc, FINDING_SPAWN));
		else
			assert_string_equal(finding_of(&sc, FINDING_SPAWN)->text,
					    "10000 goroutines were created each second, 100 % of "
					    "them by main.start (pool.go:5).");
		scenario_end(&sc);
	}
}

static void the_capture_itself(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 1);
	sc.trailer.counters[GBT_C_EVENTS] = 990;
	sc.trailer.counters[GBT_C_RING_FULL] = 10;
	sc.trailer.counters[GBT_C_STACK_CUT] = 3; /* no event */
	sc.trailer.counters[GBT_C_HITS] = 1000;
	sc.trailer.price_hit_ns = 500;
	sc.trailer.target_cpu_ns = 10 * MS;
	sc.model.repairs[REPAIR_STOP] = 1;
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	scenario_finish(&sc, 1000 * MS);
	assert_int_equal(sc.s->lost_events, 10);
	assert_string_equal(finding_of(&sc, FINDING_LOST)->text,
			    "10 events (1 %) were lost: states next to them may be longer or "
			    "shorter than shown.");
	assert_non_null(finding_of(&sc, FINDING_REPAIRED));
	assert_int_equal(sc.s->cost.estimate_ns, 500000);
	assert_string_equal(finding_of(&sc, FINDING_COST)->text,
			    "The capture itself took an estimated 5 % of the target's CPU time "
			    "(1000 hits of 500ns): times of short states are inflated.");
	/* what makes the others doubtful comes first */
	assert_int_equal(sc.s->findings[0].id, FINDING_LOST);
	scenario_end(&sc);

	scenario_begin(&sc, 1);
	sc.trailer.counters[GBT_C_HITS] = 999;
	sc.trailer.price_hit_ns = 500;
	sc.trailer.target_cpu_ns = 10 * MS;
	scenario_finish(&sc, 1000 * MS);
	assert_null(finding_of(&sc, FINDING_LOST));
	assert_null(finding_of(&sc, FINDING_REPAIRED));
	assert_null(finding_of(&sc, FINDING_COST));
	scenario_end(&sc);
}

static void every_finding_has_a_name(void **state)
{
	for (int i = 0; i < FINDING_MAX; i++) {
		assert_non_null(finding_id__name(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(finding_id__name(i), finding_id__name(k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scheduler_latency),
		cmocka_unit_test(goroutines_that_never_got_a_processor),
		cmocka_unit_test(lock_contention),
		cmocka_unit_test(goroutines_stuck),
		cmocka_unit_test(goroutine_growth),
		cmocka_unit_test(garbage_collection),
		cmocka_unit_test(saturated_and_idle),
		cmocka_unit_test(processors_busy),
		cmocka_unit_test(idle_and_waiting),
		cmocka_unit_test(heap_growth),
		cmocka_unit_test(allocation_rate),
		cmocka_unit_test(allocation_between_readings),
		cmocka_unit_test(slow_system_calls),
		cmocka_unit_test(spawn_rate),
		cmocka_unit_test(the_capture_itself),
		cmocka_unit_test(every_finding_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
