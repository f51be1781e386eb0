/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_WATCH_OPTIONS_H
#define CLI_WATCH_OPTIONS_H

#include "cli/target_args.h"
#include "recorder/recording.h"
#include "recorder/watch_writer.h"
#include "watch/triggers.h"

#define WATCH_CONDITIONS_MAX TRIGGERS_MAX

#define WATCH_BUDGET_DEFAULT 0.02   /* of what each target uses itself */
#define WATCH_MEMORY_MIN (4u << 20) /* of one process */

struct settings;

struct watch_args {
	struct target_args target;
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
	bool overhead_asked;
	bool several;		   /* there may be several processes at once */
	bool wait;		   /* none may be there yet */
	const char *config;	   /* --config; NULL */
	struct settings *settings; /* what it says, which much of the above is borrowed from */
	struct watch_args *before; /* of before a reload: what runs may still have its texts */
	bool check;		   /* look at the configuration, no more */
};

/* -1: go on. Otherwise the exit_status to end with (help was shown, or a usage error). */
int watch_args__parse(int argc, char **argv, struct watch_args *out);
void watch_args__free(struct watch_args *a);

/* An option by its long name, for the configuration file; NULL: there is none that may stand in
 * one. */
struct option;
const struct option *watch_option__named(const char *name);
const char *watch_option__nearest(const char *name);
/* 0, or an exit_status with its message printed. value NULL where the option has none; borrowed. */
int watch_option__take(struct watch_args *a, const struct option *o, char *value);

#endif
