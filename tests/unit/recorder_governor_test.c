/* SPDX-License-Identifier: GPL-2.0-only */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/governor.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define STEP (5 * MS)
#define SECONDS_MAX 60
#define STEPS_MAX (SECONDS_MAX * 200)

/* A target: its own work in cores and its hits a second, as they would be without probes. */
struct load {
	double cores, hits;
};
typedef struct load (*load_fn)(double second);

/* What it went through, a step each. */
struct run {
	struct governor g;
	struct governor_seen seen;
	double attach_ms, detach_ms;
	size_t steps;
	bool on[STEPS_MAX];
	double own[STEPS_MAX], cost[STEPS_MAX];
	load_fn load;
	double real_price_ns;
};

static struct run run;
static uint64_t slice_max_ns;
#define ALL_OF_IT 1e9
static double tail_ms = ALL_OF_IT; /* for so much of a removal the target is hit */
static uint64_t cold_ns = 2000;

static void live(struct run *r, bool probes)
{
	struct load l = r->load((double)r->seen.now_ns / 1e9);
	double hits = probes ? l.hits * STEP / 1e9 : 0;

	assert_in_range(r->steps, 0, STEPS_MAX - 1);
	r->on[r->steps] = probes;
	r->own[r->steps] = l.cores * STEP;
	r->cost[r->steps] = hits * r->real_price_ns;
	r->seen.now_ns += STEP;
	r->seen.hits += (uint64_t)hits;
	r->seen.cpu_ns += (uint64_t)(r->own[r->steps] + r->cost[r->steps]);
	r->steps++;
}

static void act(struct run *r, enum governor_says says)
{
	double ms = says == GOVERNOR_OFF ? r->detach_ms : r->attach_ms;
	uint64_t begin = r->seen.now_ns;

	if (says == GOVERNOR_KEEP)
		return;
	assert_int_equal(says, r->g.on ? GOVERNOR_OFF : GOVERNOR_ON);
	for (double t = 0; t < ms; t += 5) /* breakpoints are there meanwhile, at worst */
		live(r, says == GOVERNOR_OFF && t < tail_ms);
	governor__done(&r->g, &r->seen, r->seen.now_ns - begin);
}

static void simulate(load_fn load, double budget, double detach_ms, double seconds, bool once)
{
	const struct governor_config cfg = {
		.budget = budget,
		.price = {.hot_ns = 700, .cold_ns = cold_ns},
		.once = once,
		.slice_max_ns = slice_max_ns,
		.tail_ns = 30 * MS,
		.attach_cost_ns = 1 * MS,
	};

	memset(&run, 0, sizeof(run));
	run.load = load;
	run.detach_ms = detach_ms;
	run.attach_ms = 15;
	run.real_price_ns = 700;
	governor__begin(&run.g, &cfg, &run.seen, load(0).cores);
	while (run.seen.now_ns < seconds * 1e9) {
		live(&run, run.g.on);
		act(&run, governor__step(&run.g, &run.seen));
	}
}

/* No stretch of so long costs more than part of what the target used itself, or a floor. */
static void assert_bounded(double seconds, double part, double first_ms)
{
	size_t n = (size_t)(seconds * 200), first = (size_t)(first_ms / 5);
	/* twice of it in a second, and a fifth may be passed, as of a budget */
	double floor_ns = seconds * 1e9 * GOVERNOR_CORE_FLOOR * (seconds < 2 ? 2 : 1) * 1.2;

	for (size_t from = first; from + n <= run.steps; from++) {
		double own = 0, cost = 0, most;

		for (size_t i = from; i < from + n; i++) {
			own += run.own[i];
			cost += run.cost[i];
		}
		most = own * part;
		if (most < floor_ns)
			most = floor_ns;
		if (cost > most) {
			print_error("%.1f s from step %zu: %.1f ms of %.1f allowed\n", seconds,
				    from, cost / 1e6, most / 1e6);
			fail();
		}
	}
}

static double on_share(double from_s, double to_s)
{
	size_t on = 0, n = 0;

	for (size_t i = (size_t)(from_s * 200); i < (size_t)(to_s * 200) && i < run.steps; i++, n++)
		on += run.on[i];
	return n ? (double)on / (double)n : 0;
}

static struct load idle(double second)
{
	return (struct load){.cores = 0.01, .hits = 300};
}

static struct load service(double second)
{
	return (struct load){.cores = 0.3, .hits = 5000};
}

static struct load flat_out(double second)
{
	return (struct load){.cores = 1.0, .hits = 700000};
}

static struct load storm_at_3(double second)
{
	return second < 3 ? service(second) : (struct load){.cores = 1.2, .hits = 1400000};
}

static struct load storm_from_3_to_6(double second)
{
	return second < 3 || second >= 6 ? service(second) : storm_at_3(second);
}

static void test_a_quiet_target_is_captured_in_full(void **state)
{
	simulate(idle, 0.05, 30, 20, false);
	assert_int_equal(run.g.slices, 1);
	assert_true(on_share(0, 20) == 1);
	simulate(service, 0.05, 30, 20, false);
	assert_int_equal(run.g.slices, 1);
	assert_true(on_share(0, 20) == 1);
}

static void test_a_busy_one_in_slices(void **state)
{
	static const double budgets[] = {0.05, 0.02, 0.01};

	for (size_t i = 0; i < 3; i++) {
		simulate(flat_out, budgets[i], 30, 40, false);
		assert_bounded(6, budgets[i] * 1.2 + 0.005, 0);
		assert_bounded(1, 2 * budgets[i] * 1.2 + 0.005, 100);
		assert_true(run.g.slices >= 3);
		assert_true(on_share(0, 40) > 0);
		/* what it says that it spent is what it did spend */
		assert_true(governor__share(&run.g, run.seen.cpu_ns) <= budgets[i] * 1.2);
	}
	simulate(flat_out, 0.05, 30, 40, false);
	assert_true(on_share(0, 40) > 0.05);
}

/* Within 100 ms, and before twice the budget of that second is gone. */
static void test_a_storm_in_the_middle(void **state)
{
	size_t i, storm = 3 * 200;

	simulate(storm_at_3, 0.05, 20, 30, false);
	assert_true(on_share(0, 3) == 1);
	for (i = storm; i < run.steps && run.on[i]; i++)
		;
	assert_in_range((i - storm) * 5, 0, 100);
	assert_bounded(6, 0.06 + 0.005, 0);
	assert_true(run.g.slices > 2);
}

static void test_full_again_behind_it(void **state)
{
	simulate(storm_from_3_to_6, 0.05, 20, 30, false);
	assert_true(on_share(0, 3) == 1);
	assert_true(on_share(3.2, 6) < 0.3);
	assert_true(on_share(20, 30) == 1);
}

/*
 * The kernel is busy with a removal for long after the last hit: only the time of the hits is paid
 * for, whatever else there is in the budget is spent on slices.
 */
static void test_only_the_tail_of_a_removal_is_paid_for(void **state)
{
	uint64_t with_all_ns;

	simulate(flat_out, 0.05, 100, 40, false);
	with_all_ns = run.g.on_ns;
	tail_ms = 10;
	simulate(flat_out, 0.05, 100, 40, false);
	tail_ms = ALL_OF_IT;
	assert_bounded(6, 0.06, 0);
	assert_bounded(1, 0.12, 100);
	assert_in_range(run.g.cfg.tail_ns, 5 * MS, 25 * MS);
	assert_true(run.g.on_ns > 2 * with_all_ns);
	assert_true(governor__share(&run.g, run.seen.cpu_ns) > 0.03);
}

static struct load nearly_idle(double second)
{
	return (struct load){.cores = 0.02, .hits = 3400};
}

static struct load a_bit_too_much(double second)
{
	return (struct load){.cores = 0.02, .hits = 5600};
}

static struct load storm_behind_it(double second)
{
	return second < 10 ? a_bit_too_much(second) : (struct load){.cores = 2, .hits = 1400000};
}

/* Of a floor only half is spent, so that the begin of a storm is within the same six seconds. */
static void test_a_calm_leaves_something_for_a_storm(void **state)
{
	cold_ns = 700; /* what it counts is what it costs */
	simulate(nearly_idle, 0.05, 30, 20, false);
	assert_int_equal(run.g.slices, 1);
	tail_ms = 10;
	simulate(storm_behind_it, 0.05, 60, 30, false);
	tail_ms = ALL_OF_IT;
	cold_ns = 2000;
	assert_true(on_share(0, 10) > 0.3);
	assert_bounded(6, 0.06, 0);
}

static struct load gusts(double second)
{
	return second - floor(second / 3) * 3 < 2 ? nearly_idle(second) : flat_out(second);
}

/* A second of storm behind each two of calm: each begin is paid for before probes are back. */
static void test_storms_that_come_and_go(void **state)
{
	static const double budgets[] = {0.05, 0.02, 0.01};

	for (size_t i = 0; i < 3; i++) {
		tail_ms = 10;
		simulate(gusts, budgets[i], 60, 50, false);
		tail_ms = ALL_OF_IT;
		assert_bounded(6, budgets[i] * 1.2 + 0.005, 0);
		assert_true(run.g.slices >= 4);
	}
}

static void test_slow_removal_means_rare_slices(void **state)
{
	simulate(flat_out, 0.05, 2500, 60, false);
	/* the first could not be known; then it is, and only tries are left */
	assert_true(run.g.slices <= 5);
}

static void test_short_slices_where_more_could_be_paid(void **state)
{
	slice_max_ns = 300 * MS;
	simulate(idle, 0.05, 5, 20, false);
	slice_max_ns = 0;
	assert_in_range(run.g.slices, 14, 18);
	assert_true(on_share(0, 20) > 0.2 && on_share(0, 20) < 0.3);
}

/* Hits in between are paid for, and say nothing of what all probes would see. */
static void test_some_that_stay(void **state)
{
	const struct governor_config cfg = {.budget = 0.05,
					    .price = {.hot_ns = 1000, .cold_ns = 1000},
					    .some_stay = true,
					    .tail_ns = 30 * MS};
	struct governor_seen seen = {.now_ns = SECOND};
	struct governor g;
	double spent, rate;

	governor__begin(&g, &cfg, &seen, 1);
	seen.now_ns += 100 * MS;
	seen.cpu_ns += 100 * MS;
	seen.hits += 50000;
	governor__step(&g, &seen);
	governor__done(&g, &seen, 0);
	assert_false(g.on);
	rate = g.hit_rate;
	spent = g.spent_ns;
	assert_true(rate > 400e3);
	for (int i = 0; i < 100; i++) {
		seen.now_ns += 5 * MS;
		seen.cpu_ns += 5 * MS;
		seen.hits += 10;
		governor__step(&g, &seen);
	}
	assert_true(g.hit_rate >= rate && g.hit_rate <= rate);
	assert_true(g.spent_ns >= spent + 0.9e6);
}

static void test_once(void **state)
{
	simulate(flat_out, 0.05, 20, 20, true);
	assert_int_equal(run.g.slices, 1);
	assert_false(run.g.on);
	assert_in_range(run.g.on_ns, 1 * MS, 500 * MS);
}

static void test_a_large_budget_never_ends(void **state)
{
	simulate(flat_out, 10, 30, 20, false);
	assert_int_equal(run.g.slices, 1);
	assert_true(run.g.on);
}

/* Whatever goes on while probes come and go, which lasts longer than slices of a storm do. */
static void test_what_everything_would_add(void **state)
{
	const double truth = 700000 * 700e-9; /* of one core's own work a second */

	for (int i = 0; i < 2; i++) {
		tail_ms = i ? 5 : ALL_OF_IT;
		simulate(flat_out, 0.05, 200, 20, false);
		assert_true(governor__full_added(&run.g) > truth * 0.8);
		assert_true(governor__full_added(&run.g) < truth * 1.3);
	}
	tail_ms = ALL_OF_IT;
}

/* A moment of which the kernel has told no CPU time yet. */
static void test_what_a_moment_says_of_everything(void **state)
{
	const struct governor_config cfg = {.budget = 0.05,
					    .price = {.hot_ns = 700, .cold_ns = 2000}};
	struct governor_seen seen = {.now_ns = 1000 * MS, .cpu_ns = 500 * MS};
	struct governor g;

	governor__begin(&g, &cfg, &seen, 2);
	seen.now_ns += 5 * MS;
	seen.hits += 5000; /* 3.5 ms of 10 */
	governor__step(&g, &seen);
	assert_true(governor__full_added(&g) > 0.4 && governor__full_added(&g) < 0.7);
}

/* What the target uses was guessed far too low, so that the first slice was none. */
static void test_a_wrong_guess_is_made_good(void **state)
{
	const struct governor_config cfg = {.budget = 0.05,
					    .price = {.hot_ns = 700, .cold_ns = 2000},
					    .tail_ns = 30 * MS,
					    .attach_cost_ns = 1 * MS};

	memset(&run, 0, sizeof(run));
	run.load = flat_out;
	run.detach_ms = 20;
	run.attach_ms = 15;
	run.real_price_ns = 700;
	governor__begin(&run.g, &cfg, &run.seen, 0.01);
	while (run.seen.now_ns < 3 * SECOND) {
		live(&run, run.g.on);
		act(&run, governor__step(&run.g, &run.seen));
	}
	assert_true(run.g.slices >= 2 && run.g.on_ns >= 30 * MS);
	assert_bounded(1, 0.1, 100);
}

/* What should only rise and does not gives no income, and no cost. */
static void test_figures_that_fall_give_nothing(void **state)
{
	const struct governor_config cfg = {.budget = 0.05,
					    .price = {.hot_ns = 700, .cold_ns = 2000}};
	struct governor_seen seen = {.now_ns = 1000 * MS, .hits = 1000, .cpu_ns = 500 * MS};
	struct governor g;

	governor__begin(&g, &cfg, &seen, 1);
	seen.now_ns += 5 * MS;
	seen.cpu_ns -= 1;
	seen.hits -= 1;
	assert_int_equal(governor__step(&g, &seen), GOVERNOR_KEEP);
	assert_true(g.cpu_rate > 0.9 && g.cpu_rate <= 1);
	assert_true(g.cpu_on_ns == 0 && g.spent_ns == 0);
	/* 5 ms of a whole core, each hit with 5 µs: more than the budget pays */
	for (int i = 0; i < 200 && g.on; i++) {
		seen.now_ns += 5 * MS;
		seen.cpu_ns += 5 * MS;
		seen.hits += 1000;
		if (governor__step(&g, &seen) == GOVERNOR_OFF)
			governor__done(&g, &seen, 0);
	}
	assert_false(g.on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_quiet_target_is_captured_in_full),
		cmocka_unit_test(test_a_busy_one_in_slices),
		cmocka_unit_test(test_a_storm_in_the_middle),
		cmocka_unit_test(test_full_again_behind_it),
		cmocka_unit_test(test_only_the_tail_of_a_removal_is_paid_for),
		cmocka_unit_test(test_a_calm_leaves_something_for_a_storm),
		cmocka_unit_test(test_storms_that_come_and_go),
		cmocka_unit_test(test_slow_removal_means_rare_slices),
		cmocka_unit_test(test_short_slices_where_more_could_be_paid),
		cmocka_unit_test(test_some_that_stay),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_a_large_budget_never_ends),
		cmocka_unit_test(test_what_everything_would_add),
		cmocka_unit_test(test_what_a_moment_says_of_everything),
		cmocka_unit_test(test_a_wrong_guess_is_made_good),
		cmocka_unit_test(test_figures_that_fall_give_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
