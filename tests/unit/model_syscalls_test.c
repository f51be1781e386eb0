/* SPDX-License-Identifier: GPL-2.0-only */
#include "model_scene.h"

static void test_syscall_that_loses_its_p(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_SYSCALL, 5)->stack = 77;
	ev(s, 99, -1, GBT_P_HANDOFF, 0)->arg = 0;
	ev(s, 10, -1, GBT_SYSCALL_EXIT, 5);
	ev(s, 10, 1, GBT_P_START, 0);
	ev(s, 10, 1, GBT_SYSCALL, 5);
	ev(s, 10, 1, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 10, 1, GBT_SYSCALL_BLOCK, 5);
	ev(s, 10, 1, GBT_P_STOP, 0);
	ev(s, 10, -1, GBT_P_HANDOFF, 0)->arg = 1;
	ev(s, 10, -1, GBT_SYSCALL_EXIT, 5);
	ev(s, 10, -1, GBT_SYSCALL_EXIT_NOP, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoSyscallBegin 10/0/5 stack 77 skip 1\n"
				"ProcSteal 99/-1/0\n"
				"ProcStart 10/-1/5 1\n"
				"GoSyscallEndBlocked 10/1/5\n"
				"GoStart 10/1/0 5\n"
				"GoSyscallBegin 10/1/5\n"
				"GoSyscallEnd 10/1/5\n"
				"GoSyscallBegin 10/1/5\n"
				"ProcStop 10/1/5 1\n"
				"GoSyscallEndBlocked 10/-1/5\n");
	assert_int_equal(repairs(s), 0);
	assert_int_equal(s->stats.retaken, 1);
	end_scene(s);
}

/* The exit saw its P, then sysmon had it: what the thread does next decides. */
static void test_syscall_exit_that_loses_its_p_at_last(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_SYSCALL, 5);
	ev(s, 10, 0, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 99, -1, GBT_P_HANDOFF, 0)->arg = 0;
	ev(s, 10, -1, GBT_SYSCALL_EXIT_NOP, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoSyscallBegin 10/0/5\n"
				"ProcSteal 99/-1/0\n"
				"GoSyscallEndBlocked 10/-1/5\n");
	end_unrepaired(s);
}

/* … and got it back by wirep, from a thread that was in a syscall itself. */
static void test_syscall_exit_that_takes_its_p_back(void **state)
{
	struct scene *s = new_scene();

	s->cfg.go_minor = 22;
	ev(s, 10, 0, GBT_SYSCALL, 5);
	ev(s, 10, 0, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 99, -1, GBT_P_HANDOFF, 0)->arg = 0;
	ev(s, 11, 0, GBT_P_START, 0);
	ev(s, 11, 0, GBT_RUN, 6);
	ev(s, 11, 0, GBT_SYSCALL, 6);
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7;
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =1\n"
				"ProcsChange 10/0/5 =2\n"
				"GoSyscallBegin 10/0/5\n"
				"ProcSteal 99/-1/0\n"
				"ProcStart 11/-1/0\n"
				"GoStart 11/0/0 6\n"
				"GoSyscallBegin 11/0/6\n"
				"ProcSteal 10/-1/5 0\n"
				"ProcStart 10/-1/5 0\n"
				"GoSyscallEndBlocked 10/0/5\n"
				"GoStart 10/0/0 5\n"
				"GoBlock 10/0/5 (chan receive)\n");
	end_unrepaired(s);
}

/* Both by wirep: thread 11 takes it from the exit of thread 10, which no probe shows. */
static void test_syscall_exit_whose_p_another_exit_takes(void **state)
{
	struct scene *s = new_scene();

	s->cfg.go_minor = 22;
	ev(s, 10, 0, GBT_SYSCALL, 5);
	ev(s, 11, -1, GBT_SYSCALL_EXIT, 6);
	ev(s, 10, 0, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 11, 0, GBT_BLOCK, 6)->arg32 = 7;
	ev(s, 11, 0, GBT_P_STOP, 0);
	ev(s, 10, 0, GBT_P_START, 0);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@GoStatusStack 11/-1/0 6 =3\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"GoSyscallBegin 10/0/5\n"
		"ProcSteal 11/-1/6 0\n"
		"ProcStart 11/-1/6 0\n"
		"GoSyscallEndBlocked 11/0/6\n"
		"GoStart 11/0/0 6\n"
		"GoBlock 11/0/6 (chan receive)\n"
		"ProcStop 11/0/0\n"
		"ProcStart 10/-1/5 0\n"
		"GoSyscallEndBlocked 10/0/5\n"
		"GoStart 10/0/0 5\n");
	end_unrepaired(s);
}

static void test_cgo_callback(void **state)
{
	struct scene *s = new_scene();

	for (int i = 0; i < 2; i++) { /* the same goroutine comes back */
		ev(s, 10, -1, GBT_CGO_NEEDM, 0);
		ev(s, 10, -1, GBT_SYSCALL_EXIT, 17);
		ev(s, 10, 1, GBT_P_START, 0);
		ev(s, 10, 1, GBT_SYSCALL, 17);
		ev(s, 10, -1, GBT_CGO_DROPM, 17);
	}
#define CALLBACK                                                                                   \
	"GoCreateSyscall 10/-1/0 17\n"                                                             \
	"ProcStart 10/-1/17 1\n"                                                                   \
	"GoSyscallEndBlocked 10/1/17\n"                                                            \
	"GoStart 10/1/0 17\n"
#define BACK_TO_C                                                                                  \
	"GoSyscallBegin 10/1/17\n"                                                                 \
	"ProcStop 10/1/17 1\n"                                                                     \
	"GoDestroySyscall 10/-1/17\n"
	play(s, "@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n" CALLBACK
		"ProcsChange 10/1/17 =2\n" BACK_TO_C CALLBACK BACK_TO_C);
	end_unrepaired(s);
}

static void test_syscalls_that_block_are_skipped_by_version(void **state)
{
	for (unsigned minor = 22; minor <= 23; minor++) {
		struct scene *s = new_scene();

		s->cfg.go_minor = minor;
		ev(s, 10, 0, GBT_SYSCALL_BLOCK, 5)->stack = 3;
		play(s, minor == 22 ? "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoSyscallBegin 10/0/5 stack 3 skip 2\n"
				    : "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoSyscallBegin 10/0/5 stack 3 skip 1\n");
		end_scene(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syscall_that_loses_its_p),
		cmocka_unit_test(test_syscall_exit_that_loses_its_p_at_last),
		cmocka_unit_test(test_syscall_exit_that_takes_its_p_back),
		cmocka_unit_test(test_syscall_exit_whose_p_another_exit_takes),
		cmocka_unit_test(test_cgo_callback),
		cmocka_unit_test(test_syscalls_that_block_are_skipped_by_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
