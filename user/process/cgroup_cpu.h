/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROCESS_CGROUP_CPU_H
#define PROCESS_CGROUP_CPU_H

#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

/*
 * The CPU quota of a process's cgroup, versions 1 and 2: in how many periods it had its quota used
 * up (Documentation/scheduler/sched-bwc.rst). Found when it is opened; a process that is moved to
 * another cgroup is not followed.
 */
struct cgroup_cpu;

/* -ENOENT without a message: there is no cgroup with a quota to be read. */
int cgroup_cpu__open(pid_t pid, struct cgroup_cpu **out);
void cgroup_cpu__free(struct cgroup_cpu *c);
/* Since the cgroup was made; -errno. */
int cgroup_cpu__periods(const struct cgroup_cpu *c, uint64_t *periods, uint64_t *throttled);

/* The path in the hierarchy that has the cpu controller, from the text of /proc/PID/cgroup: "" when
 * there is none. *v2 says which version. For tests. */
#define CGROUP_PATH_SZ 512
void cgroup_cpu__path(struct span text, char out[CGROUP_PATH_SZ], int *v2);
/* "nr_periods N" and "nr_throttled N" of cpu.stat; -EBADMSG when one is not there. For tests. */
int cgroup_cpu__parse(struct span text, uint64_t *periods, uint64_t *throttled);

#endif
