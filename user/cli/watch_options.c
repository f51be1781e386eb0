/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/watch_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/nearest.h"
#include "base/settings.h"
#include "cli/record_options.h"
#include "cli/recording_options.h"
#include "cli/watch_config.h"
#include "goruntime/plan.h"
#include "output/profile_kinds.h"

#define SECOND_NS 1000000000ull
#define KEEP_MIN_NS (SECOND_NS / 10)

static const char help[] =
	"usage: gobpftrace watch TARGET -o DIR [--on CONDITION]… [options]\n\n"
	"Flight recorder: keeps the last seconds of a process in memory and writes them as a "
	"capture\n"
	"into DIR when a condition holds, or when asked to (trigger DIR, SIGUSR2). Until "
	"Ctrl-C.\n\n"
	"TARGET\n"
	"  -p, --pid PID[,PID]…     these processes, until they end\n"
	"  -n, --name NAME          the process of that name, and the next one when it has ended\n"
	"      --container ID       the Go processes of a container, now or later\n"
	"      --all                all that there are of that name, now or later\n"
	"      --wait               there may be none yet\n"
	"OPTIONS\n"
	"  -o, --output DIR         the folder that captures are written into; others in it stay\n"
	"      --keep DUR           how much of the past; default 10s\n"
	"      --max-memory SIZE    for what is kept of all processes; default 64MiB; the window "
	"is\n"
	"                           shorter where that is not enough\n"
	"      --on CONDITION       when to write; may be said up to 32 times; see below\n"
	"      --every DUR          a capture this often\n"
	"      --on-file PATH       a capture when this file appears\n"
	"      --after DUR          go on recording so long behind the moment; default 0s\n"
	"      --cool-down DUR      the same condition writes at most so often; default 5m; 0s: "
	"always\n"
	"      --high-water         the same condition writes again only above its last value, "
	"for\n"
	"                           5 minutes\n"
	"      --max-captures N     so many stay, the oldest go; default: as many as fit\n"
	"      --max-disk SIZE      all together; default 2GiB\n"
	"      --exec COMMAND       run by the shell after each capture (GOBPFTRACE_CAPTURE,\n"
	"                           GOBPFTRACE_CONDITION, GOBPFTRACE_VALUE, "
	"GOBPFTRACE_REASON_FILE)\n"
	"      --exec-timeout DUR   then it is killed; default 30s\n"
	"      --max-overhead PCT   what watching aims to cost at most, in per cent of what a "
	"target "
	"uses\n"
	"                           itself, 0.1 to 1000, or off; default 2. Probes that a "
	"condition cannot\n"
	"                           do without stay\n"
	"      --mode MODE          auto (default): the probes that conditions need, all of them "
	"when "
	"one is\n"
	"                           half way to its threshold, in slices of the time where "
	"--max-overhead\n"
	"                           pays for no more; conditions on transitions are blind in "
	"between\n"
	"                           full: all probes all the time, whatever it costs\n"
	"      --profiles LIST      which profiles, with commas; default: "
	"cpu,goroutine,block,mutex\n"
	"      --raw                keep the raw stream of each capture (capture.raw)\n"
	"      --json               one line of JSON an event on standard output\n"
	"  -q, --quiet              print nothing but errors\n"
	"      --no-labels          leave the values of pprof labels and paths of requests out\n"
	"      --hz N               CPU samples a second, 0 to 5000; default 99; 0: none\n"
	"      --trace-format N     23 (default) or 26\n"
	"CONDITIONS\n"
	"  request > 200ms          request match 'POST /pay*' > 50ms\n"
	"  request p99 > 80ms       request rate < 10/s             (net/http, gRPC)\n"
	"  client > 500ms           (calls by net/http; match, pNN and rate as request)\n"
	"  sql > 100ms              (statements of database/sql; match is of the first word)\n"
	"  func main.handle > 50ms  offcpu-running > 20ms           (one call; Go had it run, the "
	"kernel\n"
	"                           did not)\n"
	"  goroutines > 10000       goroutines growth > 1000/min    threads > 200\n"
	"  sched > 100ms            sched p99 > 10ms for 10s        syscall > 100ms\n"
	"  block sync > 1s          (any, network, select, cond, sync, send, receive, chan, "
	"assist,\n"
	"                           sleep)\n"
	"  stw > 1ms                gc > 500ms                      assist > 10%\n"
	"  cpu > 90%                throttled > 5%                  rss > 2GiB\n"
	"  heap > 1GiB              exit\n"
	"EXPERT\n"
	"      --attach HOW         auto (default), multi (one uprobe_multi link) or perf\n"
	"      --no-nop5            do not use sites that the kernel can probe without a trap\n"
	"      --force-layout       trust the DWARF of an unknown Go version; every file says so\n"
	"CONFIGURATION\n"
	"      --config FILE        YAML: the names of these options with their values; on: a "
	"list.\n"
	"                           Options win. SIGHUP reads it again\n"
	"      --check              only look whether there are mistakes\n"
	"  -h, --help\n";

enum {
	OPT_WAIT = OPT_OWN,
	OPT_KEEP,
	OPT_MAX_MEMORY,
	OPT_ON,
	OPT_EVERY,
	OPT_ON_FILE,
	OPT_AFTER,
	OPT_COOL_DOWN,
	OPT_HIGH_WATER,
	OPT_MAX_CAPTURES,
	OPT_MAX_DISK,
	OPT_EXEC,
	OPT_EXEC_TIMEOUT,
	OPT_PROFILES,
	OPT_RAW,
	OPT_JSON,
	OPT_HZ,
	OPT_TRACE_FORMAT,
	OPT_MODE,
	OPT_CONFIG,
	OPT_CHECK,
};

static const struct option longs[] = {
	TARGET_LONGS,
	{"wait", no_argument, NULL, OPT_WAIT},
	{"output", required_argument, NULL, 'o'},
	{"keep", required_argument, NULL, OPT_KEEP},
	{"max-memory", required_argument, NULL, OPT_MAX_MEMORY},
	{"on", required_argument, NULL, OPT_ON},
	{"every", required_argument, NULL, OPT_EVERY},
	{"on-file", required_argument, NULL, OPT_ON_FILE},
	{"after", required_argument, NULL, OPT_AFTER},
	{"cool-down", required_argument, NULL, OPT_COOL_DOWN},
	{"high-water", no_argument, NULL, OPT_HIGH_WATER},
	{"max-captures", required_argument, NULL, OPT_MAX_CAPTURES},
	{"max-disk", required_argument, NULL, OPT_MAX_DISK},
	{"exec", required_argument, NULL, OPT_EXEC},
	{"exec-timeout", required_argument, NULL, OPT_EXEC_TIMEOUT},
	{"max-overhead", required_argument, NULL, OPT_MAX_OVERHEAD},
	{"mode", required_argument, NULL, OPT_MODE},
	{"profiles", required_argument, NULL, OPT_PROFILES},
	{"raw", no_argument, NULL, OPT_RAW},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"no-labels", no_argument, NULL, OPT_NO_LABELS},
	{"hz", required_argument, NULL, OPT_HZ},
	{"trace-format", required_argument, NULL, OPT_TRACE_FORMAT},
	{"attach", required_argument, NULL, OPT_ATTACH},
	{"no-nop5", no_argument, NULL, OPT_NO_NOP5},
	{"force-layout", no_argument, NULL, OPT_FORCE_LAYOUT},
	/* not in a configuration file: */
	{"config", required_argument, NULL, OPT_CONFIG},
	{"check", no_argument, NULL, OPT_CHECK},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};
#define LONGS (sizeof(longs) / sizeof(longs[0]))
#define SETTABLE (LONGS - 4)

static int add_condition(struct watch_args *a, const char *text)
{
	struct condition_error err;

	if (a->condition_cnt == WATCH_CONDITIONS_MAX)
		return usage_error("--on: more than %d conditions", WATCH_CONDITIONS_MAX);
	if (condition__parse(text, &a->conditions[a->condition_cnt], &err))
		return usage_error("--on '%s': at character %zu: %s", text, err.pos + 1, err.what);
	a->condition_cnt++;
	return 0;
}

/* 0s is allowed. */
static int parse_pause_option(const char *opt, const char *s, uint64_t *ns)
{
	*ns = 0;
	return strcmp(s, "0") && strcmp(s, "0s") ? parse_duration_option(opt, s, ns) : 0;
}

static int parse_keep(const char *s, uint64_t *ns)
{
	int rc = parse_duration_option("--keep", s, ns);

	if (!rc && (*ns < KEEP_MIN_NS || *ns > 3600 * SECOND_NS))
		rc = usage_error("--keep '%s': must be from 100ms to 1h", s);
	return rc;
}

/* What is added up beside the events has no window to be cut from. */
static int parse_profiles(const char *s, const char **out)
{
	struct profile_choice choice;
	const char *bad;
	size_t len;
	int rc = check_profiles_option(s);

	*out = s;
	if (!rc && !profile_choice__parse(s, &choice, &bad, &len) &&
	    (choice.how == PROFILES_ALL || choice.set & 1u << PROFILE_WALL))
		return usage_error("--profiles '%s': a window has no wall profile; name others", s);
	return rc;
}

static int parse_mode(const char *s, struct watch_args *a)
{
	a->rec.mode = !strcmp(s, "full") ? RECORDING_FULL : RECORDING_AUTO;
	if (a->rec.mode == RECORDING_FULL || !strcmp(s, "auto"))
		return 0;
	return usage_error("--mode '%s': must be auto or full", s);
}

static int parse_bounds(int c, struct watch_args *a)
{
	int rc;

	switch (c) {
	case OPT_KEEP:
		return parse_keep(optarg, &a->rec.keep_ns);
	case OPT_MAX_MEMORY:
		rc = parse_size_option("--max-memory", optarg, &a->rec.keep_sz);
		if (!rc && a->rec.keep_sz < WATCH_MEMORY_MIN)
			rc = usage_error("--max-memory '%s': must be 4MiB at least", optarg);
		return rc;
	case OPT_MAX_CAPTURES:
		return parse_uint_option("--max-captures", optarg, 1, 1000000, &a->captures_max);
	case OPT_MAX_DISK:
		return parse_size_option("--max-disk", optarg, &a->disk_max);
	case OPT_EVERY:
		rc = parse_duration_option("--every", optarg, &a->every_ns);
		if (!rc && a->every_ns < SECOND_NS)
			rc = usage_error("--every '%s': must be 1s at least", optarg);
		return rc;
	case OPT_AFTER:
		rc = parse_pause_option("--after", optarg, &a->after_ns);
		return rc;
	case OPT_COOL_DOWN:
		return parse_pause_option("--cool-down", optarg, &a->cool_down_ns);
	case OPT_EXEC_TIMEOUT:
		return parse_duration_option("--exec-timeout", optarg, &a->writer.exec_timeout_ns);
	default:
		return parse_recording_option(c, &a->rec);
	}
}

static int parse_one(int c, struct watch_args *a)
{
	uint64_t v = 0;
	int rc;

	switch (c) {
	case OPT_WAIT:
		a->wait = true;
		return 0;
	case OPT_CONFIG: /* read before */
		return 0;
	case OPT_CHECK:
		a->check = true;
		return 0;
	case 'o':
		return parse_place_option("-o", optarg, "a folder", &a->dir);
	case OPT_ON:
		return add_condition(a, optarg);
	case OPT_ON_FILE:
		return parse_place_option("--on-file", optarg, "a file", &a->file);
	case OPT_HIGH_WATER:
		a->high_water = true;
		return 0;
	case OPT_EXEC:
		a->writer.exec = optarg;
		return *optarg ? 0 : usage_error("--exec: needs a command");
	case OPT_PROFILES:
		return parse_profiles(optarg, &a->rec.profiles);
	case OPT_MODE:
		return parse_mode(optarg, a);
	case OPT_MAX_OVERHEAD:
		a->overhead_asked = true;
		return parse_overhead_option(optarg, &a->rec.budget);
	case OPT_RAW:
		a->writer.keep_raw = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case OPT_HZ:
		rc = parse_uint_option("--hz", optarg, 0, 5000, &v);
		a->rec.hz = (uint32_t)v;
		return rc;
	case OPT_TRACE_FORMAT:
		return parse_trace_format(optarg, &a->rec.trace_format);
	default:
		return target_args__take(&a->target, c, optarg) ? 0 : parse_bounds(c, a);
	}
}

const struct option *watch_option__named(const char *name)
{
	for (size_t i = 0; i < SETTABLE; i++)
		if (!strcmp(longs[i].name, name))
			return &longs[i];
	return NULL;
}

const char *watch_option__nearest(const char *name)
{
	const char *names[SETTABLE];

	for (size_t i = 0; i < SETTABLE; i++)
		names[i] = longs[i].name;
	return nearest__name(name, strlen(name), names, SETTABLE);
}

int watch_option__take(struct watch_args *a, const struct option *o, char *value)
{
	optarg = value;
	return parse_one(o->val, a);
}

/* What is wrong between options, and which of them to look at where the file has it. */
static int contradiction(const struct watch_args *a, const char *name, const char *what)
{
	int rc;

	if (a->config)
		watch_config__point(a, name);
	rc = usage_error("%s", what);
	usage_error__at(NULL, 0, 0);
	return rc;
}

/* What a mode and a budget mean together: without one everything is seen. */
static int settle_mode(struct watch_args *a)
{
	struct recording_options *r = &a->rec;

	if (r->mode == RECORDING_FULL && r->budget > 0 && a->overhead_asked)
		return contradiction(a, "max-overhead", "--max-overhead: not with --mode full");
	if (!a->overhead_asked)
		r->budget = WATCH_BUDGET_DEFAULT;
	if (r->mode == RECORDING_FULL)
		r->budget = 0;
	if (r->budget <= 0)
		r->mode = RECORDING_FULL;
	r->always = a->every_ns || a->file;
	return 0;
}

static int check(struct watch_args *a)
{
	if (!a->dir)
		return contradiction(a, "output",
				     "watch: needs -o, the folder that captures are written into");
	if (a->after_ns >= a->rec.keep_ns)
		return contradiction(
			a, "after",
			"--after: must be shorter than --keep: what led to it would be "
			"gone");
	if (a->wait && !a->target.name && !a->target.container)
		return contradiction(a, "wait", "--wait: goes with -n or --container");
	if (a->check && !a->config)
		return usage_error("--check: goes with --config");
	if (a->check && a->target.forms != 1)
		return contradiction(a, "", "one target: give pid, name or container");
	a->several = a->target.all || a->target.container ||
		     (a->target.pids && strchr(a->target.pids, ','));
	for (size_t i = 0; i < a->condition_cnt; i++)
		if (a->conditions[i].match[0] && !a->rec.labels &&
		    condition__needs_requests(&a->conditions[i]))
			return usage_error("--on '%s': --no-labels leaves out what it would match",
					   a->conditions[i].text);
	if (settle_mode(a))
		return EXIT_USAGE;
	a->writer.trace_format = a->rec.trace_format;
	a->rec.conditions = a->conditions;
	a->rec.condition_cnt = a->condition_cnt;
	return -1;
}

static const struct watch_args defaults = {
	.rec = {RECORDING_OF_EVERYTHING, .mode = RECORDING_AUTO, .max_sz = UINT64_MAX,
		.keep_ns = 10 * SECOND_NS, .keep_sz = 64u << 20},
	.writer = {.exec_timeout_ns = 30 * SECOND_NS},
	.cool_down_ns = 300 * SECOND_NS,
	.disk_max = 2ull << 30,
};

/* The file comes first, wherever it stands: options win. Their mistakes are told afterwards. */
static const char *find_config(int argc, char **argv)
{
	const char *path = NULL;
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, TARGET_SHORTS "o:qh", longs, NULL)) != -1)
		if (c == OPT_CONFIG)
			path = optarg;
	opterr = 1;
	return path;
}

/* A target of the command line is meant instead of the file's. */
static void settle_target(struct target_args *t, const struct target_args *of_file)
{
	bool all = t->all || (of_file->all && !t->pids);

	if (!t->forms)
		*t = *of_file;
	t->all = all;
}

int watch_args__parse(int argc, char **argv, struct watch_args *a)
{
	struct target_args of_file;
	int c, rc;

	*a = defaults;
	a->config = find_config(argc, argv);
	rc = a->config ? watch_config__take(a->config, a) : 0;
	if (rc)
		return rc;
	of_file = a->target;
	a->target = (struct target_args){0};
	optind = 1;
	while ((c = getopt_long(argc, argv, TARGET_SHORTS "o:qh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		rc = parse_one(c, a);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return usage_error("'%s': not expected here", argv[optind]);
	settle_target(&a->target, &of_file);
	return check(a);
}

void watch_args__free(struct watch_args *a)
{
	if (a->settings)
		settings__free(a->settings);
	free(a->settings);
	a->settings = NULL;
}
