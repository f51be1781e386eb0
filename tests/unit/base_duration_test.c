/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/duration.h"

#define MS 1000000ll
#define S 1000000000ll

static void parses_what_go_parses(void **state)
{
	static const struct {
		const char *s;
		int64_t ns;
	} ok[] = {
		{"0", 0},
		{"-0", 0},
		{"3s", 3 * S},
		{"+5s", 5 * S},
		{"-1.5h", -5400 * S},
		{"1m30s", 90 * S},
		{"1h15m30.918273645s", 4530918273645ll},
		{".5s", 500 * MS},
		{"5.s", 5 * S},
		{"250ms", 250 * MS},
		{"10us", 10000},
		{"10\xc2\xb5s", 10000},
		{"10\xce\xbcs", 10000},
		{"7ns", 7},
		{"1.000000000000000000000000000001s", S},
		{"0.3333333333333333333h", 1199999999999ll},
		{"9223372036854775807ns", INT64_MAX},
		{"-9223372036854775808ns", INT64_MIN},
	};

	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
		int64_t ns = 99;

		if (duration__parse(ok[i].s, &ns))
			fail_msg("'%s' refused", ok[i].s);
		if (ns != ok[i].ns)
			fail_msg("'%s' gave %lld", ok[i].s, (long long)ns);
	}
}

static void refuses_what_go_refuses(void **state)
{
	static const char *const bad[] = {"",	 "-",	"3",   "s",    ".s", "3x",   "1.2.3s",
					  " 3s", "3s ", "3 s", "--3s", ".",  "3sm1", "1e3s"};
	static const char *const far[] = {"9223372036854775808ns", "2562048h",
					  "18446744073709551616ns", "99999999999999999999h",
					  "-9223372036854775809ns"};
	int64_t ns = 99;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (duration__parse(bad[i], &ns) != -EINVAL)
			fail_msg("'%s' not malformed", bad[i]);
	}
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		if (duration__parse(far[i], &ns) != -ERANGE)
			fail_msg("'%s' not out of range", far[i]);
	}
	assert_int_equal(ns, 99);
}

static void formats(void **state)
{
	static const struct {
		int64_t ns;
		const char *s;
	} ok[] = {
		{0, "0s"},
		{1, "1ns"},
		{999, "999ns"},
		{1100, "1.1\xc2\xb5s"},
		{999999, "999.999\xc2\xb5s"},
		{1230000, "1.23ms"},
		{1234567, "1.235ms"},
		{999999499, "999.999ms"},
		{999999500, "1s"},
		{3 * S, "3s"},
		{-1500 * MS, "-1.5s"},
		{59999499999ll, "59.999s"},
		{59999500000ll, "1m0s"},
		{90 * S, "1m30s"},
		{119999600000ll, "2m0s"},
		{3600 * S, "1h0m0s"},
		{5425500 * MS, "1h30m25.5s"},
		{INT64_MAX, "2562047h47m16.855s"},
		{INT64_MIN, "-2562047h47m16.855s"},
	};
	char out[DURATION_STR_SZ];

	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++)
		assert_string_equal(duration__format(ok[i].ns, out), ok[i].s);
}

static void formatted_parses_back(void **state)
{
	char out[DURATION_STR_SZ];
	int64_t ns;

	for (int64_t ms = 1; ms < 100000 * S / MS; ms = ms * 3 + 1) {
		assert_int_equal(duration__parse(duration__format(ms * MS, out), &ns), 0);
		assert_int_equal(ns, ms * MS);
	}
}

static void clocks_go_forward(void **state)
{
	uint64_t a = clock__monotonic_ns(), r = clock__realtime_ns();

	usleep(2000);
	assert_in_range(clock__monotonic_ns() - a, 2 * MS, 60 * S);
	assert_true(clock__realtime_ns() > r);
	/* 2020 or later: a wrong unit would be off by a thousand */
	assert_in_range(r, 1577836800ull * S, 7258118400ull * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_go_parses),
		cmocka_unit_test(refuses_what_go_refuses),
		cmocka_unit_test(formats),
		cmocka_unit_test(formatted_parses_back),
		cmocka_unit_test(clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
