/* SPDX-License-Identifier: GPL-2.0-only */
/* Against real processes: this one and children of it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "process/process.h"

static int error_cnt;

static void count_errors(enum log_level level, const char *line, void *ctx)
{
	(void)line;
	(void)ctx;
	error_cnt += level == LOG_ERROR;
}

static int expect_one_message(pid_t pid)
{
	struct process *p = NULL;
	int err;

	error_cnt = 0;
	err = process__open(pid, &p);
	assert_null(p);
	assert_int_equal(error_cnt, 1);
	return err;
}

static pid_t child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_self(void **state)
{
	struct process_thread *threads;
	struct process *p;
	uint64_t ns;
	size_t cnt;

	(void)state;
	assert_int_equal(process__open(getpid(), &p), 0);
	assert_int_equal(p->uid, geteuid());
	assert_int_equal(p->tracer_pid, 0);
	assert_string_equal(p->name, "process_open_test");
	assert_false(p->in_own_pidns);
	assert_false(p->exe_deleted);
	assert_true(process__is_alive(p));
	assert_true(process__is_same_exe(p));
	assert_true(p->map_cnt > 3);
	assert_int_equal(process__refresh(p), 0);
	assert_int_equal(p->state, 'R');
	assert_int_equal(process__cpu_ns(p, &ns), 0);
	assert_true(ns > 0);
	assert_int_equal(process__threads(p, &threads, &cnt), 0);
	assert_int_equal(threads[0].tid, getpid());
	assert_int_equal(threads[0].ns_tid, getpid());
	free(threads);
	process__free(p);
}

static void test_load_bias_of_self(void **state)
{
	extern const char __ehdr_start[];
	struct process *p;
	uint64_t bias;

	(void)state;
	assert_int_equal(process__open(getpid(), &p), 0);
	assert_int_equal(process__load_bias(p, 0, 0, &bias), 0);
	assert_true(bias == (uint64_t)(uintptr_t)__ehdr_start);
	assert_int_equal(process__load_bias(p, 0, UINT64_C(1) << 40, &bias), -ENOENT);
	process__free(p);
}

static void test_readv(void **state)
{
	enum {
		CNT = 3000
	};
	uint64_t *words = calloc(CNT, 8), *copy = calloc(CNT, 8), addrs[CNT];
	void *dst[CNT];
	size_t lens[CNT];
	struct process *p;

	(void)state;
	assert_int_equal(process__open(getpid(), &p), 0);
	for (int i = 0; i < CNT; i++) {
		words[i] = (uint64_t)i * 0x9e3779b97f4a7c15u;
		addrs[i] = (uint64_t)(uintptr_t)&words[CNT - 1 - i];
		dst[i] = &copy[i];
		lens[i] = 8;
	}
	assert_int_equal(process__readv(p, addrs, dst, lens, CNT), 0);
	for (int i = 0; i < CNT; i++)
		assert_true(copy[i] == words[CNT - 1 - i]);
	addrs[CNT / 2] = 8;
	assert_int_equal(process__readv(p, addrs, dst, lens, CNT), -EFAULT);
	addrs[0] = 8;
	assert_int_equal(process__readv(p, addrs, dst, lens, 1), -EFAULT);
	process__free(p);
	free(words);
	free(copy);
}

static void test_gone(void **state)
{
	struct process *p;
	uint64_t word, addr = (uint64_t)(uintptr_t)&word;
	void *dst = &word;
	size_t len = 8;
	pid_t pid = child();

	(void)state;
	assert_int_equal(process__open(pid, &p), 0);
	assert_true(process__is_alive(p));
	kill(pid, SIGKILL);
	/* a zombie is no process to trace; its pidfd is readable once it is one */
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	assert_false(process__is_alive(p));
	assert_int_equal(expect_one_message(pid), -ESRCH);
	waitpid(pid, NULL, 0);
	assert_int_equal(process__readv(p, &addr, &dst, &len, 1), -ESRCH);
	assert_false(process__is_same_exe(p));
	assert_int_equal(expect_one_message(pid), -ESRCH);
	process__free(p);
}

/* The same file again is another program in other memory. */
static void test_exec_of_the_same_file(void **state)
{
	struct process *p = NULL;
	int go[2], i;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(go[0], 0);
		close(go[1]);
		execl("/bin/sh", "sh", "-c", "read a; exec /bin/sh -c 'read b; :'", (char *)NULL);
		_exit(1);
	}
	usleep(200 * 1000);
	assert_int_equal(process__open(pid, &p), 0);
	assert_true(process__is_same_exe(p));
	assert_int_equal(write(go[1], "\n", 1), 1);
	for (i = 0; i < 200 && process__is_same_exe(p); i++)
		usleep(10 * 1000);
	assert_true(process__is_alive(p));
	assert_false(process__is_same_exe(p));
	process__free(p);
	end_child(pid);
	close(go[0]);
	close(go[1]);
}

static void *other_thread(void *arg)
{
	*(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

/* How it ended: while it is a zombie on every kernel, then where the kernel tells (Linux 6.15). */
static void test_exit_status(void **state)
{
	char text[EXIT_STATUS_SZ];
	struct process *p = NULL;
	pid_t pid = child();
	siginfo_t info;
	int status = -1, err;

	(void)state;
	assert_int_equal(process__open(pid, &p), 0);
	assert_int_equal(process__exit_status(p, &status), -EBUSY);
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process__exit_status(p, &status), 0);
	assert_int_equal(status, SIGKILL);
	assert_string_equal(exit_status__format(status, text), "signal 9 (Killed)");
	waitpid(pid, NULL, 0);
	status = -1;
	err = process__exit_status(p, &status);
	assert_true(err == -ENODATA || (!err && status == SIGKILL));
	assert_string_equal(exit_status__format(3 << 8, text), "status 3");
	process__free(p);
}

static void test_not_a_process(void **state)
{
	volatile pid_t tid = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(expect_one_message(0), -ESRCH);
	assert_int_equal(expect_one_message(-5), -ESRCH);
	assert_int_equal(expect_one_message(0x7ffffff0), -ESRCH);
	assert_int_equal(pthread_create(&thread, NULL, other_thread, (void *)&tid), 0);
	while (!tid)
		usleep(1000);
	assert_int_equal(expect_one_message(tid), -ESRCH);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void test_kernel_thread(void **state)
{
	(void)state;
	/* kthreadd, where this is not run in a pid namespace of its own */
	if (access("/proc/2/stat", R_OK) != 0 || access("/proc/2/exe", F_OK) == 0)
		skip();
	assert_int_equal(expect_one_message(2), -ENODATA);
}

static void test_ptraced(void **state)
{
	struct process *p;
	pid_t pid = child();

	(void)state;
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) {
		end_child(pid);
		skip();
	}
	assert_int_equal(process__open(pid, &p), 0);
	assert_int_equal(p->tracer_pid, getpid());
	process__free(p);
	end_child(pid);
}

static void test_stopped(void **state)
{
	struct process *p;
	pid_t pid = child();

	(void)state;
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	assert_int_equal(process__open(pid, &p), 0);
	assert_int_equal(p->state, 'T');
	process__free(p);
	end_child(pid);
}

static bool has_pid(const struct process_hit *hits, size_t cnt, pid_t pid)
{
	for (size_t i = 0; i < cnt; i++) {
		if (hits[i].pid == pid)
			return true;
	}
	return false;
}

static void test_find(void **state)
{
	struct process_hit *hits;
	size_t cnt;

	(void)state;
	assert_int_equal(process__find("process_open_test", &hits, &cnt), 0);
	assert_true(has_pid(hits, cnt, getpid()));
	free(hits);
	assert_int_equal(process__find("no such name, surely", &hits, &cnt), 0);
	assert_int_equal(cnt, 0);
	free(hits);
	assert_int_equal(process__find(NULL, &hits, &cnt), 0);
	assert_true(has_pid(hits, cnt, getpid()));
	for (size_t i = 1; i < cnt; i++)
		assert_true(hits[i - 1].pid < hits[i].pid);
	free(hits);
	error_cnt = 0;
	assert_int_equal(process__find_container("abc", &hits, &cnt), -EINVAL);
	assert_int_equal(process__find_container("not-hex-at-all", &hits, &cnt), -EINVAL);
	assert_int_equal(error_cnt, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_load_bias_of_self),
		cmocka_unit_test(test_readv),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_not_a_process),
		cmocka_unit_test(test_kernel_thread),
		cmocka_unit_test(test_ptraced),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_exec_of_the_same_file),
	};

	log__set_sink(count_errors, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
