/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration file by its text: values with their places, and mistakes with theirs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/settings.h"

static struct settings s;

static int parse(const char *text)
{
	return settings__parse(span__of(text, strlen(text)), &s);
}

static void values_and_places(void **state)
{
	assert_int_equal(parse("# a comment\nname: shop\n"
			       "on:\n  - sched p99 > 10ms\n  - \"block sync > 1s\"\n"
			       "exec: >\n  echo one\n  two\nraw: true\n"),
			 0);
	assert_int_equal(s.cnt, 4);
	assert_string_equal(s.s[0].name, "name");
	assert_int_equal(s.s[0].at.line, 2);
	assert_int_equal(s.s[0].texts[0].at.column, 7);
	assert_true(s.s[1].is_list && s.s[1].cnt == 2);
	assert_string_equal(s.s[1].texts[1].text, "block sync > 1s");
	assert_true(s.s[1].texts[1].at.line == 5 && s.s[1].texts[1].at.column == 5);
	assert_string_equal(s.s[2].texts[0].text, "echo one two\n");
	assert_false(s.s[3].is_list);
	settings__free(&s);
	assert_int_equal(parse(""), 0);
	assert_int_equal(s.cnt, 0);
	settings__free(&s);
}

static void is_wrong(const char *text, size_t line, size_t column, const char *what)
{
	assert_int_equal(parse(text), -EBADMSG);
	assert_int_equal(s.mistakes[0].at.line, line);
	assert_int_equal(s.mistakes[0].at.column, column);
	assert_non_null(strstr(s.mistakes[0].what, what));
	settings__free(&s);
}

static void mistakes_have_places(void **state)
{
	is_wrong("name: [a\n", 2, 1, "not YAML");
	is_wrong("name: a\n\tkeep: 3s\n", 2, 1, "not YAML");
	is_wrong("- a\n- b\n", 1, 1, "expected names with their values");
	is_wrong("name: a\nkeep: 3s\nname: b\n", 3, 1, "stands in line 1 already");
	is_wrong("on:\n  - [a]\n", 2, 5, "expected a text");
	is_wrong("on: {a: b}\n", 1, 5, "expected a text");
	is_wrong("name: &x a\n", 1, 7, "anchors and tags");
	is_wrong("name: !!int 3\n", 1, 7, "anchors and tags");
	is_wrong("name: *x\n", 1, 7, "");
	is_wrong("name: \"a\\0b\"\n", 1, 7, "the character 0");
	is_wrong("name: a\n---\nname: b\n", 2, 1, "one document");
	is_wrong("name: \xff\n", 1, 1, "not YAML");
}

/* Each of them, and what is right between them is taken. */
static void reading_goes_on(void **state)
{
	assert_int_equal(parse("on: {a: b, c: [d]}\nkeep: 3s\n? [x, y]\n: z\nname: a\nkeep: 4s\n"),
			 -EBADMSG);
	assert_int_equal(s.mistake_cnt, 3);
	assert_int_equal(s.mistakes[1].at.line, 3);
	assert_int_equal(s.mistakes[2].at.line, 6);
	assert_int_equal(s.cnt, 3);
	assert_string_equal(s.s[1].texts[0].text, "3s");
	assert_string_equal(s.s[2].name, "name");
	settings__free(&s);
}

static void limits(void **state)
{
	char *text = calloc(1, SETTINGS_SZ_MAX + 2);
	size_t n = 0;

	assert_non_null(text);
	memset(text, '#', SETTINGS_SZ_MAX + 1);
	is_wrong(text, 1, 1, "64 KiB");
	memcpy(text, "name: ", 6);
	memset(text + 6, 'a', SETTINGS_TEXT_MAX + 1);
	text[6 + SETTINGS_TEXT_MAX + 1] = 0;
	is_wrong(text, 1, 7, "1024 bytes");
	for (int i = 0; i < SETTINGS_MAX + 1; i++) {
		text[n++] = 'k';
		text[n++] = (char)('a' + i / 26);
		text[n++] = (char)('a' + i % 26);
		memcpy(text + n, ": 1\n", 4);
		n += 4;
	}
	text[n] = 0;
	is_wrong(text, SETTINGS_MAX + 1, 1, "64 names");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_places),
		cmocka_unit_test(mistakes_have_places),
		cmocka_unit_test(reading_goes_on),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
