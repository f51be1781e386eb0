/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_RECORD_OPTIONS_H
#define CLI_RECORD_OPTIONS_H

#include "cli/cli.h"
#include "recorder/recording.h"

struct record_args {
	struct target_options target;
	struct recording_options rec;
	const char *dir; /* -o; NULL: a name of our own */
	bool keep_raw, json, quiet;
};

/* -1: go on. Otherwise the exit_status to end with (help was shown, or a usage error). */
int record_args__parse(int argc, char **argv, struct record_args *out);

/* -d's value: positive, at most a year. 0 or EXIT_USAGE with its message. */
int parse_duration_option(const char *opt, const char *s, uint64_t *ns);
/* "512M", "1GiB", bytes. */
int parse_size_option(const char *opt, const char *s, uint64_t *sz);
/* --profiles and -t. */
int check_profiles_option(const char *s);
int parse_attach_option(const char *s, enum recording_attach *out);
/* What follows "--" becomes the command, and argc ends there. 0 or EXIT_USAGE. */
int split_command(int *argc, char **argv, char ***command);
int parse_trace_format(const char *s, unsigned *out);
int parse_uint_option(const char *opt, const char *s, uint64_t min, uint64_t max, uint64_t *out);

#endif
