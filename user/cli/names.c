/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/names.h"

#include <stdio.h>
#include <stdlib.h>

#include "process/procfs.h"
#include "recorder/launch.h"

void time_stamp(time_t t, char out[TIME_STAMP_SZ])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, TIME_STAMP_SZ, "%Y%m%dT%H%M%SZ", &tm);
}

void target_name(pid_t pid, const struct launch *command, char out[TARGET_NAME_SZ])
{
	char *exe = NULL;

	if (command) {
		name__of_exe(launch__path(command), out, TARGET_NAME_SZ);
	} else if (!procfs__readlink(pid, "exe", &exe)) {
		path__cut_deleted(exe);
		name__of_exe(exe, out, TARGET_NAME_SZ);
	} else {
		snprintf(out, TARGET_NAME_SZ, "unknown");
	}
	free(exe);
}
