/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/compat.h"
#include "capture/keeper_process.h"
#include "capture/keeper_talk.h"

struct keeper {
	int sock;
};

/* The process that forks keepers, and a socket to it; -1: there is none. */
static int starter = -1;
static pid_t starter_pid;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int new_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) ? -errno : 0;
}

static int start_starter(void)
{
	int fds[2], err = new_pair(fds);
	sigset_t all, was;
	pid_t pid;

	if (err)
		return err;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pid = fork();
	err = pid < 0 ? -errno : 0;
	if (!pid)
		keeper_process__start_keepers(fds[1]);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	close(fds[1]);
	if (err)
		close(fds[0]);
	else
		starter = fds[0];
	starter_pid = pid;
	return err;
}

static void end_starter(void)
{
	if (starter < 0)
		return;
	shutdown(starter, SHUT_RDWR); /* whoever else of us still has it open */
	close(starter);
	starter = -1;
	while (waitpid(starter_pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void keeper__finish(void)
{
	pthread_mutex_lock(&lock);
	end_starter();
	pthread_mutex_unlock(&lock);
}

int keeper__prepare(void)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if (starter < 0)
		err = start_starter();
	pthread_mutex_unlock(&lock);
	return err;
}

/* Somebody may have killed the one before. */
static int ask_for_keeper(int sock)
{
	int err = -EPIPE;

	pthread_mutex_lock(&lock);
	for (int attempt = 0; err == -EPIPE && attempt < 2; attempt++) {
		err = starter < 0 ? start_starter() : 0;
		if (!err)
			err = keeper_talk__send(starter, "", 1, &sock, 1);
		if (err == -EPIPE)
			end_starter();
	}
	pthread_mutex_unlock(&lock);
	return err;
}

int keeper__new(struct keeper **out)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int fds[2], err = k ? new_pair(fds) : -ENOMEM;

	if (err) {
		free(k);
		return err;
	}
	k->sock = fds[0];
	err = ask_for_keeper(fds[1]);
	close(fds[1]);
	if (err)
		keeper__free(k);
	else
		*out = k;
	return err;
}

/* What it answers; -ECHILD: it is gone. */
static int ask(struct keeper *k, const struct keeper_request *r, const int *fds, size_t fd_cnt)
{
	size_t none = 0;
	int32_t answer;

	if (keeper_talk__send(k->sock, r, sizeof(*r), fds, fd_cnt) ||
	    keeper_talk__recv(k->sock, &answer, sizeof(answer), NULL, &none) != sizeof(answer))
		return -ECHILD;
	return answer;
}

int keeper__place(struct keeper *k, const struct keeper_order *o)
{
	static const uint32_t what[] = {
		[KEEPER_MULTI] = KEEPER_PLACE_MULTI,
		[KEEPER_PERF] = KEEPER_PLACE_PERF,
		[KEEPER_PERF_COOKIES] = KEEPER_PLACE_PERF_COOKIES,
	};
	const int fds[KEEPER_FDS_MAX] = {o->prog_fd, o->exe_fd};
	struct keeper_request r = {
		.what = what[o->way],
		.pid = o->pid,
		.cnt = (uint32_t)o->cnt,
	};
	int type = 0;

	if (o->cnt > PLAN_SITES_MAX)
		return -E2BIG;
	if (o->way != KEEPER_MULTI)
		type = compat__perf_uprobe_type();
	if (type < 0)
		return type;
	r.perf_type = (uint32_t)type;
	memcpy(r.offsets, o->offsets, o->cnt * sizeof(r.offsets[0]));
	memcpy(r.cookies, o->cookies, o->cnt * sizeof(r.cookies[0]));
	return ask(k, &r, fds, KEEPER_FDS_MAX);
}

void keeper__remove(struct keeper *k)
{
	const struct keeper_request r = {.what = KEEPER_REMOVE};

	ask(k, &r, NULL, 0); /* one that is gone has taken them along */
}

bool keeper__is_gone(const struct keeper *k)
{
	struct pollfd p = {.fd = k->sock};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

pid_t keeper__pid(struct keeper *k)
{
	const struct keeper_request r = {.what = KEEPER_WHO};
	int pid = ask(k, &r, NULL, 0);

	return pid > 0 ? pid : -1;
}

void keeper__free(struct keeper *k)
{
	size_t none = 0;
	char unused;

	if (!k)
		return;
	shutdown(k->sock, SHUT_WR);
	while (keeper_talk__recv(k->sock, &unused, sizeof(unused), NULL, &none) > 0)
		;
	close(k->sock);
	free(k);
}
