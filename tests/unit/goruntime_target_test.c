/* SPDX-License-Identifier: GPL-2.0-only */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "binary/sp_delta.h"
#include "go_elf_made.h"
#include "goruntime/target.h"

#define PCS 200000

static struct gobinary *open_made(void)
{
	const struct made_options o = {.minor = 27, .version = "go1.27.1"};
	static struct made m;
	struct gobinary *b = NULL;
	int fd;

	made__fill(&m, &o);
	fd = made__memfd(m.bytes, MADE_SZ);
	assert_true(fd >= 0);
	assert_int_equal(gobinary__open(fd, "made", &b), 0);
	close(fd);
	return b;
}

/* From the made functions on, and far behind them: all are kept. */
static void *ask(void *ctx)
{
	const struct snap_source *src = ctx;
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < PCS; i++) {
		const struct go_target *t = src->sp_delta_ctx;
		uint64_t pc = MADE_BASE + MADE_TEXT + i, delta = 0, want = 0;
		int err = gobinary__sp_delta(t->bin, pc, &want);

		wrong += !src->sp_delta(src->sp_delta_ctx, pc, &delta) != !err || delta != want;
	}
	return (void *)(uintptr_t)wrong;
}

/* The wall profile's thread looks at stacks while another takes a slice's snapshot. */
static void two_threads_take_snapshots_at_once(void **state)
{
	struct go_target t = {.bin = open_made(), .sp_lock = PTHREAD_MUTEX_INITIALIZER};
	struct snap_source src[2];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		go_target__source(&t, &src[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &src[i]), 0);
	for (int i = 0; i < 2; i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(t.sp_deltas.cnt, PCS);
	imap__free(&t.sp_deltas);
	gobinary__free(t.bin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads_take_snapshots_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
