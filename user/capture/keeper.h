/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_KEEPER_H
#define CAPTURE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "goruntime/plan.h"

/*
 * Another process that places the probes of a plan, holds the only descriptors of them, and takes
 * them away when it is told to or when the tool is gone. A thread with a fatal signal cannot take a
 * breakpoint out of another process (kernel/events/uprobes.c gives up and leaks it), so a tool that
 * is killed while it places or removes probes would leave some of them; the keeper is no thread of
 * the tool, in a session of its own, and blocks every signal that can be blocked.
 *
 * Keepers are forked from a process that the first of them starts, so that none holds a copy of the
 * tool's memory or of its open files. What it costs is one small process for all, one for each
 * plan.
 */
struct keeper;

enum keeper_way {
	KEEPER_MULTI, /* one uprobe_multi link */
	KEEPER_PERF,  /* a perf event for each site, without cookies */
	KEEPER_PERF_COOKIES,
};

struct keeper_order {
	enum keeper_way way;
	pid_t pid;   /* the target */
	int prog_fd; /* of the program for this way; borrowed during the call */
	int exe_fd;  /* the target's executable; likewise */
	size_t cnt;  /* at least 1 */
	uint64_t offsets[PLAN_SITES_MAX]; /* in the file */
	uint64_t cookies[PLAN_SITES_MAX];
};

/*
 * Forks that first process now, while the tool has neither threads nor much memory; without it the
 * first keeper__new does. 0 or -errno.
 */
int keeper__prepare(void);

/* Its end, after that of all keepers. */
void keeper__finish(void);

/* 0 or -errno. From any thread. */
int keeper__new(struct keeper **out);

/* The rest: one thread at a time for each keeper. */

/*
 * Waits until all sites have their probe, after those of an earlier order are gone. -errno as the
 * kernel gave it, with none in place; -ECHILD the keeper is gone.
 */
int keeper__place(struct keeper *k, const struct keeper_order *o);
/* Waits until none is in place (250 ms as one link, seconds as perf events). */
void keeper__remove(struct keeper *k);
/* Has it ended, and its probes with it? Never blocks; from any thread. */
bool keeper__is_gone(const struct keeper *k);
/* -1: it is gone. */
pid_t keeper__pid(struct keeper *k);
/* Removes, and waits for its end. */
void keeper__free(struct keeper *k);

#endif
