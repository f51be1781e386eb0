/* SPDX-License-Identifier: GPL-2.0-only */
/* What a watch that follows its target knows of the processes that fit. */
#include "cli/watch_candidates.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY 300 /* of a container that runs more than the target */

static struct candidate *meet(struct candidates *s, pid_t pid, uint64_t first_ns)
{
	const struct candidate is = {.pid = pid, .start_ticks = 7, .dev = 1, .ino = 2};
	struct candidate *c = candidates__meet(s, &is, first_ns);

	assert_non_null(c);
	assert_int_equal(c->pid, pid);
	return c;
}

static void a_new_one_is_tried_at_its_time(void **state)
{
	struct candidates s = {0};

	assert_int_equal(meet(&s, 10, 100)->next_ns, 100);
	meet(&s, 10, 350)->tries = 1;
	candidates__looked(&s);
	assert_int_equal(meet(&s, 10, 600)->next_ns, 100);
	assert_int_equal(meet(&s, 10, 600)->tries, 1);
	candidates__free(&s);
}

static void however_many_there_are_each_has_its_turn(void **state)
{
	struct candidates s = {0};

	for (unsigned look = 0; look < 2; look++) {
		for (pid_t pid = 1; pid <= MANY; pid++)
			assert_int_equal(meet(&s, pid, 100 + 250 * look)->next_ns, 100);
		candidates__looked(&s);
	}
	assert_int_equal(s.cnt, MANY);
	candidates__free(&s);
}

/* Its program executes itself: the same process, file and begin, and yet it has to be watched anew.
 */
static void one_that_was_watched_is_new_again(void **state)
{
	struct candidates s = {0};
	struct candidate *c;

	meet(&s, 9, 100);
	c = meet(&s, 10, 100);
	meet(&s, 11, 100);
	c->next_ns = 0;
	candidates__forget(&s, c);
	candidates__looked(&s);
	assert_int_equal(meet(&s, 10, 900)->next_ns, 900);
	assert_int_equal(meet(&s, 9, 900)->next_ns, 100);
	assert_int_equal(meet(&s, 11, 900)->next_ns, 100);
	candidates__free(&s);
}

static void one_that_has_gone_is_forgotten(void **state)
{
	struct candidates s = {0};

	meet(&s, 10, 100);
	meet(&s, 11, 100);
	candidates__looked(&s);
	meet(&s, 11, 350);
	candidates__looked(&s);
	assert_int_equal(s.cnt, 1);
	assert_int_equal(meet(&s, 10, 600)->next_ns, 600);
	candidates__free(&s);
}

static void another_file_or_begin_is_another(void **state)
{
	const struct candidate all[] = {{.pid = 1, .start_ticks = 7, .dev = 1, .ino = 2},
					{.pid = 1, .start_ticks = 8, .dev = 1, .ino = 2},
					{.pid = 1, .start_ticks = 7, .dev = 3, .ino = 2},
					{.pid = 1, .start_ticks = 7, .dev = 1, .ino = 4}};
	struct candidates s = {0};

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(candidates__meet(&s, &all[i], 100 + i)->next_ns, 100 + i);
	assert_int_equal(s.cnt, 4);
	candidates__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_one_is_tried_at_its_time),
		cmocka_unit_test(however_many_there_are_each_has_its_turn),
		cmocka_unit_test(one_that_was_watched_is_new_again),
		cmocka_unit_test(one_that_has_gone_is_forgotten),
		cmocka_unit_test(another_file_or_begin_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
