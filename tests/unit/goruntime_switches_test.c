/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "go_world.h"
#include "goruntime/switches.h"

#define SYSCALLTICK 28

static struct switches *watch(struct world *w)
{
	struct switches *s = NULL;

	w->lay.off.p_syscalltick = SYSCALLTICK;
	assert_int_equal(switches__open(&w->src, &s), 0);
	return s;
}

static void stop_running(struct world *w, unsigned i, uint8_t times)
{
	w->mem[g_at(i) + 85 - BASE] += times; /* trackingSeq */
}

static struct switch_counts look(struct switches *s)
{
	struct switch_counts c;

	assert_int_equal(switches__look(s), 0);
	switches__counts(s, &c);
	return c;
}

static void test_counts_what_happens(void **state)
{
	struct switch_counts c;
	struct switches *s;
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 1, 1);
	make_g(&w, 1, 2, 1);
	stop_running(&w, 0, 250);
	s = watch(&w);
	c = look(s); /* what was before counts for nothing */
	assert_int_equal(c.exits + c.syscalls + c.created, 0);
	assert_int_equal(c.goroutines, 2);
	stop_running(&w, 0, 10); /* round the 8 bits */
	stop_running(&w, 1, 3);
	put32(&w, at(PS) + SYSCALLTICK, 5);
	c = look(s);
	assert_int_equal(c.exits, 13);
	assert_int_equal(c.syscalls, 5);
	assert_false(c.at_least);
	stop_running(&w, 1, 200);
	c = look(s);
	assert_int_equal(c.exits, 213);
	assert_true(c.at_least);
	switches__free(s);
	free(w.mem);
}

/* A new goroutine begins with any count, in a new place or in that of a dead one. */
static void test_new_goroutines_count_once(void **state)
{
	struct switch_counts c;
	struct switches *s;
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 1, 1);
	make_g(&w, 1, 2, 1);
	s = watch(&w);
	look(s);
	make_g(&w, 1, 7, 1);
	stop_running(&w, 1, 99);
	make_g(&w, 2, 8, 1);
	stop_running(&w, 2, 77);
	put64(&w, at(ALLGLEN), 3);
	c = look(s);
	assert_int_equal(c.exits, 0);
	assert_int_equal(c.created, 6); /* ids 3 to 8 */
	assert_int_equal(c.goroutines, 3);
	stop_running(&w, 2, 1);
	assert_int_equal(look(s).exits, 1);
	switches__free(s);
	free(w.mem);
}

static void test_memory_that_is_gone(void **state)
{
	struct switches *s;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 1, 1);
	s = watch(&w);
	look(s);
	put64(&w, at(ALLGLEN), 0);
	assert_int_equal(switches__look(s), -EBADMSG);
	switches__free(s);
	w.lay.g_tracking_seq = 4000;
	put64(&w, at(ALLGLEN), 1);
	s = watch(&w);
	assert_int_equal(switches__look(s), -EBADMSG);
	switches__free(s);
	free(w.mem);
}

static void test_hits(void **state)
{
	const struct switch_counts c = {.exits = 100, .syscalls = 40, .created = 10};
	const struct switch_counts odd = {.exits = 3, .syscalls = 40};

	/* up to 1.25 entering a system call is an exit from running */
	assert_int_equal(switch_counts__hits(&c, 25), (60 + 10) * 3 + 40 * 2);
	assert_int_equal(switch_counts__hits(&c, 26), (100 + 10) * 3 + 40 * 2);
	assert_int_equal(switch_counts__hits(&odd, 18), 80);
	assert_int_equal(switch_counts__starts(&c, 25), 60 + 10);
	assert_int_equal(switch_counts__starts(&c, 26), 100 + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_what_happens),
		cmocka_unit_test(test_new_goroutines_count_once),
		cmocka_unit_test(test_memory_that_is_gone),
		cmocka_unit_test(test_hits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
