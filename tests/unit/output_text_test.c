/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/text.h"

static void durations_have_three_digits(void **state)
{
	assert_string_equal(cell__dur(0).s, "0");
	assert_string_equal(cell__dur(7).s, "7ns");
	assert_string_equal(cell__dur(999).s, "999ns");
	assert_string_equal(cell__dur(1000).s, "1.00µs");
	assert_string_equal(cell__dur(12345).s, "12.3µs");
	assert_string_equal(cell__dur(999499).s, "999µs");
	assert_string_equal(cell__dur(999500).s, "1.00ms");
	assert_string_equal(cell__dur(9995000).s, "10.0ms");
	assert_string_equal(cell__dur(1234567890).s, "1.23s");
	assert_string_equal(cell__dur(59940000000).s, "59.9s");
	assert_string_equal(cell__dur(59950000000).s, "1m00s");
	assert_string_equal(cell__dur(125000000000).s, "2m05s");
	assert_string_equal(cell__dur(3660000000000).s, "1h01m");
}

static void counts_percents_bytes(void **state)
{
	assert_string_equal(cell__count(0).s, "0");
	assert_string_equal(cell__count(999).s, "999");
	assert_string_equal(cell__count(1000).s, "1,000");
	assert_string_equal(cell__count(UINT64_MAX).s, "18,446,744,073,709,551,615");
	assert_string_equal(cell__percent(0).s, "0 %");
	assert_string_equal(cell__percent(0.0001).s, "<0.1 %");
	assert_string_equal(cell__percent(0.0123).s, "1.2 %");
	assert_string_equal(cell__percent(0.0994).s, "9.9 %");
	assert_string_equal(cell__percent(0.0996).s, "10 %");
	assert_string_equal(cell__percent(0.994).s, "99 %");
	assert_string_equal(cell__percent(0.999).s, ">99 %");
	assert_string_equal(cell__percent(1).s, "100 %");
	assert_string_equal(cell__bytes(0).s, "0 B");
	assert_string_equal(cell__bytes(999).s, "999 B");
	assert_string_equal(cell__bytes(1000).s, "0.98 KiB");
	assert_string_equal(cell__bytes(1 << 20).s, "1.00 MiB");
	assert_string_equal(cell__bytes(12945000).s, "12.3 MiB");
	assert_string_equal(cell__bytes(UINT64_MAX).s, "16.0 EiB");
}

static void assert_clean(const char *s, size_t max, const char *want)
{
	struct buf b = {0};

	text__clean(&b, s, max);
	buf__u8(&b, '\0');
	assert_string_equal((char *)b.data, want);
	buf__free(&b);
}

static void names_cannot_reach_the_terminal(void **state)
{
	assert_clean("plain", 10, "plain");
	assert_clean("\x1b]0;title\x07", 20, "?]0;title?");
	assert_clean("a\nb\rc", 20, "a?b?c");
	assert_clean("\xc2\x9b"
		     "2J",
		     20, "?2J");
	assert_clean("\xff\xfe", 20, "??");
	assert_clean("a\xe2\x80\xae"
		     "b",
		     20, "a?b");	       /* right-to-left override */
	assert_clean("\xe2\x81\xa6", 20, "?"); /* isolate */
	assert_clean("日本語", 3, "日本語");
	assert_clean("pkg.(*Type).Method", 8, "….Method");
	assert_clean("日本語", 2, "…語");
	assert_clean("", 5, "");
}

static void assert_wrap(const char *s, size_t at, size_t indent, size_t width, const char *want)
{
	struct buf b = {0};

	text__wrap(&b, s, at, indent, width);
	buf__u8(&b, '\0');
	assert_string_equal((char *)b.data, want);
	buf__free(&b);
}

static void lines_are_wrapped_at_words(void **state)
{
	assert_wrap("one two three", 0, 2, 7, "one two\n  three");
	assert_wrap("one two", 0, 2, 6, "one\n  two");
	assert_wrap("µµµ µµµ", 0, 0, 7, "µµµ µµµ");
	assert_wrap("averyveryverylongword x", 0, 1, 5, "averyveryverylongword\n x");
	assert_wrap("", 0, 0, 10, "");
}

static void bars_are_never_longer_than_their_room(void **state)
{
	struct buf b = {0};

	text__bar(&b, 0.5, 4);
	text__bar(&b, 0, 4);
	text__bar(&b, 1e-9, 4);
	text__bar(&b, 7, 4);
	text__bar(&b, -1, 4);
	buf__u8(&b, '\0');
	assert_string_equal((char *)b.data, "██"
					    "▏"
					    "████");
	buf__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_three_digits),
		cmocka_unit_test(counts_percents_bytes),
		cmocka_unit_test(names_cannot_reach_the_terminal),
		cmocka_unit_test(lines_are_wrapped_at_words),
		cmocka_unit_test(bars_are_never_longer_than_their_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
