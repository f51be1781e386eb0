/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/keeper_talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(KEEPER_FDS_MAX * sizeof(int))];
};

int keeper_talk__send(int sock, const void *msg, size_t sz, const int *fds, size_t fd_cnt)
{
	union control control = {0};
	struct iovec iov = {(void *)msg, sz};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd_cnt) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(fd_cnt * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(fd_cnt * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, fd_cnt * sizeof(int));
	}
	do {
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

long keeper_talk__recv(int sock, void *msg, size_t sz, int *fds, size_t *fd_cnt)
{
	union control control;
	struct iovec iov = {msg, sz};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t room = *fd_cnt;
	struct cmsghdr *c;
	ssize_t n;

	*fd_cnt = 0;
	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		*fd_cnt = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (*fd_cnt > room)
			*fd_cnt = room;
		memcpy(fds, CMSG_DATA(c), *fd_cnt * sizeof(int));
	}
	return n < 0 ? -errno : n;
}
