/* SPDX-License-Identifier: GPL-2.0-only */
/* The runtime's rules about names, case by case as src/runtime/traceback.go has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "goruntime/frame_cache.h"

static void expect_name(const char *in, const char *want)
{
	char out[256];

	assert_string_equal(go_func__print_name(in, out, sizeof(out)), want);
}

static void test_print_name(void **state)
{
	(void)state;
	expect_name("main.f", "main.f");
	expect_name("main.f[go.shape.int]", "main.f[...]");
	expect_name("main.(*T[go.shape.int,go.shape.map[string]int]).M", "main.(*T[...]).M");
	expect_name("main.f[...]", "main.f[...]");
	/* a generic method of a generic type, Go 1.27 */
	expect_name("main.(*T[go.shape.int]).M[go.shape.string]", "main.(*T[...]).M[...]");
	expect_name("main.T[[]go.shape.int].M[go.shape.[]uint8].func1", "main.T[...].M[...].func1");
	expect_name("main.f]x[", "main.f]x[");
	expect_name("[", "[");
	expect_name("", "");
}

static void test_shown(void **state)
{
	(void)state;
	assert_true(go_func__is_shown(27, "main.f", false, true, ""));
	assert_false(go_func__is_shown(27, "runtime.gopark", false, true, ""));
	assert_true(go_func__is_shown(27, "runtime.Gosched", false, true, ""));
	assert_false(go_func__is_shown(27, "asmcode", false, true, ""));
	/* the boundary of a panic, but not as the leaf */
	assert_true(go_func__is_shown(27, "runtime.gopanic", false, false, ""));
	assert_false(go_func__is_shown(27, "runtime.gopanic", false, true, ""));
	/* a wrapper, unless it panics */
	assert_false(go_func__is_shown(27, "main.f", true, false, "main.g"));
	assert_true(go_func__is_shown(27, "main.f", true, false, "runtime.gopanic"));
	assert_true(go_func__is_shown(27, "main.f", true, false, "runtime.panicwrap"));
	/* methods count from 1.23 on */
	assert_false(go_func__is_shown(22, "runtime.(*Func).Entry", false, true, ""));
	assert_true(go_func__is_shown(23, "runtime.(*Func).Entry", false, true, ""));
	assert_false(go_func__is_shown(23, "runtime.(*mheap).Entry", false, true, ""));
	assert_false(go_func__is_shown(23, "runtime.(*Func).entry", false, true, ""));
	assert_true(go_func__is_shown(27, "runtime.Frames.Next", false, true, ""));
	/* what runs finalizers, from 1.25 on */
	assert_true(go_func__is_shown(25, "runtime.runFinalizers", false, false, ""));
	assert_false(go_func__is_shown(24, "runtime.runfinq", false, false, ""));
}

static void test_system(void **state)
{
	(void)state;
	assert_false(go_func__is_system_root("main.main.func1", false));
	assert_false(go_func__is_system_root("runtime.main", false));
	assert_false(go_func__is_system_root("runtime.corostart", false));
	assert_true(go_func__is_system_root("runtime.bgsweep", true));
	assert_true(go_func__is_system_root("runtime.runfinq", false));
	assert_false(go_func__is_system_root("runtime.runfinq", true));
	assert_false(go_func__is_system_root("runtime.runCleanups", true));
	assert_false(go_func__is_system_root("runtimex.f", false));
}

static void test_runtime(void **state)
{
	(void)state;
	assert_true(go_func__is_runtime(18, "runtime.gopark"));
	assert_false(go_func__is_runtime(18, "runtime/pprof.x"));
	assert_false(go_func__is_runtime(23, "internal/runtime/syscall.Syscall6"));
	assert_true(go_func__is_runtime(24, "internal/runtime/syscall.Syscall6"));
	assert_true(go_func__is_trap("runtime.sigpanic"));
	assert_false(go_func__is_trap("runtime.gopanic"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_name),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
