/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process/cgroup_cpu.h"

static void expect(const char *text, const char *path, int v2)
{
	char out[CGROUP_PATH_SZ];
	int is_v2 = -1;

	cgroup_cpu__path(span__of(text, strlen(text)), out, &is_v2);
	assert_string_equal(out, path);
	assert_int_equal(is_v2, v2);
}

static void paths(void **state)
{
	expect("0::/system.slice/shop.service\n", "/system.slice/shop.service", 1);
	expect("0::/shop", "/shop", 1); /* cut behind the last line */
	expect("0::/\n", "/", 1);
	/* version 1 beside 2: where its controller is, in whatever order */
	expect("12:cpuset:/a\n4:cpu,cpuacct:/docker/b\n0::/c\n", "/docker/b", 0);
	expect("0::/c\n4:cpuacct,cpu:/docker/b\n", "/docker/b", 0);
	/* names that begin or end alike are not it */
	expect("12:cpuset:/a\n4:cpuacct:/b\n0::/c:d\n", "/c:d", 1);
	expect("3:name=systemd:/a\n", "", 0);
}

static void hostile_paths(void **state)
{
	char text[CGROUP_PATH_SZ + 32], out[CGROUP_PATH_SZ];
	int v2 = -1;

	expect("", "", 0);
	expect("\n\n:\n::\n0:\n", "", 0);
	expect("0::", "", 1);
	expect("cpu:/a\n", "", 0);
	/* one that is too long leaves nothing of another behind */
	memset(text, 'a', sizeof(text));
	memcpy(text, "0::/c\n4:cpu:/", 13);
	cgroup_cpu__path(span__of(text, sizeof(text)), out, &v2);
	assert_string_equal(out, "");
	/* not NUL-terminated: not a byte further */
	cgroup_cpu__path(span__of("0::/abcd", 6), out, &v2);
	assert_string_equal(out, "/ab");
}

static int parse(const char *text, uint64_t *periods, uint64_t *throttled)
{
	return cgroup_cpu__parse(span__of(text, strlen(text)), periods, throttled);
}

static void numbers(void **state)
{
	uint64_t p = 1, t = 1;

	assert_int_equal(
		parse("usage_usec 5\nnr_periods 70\nnr_throttled 7\nthrottled_usec 9\n", &p, &t),
		0);
	assert_int_equal(p, 70);
	assert_int_equal(t, 7);
	assert_int_equal(parse("nr_periods 18446744073709551615\nnr_throttled 0", &p, &t), 0);
	assert_true(p == UINT64_MAX && !t);
}

static void hostile_numbers(void **state)
{
	static const char *const bad[] = {
		"",
		"nr_periods 1\n",
		"nr_periods 1\nnr_throttled\n",
		"nr_periods 1\nnr_throttled \n",
		"nr_periods 1\nnr_throttled -2\n",
		"nr_periods 1\nnr_throttled 2 3\n",
		"nr_periods 18446744073709551616\nnr_throttled 1\n",
		"xnr_periods 1\nnr_throttledx 1\n",
	};
	uint64_t p, t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &p, &t), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(hostile_paths),
		cmocka_unit_test(numbers),
		cmocka_unit_test(hostile_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
