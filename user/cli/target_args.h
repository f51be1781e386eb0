/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_TARGET_ARGS_H
#define CLI_TARGET_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "process/process.h"

/*
 * TARGET, the same for every command that takes one:
 *   -p PID[,PID…]      these processes
 *   -n NAME [--all]    the process of that name; all that fit
 *   --container ID     the Go processes of a container
 *   -- COMMAND ARG…    where the command starts programs (split_command)
 */
enum {
	OPT_ALL = 256,
	OPT_CONTAINER,
	OPT_BEHIND_TARGET, /* from here on the command's own */
};

#define TARGET_SHORTS "p:n:"

/* clang-format off */
#define TARGET_LONGS                                                                               \
	{"pid", required_argument, NULL, 'p'},                                                     \
	{"name", required_argument, NULL, 'n'},                                                    \
	{"all", no_argument, NULL, OPT_ALL},                                                       \
	{"container", required_argument, NULL, OPT_CONTAINER}
/* clang-format on */

struct target_args {
	const char *pids, *name, *container;
	bool all;
	unsigned forms; /* how often a target was named */
	char **command; /* what follows "--", NULL without; borrowed from argv */
};

/* Takes the option c, if it is one of those. */
bool target_args__take(struct target_args *a, int c, const char *arg);
bool target_args__is_given(const struct target_args *a);
/* All processes of the name or container, Go or not, as process__find. */
int target_args__look(const struct target_args *a, struct process_hit **hits, size_t *cnt);
bool target__is_not_go(pid_t pid);
/* Is there one of the name or container that may be Go? As process__find. */
int target_args__any_go(const struct target_args *a, bool *any);

struct targets {
	pid_t *pids;
	size_t cnt, cap;
	char **command; /* as in target_args; then there are no pids */
};

/*
 * 0, or an exit_status with its message printed. Of several processes that fit, those that are
 * certainly not Go programs do not count. many: the command takes more than one; else there is one,
 * or the command to start.
 */
int targets__resolve(const struct target_args *a, bool many, struct targets *out);
void targets__free(struct targets *t);

#endif
