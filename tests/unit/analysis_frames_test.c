/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/frames.h"

static void packages(void **state)
{
	static const struct {
		const char *func, *package;
	} cases[] = {
		{"main.main", "main"},
		{"net/http.(*conn).serve", "net/http"},
		{"net/http.HandlerFunc.ServeHTTP", "net/http"},
		{"example.com/a.b/c.(*T).M.func1", "example.com/a.b/c"},
		{"example.com/x.F[example.com/y/z.T]", "example.com/x"},
		{"sync.(*Map).Load", "sync"},
		{"main.f[...]", "main"},
		{"(anything)", ""},
		{"noname", "noname"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = func_package_len(cases[i].func);

		assert_int_equal(len, strlen(cases[i].package));
		assert_memory_equal(cases[i].func, cases[i].package, len);
	}
}

static void the_standard_library(void **state)
{
	assert_true(func_is_std("runtime.gopark"));
	assert_true(func_is_std("internal/poll.(*FD).Read"));
	assert_true(func_is_std("vendor/golang.org/x/net/http2/hpack.(*Encoder).WriteField"));
	assert_true(func_is_std("net/http.(*conn).serve"));
	assert_false(func_is_std("main.main"));
	assert_false(func_is_std("example.com/net.Dial"));
	assert_false(func_is_std("network.Dial"));
	assert_false(func_is_std("golang.org/x/sync/errgroup.(*Group).Go.func1"));
	assert_false(func_is_std(""));
}

static void roots_of_the_program(void **state)
{
	assert_true(func_is_user_root("main.main"));
	assert_true(func_is_user_root("runtime.main"));
	assert_true(func_is_user_root("runtimes.F"));
	assert_true(func_is_user_root("runtime/trace.Start.func1"));
	assert_true(func_is_user_root("os/signal.loop"));
	assert_false(func_is_user_root("runtime.gcBgMarkWorker"));
	assert_false(func_is_user_root("runtime.main.func2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages),
		cmocka_unit_test(the_standard_library),
		cmocka_unit_test(roots_of_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
