/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "output/profile_kinds.h"

static uint32_t bit(const char *name)
{
	enum profile_id id = profile_kind__find(name, strlen(name));

	assert_int_not_equal(id, PROFILE_ID_MAX);
	return 1u << id;
}

static struct profile_choice choice_of(const char *list)
{
	struct profile_choice c;
	const char *bad;
	size_t len;

	assert_int_equal(profile_choice__parse(list, &c, &bad, &len), 0);
	return c;
}

static void rows_are_whole(void **state)
{
	for (int i = 0; i < PROFILE_ID_MAX; i++) {
		const struct profile_kind *k = profile_kind__get(i);

		assert_non_null(k->name);
		assert_string_equal(k->type->name, k->name);
		assert_int_equal(profile_kind__find(k->name, strlen(k->name)), i);
		assert_int_not_equal(k->needs, 0);
		assert_true(strlen(k->about) > 10 && strlen(k->about) < 80);
		/* their events are kept without texts while a profile is folded */
		assert_false(k->sites & SITES_ANNOTATION);
	}
	assert_int_equal(profile_kind__find("bloc", 4), PROFILE_ID_MAX);
	assert_int_equal(profile_kind__find("", 0), PROFILE_ID_MAX);
}

static void lists_are_read(void **state)
{
	struct profile_choice c = choice_of(NULL);

	assert_int_equal(c.how, PROFILES_BY_DEFAULT);
	assert_int_equal(c.set, bit("cpu") | bit("goroutine") | bit("block") | bit("mutex"));
	assert_int_equal(choice_of("").set, c.set);
	c = choice_of("all");
	assert_int_equal(c.how, PROFILES_ALL);
	assert_int_equal(c.set, (1u << PROFILE_ID_MAX) - 1);
	c = choice_of("sched,block,sched");
	assert_int_equal(c.how, PROFILES_NAMED);
	assert_int_equal(c.set, bit("sched") | bit("block"));
}

static void what_is_no_profile_is_told(void **state)
{
	static const struct {
		const char *list, *bad;
	} cases[] = {
		{"blok", "blok"}, {"cpu,blok,net", "blok"}, {",", ""},	      {"cpu,", ""},
		{"cpu,,net", ""}, {"cpu,all", "all"},	    {" cpu", " cpu"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct profile_choice c;
		const char *bad = NULL;
		size_t len = 99;

		assert_int_equal(profile_choice__parse(cases[i].list, &c, &bad, &len), -EINVAL);
		assert_int_equal(len, strlen(cases[i].bad));
		assert_memory_equal(bad, cases[i].bad, len);
		assert_true(bad >= cases[i].list && bad <= cases[i].list + strlen(cases[i].list));
	}
}

static void near_names_are_offered(void **state)
{
	static const struct {
		const char *name, *near;
	} cases[] = {
		{"blok", "block"},
		{"blocking", "block"},
		{"Mutex", "mutex"},
		{"mutexes", "mutex"},
		{"goroutines", "goroutine"},
		{"sys", "syscall"},
		{"scheduler", "sched"},
		{"nte", NULL},
		{"xyzzy", NULL},
		{"", NULL},
	};
	char longer[100];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *near = profile_kind__nearest(cases[i].name, strlen(cases[i].name));

		if (!cases[i].near)
			assert_null(near);
		else
			assert_string_equal(near, cases[i].near);
	}
	memset(longer, 'a', sizeof(longer));
	assert_null(profile_kind__nearest(longer, sizeof(longer)));
}

/* Two hits a block, and one where a goroutine ends. */
static void a_block_is_seen_by_two_probes(void **state)
{
	static const enum profile_id ids[] = {PROFILE_BLOCK, PROFILE_MUTEX};
	const uint64_t ends = SITE_BIT(SITE_GOEXIT0) | SITE_BIT(SITE_GOEXIT1);

	for (size_t i = 0; i < 2; i++)
		assert_true((profile_kind__get(ids[i])->sites & ~ends) ==
			    (SITE_BIT(SITE_PARK) | SITE_BIT(SITE_READY)));
	assert_true(!profile_kind__get(PROFILE_CPU)->sites);
	assert_true(!profile_kind__get(PROFILE_GOROUTINE)->sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(what_is_no_profile_is_told),
		cmocka_unit_test(near_names_are_offered),
		cmocka_unit_test(a_block_is_seen_by_two_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
