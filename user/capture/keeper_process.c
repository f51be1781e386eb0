/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/keeper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/compat.h"
#include "capture/keeper_talk.h"

/* Of a keeper, which is a process of one thread. */
static struct {
	int fds[PLAN_SITES_MAX];    /* links, or perf events */
	int events[PLAN_SITES_MAX]; /* of links that are made of them, else -1 */
	size_t cnt;
} placed;

/* As they came: the busiest of a plan first (goruntime/plan_order.h). */
static void take_away(void)
{
	for (size_t i = 0; i < placed.cnt; i++) {
		close(placed.fds[i]);
		if (placed.events[i] >= 0)
			close(placed.events[i]);
	}
	placed.cnt = 0;
}

static int keep(int fd, int event)
{
	if (fd < 0)
		return fd;
	placed.fds[placed.cnt] = fd;
	placed.events[placed.cnt++] = event;
	return 0;
}

static int place_event(const struct keeper_request *r, size_t i, int prog, const char *path)
{
	int event = compat__open_perf_uprobe(r->perf_type, path, r->offsets[i], r->pid);
	int link, err;

	if (event < 0)
		return event;
	if (r->what == KEEPER_PLACE_PERF) {
		err = compat__run_on_event(prog, event);
		return err ? (close(event), err) : keep(event, -1);
	}
	link = compat__link_event(prog, event, r->cookies[i]);
	if (link < 0)
		close(event);
	return keep(link, event);
}

static int place(const struct keeper_request *r, int prog, const char *path)
{
	int err = 0;

	if (!r->cnt || r->cnt > PLAN_SITES_MAX)
		return -EINVAL;
	if (r->what == KEEPER_PLACE_MULTI)
		return keep(compat__link_multi(prog, path, r->pid, r->offsets, r->cookies, r->cnt),
			    -1);
	for (size_t i = 0; !err && i < r->cnt; i++)
		err = place_event(r, i, prog, path);
	if (err)
		take_away();
	return err;
}

static int obey(const struct keeper_request *r, size_t sz, const int *fds, size_t fd_cnt)
{
	char path[] = "/proc/self/fd/\0\0\0\0\0\0\0\0\0\0";
	char *end = path + sizeof("/proc/self/fd/") - 1;

	if (sz != sizeof(*r))
		return -EINVAL;
	if (r->what == KEEPER_WHO)
		return getpid();
	take_away();
	if (r->what == KEEPER_REMOVE)
		return 0;
	if (fd_cnt != 2 || fds[1] < 0)
		return -EINVAL;
	for (int div = 1000000000, fd = fds[1]; div; div /= 10)
		if (fd / div || div == 1)
			*end++ = (char)('0' + fd / div % 10);
	return place(r, fds[0], path);
}

/*
 * On a machine that is full, a removal must not wait for a turn before each of its steps: while it
 * waits the target pays. It mostly sleeps in the kernel; without the right to it, it goes on as it
 * is.
 */
static void take_precedence(void)
{
	const struct sched_param first = {.sched_priority = 1};

	sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first);
}

/* Until the tool is gone; what is in place then goes before this process does. */
static _Noreturn void keep_probes(int sock)
{
	static struct keeper_request r;
	int fds[KEEPER_FDS_MAX];
	size_t fd_cnt;
	int32_t answer;
	long n;

	take_precedence();
	for (;;) {
		fd_cnt = KEEPER_FDS_MAX;
		n = keeper_talk__recv(sock, &r, sizeof(r), fds, &fd_cnt);
		if (n <= 0)
			break;
		answer = obey(&r, (size_t)n, fds, fd_cnt);
		while (fd_cnt)
			close(fds[--fd_cnt]);
		if (keeper_talk__send(sock, &answer, sizeof(answer), NULL, 0))
			break;
	}
	take_away();
	_exit(0);
}

/* The tool's files would stay open behind it, its reader wait for the end of a pipe. */
static int close_all_but(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (sock != STDERR_FILENO + 1) {
		sock = dup2(sock, STDERR_FILENO + 1);
		fcntl(sock, F_SETFD, FD_CLOEXEC);
	}
	if (syscall(SYS_close_range, STDERR_FILENO + 2, ~0u, 0))
		for (long fd = sysconf(_SC_OPEN_MAX); fd > STDERR_FILENO + 1; fd--)
			close((int)fd);
	return sock;
}

_Noreturn void keeper_process__start_keepers(int sock)
{
	char unused;
	int fd;

	setsid(); /* a signal to the tool's group is not for this one */
	prctl(PR_SET_NAME, "gbt-keeper");
	signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	if (chdir("/"))
		_exit(1);
	sock = close_all_but(sock);
	for (;;) {
		size_t fd_cnt = 1;

		if (keeper_talk__recv(sock, &unused, sizeof(unused), &fd, &fd_cnt) <= 0)
			_exit(0);
		if (!fd_cnt)
			continue;
		if (!fork()) {
			close(sock);
			keep_probes(fd);
		}
		close(fd);
	}
}
