/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/duration.h"
#include "base/log.h"
#include "recorder/outdir.h"

#define POLL_NS (20 * 1000 * 1000)
#define OURS 4

extern char **environ;

struct environment {
	char capture[PATH_MAX + 32], condition[256], value[64], file[PATH_MAX + 48];
	char **all; /* those of the tool, then ours */
};

/* Do both set the same variable? */
static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return !strncmp(a, b, n) && b[n] == '=';
}

static int fill(struct environment *e, const char *dir, const struct raw_reason *reason)
{
	char *const ours[OURS] = {e->capture, e->condition, e->value, e->file};
	size_t n = 0, kept = 0;

	snprintf(e->capture, sizeof(e->capture), "GOBPFTRACE_CAPTURE=%s", dir);
	snprintf(e->condition, sizeof(e->condition), "GOBPFTRACE_CONDITION=%s", reason->condition);
	snprintf(e->value, sizeof(e->value), "GOBPFTRACE_VALUE=%s", reason->value);
	snprintf(e->file, sizeof(e->file), "GOBPFTRACE_REASON_FILE=%s/reason.json", dir);
	while (environ[n])
		n++;
	e->all = calloc(n + OURS + 1, sizeof(char *));
	if (!e->all)
		return -ENOMEM;
	/* shells differ in which of two of the same name they take */
	for (size_t i = 0; i < n; i++) {
		bool is_ours = false;

		for (size_t k = 0; k < OURS; k++)
			is_ours |= same_name(ours[k], environ[i]);
		if (!is_ours)
			e->all[kept++] = environ[i];
	}
	memcpy(e->all + kept, ours, sizeof(ours));
	return 0;
}

/* Only what is safe behind a fork of a program with threads. */
static void in_child(const char *command, char **env, struct caller_ids ids)
{
	char *const argv[] = {"sh", "-c", (char *)command, NULL};
	sigset_t none;
	int fd = open("/dev/null", O_RDWR);

	setsid(); /* a group to be killed, and no terminal that could stop it */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		_exit(126);
	/* all of ours are close-on-exec; one that a library opened may not be, and some of them
	 * reach into the target (before Linux 5.9 this fails) */
	(void)syscall(SYS_close_range, 3, ~0u, 0);
	if (ids.other && (setgroups(0, NULL) || setgid(ids.gid) || setuid(ids.uid)))
		_exit(126);
	execve("/bin/sh", argv, env);
	_exit(127);
}

static int wait_for(pid_t pid, uint64_t timeout_ns, const atomic_bool *hurry, bool *late)
{
	const struct timespec pause = {0, POLL_NS};
	uint64_t end_ns = clock__monotonic_ns() + timeout_ns;
	int status = 0;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG))) {
		if ((atomic_load(hurry) || clock__monotonic_ns() >= end_ns) && !*late) {
			*late = true;
			kill(-pid, SIGKILL); /* its own group */
			kill(pid, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
	/* where SIGCHLD is ignored nobody can be told how it ended */
	return got == pid && !*late && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int hook__run(const char *command, const char *dir, const struct raw_reason *reason,
	      uint64_t timeout_ns, const atomic_bool *hurry, bool *late)
{
	struct caller_ids ids = caller_ids__get();
	struct environment env = {0};
	pid_t pid;
	int rc = -1;

	*late = false;
	if (fill(&env, dir, reason))
		return -1;
	pid = fork();
	if (!pid)
		in_child(command, env.all, ids);
	if (pid < 0)
		log_warn("--exec: cannot be started: %s", strerror(errno));
	else
		rc = wait_for(pid, timeout_ns, hurry, late);
	free(env.all);
	return rc;
}
