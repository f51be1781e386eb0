/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "capture/price_child.h"

#define COLD 2

static int run(struct price_child *c, unsigned kinds)
{
	int err = price_child__run(c, kinds, COLD);

	if (err)
		return err;
	do
		err = price_child__poll(c);
	while (err == -EAGAIN);
	return err;
}

static struct price_child *start(void)
{
	struct price_child *c = NULL;
	int err = price_child__start(&c);

	if (err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
	return c;
}

static void it_tells_the_times_that_it_was_asked_for(void **state)
{
	struct price_child *c = start();
	const struct price_times *t = price_child__times(c);

	(void)state;
	assert_int_equal(run(c, 1u << PRICE_PUSH | 1u << PRICE_JCC), 0);
	assert_int_equal(t->cold_cnt, COLD);
	for (size_t i = 0; i < PRICE_ROUNDS; i++)
		assert_true(t->hot_ns[PRICE_PUSH][i] > 0 && t->hot_ns[PRICE_JCC][i] > 0);
	assert_true(t->cold_ns[PRICE_PUSH][COLD - 1] > 0);
	assert_int_equal(t->hot_ns[PRICE_CALL][0], 0);
	price_child__end(c);
}

/* What ends the tool comes to the whole group: the child waits until the tool ends it. */
static void signals_of_the_terminal_do_not_end_it(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR2};
	struct price_child *c = start();
	sigset_t now;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		assert_int_equal(kill(price_child__pid(c), signals[i]), 0);
	assert_int_equal(run(c, 1u << PRICE_PUSH), 0);
	price_child__end(c);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	assert_int_equal(sigismember(&now, SIGINT), 0); /* the tool gets its own */
}

static void its_end_is_told_and_it_is_reaped(void **state)
{
	struct price_child *c = start();
	pid_t pid = price_child__pid(c);

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(run(c, 1u << PRICE_PUSH), -ECHILD);
	price_child__end(c);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_tells_the_times_that_it_was_asked_for),
		cmocka_unit_test(signals_of_the_terminal_do_not_end_it),
		cmocka_unit_test(its_end_is_told_and_it_is_reaped),
	};

	signal(SIGPIPE, SIG_IGN); /* as the tool does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
