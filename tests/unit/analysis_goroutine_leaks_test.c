/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/goroutine_leaks.h"

#define SECOND UINT64_C(1000000000)

static char *reasons[] = {"", "chan receive", "select"};
static const uint64_t stack_a[] = {1, 2, 3}, stack_b[] = {1, 2, 4};
static struct snapshot head = {.wait_reasons = reasons, .wait_reasons_cnt = 3};

static struct goroutine_leaks *leaks_new(void)
{
	struct goroutine_leaks *l = NULL;

	/* the runtime's own are looked at too, so that no binary is asked whose they are */
	assert_int_equal(goroutine_leaks__new(NULL, true, &l), 0);
	return l;
}

/* stack NULL: running, or torn */
static void visit(struct goroutine_leaks *l, uint64_t goid, uint64_t gopc, const uint64_t *stack)
{
	const struct snap_g g = {
		.goid = goid,
		.gopc = gopc,
		.status = stack ? G_WAITING : G_RUNNING,
		.wait_reason = 1,
		.sampled = !stack,
		.stack_cnt = stack ? 3 : 0,
		.waitsince_ns = goid == 7 ? (int64_t)(SECOND / 2) : 0,
	};

	assert_int_equal(goroutine_leaks__visit(l, &head, &g, stack, NULL), 0);
}

static void end_look(struct goroutine_leaks *l, uint64_t at_s)
{
	head.begin_ns = at_s * SECOND;
	assert_int_equal(goroutine_leaks__end_look(l, &head), 0);
}

/* Nine looks a second apart, the first at 1 s. Goroutine n of `gopc` is there from look born(n) on
 * until look died(n), exclusive. */
struct life {
	uint64_t goid, gopc;
	unsigned born, died;
	const uint64_t *stack;
};

static struct goroutine_leaks *live(const struct life *lives, size_t cnt)
{
	struct goroutine_leaks *l = leaks_new();

	for (unsigned look = 0; look < 9; look++) {
		for (size_t i = 0; i < cnt; i++) {
			if (look >= lives[i].born && look < lives[i].died)
				visit(l, lives[i].goid, lives[i].gopc, lives[i].stack);
		}
		end_look(l, look + 1);
	}
	assert_int_equal(goroutine_leaks__finish(l), 0);
	return l;
}
#define LIVE(lives) live(lives, sizeof(lives) / sizeof((lives)[0]))

static void test_only_what_grows(void **state)
{
	static const struct life lives[] = {
		{7, 50, 0, 9, stack_a},	 {8, 50, 2, 9, stack_a},  {9, 50, 4, 9, stack_a},
		{10, 50, 6, 9, stack_a}, {11, 50, 6, 9, stack_a}, {12, 50, 8, 9, stack_a},
		{20, 60, 0, 9, stack_a}, {21, 60, 0, 9, stack_a}, /* as many as before */
	};
	struct goroutine_leaks *l = LIVE(lives);
	const struct goroutine_leak *k;
	struct goroutine_leaks_totals t;

	(void)state;
	assert_int_equal(goroutine_leaks__count(l), 1);
	k = goroutine_leaks__at(l, 0);
	assert_int_equal(k->like.gopc, 50);
	assert_int_equal(k->before, 1);
	assert_int_equal(k->now, 6);
	assert_int_equal(k->grown, 4); /* the one of the last look has not settled */
	assert_true(k->per_minute > 34.28 && k->per_minute < 34.29); /* 4 in 7 s */
	assert_int_equal(k->oldest_ns, 9 * SECOND - SECOND / 2);     /* by its own mark */
	assert_int_equal(k->goid, 7);
	assert_string_equal(k->state, "chan receive");
	assert_int_equal(k->pc_cnt, 3);
	assert_int_equal(k->pcs[2], 3);
	goroutine_leaks__totals(l, &t);
	assert_int_equal(t.looks, 9);
	assert_int_equal(t.before, 3);
	assert_int_equal(t.now, 8);
	assert_int_equal(t.span_ns, 8 * SECOND);
	assert_int_equal(t.unknown, 0);
	goroutine_leaks__free(l);
}

static void test_one_that_leaves_acquits(void **state)
{
	static const struct life lives[] = {
		{1, 50, 0, 5, stack_a}, {2, 50, 1, 9, stack_a}, {3, 50, 2, 9, stack_a},
		{4, 50, 3, 9, stack_a}, {5, 50, 4, 9, stack_a}, {6, 50, 5, 9, stack_a},
	};
	struct goroutine_leaks *l = LIVE(lives);

	(void)state;
	assert_int_equal(goroutine_leaks__count(l), 0);
	goroutine_leaks__free(l);
}

static void test_short_lives_beside_a_leak(void **state)
{
	/* the same stack and go statement: those that are met once say nothing */
	static const struct life lives[] = {
		{1, 50, 0, 9, stack_a},	 {2, 50, 1, 9, stack_a},  {3, 50, 3, 9, stack_a},
		{4, 50, 5, 9, stack_a},	 {30, 50, 0, 1, stack_a}, {31, 50, 2, 3, stack_a},
		{32, 50, 4, 5, stack_a}, {33, 50, 6, 7, stack_a},
	};
	struct goroutine_leaks *l = LIVE(lives);

	(void)state;
	assert_int_equal(goroutine_leaks__count(l), 1);
	assert_int_equal(goroutine_leaks__at(l, 0)->grown, 3);
	assert_int_equal(goroutine_leaks__at(l, 0)->before, 2);
	goroutine_leaks__free(l);
}

static void test_filled_once(void **state)
{
	/* a look was under way when the pool was filled */
	static const struct life lives[] = {
		{1, 50, 3, 9, stack_a}, {2, 50, 3, 9, stack_a}, {3, 50, 3, 9, stack_a},
		{4, 50, 4, 9, stack_a}, {5, 50, 4, 9, stack_a}, {6, 50, 4, 9, stack_a},
	};
	struct goroutine_leaks *l = LIVE(lives);

	(void)state;
	assert_int_equal(goroutine_leaks__count(l), 0);
	goroutine_leaks__free(l);
}

static void test_groups_are_by_stack_and_creator(void **state)
{
	static const struct life lives[] = {
		{1, 50, 1, 9, stack_a}, {2, 50, 2, 9, stack_a}, {3, 50, 3, 9, stack_a},
		{4, 60, 1, 9, stack_a}, {5, 60, 2, 9, stack_a}, {6, 60, 3, 9, stack_a},
		{7, 60, 4, 9, stack_a}, {8, 50, 0, 3, stack_b}, {9, 70, 0, 4, stack_a},
	};
	struct goroutine_leaks *l = LIVE(lives);

	(void)state;
	assert_int_equal(goroutine_leaks__count(l), 2);
	assert_int_equal(goroutine_leaks__at(l, 0)->like.gopc, 60); /* grew more */
	assert_int_equal(goroutine_leaks__at(l, 1)->like.gopc, 50);
	goroutine_leaks__free(l);
}

/* Goroutines that are elsewhere, or not to be read, now and then: neither leaves nor newcomers. */
static void test_visits_elsewhere(void **state)
{
	struct goroutine_leaks *l = leaks_new();
	struct goroutine_leaks_totals t;

	(void)state;
	for (unsigned look = 0; look < 9; look++) {
		/* a leak that ticks: each is elsewhere at two looks, unknown at another */
		for (unsigned n = 0; n <= look; n++)
			visit(l, 100 + n, 50,
			      look == n + 3   ? stack_b
			      : look == n + 4 ? stack_b
			      : look == n + 5 ? NULL
					      : stack_a);
		/* tickers that were there before */
		for (unsigned n = 0; n < 20; n++)
			visit(l, 200 + n, 60, look == n % 9 ? stack_b : stack_a);
		visit(l, 300, 70, NULL);
		end_look(l, look + 1);
	}
	assert_int_equal(goroutine_leaks__finish(l), 0);
	assert_int_equal(goroutine_leaks__count(l), 1);
	assert_int_equal(goroutine_leaks__at(l, 0)->like.gopc, 50);
	assert_int_equal(goroutine_leaks__at(l, 0)->grown, 7);
	goroutine_leaks__totals(l, &t);
	assert_int_equal(t.unknown, 1);
	goroutine_leaks__free(l);
}

static void test_moved_for_good(void **state)
{
	struct goroutine_leaks *l = leaks_new();

	(void)state;
	for (unsigned look = 0; look < 9; look++) {
		/* new ones settle at a, but the first goes to b and stays there */
		visit(l, 100, 50, look < 4 ? stack_a : stack_b);
		for (unsigned n = 1; n <= look; n++)
			visit(l, 100 + n, 50, stack_a);
		/* a leak whose members first work somewhere else for long: reported where they
		 * are stuck */
		for (unsigned n = 0; n <= look; n++)
			visit(l, 200 + n, 60, look < n + 2 ? stack_a : stack_b);
		end_look(l, look + 1);
	}
	assert_int_equal(goroutine_leaks__finish(l), 0);
	assert_int_equal(goroutine_leaks__count(l), 1);
	assert_int_equal(goroutine_leaks__at(l, 0)->like.gopc, 60);
	assert_int_equal(goroutine_leaks__at(l, 0)->pcs[2], 4);
	goroutine_leaks__free(l);
}

static void test_too_few_looks(void **state)
{
	struct goroutine_leaks *l = leaks_new();

	(void)state;
	visit(l, 1, 50, stack_a);
	end_look(l, 1);
	visit(l, 1, 50, stack_a);
	visit(l, 2, 50, stack_a);
	end_look(l, 2);
	assert_int_equal(goroutine_leaks__finish(l), 0);
	assert_int_equal(goroutine_leaks__count(l), 0);
	goroutine_leaks__free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_grows),
		cmocka_unit_test(test_one_that_leaves_acquits),
		cmocka_unit_test(test_short_lives_beside_a_leak),
		cmocka_unit_test(test_filled_once),
		cmocka_unit_test(test_groups_are_by_stack_and_creator),
		cmocka_unit_test(test_visits_elsewhere),
		cmocka_unit_test(test_moved_for_good),
		cmocka_unit_test(test_too_few_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
