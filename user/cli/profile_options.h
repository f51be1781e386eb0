/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_PROFILE_OPTIONS_H
#define CLI_PROFILE_OPTIONS_H

#include "cli/target_args.h"
#include "output/profile_kinds.h"
#include "recorder/recording.h"

struct profile_args {
	struct target_args target;
	struct recording_options rec;
	enum profile_id type;
	const char *output; /* -o: a file, "-", with every_ns a folder; NULL: a name of our own */
	uint64_t every_ns;  /* 0: one profile */
	unsigned tags;	    /* enum profile_tag */
	enum profile_format format;
	bool json, quiet;
	bool overhead_asked; /* --max-overhead; in rec */
};

/* -1: go on. Otherwise the exit_status to end with (help was shown, or a usage error). */
int profile_args__parse(int argc, char **argv, struct profile_args *out);

#endif
