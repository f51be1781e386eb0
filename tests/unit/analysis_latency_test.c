/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

#include "analysis/latency.h"

static void percentiles_are_of_nearest_rank(void **state)
{
	struct summary_latency out;
	struct latency l = {0};

	for (uint64_t v = 1; v <= 100; v++)
		assert_int_equal(latency__add(&l, v * 1000), 0);
	latency__finish(&l, &out);
	assert_int_equal(out.cnt, 100);
	assert_int_equal(out.p50_ns, 50000);
	assert_int_equal(out.p99_ns, 99000);
	assert_int_equal(out.max_ns, 100000);
	assert_int_equal(out.total_ns, 5050000);
	latency__fini(&l);
}

static void one_value_is_every_percentile(void **state)
{
	struct summary_latency out;
	struct latency l = {0};

	latency__add(&l, 7);
	latency__finish(&l, &out);
	assert_int_equal(out.p50_ns, 7);
	assert_int_equal(out.p99_ns, 7);
	assert_int_equal(out.max_ns, 7);
	latency__fini(&l);
}

static int by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

/* Against sorting, with values on both sides of the border of the two stores. */
static void agrees_with_sorting(void **state)
{
	enum {
		CNT = 12345
	};
	static uint64_t all[CNT];
	struct summary_latency out;
	uint64_t x = 88172645463325252ull;
	struct latency l = {0};

	for (size_t i = 0; i < CNT; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		all[i] = i % 3 ? x % LATENCY_SMALL_MAX : x % (1ull << 40);
		if (i == 0)
			all[i] = LATENCY_SMALL_MAX - 1;
		if (i == 1)
			all[i] = LATENCY_SMALL_MAX;
		assert_int_equal(latency__add(&l, all[i]), 0);
	}
	latency__finish(&l, &out);
	qsort(all, CNT, sizeof(all[0]), by_value);
	assert_int_equal(out.p50_ns, all[(CNT * 50 + 99) / 100 - 1]);
	assert_int_equal(out.p99_ns, all[(CNT * 99 + 99) / 100 - 1]);
	assert_int_equal(out.max_ns, all[CNT - 1]);
	latency__fini(&l);
}

static void only_closed_measured_waits_count(void **state)
{
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_RUNNABLE, 1, 0); /* began before the window: no */
	g_start(&sc, 900, 2);
	g_create(&sc, 1000, 1, 3, 10, ENTRY_WORKER);
	g_start(&sc, 1250, 3); /* creation: 250 */
	tell(&sc, 2000, TR(GO_STOP, .g = 3, .reason = TR_STOP_PREEMPTED, .stack = STACK(1)));
	g_start(&sc, 2100, 3); /* preemption: 100 */
	tell(&sc, 3000, TR(GO_SYSCALL_BEGIN, .g = 3, .stack = STACK(8)));
	tell(&sc, 3500, TR(GO_SYSCALL_END_BLOCKED, .g = 3));
	g_start(&sc, 3530, 3); /* after a syscall: 30 */
	g_block(&sc, 4000, 3, 7, 1);
	tell(&sc, 4500, TR(GO_UNBLOCK, .subject = 3, .repair = true));
	g_start(&sc, 4500, 3); /* findRunnable's, which the model put in: 0 */
	g_block(&sc, 4600, 3, 7, 1);
	tell(&sc, 4700, TR(GO_UNBLOCK, .subject = 3, .repair = true));
	tell(&sc, 4701, TR(GO_START, .subject = 3, .repair = true)); /* made up: no */
	tell(&sc, 4800, TR(GO_STOP, .g = 3, .repair = true));
	g_start(&sc, 4801, 3); /* nor this one's begin */
	g_create(&sc, 5000, 1, 4, 10, ENTRY_GC_WORKER);
	g_start(&sc, 5004, 4); /* the runtime's: 4, not the program's */
	g_block(&sc, 6000, 3, 7, 1);
	g_unblock(&sc, 6500, 1, 3, 3); /* still waiting for a P at the end: no */
	scenario_finish(&sc, 7000);

	assert_int_equal(sc.s->latency.cnt, 4);
	assert_int_equal(sc.s->latency.p50_ns, 30);
	assert_int_equal(sc.s->latency.p99_ns, 250);
	assert_int_equal(sc.s->latency.max_ns, 250);
	assert_int_equal(sc.s->latency.total_ns, 380);
	assert_int_equal(sc.s->latency.open_cnt, 1);
	assert_int_equal(sc.s->latency.open_max_ns, 500);
	assert_int_equal(sc.s->latency_all.cnt, 5);
	assert_int_equal(sc.s->latency_all.p50_ns, 30);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_of_nearest_rank),
		cmocka_unit_test(one_value_is_every_percentile),
		cmocka_unit_test(agrees_with_sorting),
		cmocka_unit_test(only_closed_measured_waits_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
