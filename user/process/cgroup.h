/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROCESS_CGROUP_H
#define PROCESS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/span.h"

/*
 * What the text of /proc/PID/cgroup tells: "HIERARCHY:CONTROLLERS:PATH" lines, one of them
 * "0::PATH" for version 2 (cgroups(7)). Container engines name a cgroup after the container's id,
 * 64 hex digits: /docker/ID, docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope,
 * libpod-ID.scope, /kubepods/…/podUID/ID. Kubernetes' cgroups carry the pod's UID, not its
 * name, so pod is "uid/UID" unless something better is known.
 */
struct cgroup_info {
	char container[80];
	char pod[160];
	char *path_v2;	    /* path in the unified hierarchy, NULL none */
	char *path_freezer; /* path in version 1's freezer hierarchy, NULL none */
};

int cgroup__parse(struct span text, struct cgroup_info *out);
void cgroup__free(struct cgroup_info *info);
/* Reads the freezer of whichever hierarchy is mounted; false also when it cannot be known. */
bool cgroup__is_frozen(const struct cgroup_info *info);

#endif
