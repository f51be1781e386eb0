/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_LAUNCH_H
#define RECORDER_LAUNCH_H

#include <sys/types.h>

/*
 * `-- COMMAND ARG…`: the program is forked but waits before its exec until the tool is
 * attached. It runs with the ids of the user who called sudo, in the tool's process group (so
 * Ctrl-C reaches both), and is never sent a signal by us.
 */
struct launch;

/* Finds argv[0] as execvp would; -ENOENT with a message. */
int launch__new(char **argv, struct launch **out);
pid_t launch__pid(const struct launch *l);
const char *launch__path(const struct launch *l); /* of the executable; borrowed */
/* Lets it exec; -errno with a message when exec failed. */
int launch__go(struct launch *l);
/* Without launch__go before, the waiting child goes away without having run. */
void launch__free(struct launch *l);

#endif
