/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "goruntime/plan_order.h"

static void the_busiest_come_first_and_all_keep_their_order(void **state)
{
	static const enum site_id given[] = {SITE_STW,	SITE_READY, SITE_NEEDM,
					     SITE_PARK, SITE_STW,   SITE_REGION_END};
	static const enum site_id expected[] = {SITE_READY, SITE_PARK, SITE_STW,
						SITE_NEEDM, SITE_STW,  SITE_REGION_END};
	static const uint64_t from[] = {1, 3, 0, 2, 4, 5};
	struct probe_plan plan = {.cnt = 6};

	(void)state;
	for (size_t i = 0; i < plan.cnt; i++)
		plan.sites[i] = (struct probe_site){.id = given[i], .vaddr = i};
	plan_order__busiest_first(&plan);
	assert_int_equal(plan.cnt, 6);
	for (size_t i = 0; i < plan.cnt; i++) {
		assert_int_equal(plan.sites[i].id, expected[i]);
		assert_int_equal(plan.sites[i].vaddr, from[i]);
	}
}

static void a_plan_of_nothing_stays_one(void **state)
{
	struct probe_plan plan = {.cnt = 0};

	(void)state;
	plan_order__busiest_first(&plan);
	assert_int_equal(plan.cnt, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_busiest_come_first_and_all_keep_their_order),
		cmocka_unit_test(a_plan_of_nothing_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
