/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/record_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/plan.h"
#include "goruntime/wall.h"
#include "output/profile_kinds.h"

static const char help[] =
	"usage: gobpftrace [record] TARGET [options]\n\n"
	"Writes a folder with trace.out, profiles, summary.txt and summary.json, and prints the\n"
	"summary. The target goes on undisturbed; nothing of it is rebuilt or "
	"restarted.\n\n"
	"TARGET\n"
	"  -p, --pid PID[,PID…]     these processes\n"
	"  -n, --name NAME          the process of that name; several are listed, --all takes "
	"them\n"
	"      --all                with -n: all that fit\n"
	"      --container ID       the Go processes of a container (a prefix of the id will do)\n"
	"  -- COMMAND ARG…          start a Go program and capture it from its first instruction "
	"on;\n"
	"                           its children are not followed\n"
	"OPTIONS\n"
	"  -d, --duration DUR       how long, as Go writes it (3s, 1m30s); without: until Ctrl-C "
	"or the\n"
	"                           target's exit\n"
	"  -o, --output DIR         the folder itself; default gobpftrace-NAME-PID-TIME\n"
	"      --profiles LIST      which profiles, with commas, or all; default: cpu,goroutine,"
	"block,mutex\n"
	"      --texts              Go's own texts (?debug=1) of those that have one too: "
	"block.txt "
	"…\n"
	"      --raw                keep the raw stream too (capture.raw), for replay\n"
	"      --json               print summary.json instead of the text\n"
	"  -q, --quiet              print no summary and no live line\n"
	"      --no-labels          leave the values of pprof labels and paths of requests out\n"
	"      --hz N               CPU samples a second, 0 to 5000; default 99; 0: none\n"
	"      --requests           requests of net/http and gRPC, and calls, as tasks in the "
	"trace\n"
	"      --max-size SIZE      end the capture at this much raw data; default 1GiB\n"
	"      --trace-format N     23 (default; Go 1.23 and newer read it) or 26 (Go 1.26 and "
	"newer)\n"
	"      --max-overhead PCT   what the capture may cost at most, in per cent of what the "
	"target uses\n"
	"                           itself, 0.1 to 1000, or off; default: 5, off with --mode full "
	"and of a\n"
	"                           command\n"
	"      --mode MODE          auto (default): every transition while --max-overhead pays for "
	"it, exact\n"
	"                           slices of the time where it does not\n"
	"                           full (default of a command): every transition; --max-overhead "
	"ends\n"
	"                           the capture\n"
	"                           light: every start of a goroutine, at a third of the hits, and "
	"no trace:\n"
	"                           how often each place stopped one, for how long at least and "
	"at most\n"
	"                           burst: exact slices of 300 ms at most, a quarter of the time "
	"at "
	"most\n"
	"                           observe: no probes and no trace, profiles of what is seen from "
	"outside\n"
	"EXPERT\n"
	"      --estimate-allocs    sample allocs even where the runtime keeps a profile\n"
	"      --attach HOW         auto (default), multi (one uprobe_multi link) or perf\n"
	"      --no-nop5            do not use sites that the kernel can probe without a trap\n"
	"      --force-layout       trust the DWARF of an unknown Go version; every file says so\n"
	"  -h, --help\n";

enum {
	OPT_RAW = OPT_OWN,
	OPT_JSON,
	OPT_HZ,
	OPT_PROFILES,
	OPT_TRACE_FORMAT,
	OPT_MODE,
	OPT_REQUESTS,
	OPT_TEXTS,
};

static const struct option longs[] = {
	TARGET_LONGS,
	{"output", required_argument, NULL, 'o'},
	{"raw", no_argument, NULL, OPT_RAW},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"hz", required_argument, NULL, OPT_HZ},
	{"profiles", required_argument, NULL, OPT_PROFILES},
	{"texts", no_argument, NULL, OPT_TEXTS},
	{"trace-format", required_argument, NULL, OPT_TRACE_FORMAT},
	{"mode", required_argument, NULL, OPT_MODE},
	{"requests", no_argument, NULL, OPT_REQUESTS},
	RECORDING_LONGS,
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* The names of all, with commas. */
static void list_profiles(char *out, size_t sz)
{
	size_t n = 0;

	for (int i = 0; i < PROFILE_ID_MAX && n < sz; i++)
		n += snprintf(out + n, sz - n, "%s%s", i ? ", " : "", profile_kind__get(i)->name);
}

int check_profiles_option(const char *s)
{
	struct profile_choice choice;
	const char *bad, *near;
	char all[256];
	size_t len;

	if (!*s)
		return usage_error("--profiles: needs names of profiles, or all");
	if (strlen(s) > PROFILE_LIST_MAX)
		return usage_error("--profiles: longer than every name once");
	if (!profile_choice__parse(s, &choice, &bad, &len))
		return 0;
	near = profile_kind__nearest(bad, len);
	if (near)
		return usage_error("--profiles '%.*s': no such profile; is it %s?", (int)len, bad,
				   near);
	list_profiles(all, sizeof(all));
	return usage_error("--profiles '%.*s': no such profile; there are %s", (int)len, bad, all);
}

/* list: checked */
static bool wants_looks(const char *list)
{
	struct profile_choice choice;
	const char *bad;
	size_t len;

	return !profile_choice__parse(list, &choice, &bad, &len) && choice.set & 1u << PROFILE_WALL;
}

int parse_trace_format(const char *s, unsigned *out)
{
	if (strcmp(s, "23") && strcmp(s, "26"))
		return usage_error("--trace-format '%s': must be 23 or 26", s);
	*out = atoi(s);
	return 0;
}

static int parse_mode(const char *s, enum recording_mode *out)
{
	for (int m = RECORDING_FULL; m <= RECORDING_OBSERVE; m++) {
		if (strcmp(s, recording_mode__name(m)))
			continue;
		*out = m;
		return 0;
	}
	return usage_error("--mode '%s': must be full, auto, light, burst or observe", s);
}

static int settle_light(struct record_args *a)
{
	if (a->target.command)
		return usage_error("--mode light: not with a command");
	if (a->rec.requests)
		return usage_error(
			"--requests: not with --mode light, which has no probes for them");
	a->rec.sites = SITES_LIGHT;
	return 0;
}

/* What a mode and a budget mean together. */
static int settle_mode(struct record_args *a)
{
	struct recording_options *r = &a->rec;

	if (a->overhead_asked)
		r->max_overhead_pct = overhead_of_allocs(r->budget);
	if (a->target.command && !a->mode_asked)
		r->mode = RECORDING_FULL;
	if (r->mode == RECORDING_AUTO || r->mode == RECORDING_BURST) {
		if (a->target.command)
			return usage_error(
				"--mode: a command is captured in full only, from its first "
				"instruction on");
		if (!a->overhead_asked)
			r->budget = RECORDING_BUDGET_DEFAULT;
		if (r->mode == RECORDING_BURST && !r->budget)
			return usage_error("--mode burst: needs a --max-overhead to stay below");
		if (!r->budget)
			r->mode = RECORDING_FULL;
	}
	if (r->mode == RECORDING_OBSERVE && r->requests)
		return usage_error("--requests: not with --mode observe, which has no probes");
	if (r->mode == RECORDING_FULL)
		return 0;
	/* what goes on between slices, too */
	r->wall_hz = WALL_HZ_DEFAULT;
	if (r->mode == RECORDING_LIGHT)
		return settle_light(a);
	if (r->mode == RECORDING_OBSERVE) {
		if (a->target.command)
			return usage_error("--mode observe: not with a command");
		r->sites = 0;
		r->budget = 0;
	}
	return 0;
}

static int parse_one(int c, struct record_args *a)
{
	uint64_t v = 0;
	int rc;

	switch (c) {
	case 'o':
		return parse_place_option("-o", optarg, "a folder", &a->dir);
	case OPT_RAW:
		a->keep_raw = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case OPT_HZ:
		rc = parse_uint_option("--hz", optarg, 0, 5000, &v);
		a->rec.hz = v;
		return rc;
	case OPT_PROFILES:
		a->rec.profiles = optarg;
		rc = check_profiles_option(optarg);
		a->rec.wall_hz = !rc && wants_looks(optarg) ? WALL_HZ_DEFAULT : 0;
		return rc;
	case OPT_TRACE_FORMAT:
		return parse_trace_format(optarg, &a->rec.trace_format);
	case OPT_MODE:
		a->mode_asked = true;
		return parse_mode(optarg, &a->rec.mode);
	case OPT_REQUESTS:
		a->rec.requests = true;
		return 0;
	case OPT_TEXTS:
		a->texts = true;
		return 0;
	case OPT_MAX_OVERHEAD:
		a->overhead_asked = true;
		return parse_overhead_option(optarg, &a->rec.budget);
	}
	if (target_args__take(&a->target, c, optarg))
		return 0;
	return parse_recording_option(c, &a->rec);
}

int record_args__parse(int argc, char **argv, struct record_args *a)
{
	int c, rc;

	*a = (struct record_args){
		.rec = {RECORDING_OF_EVERYTHING, .mode = RECORDING_AUTO, .max_sz = 1ull << 30},
	};
	rc = split_command(&argc, argv, &a->target.command);
	if (rc)
		return rc;
	optind = 1;
	while ((c = getopt_long(argc, argv, TARGET_SHORTS "d:o:qh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		rc = c == '?' ? EXIT_USAGE : parse_one(c, a);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return usage_error("'%s': not expected here", argv[optind]);
	rc = settle_mode(a);
	if (rc)
		return rc;
	return -1;
}
