/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_KEEPER_TALK_H
#define CAPTURE_KEEPER_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "goruntime/plan.h"

/*
 * What the tool and its keepers say to each other, over sockets of whole messages (SOCK_SEQPACKET).
 * Each request has one answer, an int32_t: 0 or -errno, or a process id.
 */
enum keeper_what {
	KEEPER_PLACE_MULTI,
	KEEPER_PLACE_PERF,
	KEEPER_PLACE_PERF_COOKIES,
	KEEPER_REMOVE,
	KEEPER_WHO, /* answer: its process id */
};

#define KEEPER_FDS_MAX 2 /* program, executable */

struct keeper_request {
	uint32_t what;
	int32_t pid;
	uint32_t perf_type; /* of uprobe events, from sysfs */
	uint32_t cnt;
	uint64_t offsets[PLAN_SITES_MAX];
	uint64_t cookies[PLAN_SITES_MAX];
};

/* One message with descriptors, which stay the caller's. 0 or -errno. */
int keeper_talk__send(int sock, const void *msg, size_t sz, const int *fds, size_t fd_cnt);
/*
 * The next message, into sz bytes: its length, 0 when the other side is gone, or -errno. *fd_cnt:
 * in how many descriptors may come, out how many did; they are the caller's.
 */
long keeper_talk__recv(int sock, void *msg, size_t sz, int *fds, size_t *fd_cnt);

#endif
