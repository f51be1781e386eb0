/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/goroutine_groups.h"

static char *reasons[] = {"", "chan receive", "select"};
static const struct snapshot head = {
	.begin_ns = 1000, .wait_reasons = reasons, .wait_reasons_cnt = 3};

static struct goroutine_groups *groups_by(enum goroutine_group_by by, const char *key)
{
	struct goroutine_groups *gs = NULL;

	/* the runtime's own are counted too, so that no binary is asked whose they are */
	assert_int_equal(goroutine_groups__new(NULL, by, key, true, &gs), 0);
	return gs;
}

static void visit(struct goroutine_groups *gs, struct snap_g g, const uint64_t *pcs, size_t pc_cnt,
		  const struct snap_label *labels, size_t label_cnt)
{
	g.stack_cnt = (uint32_t)pc_cnt;
	g.label_cnt = (uint32_t)label_cnt;
	assert_int_equal(goroutine_groups__visit(gs, &head, &g, pcs, labels), 0);
}

static void test_stacks(void **state)
{
	static const uint64_t a[] = {1, 2, 3}, b[] = {1, 2, 4};
	static const struct snap_label l[] = {{"k", "v"}}, m[] = {{"k", "w"}};
	struct goroutine_groups *gs = groups_by(GROUP_BY_STACK, NULL);

	(void)state;
	visit(gs, (struct snap_g){.goid = 1, .status = G_WAITING}, a, 3, NULL, 0);
	visit(gs, (struct snap_g){.goid = 2, .status = G_WAITING}, b, 3, NULL, 0);
	visit(gs, (struct snap_g){.goid = 3, .status = G_SYSCALL}, b, 3, NULL, 0);
	visit(gs, (struct snap_g){.goid = 4, .status = G_WAITING}, a, 2, NULL, 0);
	visit(gs, (struct snap_g){.goid = 5, .status = G_WAITING}, b, 3, l, 1);
	visit(gs, (struct snap_g){.goid = 6, .status = G_WAITING}, b, 3, m, 1);
	visit(gs, (struct snap_g){.goid = 7, .status = G_RUNNING, .sampled = true}, NULL, 0, NULL,
	      0);
	visit(gs, (struct snap_g){.goid = 8, .status = G_WAITING, .torn = true}, NULL, 0, NULL, 0);
	assert_int_equal(goroutine_groups__finish(gs), 0);
	assert_int_equal(goroutine_groups__total(gs), 8);
	assert_int_equal(goroutine_groups__count(gs), 7);
	assert_int_equal(goroutine_groups__at(gs, 0)->cnt, 2);
	assert_int_equal(goroutine_groups__at(gs, 0)->goid, 2);
	assert_int_equal(goroutine_groups__at(gs, 0)->pcs[2], 4);
	/* then by stack, the empty ones first */
	assert_true(goroutine_groups__at(gs, 1)->running);
	assert_true(goroutine_groups__at(gs, 2)->torn);
	assert_int_equal(goroutine_groups__at(gs, 3)->goid, 4);
	goroutine_groups__free(gs);
}

static void test_states(void **state)
{
	struct goroutine_groups *gs = groups_by(GROUP_BY_STATE, NULL);

	(void)state;
	visit(gs, (struct snap_g){.goid = 1, .status = G_WAITING, .wait_reason = 2}, NULL, 0, NULL,
	      0);
	for (uint64_t i = 2; i < 5; i++)
		visit(gs,
		      (struct snap_g){.goid = i,
				      .status = G_WAITING,
				      .wait_reason = 1,
				      .waitsince_ns = 900 - (int64_t)i},
		      NULL, 0, NULL, 0);
	/* what is left of an old wait says nothing of one that runs */
	visit(gs, (struct snap_g){.goid = 9, .status = G_RUNNING, .wait_reason = 1}, NULL, 0, NULL,
	      0);
	visit(gs, (struct snap_g){.goid = 10, .status = G_RUNNING, .wait_reason = 2}, NULL, 0, NULL,
	      0);
	visit(gs, (struct snap_g){.goid = 11, .status = G_WAITING, .wait_reason = 77}, NULL, 0,
	      NULL, 0);
	assert_int_equal(goroutine_groups__finish(gs), 0);
	assert_int_equal(goroutine_groups__count(gs), 4);
	assert_string_equal(goroutine_groups__at(gs, 0)->key, "chan receive");
	assert_int_equal(goroutine_groups__at(gs, 0)->cnt, 3);
	assert_int_equal(goroutine_groups__at(gs, 0)->waitsince_ns, 896);
	assert_string_equal(goroutine_groups__at(gs, 1)->key, "running");
	assert_int_equal(goroutine_groups__at(gs, 1)->cnt, 2);
	assert_string_equal(goroutine_groups__at(gs, 2)->key, "select");
	assert_string_equal(goroutine_groups__at(gs, 3)->key, "waiting");
	goroutine_groups__free(gs);
}

static void test_labels(void **state)
{
	static const struct snap_label a[] = {{"app", "x"}, {"zone", "1"}},
				       b[] = {{"app", "x"}, {"zone", "2"}};
	struct goroutine_groups *all = groups_by(GROUP_BY_LABEL, NULL);
	struct goroutine_groups *app = groups_by(GROUP_BY_LABEL, "app");

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct goroutine_groups *gs = i ? app : all;

		visit(gs, (struct snap_g){.goid = 1}, NULL, 0, a, 2);
		visit(gs, (struct snap_g){.goid = 2}, NULL, 0, b, 2);
		visit(gs, (struct snap_g){.goid = 3}, NULL, 0, NULL, 0);
		assert_int_equal(goroutine_groups__finish(gs), 0);
	}
	assert_int_equal(goroutine_groups__count(all), 3);
	assert_string_equal(goroutine_groups__at(all, 1)->key, "app=x, zone=1");
	assert_int_equal(goroutine_groups__count(app), 2);
	assert_string_equal(goroutine_groups__at(app, 0)->key, "x");
	assert_int_equal(goroutine_groups__at(app, 0)->cnt, 2);
	assert_string_equal(goroutine_groups__at(app, 1)->key, "(none)");
	goroutine_groups__free(all);
	goroutine_groups__free(app);
}

static void test_names(void **state)
{
	enum goroutine_group_by by;

	(void)state;
	assert_true(goroutine_group_by__parse("creator", &by));
	assert_int_equal(by, GROUP_BY_CREATOR);
	assert_false(goroutine_group_by__parse("", &by));
	assert_false(goroutine_group_by__parse("stacks", &by));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
