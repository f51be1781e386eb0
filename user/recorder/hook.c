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

static int fill(struct environment *e, const char *dir, const struct raw_reason *reason)
{
	char *const ours[OURS] = {e->capture, e->condition, e->value, e->file};
	size_t n = 0;

	snprintf(e->capture, sizeof(e->capture), "GOBPFTRACE_CAPTURE=%s", dir);
	snprintf(e->condition, sizeof(e->condition), "GOBPFTRACE_CONDITION=%s", reason->condition);
	snprintf(e->value, sizeof(e->value), "GOBPFTRACE_VALUE=%s", reason->value);
	snprintf(e->file, sizeof(e->file), "GOBPFTRACE_REASON_FILE=%s/reason.json", dir);
	while (environ[n])
		n++;
	e->all = calloc(n + OURS + 1, sizeof(char *));
	if (!e->all)
		return -ENOMEM;
	memcpy(e->all, environ, n * sizeof(char *));
	memcpy(e->all + n, ours, sizeof(ours));
	return 0;
}

/* Only what is safe behind a fork of a program with threads. */
static void in_child(const char *command, char **env, struct caller_ids ids)
{
	char *const argv[] = {"sh", "-c", (char *)command, NULL};
	sigset_t none;
	int fd = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		_exit(126);
	if (ids.other && (setgroups(0, NULL) || setgid(ids.gid) || setuid(ids.uid)))
		_exit(126);
	execve("/bin/sh", argv, env);
	_exit(127);
}

static int wait_for(pid_t pid, uint64_t timeout_ns, bool *late)
{
	const struct timespec pause = {0, POLL_NS};
	uint64_t end_ns = clock__monotonic_ns() + timeout_ns;
	int status = 0;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (clock__monotonic_ns() >= end_ns && !*late) {
			*late = true;
			kill(-pid, SIGKILL); /* its own group */
			kill(pid, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
	return !*late && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int hook__run(const char *command, const char *dir, const struct raw_reason *reason,
	      uint64_t timeout_ns, bool *late)
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
		rc = wait_for(pid, timeout_ns, late);
	free(env.all);
	return rc;
}
