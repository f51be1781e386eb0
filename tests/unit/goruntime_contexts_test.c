/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of the contexts of real programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/contexts.h"
#include "go_fixtures.h"

static uint32_t kind_of(const struct gobinary *b, const struct contexts *c, const char *name)
{
	struct gobinary_func f;

	if (gobinary__func_by_name(b, name, &f))
		return GBT_CONTEXT_NONE;
	for (size_t i = 0; i < c->cnt; i++) {
		if (c->methods[i].entry == f.entry)
			return c->methods[i].kind;
	}
	return GBT_CONTEXT_NONE;
}

static void check(struct gobinary *b, const char *version, const char *name)
{
	bool linked = strstr(name, "workload") && !strstr(name, "noopt") && !strstr(name, "race") &&
		      gobinary__arch(b) == GOBINARY_AMD64;
	const char *background = gobinary__version(b)->minor <= 20
					 ? "context.(*emptyCtx).Value"
					 : "context.(*backgroundCtx).Value";
	struct contexts c;

	(void)version;
	assert_int_equal(contexts__of_binary(b, &c), 0);
	assert_int_equal(!!c.key, linked);
	if (!linked) {
		assert_int_equal(c.cnt, 0);
		return;
	}
	assert_int_equal(kind_of(b, &c, "context.(*valueCtx).Value"), GBT_CONTEXT_VALUE);
	assert_int_equal(kind_of(b, &c, "context.(*cancelCtx).Value"), GBT_CONTEXT_WRAP);
	assert_int_equal(kind_of(b, &c, "context.(*timerCtx).Value"),
			 gobinary__version(b)->minor == 20 ? GBT_CONTEXT_POINT : GBT_CONTEXT_WRAP);
	assert_int_equal(kind_of(b, &c, background), GBT_CONTEXT_EMPTY);
	assert_int_equal(kind_of(b, &c, "os/signal.(*signalCtx).Value"), GBT_CONTEXT_WRAP);
	assert_int_equal(kind_of(b, &c, "main.(*embedding).Value"), GBT_CONTEXT_WRAP);
	/* it looks at the key first; others of that name are no contexts at all */
	assert_int_equal(kind_of(b, &c, "main.(*strange).Value"), GBT_CONTEXT_NONE);
	assert_int_equal(kind_of(b, &c, "reflect.(*MapIter).Value"), GBT_CONTEXT_NONE);
}

static void test_every_fixture(void **state)
{
	(void)state;
	if (!fixture__each(check))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_fixture)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
