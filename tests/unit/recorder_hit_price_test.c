/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/hit_price.h"

#define SECOND UINT64_C(1000000000)

static const struct hit_price price = {.hot_ns = 700, .cold_ns = 2000};

/* What docs/performance.md's table measured, with its own ends of the line. */
static void test_meets_the_measured_loads(void **state)
{
	/* 17.7 µs of its own and 14 hits a request, flat out: 789 ns */
	uint64_t hits = 14 * 10000, own = 17700ull * 10000;

	assert_in_range(hit_price__at(&price, hits, own + hits * 789), 700, 870);
	/* 33 hits in 1.4 ms */
	assert_in_range(hit_price__at(&price, 33, 1400000 + 33 * 2000), 1950, 2000);
	/* channel ping-pong */
	assert_in_range(hit_price__at(&price, 3, 450 + 3 * 680), 650, 790);
}

static void test_never_takes_all(void **state)
{
	for (uint64_t hits = 1; hits < 100000000; hits *= 3) {
		uint64_t low, high, at = hit_price__at(&price, hits, SECOND);

		hit_price__bounds(&price, hits, SECOND, &low, &high);
		assert_true(at * hits <= SECOND);
		assert_true(high * hits <= SECOND);
		assert_true(low <= at && at <= high);
		assert_in_range(at, 0, price.cold_ns);
	}
}

static void test_falls_with_the_rate(void **state)
{
	uint64_t before = price.cold_ns;

	for (uint64_t hits = 1; hits < 100000000; hits = hits * 3 / 2 + 1) {
		uint64_t at = hit_price__at(&price, hits, SECOND);

		assert_true(at <= before);
		before = at;
	}
	assert_true(before < price.hot_ns);
}

static void test_unknown_time_is_cold(void **state)
{
	uint64_t low, high;

	assert_int_equal(hit_price__at(&price, 5, 0), 2000);
	assert_int_equal(hit_price__at(&price, 0, SECOND), 2000);
	hit_price__bounds(&price, 5, 0, &low, &high);
	assert_true(low < 700 && high > 2000);
}

static void test_takes_the_sites_as_they_are(void **state)
{
	const struct prices p = {
		.of = {[PRICE_PUSH] = {.hot_ns = 600, .cold_ns = 1800},
		       [PRICE_PUSH_STACK] = {.hot_ns = 800, .cold_ns = 2200},
		       [PRICE_NOP5] = {.hot_ns = 400, .cold_ns = 1500}},
	};
	static struct probe_plan plan = {
		.sites = {{.id = SITE_EXECUTE, .insn = SITE_PUSH},
			  {.id = SITE_READY, .insn = SITE_NOP5},
			  {.id = SITE_USER_LOG, .insn = SITE_STEPPED}},
		.cnt = 3,
	};
	struct hit_price got;

	hit_price__of_plan(&p, &plan, &got);
	/* 600, and 400 with 200 for the stack; the annotation is rare */
	assert_int_equal(got.hot_ns, 600);
	assert_int_equal(got.cold_ns, (1800 + 1900) / 2);
	assert_non_null(strstr(got.from, "measured here"));

	/* of mode light: each hit has a stack */
	hit_price__of_starts(&p, &plan, &got);
	assert_int_equal(got.hot_ns, (800 + 600) / 2);

	/* a kind that was not measured counts as a push; without busy sites all count */
	plan.sites[0] = (struct probe_site){.id = SITE_STW, .insn = SITE_JCC};
	plan.cnt = 1;
	hit_price__of_plan(&p, &plan, &got);
	assert_int_equal(got.hot_ns, 800);
}

static void test_says_that_it_assumes(void **state)
{
	static const struct probe_plan plan = {
		.sites = {{.id = SITE_EXECUTE, .insn = SITE_PUSH}},
		.cnt = 1,
	};
	const struct prices none = {.why = "needs CAP_BPF"};
	struct hit_price got;

	hit_price__of_plan(&none, &plan, &got);
	assert_true(got.hot_ns && got.cold_ns > got.hot_ns);
	assert_non_null(strstr(got.from, "assumed"));
	assert_non_null(strstr(got.from, "needs CAP_BPF"));
	hit_price__of_plan(NULL, &plan, &got);
	assert_non_null(strstr(got.from, "assumed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meets_the_measured_loads),
		cmocka_unit_test(test_never_takes_all),
		cmocka_unit_test(test_falls_with_the_rate),
		cmocka_unit_test(test_unknown_time_is_cold),
		cmocka_unit_test(test_takes_the_sites_as_they_are),
		cmocka_unit_test(test_says_that_it_assumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
