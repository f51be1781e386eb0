/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries and returns of the functions of tests/fixtures/slowfuncs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "binary/sp_delta.h"
#include "goruntime/plan_func.h"
#include "go_fixtures.h"

static struct probe_plan plan;
static char why[PLAN_FUNC_WHY_SZ];

static int add(const struct gobinary *b, const char *name, struct func_sites *out)
{
	return plan_func__add(b, name, 2, &plan, out, why);
}

/* Every return of the function is a `ret`, or a nop right in front of one; its frame is gone there,
 * and it is not yet there at the entry, but for the nops. */
static void check_sites(const struct gobinary *b, const char *name)
{
	for (size_t i = 0; i < plan.cnt; i++) {
		const struct probe_site *s = &plan.sites[i];
		struct span code;
		uint64_t delta;

		assert_string_equal(s->func, name);
		assert_int_equal(s->func_no, 2);
		assert_int_equal(gobinary__sp_delta(b, s->vaddr, &delta), 0);
		assert_int_equal(s->sp_delta, delta);
		assert_int_equal(gobinary__bytes(b, s->vaddr, 2, &code), 0);
		assert_memory_equal(code.p, s->bytes, s->len);
		if (s->id == SITE_FUNC_ENTRY) {
			assert_int_equal(delta, 0);
			assert_true(s->insn == SITE_PUSH || s->insn == SITE_JCC);
		} else if (s->insn == SITE_NOP) {
			assert_int_equal(code.p[0], 0x90);
			assert_int_equal(code.p[1], 0xc3);
		} else {
			assert_int_equal(s->insn, SITE_STEPPED);
			assert_int_equal(code.p[0], 0xc3);
			assert_int_equal(delta, 0);
		}
	}
}

static size_t ret_bytes(const struct gobinary *b, const char *name)
{
	struct gobinary_func f;
	struct span code;
	size_t cnt = 0;

	assert_int_equal(gobinary__func_by_name(b, name, &f), 0);
	assert_int_equal(gobinary__bytes(b, f.entry, f.end - f.entry, &code), 0);
	for (size_t i = 0; i < code.n; i++)
		cnt += code.p[i] == 0xc3;
	return cnt;
}

static void of_version(const char *version)
{
	static const char *const names[] = {"main.(*shop).Charge", "main.recurse", "main.panics",
					    "main.recovers",	   "main.exits",   "main.grows"};
	struct gobinary *b = fixture__need(version, "slowfuncs");
	struct func_sites s;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		plan.cnt = 0;
		assert_int_equal(add(b, names[i], &s), 0);
		assert_int_equal(s.entries, 1);
		assert_int_equal(plan.cnt, 1 + s.returns);
		assert_in_range(s.returns, 1, ret_bytes(b, names[i]));
		check_sites(b, names[i]);
	}
	/* eleven ways out, by a table of jumps from Go 1.19 on */
	plan.cnt = 0;
	assert_int_equal(add(b, "main.chooses", &s), 0);
	assert_in_range(s.returns, 8, 12);
	check_sites(b, "main.chooses");
	gobinary__free(b);
}

static void all_returns_are_found(void **state)
{
	of_version("1.19.13");
	of_version("1.27.4");
}

static void refusals_say_why(void **state)
{
	static const struct {
		const char *name, *why;
		int err;
	} bad[] = {
		{"main.inlined", "inlined into its callers: main.call.func1", -EOPNOTSUPP},
		{"main.(*shop).Chrge", "is it main.(*shop).Charge?", -ENOENT},
		{"main.zzzzqqqqxxxxwwwwyyyy", "none of a name like it", -ENOENT},
		{"main.spins", "it never returns", -EOPNOTSUPP},
		{"runtime.gopark", "functions of the runtime", -EOPNOTSUPP},
		{"internal/bytealg.IndexByteString", "assembly", -EOPNOTSUPP},
	};
	struct gobinary *b = fixture__need("1.27.4", "slowfuncs");
	struct func_sites s;

	plan.cnt = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(add(b, bad[i].name, &s), bad[i].err);
		if (!strstr(why, bad[i].why))
			fail_msg("%s: %s", bad[i].name, why);
		assert_int_equal(plan.cnt, 0);
	}
	/* twice the same place */
	assert_int_equal(add(b, "main.panics", &s), 0);
	assert_int_equal(add(b, "main.panics", &s), -EOPNOTSUPP);
	assert_non_null(strstr(why, "probed already"));
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_returns_are_found),
		cmocka_unit_test(refusals_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
