/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process/cgroup.h"
#include "process/procfs.h"

#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static int parse_stat(const char *text, struct proc_stat *st)
{
	return proc_stat__parse(span__of(text, strlen(text)), st);
}

static void test_stat(void **state)
{
	struct proc_stat st;

	(void)state;
	assert_int_equal(parse_stat("42 (a) b) S 1 42 42 0 -1 4194560 10 0 0 0 7 9 0 0 20 0 5 0 "
				    "12345 100 200 18446744073709551615 1\n",
				    &st),
			 0);
	assert_string_equal(st.comm, "a) b");
	assert_int_equal(st.state, 'S');
	assert_int_equal(st.flags, 4194560);
	assert_int_equal(st.utime_ticks, 7);
	assert_int_equal(st.stime_ticks, 9);
	assert_int_equal(st.start_ticks, 12345);
	assert_false(st.has_exit_code);
	assert_int_equal(
		parse_stat("42 (a) Z 1 42 42 0 -1 4194560 10 0 0 0 7 9 0 0 20 0 5 0 12345 0 0 "
			   "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 "
			   "0 0 0 0 0 0 512\n",
			   &st),
		0);
	assert_true(st.has_exit_code && st.exit_code == 512);
}

static void test_stat_hostile(void **state)
{
	struct proc_stat st;

	(void)state;
	/* a name that ends the line early and carries terminal controls */
	assert_int_equal(parse_stat("42 (\x1b[31m\n) R 1) D 1 42 42 0 -1 64 1 0 0 0 7 9 0 0 20 0 5 "
				    "0 12345 1",
				    &st),
			 0);
	assert_string_equal(st.comm, "?[31m?) R 1");
	assert_int_equal(st.state, 'D');
	assert_int_equal(parse_stat("", &st), -EBADMSG);
	assert_int_equal(parse_stat("42 (x", &st), -EBADMSG);
	assert_int_equal(parse_stat(")42 (x", &st), -EBADMSG);
	assert_int_equal(parse_stat("42 (x)", &st), -EBADMSG);
	assert_int_equal(parse_stat("42 (x) S 1 2 3", &st), -EBADMSG);
}

static void test_status(void **state)
{
	static const char text[] = "Name:\tTracerPid:\t77\nTgid:\t10\nPid:\t12\nTracerPid:\t5\n"
				   "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t12\t3\t1\n"
				   "Seccomp:\t2\nVmRSS:\t    5212 kB\nThreads:\t11\n";
	struct proc_status st;

	(void)state;
	assert_int_equal(proc_status__parse(span__of(text, sizeof(text) - 1), &st), 0);
	assert_int_equal(st.tgid, 10);
	assert_int_equal(st.tracer_pid, 5);
	assert_int_equal(st.uid, 2);
	assert_int_equal(st.gid, 6);
	assert_int_equal(st.ns_pid, 1);
	assert_int_equal(st.seccomp, 2);
	assert_int_equal(st.rss_kib, 5212);
	assert_int_equal(st.threads, 11);
	assert_int_equal(proc_status__parse(span__of(text, 20), &st), -EBADMSG);
}

static void test_sanitise(void **state)
{
	char out[8];

	(void)state;
	name__sanitise("a\tb\xc3\xa4", 5, out, sizeof(out));
	assert_string_equal(out, "a?b??");
	name__sanitise("long name", 9, out, sizeof(out));
	assert_string_equal(out, "long na");
	name__of_exe("/usr/bin/..", out, sizeof(out));
	assert_string_equal(out, "_.");
	name__of_exe("a b\x1b\xc3\xa4", out, sizeof(out));
	assert_string_equal(out, "a_b___");
	name__of_exe("/x/a long name", out, sizeof(out));
	assert_string_equal(out, "a_long_");
	name__of_exe("/x/", out, sizeof(out));
	assert_string_equal(out, "");
}

static void expect_cgroup(const char *text, const char *container, const char *pod)
{
	struct cgroup_info info;

	assert_int_equal(cgroup__parse(span__of(text, strlen(text)), &info), 0);
	assert_string_equal(info.container, container);
	assert_string_equal(info.pod, pod);
	cgroup__free(&info);
}

static void test_cgroup_engines(void **state)
{
	(void)state;
	expect_cgroup("0::/user.slice/session-1.scope\n", "", "");
	expect_cgroup("0::/system.slice/docker-" ID_A ".scope\n", ID_A, "");
	expect_cgroup("4:memory:/docker/" ID_A "\n1:name=systemd:/docker/" ID_A "\n", ID_A, "");
	expect_cgroup("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
		      "pod01234567_89ab_cdef_0123_456789abcdef.slice/cri-containerd-" ID_B
		      ".scope\n",
		      ID_B, "uid/01234567-89ab-cdef-0123-456789abcdef");
	expect_cgroup("0::/kubepods/besteffort/pod01234567-89ab-cdef-0123-456789abcdef/crio-" ID_B
		      "\n",
		      ID_B, "uid/01234567-89ab-cdef-0123-456789abcdef");
	/* the inner one of two */
	expect_cgroup("0::/docker/" ID_A "/docker/" ID_B "\n", ID_B, "");
	/* 65 digits are no id */
	expect_cgroup("0::/x/" ID_A "0\n", "", "");
}

static void test_cgroup_paths(void **state)
{
	static const char text[] = "6:cpu,freezer:/a/b\n3:freezers:/no\n0::/c\n";
	struct cgroup_info info;

	(void)state;
	assert_int_equal(cgroup__parse(span__of(text, sizeof(text) - 1), &info), 0);
	assert_string_equal(info.path_freezer, "/a/b");
	assert_string_equal(info.path_v2, "/c");
	cgroup__free(&info);
	assert_int_equal(cgroup__parse(span__of("0:", 2), &info), -EBADMSG);
	assert_int_equal(cgroup__parse(span__of("x", 1), &info), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),	       cmocka_unit_test(test_stat_hostile),
		cmocka_unit_test(test_status),	       cmocka_unit_test(test_sanitise),
		cmocka_unit_test(test_cgroup_engines), cmocka_unit_test(test_cgroup_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
