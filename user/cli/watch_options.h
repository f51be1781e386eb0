/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_WATCH_OPTIONS_H
#define CLI_WATCH_OPTIONS_H

#include "cli/cli.h"
#include "recorder/recording.h"
#include "recorder/watch_writer.h"
#include "watch/condition.h"

#define WATCH_CONDITIONS_MAX 32

struct watch_args {
	struct target_options target;
	struct recording_options rec; /* its conditions are those below */
	struct watch_writer_config writer;
	const char *dir; /* -o */
	struct condition conditions[WATCH_CONDITIONS_MAX];
	size_t condition_cnt;
	const char *file;  /* --on-file; NULL */
	uint64_t every_ns; /* 0: not */
	uint64_t after_ns, cool_down_ns;
	uint64_t captures_max, disk_max;
	bool high_water, json, quiet;
};

/* -1: go on. Otherwise the exit_status to end with (help was shown, or a usage error). */
int watch_args__parse(int argc, char **argv, struct watch_args *out);

#endif
