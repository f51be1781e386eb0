/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "base/utf8.h"

static void expect_n(const char *in, size_t n, enum clean how, const char *want)
{
	char *exact = malloc(n + !n); /* the sanitizer sees a byte read behind it */
	struct buf b = {0};

	assert_non_null(exact);
	memcpy(exact, in, n);
	clean__put(&b, exact, n, how);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, strlen(want));
	if (b.len)
		assert_memory_equal(b.data, want, b.len);
	assert_int_equal(clean__is(exact, n, how), b.len == n && !memcmp(exact, want, n));
	buf__free(&b);
	free(exact);
}

static void expect(const char *in, enum clean how, const char *want)
{
	expect_n(in, strlen(in), how, want);
}

static void valid_strings_stay(void **state)
{
	static const char *const valid[] = {
		"",
		" ~",
		"main.(*T[...]).M.func1",
		"größer",
		"日本",
		"\U0001f600",
		"\u00a0",      /* the first behind C1 */
		"שלום \u202b", /* direction is text, and no terminal's command */
		"\ufffd",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		expect(valid[i], CLEAN_NAME, valid[i]);
		expect(valid[i], CLEAN_TEXT, valid[i]);
	}
}

static void controls_become_marks(void **state)
{
	char one[2] = {0}, c1[3] = {'\xc2'};

	(void)state;
	expect("a\x1b[2Jb", CLEAN_NAME, "a?[2Jb");
	expect("\xc2\x9b\x33\x31m", CLEAN_TEXT, "?31m");
	expect_n("a\0b", 3, CLEAN_TEXT, "a?b");
	for (int c = 1; c < 0x20; c++) {
		one[0] = (char)c;
		expect(one, CLEAN_NAME, "?");
		expect(one, CLEAN_TEXT, c == '\n' || c == '\t' ? one : "?");
	}
	expect("\x7f", CLEAN_TEXT, "?");
	for (int c = 0x80; c < 0xa0; c++) {
		c1[1] = (char)c;
		expect(c1, CLEAN_TEXT, "?");
	}
}

static void what_is_not_utf8_becomes_marks(void **state)
{
	(void)state;
	expect("a\x9b\x80z", CLEAN_NAME, "a??z");
	expect("\xc0\xaf", CLEAN_NAME, "??");		/* overlong */
	expect("\xed\xa0\x80", CLEAN_NAME, "???");	/* a surrogate */
	expect("\xf4\x90\x80\x80", CLEAN_NAME, "????"); /* above U+10FFFF */
	expect("ab\xe6\x97", CLEAN_NAME, "ab??");	/* cut */
	expect("\xc2", CLEAN_NAME, "?");
}

static void interned_once_by_what_is_kept(void **state)
{
	struct strtab *t = NULL;
	int64_t id;

	(void)state;
	assert_int_equal(strtab__new(&t), 0);
	id = clean__intern(t, "a\x1b", 2, CLEAN_NAME);
	assert_true(id > 0);
	assert_string_equal(strtab__get(t, (uint32_t)id, NULL), "a?");
	assert_int_equal(clean__intern(t, "a\x02", 2, CLEAN_TEXT), id);
	assert_int_equal(strtab__add(t, "a?", 2), id);
	assert_int_equal(clean__intern(t, "", 0, CLEAN_NAME), 0);
	strtab__free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_strings_stay),
		cmocka_unit_test(controls_become_marks),
		cmocka_unit_test(what_is_not_utf8_becomes_marks),
		cmocka_unit_test(interned_once_by_what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
