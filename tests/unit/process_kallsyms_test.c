/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process/kallsyms.h"

static int parse(const char *text, struct kallsyms **out)
{
	return kallsyms__parse(span__of(text, strlen(text)), out);
}

static void functions_are_found_by_address(void **state)
{
	struct kallsyms *k;

	/* as the kernel lists them: its own by address, then the modules */
	assert_int_equal(parse("ffffffff81000000 T _text\n"
			       "ffffffff81000000 T startup_64\n"
			       "ffffffff81000100 t do_one\n"
			       "ffffffff81000180 d some_data\n"
			       "ffffffffc0000000 t nf_hook\t[nf_tables]\n",
			       &k),
			 0);
	assert_string_equal(kallsyms__find(k, 0xffffffff81000000), "_text");
	assert_string_equal(kallsyms__find(k, 0xffffffff810000ff), "_text");
	assert_string_equal(kallsyms__find(k, 0xffffffff81000100), "do_one");
	assert_string_equal(kallsyms__find(k, 0xffffffff81000190), "do_one");
	assert_string_equal(kallsyms__find(k, 0xffffffffc0000010), "nf_hook");
	assert_null(kallsyms__find(k, 0xffffffff80ffffff));
	kallsyms__free(k);
}

static void hidden_addresses_are_told(void **state)
{
	struct kallsyms *k = NULL;

	assert_int_equal(parse("0000000000000000 T _text\n0000000000000000 t do_one\n", &k),
			 -EACCES);
	assert_int_equal(parse("", &k), -EACCES);
	assert_null(k);
}

static void other_lines_are_malformed(void **state)
{
	static const char *const bad[] = {
		"ffffffff81000000", "ffffffff81000000 T",	" T name",
		"zz T name",	    "11112222333344445 T name", "ffffffff81000000 TT name"};
	struct kallsyms *k = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &k), -EBADMSG);
	assert_null(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_by_address),
		cmocka_unit_test(hidden_addresses_are_told),
		cmocka_unit_test(other_lines_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
