/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/goquote.h"

static void expect(void (*fn)(struct buf *, const char *), const char *in, const char *want)
{
	struct buf b = {0};

	fn(&b, in);
	buf__u8(&b, 0);
	assert_int_equal(b.err, 0);
	assert_string_equal((char *)b.data, want);
	buf__free(&b);
}

/* What strconv.Quote of Go 1.27 gives. */
static void test_quote(void **state)
{
	(void)state;
	expect(go_quote, "", "\"\"");
	expect(go_quote, "plain", "\"plain\"");
	expect(go_quote, "a\"b\\c", "\"a\\\"b\\\\c\"");
	expect(go_quote, "\a\b\f\n\r\t\v", "\"\\a\\b\\f\\n\\r\\t\\v\"");
	expect(go_quote, "\x01\x1b[31m\x7f", "\"\\x01\\x1b[31m\\x7f\"");
	expect(go_quote, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	       "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	/* not UTF-8: alone, cut, overlong, a surrogate */
	expect(go_quote, "\xff", "\"\\xff\"");
	expect(go_quote, "\xe2\x82", "\"\\xe2\\x82\"");
	expect(go_quote, "\xc0\x80", "\"\\xc0\\x80\"");
	expect(go_quote, "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"");
	/* not printable: U+00A0, U+200B, U+FEFF, U+E000, U+10FFFF */
	expect(go_quote, "\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf", "\"\\u00a0\\u200b\\ufeff\"");
	expect(go_quote, "\xee\x80\x80\xf4\x8f\xbf\xbf", "\"\\ue000\\U0010ffff\"");
}

/* What the runtime's printquoted of Go 1.27 gives. */
static void test_traceback(void **state)
{
	(void)state;
	expect(go_quote_traceback, "a\n\"\\", "\"a\\n\\\"\\\\\"");
	expect(go_quote_traceback, "\a\v", "\"\\x07\\x0b\"");
	expect(go_quote_traceback, "\x7f", "\"\\u007f\"");
	expect(go_quote_traceback, "\xc3\xa4\xf0\x9f\x98\x80", "\"\\u00e4\\U0001f600\"");
	expect(go_quote_traceback, "\xff", "\"\\xff\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_traceback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
