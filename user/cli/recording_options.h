/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_RECORDING_OPTIONS_H
#define CLI_RECORDING_OPTIONS_H

#include "cli/cli.h"
#include "cli/target_args.h"
#include "recorder/recording.h"

/* What a recording of everything begins with: record's and watch's. For a static initialiser. */
#define RECORDING_OF_EVERYTHING                                                                    \
	.hz = 99, .sites = SITES_ALL, .snapshot = true, .stacks = true, .heap = true,              \
	.labels = true, .nop5 = true, .trace_format = 23

/* The options of every command that makes a recording. All parsers: 0, or EXIT_USAGE with a
 * message. */
enum {
	OPT_NO_LABELS = OPT_BEHIND_TARGET,
	OPT_MAX_SIZE,
	OPT_ATTACH,
	OPT_NO_NOP5,
	OPT_FORCE_LAYOUT,
	OPT_MAX_OVERHEAD,
	OPT_ESTIMATE_ALLOCS,
	OPT_OWN, /* from here on the command's own */
};

/* clang-format off */
#define RECORDING_LONGS                                                                            \
	{"duration", required_argument, NULL, 'd'},                                                \
	{"no-labels", no_argument, NULL, OPT_NO_LABELS},                                           \
	{"max-size", required_argument, NULL, OPT_MAX_SIZE},                                       \
	{"attach", required_argument, NULL, OPT_ATTACH},                                           \
	{"no-nop5", no_argument, NULL, OPT_NO_NOP5},                                               \
	{"force-layout", no_argument, NULL, OPT_FORCE_LAYOUT},                                     \
	{"max-overhead", required_argument, NULL, OPT_MAX_OVERHEAD},                               \
	{"estimate-allocs", no_argument, NULL, OPT_ESTIMATE_ALLOCS}
/* clang-format on */

/* One of those; of others EXIT_USAGE without a message: getopt has said what it is. */
int parse_recording_option(int c, struct recording_options *rec);

/* -d's value: positive, at most a year. */
int parse_duration_option(const char *opt, const char *s, uint64_t *ns);
/* "512M", "1GiB", bytes. */
int parse_size_option(const char *opt, const char *s, uint64_t *sz);
/* The name of `what` ("a folder"), with room for a name that we add. */
int parse_place_option(const char *opt, const char *s, const char *what, const char **out);
int parse_uint_option(const char *opt, const char *s, uint64_t min, uint64_t max, uint64_t *out);
/* --max-overhead's value, "5", "2.5%" or "off": a share of what the target uses itself, 0 for off.
 */
int parse_overhead_option(const char *s, double *out);
/* The same for recording_options.max_overhead_pct, which is a share of all of the target's time. */
unsigned overhead_of_allocs(double budget);
/* What follows "--" becomes the command, and argc ends there. */
int split_command(int *argc, char **argv, char ***command);

#endif
