/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that hold probes: what they have of the tool, and when they end. What they do with
 * a target needs privilege and is tested live. */
#include "capture/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct keeper *made(void)
{
	struct keeper *k = NULL;

	assert_int_equal(keeper__new(&k), 0);
	assert_non_null(k);
	assert_true(keeper__pid(k) > 0);
	return k;
}

static bool is_alive(pid_t pid)
{
	return !kill(pid, 0) || errno == EPERM;
}

static bool gone_soon(pid_t pid)
{
	for (int i = 0; i < 2000 && is_alive(pid); i++)
		usleep(1000);
	return !is_alive(pid);
}

/* A number behind a word of /proc/PID/status. */
static unsigned long long status_of(pid_t pid, const char *word, int base)
{
	unsigned long long val = 0;
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f)) {
		found = !strncmp(line, word, strlen(word));
		if (found)
			val = strtoull(line + strlen(word), NULL, base);
	}
	fclose(f);
	assert_true(found);
	return val;
}

static pid_t parent_of(pid_t pid)
{
	return (pid_t)status_of(pid, "PPid:", 10);
}

static void expect_no_files_of_ours(pid_t pid)
{
	char path[64], link[320], to[256];
	size_t sockets = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		ssize_t n;

		if (e->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%s/%s", path, e->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		assert_true(n > 0);
		to[n] = '\0';
		if (!strncmp(to, "socket:", 7))
			sockets++;
		else
			assert_string_equal(to, "/dev/null");
	}
	closedir(d);
	assert_int_equal(sockets, 1);
}

static void it_has_nothing_of_the_tool(void **state)
{
	int file = open("/proc/self/exe", O_RDONLY), pipes[2];
	struct keeper *k;

	assert_true(file >= 0);
	assert_int_equal(pipe(pipes), 0);
	k = made();
	expect_no_files_of_ours(keeper__pid(k));
	expect_no_files_of_ours(parent_of(keeper__pid(k)));
	keeper__free(k);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

/* Ctrl-C, the end of a terminal and signals to the tool's group are not for it. */
static void signals_pass_it_by(void **state)
{
	struct keeper *k = made();
	pid_t pid = keeper__pid(k);

	assert_int_not_equal(getsid(pid), getsid(0));
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			assert_true(status_of(pid, "SigBlk:", 16) >> (sig - 1) & 1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(keeper__pid(k), pid);
	keeper__free(k);
}

static void it_ends_when_it_is_freed(void **state)
{
	struct keeper *a = made(), *b = made();
	pid_t first = keeper__pid(a), second = keeper__pid(b);

	assert_int_not_equal(first, second);
	keeper__free(a);
	assert_true(gone_soon(first));
	assert_false(keeper__is_gone(b));
	assert_int_equal(keeper__pid(b), second);
	keeper__free(b);
	assert_true(gone_soon(second));
}

static void it_ends_with_the_tool(void **state)
{
	int pids[2];
	pid_t tool, pid, starter;

	assert_int_equal(pipe(pids), 0);
	tool = fork();
	assert_true(tool >= 0);
	if (!tool) {
		struct keeper *k = NULL;

		pid = keeper__new(&k) ? -1 : keeper__pid(k);
		if (write(pids[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		pause();
	}
	assert_int_equal(read(pids[0], &pid, sizeof(pid)), sizeof(pid));
	assert_true(pid > 0);
	starter = parent_of(pid);
	kill(tool, SIGKILL);
	assert_int_equal(waitpid(tool, NULL, 0), tool);
	assert_true(gone_soon(pid));
	/* that one goes on while this test, from which it may come, does */
	assert_true(starter == 1 || parent_of(starter) == getpid() || gone_soon(starter));
	close(pids[0]);
	close(pids[1]);
}

static void a_killed_one_is_noticed(void **state)
{
	struct keeper_order o = {.way = KEEPER_MULTI, .pid = 1, .cnt = 1};
	struct keeper *k = made();
	pid_t pid = keeper__pid(k);

	assert_false(keeper__is_gone(k));
	kill(pid, SIGKILL);
	assert_true(gone_soon(pid));
	assert_true(keeper__is_gone(k));
	assert_int_equal(keeper__place(k, &o), -ECHILD);
	assert_int_equal(keeper__pid(k), -1);
	keeper__remove(k);
	keeper__free(k);
}

static void the_first_process_is_waited_for(void **state)
{
	struct keeper *k = made();
	pid_t starter = parent_of(keeper__pid(k));

	assert_true(is_alive(starter));
	keeper__free(k);
	keeper__finish();
	assert_false(is_alive(starter)); /* nor a zombie */
	keeper__finish();
}

static void another_starter_takes_its_place(void **state)
{
	struct keeper *k = made();
	pid_t starter = parent_of(keeper__pid(k));
	siginfo_t how;

	kill(starter, SIGKILL);
	/* its end takes a moment, in which it would still be asked; it is collected by keeper.c */
	assert_int_equal(waitid(P_PID, (id_t)starter, &how, WEXITED | WNOWAIT), 0);
	assert_false(keeper__is_gone(k)); /* what is in place stays */
	keeper__free(k);
	k = made();
	assert_int_not_equal(parent_of(keeper__pid(k)), starter);
	keeper__free(k);
	keeper__finish();
}

/* What the kernel says comes back, and the next order is taken. */
static void a_refused_order_is_told(void **state)
{
	struct keeper_order o = {.way = KEEPER_MULTI, .pid = getpid(), .cnt = 1};
	struct keeper *k = made();

	o.prog_fd = o.exe_fd = open("/dev/null", O_RDWR); /* no program */
	assert_true(o.prog_fd >= 0);
	assert_true(keeper__place(k, &o) < 0);
	o.way = KEEPER_PERF;
	assert_true(keeper__place(k, &o) < 0);
	o.cnt = 0;
	assert_true(keeper__place(k, &o) < 0);
	o.cnt = PLAN_SITES_MAX + 1;
	assert_int_equal(keeper__place(k, &o), -E2BIG);
	keeper__remove(k);
	assert_true(keeper__pid(k) > 0);
	expect_no_files_of_ours(keeper__pid(k)); /* nor those of the orders */
	close(o.prog_fd);
	keeper__free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_nothing_of_the_tool),
		cmocka_unit_test(signals_pass_it_by),
		cmocka_unit_test(it_ends_when_it_is_freed),
		cmocka_unit_test(it_ends_with_the_tool),
		cmocka_unit_test(a_killed_one_is_noticed),
		cmocka_unit_test(the_first_process_is_waited_for),
		cmocka_unit_test(another_starter_takes_its_place),
		cmocka_unit_test(a_refused_order_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
