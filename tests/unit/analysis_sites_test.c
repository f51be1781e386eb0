/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

#define CHAN_RECEIVE 7
#define SYNC 5
#define NETWORK 2

static const struct summary_site *site_at(const struct scenario *sc, const char *func)
{
	for (size_t i = 0; i < sc->s->site_cnt; i++) {
		if (!strcmp(sc->s->sites[i].at.func, func))
			return &sc->s->sites[i];
	}
	fail_msg("no site in %s", func);
	return NULL;
}

static void stacks_of_one_line_add_up(void **state)
{
	const struct summary_site *site;
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	g_status(&sc, 3, TR_G_RUNNING, 1, 0);
	g_block(&sc, 0, 2, CHAN_RECEIVE, 1);
	g_block(&sc, 0, 3, CHAN_RECEIVE, 2);
	g_unblock(&sc, 100, 1, 2, 3);
	g_unblock(&sc, 400, 1, 3, 3);
	g_start(&sc, 500, 2);
	g_block(&sc, 500, 2, CHAN_RECEIVE, 1); /* goes on at the end: 500 */
	scenario_finish(&sc, 1000);

	assert_int_equal(sc.s->site_cnt, 1);
	site = site_at(&sc, "main.worker");
	assert_string_equal(site->reason, "chan receive");
	assert_string_equal(site->op.func, "runtime.chanrecv1");
	assert_int_equal(site->at.line, 10);
	assert_int_equal(site->total_ns, 100 + 400 + 500);
	assert_int_equal(site->cnt, 3);
	assert_int_equal(site->max_ns, 500);
	assert_int_equal(site->open_cnt, 1);
	assert_int_equal(site->whole_cnt, 0);
	/* the stack with most time: 600 against 400 */
	assert_int_equal(site->stack.cnt, 2);
	assert_int_equal(site->waker_cnt, 1);
	assert_string_equal(site->wakers[0].at.func, "main.submit");
	assert_int_equal(site->wakers[0].cnt, 2);
	assert_int_equal(site->wakers[0].total_ns, 500);
	scenario_end(&sc);
}

static void wakers_are_sorted_by_number(void **state)
{
	const struct summary_site *site;
	struct scenario sc;
	uint64_t wakers[] = {3, 5, 5, 0, 5, 0, 10, 9, 9, 9, 9};
	uint64_t at = 0;

	scenario_begin(&sc, 2);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	for (size_t i = 0; i < sizeof(wakers) / sizeof(wakers[0]); i++, at += 10) {
		g_block(&sc, at, 2, SYNC, 4);
		g_unblock(&sc, at + 5, 1, 2, wakers[i]);
		g_start(&sc, at + 6, 2);
	}
	scenario_finish(&sc, at);
	site = site_at(&sc, "main.(*Cache).Get");
	assert_int_equal(site->cnt, 11);
	assert_int_equal(site->total_ns, 55);
	assert_int_equal(site->waker_cnt, SUMMARY_WAKERS);
	assert_string_equal(site->wakers[0].at.func, "main.main");
	assert_int_equal(site->wakers[0].cnt, 4);
	assert_string_equal(site->wakers[1].at.func, "main.(*Cache).Put");
	assert_string_equal(site->wakers[1].op.func, "sync.(*Mutex).Unlock");
	assert_int_equal(site->wakers[1].cnt, 3);
	/* nobody's stack: a timer or the network */
	assert_int_equal(site->wakers[2].stack.cnt, 0);
	assert_int_equal(site->wakers[2].cnt, 2);
	assert_int_equal(site->waker_other_cnt, 2);
	scenario_end(&sc);
}

static void one_that_waits_all_the_time_is_told_apart(void **state)
{
	const struct summary_site *site;
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 2, TR_G_WAITING, 11, 6);
	g_status(&sc, 3, TR_G_WAITING, 11, 6);
	g_unblock(&sc, 400, 0, 3, 0);
	scenario_finish(&sc, 1000);
	site = site_at(&sc, "main.leak");
	assert_int_equal(site->total_ns, 1400);
	assert_int_equal(site->cnt, 2);
	assert_int_equal(site->open_cnt, 1);
	assert_int_equal(site->whole_cnt, 1);
	scenario_end(&sc);
}

static void without_a_line_of_the_program_the_root_is_the_place(void **state)
{
	const struct summary_site *site;
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 2, TR_G_WAITING, 6, NETWORK);
	scenario_finish(&sc, 1000);
	site = site_at(&sc, "net/http.(*conn).serve");
	assert_string_equal(site->op.func, "net.(*conn).Read");
	assert_string_equal(site->reason, "network");
	scenario_end(&sc);
}

static void syscalls_are_sites_and_the_runtimes_waits_are_not(void **state)
{
	const struct summary_site *site;
	struct scenario sc;

	scenario_begin(&sc, 2);
	g_status(&sc, 2, TR_G_RUNNING, 8, 0);
	g_status(&sc, 3, TR_G_WAITING, 7, 10);
	tell(&sc, 100, TR(GO_SYSCALL_BEGIN, .g = 2, .stack = STACK(8)));
	tell(&sc, 300, TR(GO_SYSCALL_END, .g = 2));
	tell(&sc, 400, TR(GO_SYSCALL_BEGIN, .g = 2, .stack = STACK(8)));
	tell(&sc, 700, TR(GO_SYSCALL_END_BLOCKED, .g = 2));
	scenario_finish(&sc, 1000);
	assert_int_equal(sc.s->site_cnt, 1);
	site = site_at(&sc, "main.tail");
	assert_string_equal(site->reason, "syscall");
	assert_string_equal(site->op.func, "os.(*File).Read");
	assert_int_equal(site->total_ns, 500);
	assert_int_equal(site->cnt, 2);
	assert_int_equal(site->max_ns, 300);
	assert_int_equal(site->waker_cnt, 0);
	scenario_end(&sc);
}

/* Many places, most with much time: the list is cut, and still has the lock and the syscall. */
static size_t many_frames(void *ctx, const struct tr_stack *st, struct frame *out, size_t max)
{
	if (st->id < 100)
		return made_frames(ctx, st, out, max);
	out[0] = (struct frame){"main.many", "/app/many.go", (uint32_t)st->id};
	return 1;
}

static void short_waits_for_locks_are_not_crowded_out(void **state)
{
	struct analysis_config cfg = {.start_ns = START_NS, .frames = {many_frames, NULL}};
	struct scenario sc = {0};

	assert_int_equal(analysis__new(&cfg, &sc.a), 0);
	for (uint64_t i = 0; i < 100; i++)
		g_status(&sc, 100 + i, TR_G_WAITING, 100 + i, CHAN_RECEIVE);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	g_block(&sc, 100, 2, SYNC, 4);
	g_unblock(&sc, 101, 0, 2, 5);
	g_start(&sc, 102, 2);
	tell(&sc, 103, TR(GO_SYSCALL_BEGIN, .g = 2, .stack = STACK(8)));
	tell(&sc, 104, TR(GO_SYSCALL_END, .g = 2));
	scenario_finish(&sc, 1000);
	assert_int_equal(sc.s->sites_seen, 102);
	assert_int_equal(sc.s->site_cnt, SUMMARY_SITES);
	assert_int_equal(site_at(&sc, "main.(*Cache).Get")->total_ns, 1);
	assert_int_equal(site_at(&sc, "main.tail")->total_ns, 1);
	assert_int_equal(sc.s->sites[0].total_ns, 1000);
	scenario_end(&sc);
}

/* More stacks wake one place than are kept: the rest is counted, not dropped. */
static void very_many_wakers_are_counted(void **state)
{
	struct analysis_config cfg = {.start_ns = START_NS, .frames = {many_frames, NULL}};
	const struct summary_site *site;
	struct scenario sc = {0};
	uint64_t listed = 0;

	assert_int_equal(analysis__new(&cfg, &sc.a), 0);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	for (uint64_t i = 0; i < 1000; i++) {
		g_block(&sc, 10 * i, 2, SYNC, 4);
		g_unblock(&sc, 10 * i + 5, 0, 2, 1000 + i);
		g_start(&sc, 10 * i + 6, 2);
	}
	scenario_finish(&sc, 10000);
	site = site_at(&sc, "main.(*Cache).Get");
	assert_int_equal(site->cnt, 1000);
	for (size_t i = 0; i < site->waker_cnt; i++)
		listed += site->wakers[i].cnt;
	assert_int_equal(listed + site->waker_other_cnt, 1000);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_of_one_line_add_up),
		cmocka_unit_test(wakers_are_sorted_by_number),
		cmocka_unit_test(one_that_waits_all_the_time_is_told_apart),
		cmocka_unit_test(without_a_line_of_the_program_the_root_is_the_place),
		cmocka_unit_test(syscalls_are_sites_and_the_runtimes_waits_are_not),
		cmocka_unit_test(short_waits_for_locks_are_not_crowded_out),
		cmocka_unit_test(very_many_wakers_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
