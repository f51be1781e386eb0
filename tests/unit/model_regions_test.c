/* SPDX-License-Identifier: GPL-2.0-only */
#include "model_scene.h"

static void test_regions_are_closed_from_the_inside(void **state)
{
	struct scene *s = new_scene();

	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "began before");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "outer");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "inner");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "outer"); /* inner's end was lost */
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "other");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "unknown");
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"UserRegionEnd 10/0/5\n"
				"UserRegionBegin 10/0/5\n"
				"UserRegionBegin 10/0/5\n"
				"!UserRegionEnd 10/0/5\n"
				"UserRegionEnd 10/0/5\n"
				"UserRegionBegin 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

/* Ends of what StartRegion began while the tracer is off do not say which one they are. */
static void test_regions_that_were_started_end_as_they_nest(void **state)
{
	struct scene *s = new_scene();

	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, ""); /* began before: not told */
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START, "outer");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_BEGIN, "around");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START_NO_TASK, "left out");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START, "inner");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_END, "around");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 0);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 0);
	end_scene(s);
}

/* An end that does not say which one it is ends none but such; what is open inside of it ends too.
 */
static void test_started_regions_are_closed_from_the_inside(void **state)
{
	struct scene *s = new_scene();

	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START, "same name");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_END, "same name"); /* another's */
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_BEGIN, "its end is lost");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"!UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 1);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions_are_closed_from_the_inside),
		cmocka_unit_test(test_regions_that_were_started_end_as_they_nest),
		cmocka_unit_test(test_started_regions_are_closed_from_the_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
