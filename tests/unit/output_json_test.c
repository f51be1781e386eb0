/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <errno.h>
#include <cmocka.h>

#include "output/json.h"

static void assert_json(struct buf *b, const char *want)
{
	buf__u8(b, '\0');
	assert_int_equal(b->err, 0);
	assert_string_equal((char *)b->data, want);
	buf__free(b);
}

static void nesting_and_commas(void **state)
{
	struct buf b = {0};
	struct json j;

	json__init(&j, &b, false);
	json__object(&j, NULL);
	json__u64(&j, "a", UINT64_MAX);
	json__i64(&j, "b", INT64_MIN);
	json__array(&j, "c");
	json__bool(&j, NULL, true);
	json__null(&j, NULL);
	json__object(&j, NULL);
	json__object_end(&j);
	json__array(&j, NULL);
	json__array_end(&j);
	json__str(&j, NULL, "x");
	json__array_end(&j);
	json__str(&j, "d", NULL);
	json__object_end(&j);
	assert_json(&b, "{\"a\":18446744073709551615,\"b\":-9223372036854775808,"
			"\"c\":[true,null,{},[],\"x\"],\"d\":null}");
}

static void indented(void **state)
{
	struct buf b = {0};
	struct json j;

	json__init(&j, &b, true);
	json__object(&j, NULL);
	json__array(&j, "list");
	json__u64(&j, NULL, 1);
	json__u64(&j, NULL, 2);
	json__array_end(&j);
	json__array(&j, "none");
	json__array_end(&j);
	json__object_end(&j);
	assert_json(&b, "{\n  \"list\": [\n    1,\n    2\n  ],\n  \"none\": []\n}");
}

static void assert_string(const char *s, size_t len, const char *want)
{
	struct buf b = {0};
	struct json j;

	json__init(&j, &b, false);
	json__strn(&j, NULL, s, len);
	assert_json(&b, want);
}

#define ASSERT_STRING(s, want) assert_string(s, sizeof(s) - 1, want)

static void hostile_names(void **state)
{
	ASSERT_STRING("say \"hi\"\\", "\"say \\\"hi\\\"\\\\\"");
	ASSERT_STRING("a\nb\tc\rd", "\"a\\nb\\tc\\u000dd\"");
	ASSERT_STRING("\x1b[31mred\x1b[0m", "\"\\u001b[31mred\\u001b[0m\"");
	ASSERT_STRING("nul\0in", "\"nul\\u0000in\"");
	ASSERT_STRING("del\x7f", "\"del\\u007f\"");
	ASSERT_STRING("\xc2\x9b"
		      "31m",
		      "\"\\u009b31m\""); /* C1: CSI of some terminals */
	ASSERT_STRING("µ日本🙂", "\"µ日本🙂\"");
	ASSERT_STRING("", "\"\"");
	ASSERT_STRING("</script>", "\"</script>\"");
}

#define BAD "\xef\xbf\xbd"

/* Each byte that begins no sequence is replaced alone: what follows it is kept. */
static void what_is_not_utf8_is_replaced(void **state)
{
	ASSERT_STRING("a\xff"
		      "b",
		      "\"a" BAD "b\"");
	ASSERT_STRING("\xc3(", "\"" BAD "(\"");
	ASSERT_STRING("\xc3", "\"" BAD "\"");			      /* cut */
	ASSERT_STRING("\xe2\x82", "\"" BAD BAD "\"");		      /* cut */
	ASSERT_STRING("\xc0\xaf", "\"" BAD BAD "\"");		      /* overlong */
	ASSERT_STRING("\xe0\x80\xaf", "\"" BAD BAD BAD "\"");	      /* overlong */
	ASSERT_STRING("\xf0\x80\x80\xaf", "\"" BAD BAD BAD BAD "\""); /* overlong */
	ASSERT_STRING("\xed\xa0\x80", "\"" BAD BAD BAD "\"");	      /* surrogate */
	ASSERT_STRING("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""); /* above U+10FFFF */
	ASSERT_STRING("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
}

static void assert_fixed(double v, int decimals, const char *want)
{
	struct buf b = {0};
	struct json j;

	json__init(&j, &b, false);
	json__fixed(&j, NULL, v, decimals);
	assert_json(&b, want);
}

static void fixed_point(void **state)
{
	assert_fixed(0, 3, "0.000");
	assert_fixed(0.0005, 3, "0.001");
	assert_fixed(-1.5, 2, "-1.50");
	assert_fixed(-0.0001, 2, "0.00");
	assert_fixed(12.999, 2, "13.00");
	assert_fixed(3.7, 0, "4");
	assert_fixed(NAN, 2, "null");
	assert_fixed(INFINITY, 2, "null");
	assert_fixed(1e300, 2, "null");
}

static void too_deep_is_an_error(void **state)
{
	struct buf b = {0};
	struct json j;

	json__init(&j, &b, false);
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		json__array(&j, NULL);
	assert_int_equal(b.err, 0);
	json__array(&j, NULL);
	assert_int_equal(b.err, -EOVERFLOW);
	buf__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_and_commas),
		cmocka_unit_test(indented),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(fixed_point),
		cmocka_unit_test(too_deep_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
