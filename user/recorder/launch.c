/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "recorder/outdir.h"

struct launch {
	pid_t pid;
	char *path;
	int go_fd;    /* one byte lets the child go on; closing it ends the child */
	int error_fd; /* the errno of a failed exec; end of file = exec worked */
};

static int find_executable(const char *name, char **out)
{
	const char *path = getenv("PATH");
	char *copy, *dir, *save = NULL;

	if (strchr(name, '/')) {
		*out = realpath(name, NULL);
		return *out ? 0 : -errno;
	}
	copy = strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	if (!copy)
		return -ENOMEM;
	for (dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char full[4096];

		snprintf(full, sizeof(full), "%s/%s", dir, name);
		if (access(full, X_OK) == 0) {
			free(copy);
			*out = realpath(full, NULL);
			return *out ? 0 : -errno;
		}
	}
	free(copy);
	return -ENOENT;
}

static bool user_name(uid_t uid, char *name, size_t sz)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw;
	bool found = false;

	while (f && !found && (pw = fgetpwent(f)))
		if (pw->pw_uid == uid)
			found = snprintf(name, sz, "%s", pw->pw_name) < (int)sz;
	if (f)
		fclose(f);
	return found;
}

/* The caller's groups by /etc/group alone: the name service's libraries are not to be had in a
 * static executable. Users that only a directory service knows get no further groups. */
static size_t user_groups(uid_t uid, gid_t *out, size_t max)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *gr;
	char name[256];
	size_t cnt = 0;

	if (f && user_name(uid, name, sizeof(name)))
		while (cnt < max && (gr = fgetgrent(f)))
			for (char **m = gr->gr_mem; *m; m++)
				if (!strcmp(*m, name) && cnt < max)
					out[cnt++] = gr->gr_gid;
	if (f)
		fclose(f);
	return cnt;
}

static int become_caller(void)
{
	struct caller_ids ids = caller_ids__get();
	gid_t groups[64];

	if (!ids.other)
		return 0;
	if (setgroups(user_groups(ids.uid, groups, 64), groups))
		return -errno;
	if (setgid(ids.gid) || setuid(ids.uid))
		return -errno;
	return 0;
}

static void __attribute__((noreturn)) child(const char *path, char **argv, int go_fd, int error_fd)
{
	char byte;
	int err;

	signal(SIGPIPE, SIG_DFL);
	/* The tool's own handling of Ctrl-C and of its own end is not the program's. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	while ((err = read(go_fd, &byte, 1)) < 0 && errno == EINTR)
		;
	if (err != 1)
		_exit(0); /* called off */
	err = become_caller();
	if (!err) {
		execv(path, argv);
		err = -errno;
	}
	if (write(error_fd, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

static int say_error(const char *name, const char *what, int err)
{
	log_error("'%s': %s%s", name, what, strerror(-err));
	return err;
}

static void close_both(const int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Each side keeps its ends of the pipes. */
static int begin_child(struct launch *l, char **argv)
{
	int go[2] = {-1, -1}, error[2] = {-1, -1}, err = 0;

	if (pipe2(go, O_CLOEXEC) || pipe2(error, O_CLOEXEC)) {
		err = say_error(argv[0], "pipe: ", -errno);
		goto out;
	}
	l->pid = fork();
	if (l->pid < 0) {
		err = say_error(argv[0], "fork: ", -errno);
		goto out;
	}
	if (l->pid == 0) {
		close(go[1]);
		close(error[0]);
		child(l->path, argv, go[0], error[1]);
	}
	l->go_fd = go[1];
	l->error_fd = error[0];
	go[1] = error[0] = -1;
out:
	close_both(go);
	close_both(error);
	return err;
}

int launch__new(char **argv, struct launch **out)
{
	struct launch *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	err = find_executable(argv[0], &l->path);
	if (err)
		say_error(argv[0], "", err);
	else
		err = begin_child(l, argv);
	if (err) {
		free(l->path);
		free(l);
		return err;
	}
	*out = l;
	return 0;
}

pid_t launch__pid(const struct launch *l)
{
	return l->pid;
}

const char *launch__path(const struct launch *l)
{
	return l->path;
}

int launch__go(struct launch *l)
{
	int err = 0;
	ssize_t n;

	if (write(l->go_fd, "g", 1) != 1) {
		err = -errno;
		log_error("'%s': ended before it was started", l->path);
		return err;
	}
	do {
		n = read(l->error_fd, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	log_error("'%s': exec: %s", l->path, strerror(-err));
	return err;
}

void launch__free(struct launch *l)
{
	if (!l)
		return;
	close(l->go_fd);
	close(l->error_fd);
	/* Only a child that has ended is collected; a running program goes on without us. */
	waitpid(l->pid, NULL, WNOHANG);
	free(l->path);
	free(l);
}
