/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_RECORD_OPTIONS_H
#define CLI_RECORD_OPTIONS_H

#include "cli/recording_options.h"

struct record_args {
	struct target_args target;
	struct recording_options rec;
	const char *dir; /* -o; NULL: a name of our own */
	bool keep_raw, texts, json, quiet;
	bool overhead_asked, mode_asked;
};

/* -1: go on. Otherwise the exit_status to end with (help was shown, or a usage error). */
int record_args__parse(int argc, char **argv, struct record_args *out);

/* --profiles and -t. */
int check_profiles_option(const char *s);
int parse_trace_format(const char *s, unsigned *out);

#endif
