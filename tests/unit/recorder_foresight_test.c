/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorder/foresight.h"

#define MS UINT64_C(1000000)

/* A target that works so long in a second, and what a capture would add to that. */
static struct foresight of(uint64_t own_ms, double added)
{
	struct foresight f = {.window_ns = 1000 * MS, .target_cpu_ns = own_ms * MS, .added = added};

	f.price_hit_ns = 1000;
	f.hits = (uint64_t)((double)own_ms * MS * added / 1000);
	return f;
}

static void expect(const struct foresight *f, enum recording_mode m, double time, double added)
{
	struct mode_cost c;

	foresight__mode(f, m, 0.05, &c);
	assert_float_equal(c.time, time, 1e-3);
	assert_float_equal(c.added, added, 1e-4);
	assert_float_equal(c.share, added / (1 + added), 1e-4);
}

/* Four fifths of the budget are what comes in: 4 % of what it takes itself. */
static void a_storm_is_seen_in_slices(void **state)
{
	const struct foresight f = of(2000, 0.8);

	(void)state;
	expect(&f, RECORDING_FULL, 1, 0.8);
	expect(&f, RECORDING_AUTO, 0.05, 0.04);
	expect(&f, RECORDING_BURST, 0.05, 0.04);
	expect(&f, RECORDING_OBSERVE, 0, 0);
}

/* No budget is in its way, and it sees no transitions. */
static void starts_alone_cost_less(void **state)
{
	struct foresight f = of(2000, 0.8);

	(void)state;
	f.light_added = 0.25;
	expect(&f, RECORDING_LIGHT, 0, 0.25);
}

static void what_the_budget_pays_for_is_seen_whole(void **state)
{
	const struct foresight f = of(400, 0.03);

	(void)state;
	expect(&f, RECORDING_AUTO, 1, 0.03);
	expect(&f, RECORDING_BURST, 0.25, 0.0075);
}

/* 3 ms a second, and 2.4 more for a capture: less than half of the 0.5 % of a core. */
static void an_idle_target_is_seen_whole(void **state)
{
	const struct foresight f = of(3, 0.8), nothing = of(0, 0);

	(void)state;
	expect(&f, RECORDING_AUTO, 1, 0.8);
	expect(&nothing, RECORDING_AUTO, 1, 0);
	expect(&nothing, RECORDING_BURST, 0.25, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_is_seen_in_slices),
		cmocka_unit_test(starts_alone_cost_less),
		cmocka_unit_test(what_the_budget_pays_for_is_seen_whole),
		cmocka_unit_test(an_idle_target_is_seen_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
