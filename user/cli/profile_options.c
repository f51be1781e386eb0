/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/profile_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/recording_options.h"
#include "goruntime/plan.h"
#include "goruntime/wall.h"
#include "output/profile_tags.h"

#define CPU_HZ_DEFAULT 99

static const char help[] =
	"usage: gobpftrace profile TARGET -t TYPE [-d DUR] [-o FILE|-] [options]\n\n"
	"Writes one pprof profile of a running process, without a trace. Only the probes that this "
	"type\n"
	"needs are placed; cpu, goroutine and wall need none.\n\n"
	"TARGET: -p PID | -n NAME | --container ID\n"
	"  -- COMMAND ARG…          start a Go program and profile it from its first instruction "
	"on\n"
	"OPTIONS\n"
	"  -t, --type TYPE          what to profile, see below\n"
	"  -d, --duration DUR       how long (30s, 1m30s); without: until Ctrl-C or the target's "
	"exit\n"
	"  -o, --output FILE        replaced whole if it is there; - is standard output, when that "
	"is\n"
	"                           not a terminal; default gobpftrace-NAME-PID-TIME.TYPE.pprof\n"
	"      --format pprof|text      text: as Go's own ?debug=1, of block, mutex, heap, allocs, "
	"goroutine\n"
	"                           and threadcreate; default pprof\n"
	"      --every DUR          a profile each DUR until Ctrl-C, into the folder -o, named by "
	"time\n"
	"      --hz N               cpu: samples a second and CPU, 1 to 5000; default 99; wall: "
	"looks "
	"a\n"
	"                           second, 1 to 1000; default 100\n"
	"      --kernel             cpu: frames of the kernel too\n"
	"      --tag LIST           what else samples are tagged with, where the type has it: "
	"goroutine,\n"
	"                           creator, thread, state\n"
	"      --no-labels          leave the values of pprof labels out\n"
	"      --max-overhead PCT   types of events: what that may cost at most, in per cent of "
	"what "
	"the\n"
	"                           target uses itself (0.1 to 1000, off), but never less than 0.5 "
	"% "
	"of a\n"
	"                           core: where it does not pay for all, what was seen in slices "
	"of "
	"the\n"
	"                           time is scaled and said to be; default off. allocs where it "
	"is\n"
	"                           sampled: default 5\n"
	"      --json               tell about the profile in JSON\n"
	"  -q, --quiet              tell nothing but errors\n"
	"EXPERT\n"
	"      --max-size SIZE      end the window at this much raw data; default 1GiB: samples, "
	"and all "
	"events\n"
	"                           of a command; other events are added up meanwhile\n"
	"      --attach HOW         auto (default), multi (one uprobe_multi link) or perf\n"
	"      --no-nop5            do not use sites that the kernel can probe without a trap\n"
	"      --estimate-allocs    sample allocs even where the runtime keeps a profile\n"
	"      --force-layout       trust the DWARF of an unknown Go version; the profile says so\n"
	"  -h, --help\n"
	"TYPES\n";

enum {
	OPT_EVERY = OPT_OWN,
	OPT_FORMAT,
	OPT_HZ,
	OPT_KERNEL,
	OPT_TAG,
	OPT_JSON,
};

static const struct option longs[] = {
	TARGET_LONGS,
	{"type", required_argument, NULL, 't'},
	{"output", required_argument, NULL, 'o'},
	{"every", required_argument, NULL, OPT_EVERY},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"hz", required_argument, NULL, OPT_HZ},
	{"kernel", no_argument, NULL, OPT_KERNEL},
	{"tag", required_argument, NULL, OPT_TAG},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	RECORDING_LONGS,
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_help(void)
{
	fputs(help, stdout);
	for (int i = 0; i < PROFILE_ID_MAX; i++)
		if (!(profile_kind__get(i)->needs & PROFILE_NEEDS_LIGHT))
			printf("  %-24s %s\n", profile_kind__get(i)->name,
			       profile_kind__get(i)->about);
}

static int parse_type(const char *s, enum profile_id *out)
{
	const char *near = profile_kind__nearest(s, strlen(s));

	*out = profile_kind__find(s, strlen(s));
	if (*out != PROFILE_ID_MAX && profile_kind__get(*out)->needs & PROFILE_NEEDS_LIGHT)
		return usage_error("-t %s: made by record --mode light only", s);
	if (*out != PROFILE_ID_MAX)
		return 0;
	if (near)
		return usage_error("-t '%s': no such profile; is it %s?", s, near);
	return usage_error("-t '%s': no such profile; gobpftrace profile --help lists them", s);
}

static int parse_tags(const char *s, unsigned *out)
{
	const char *bad;
	size_t len;

	if (!profile_tags__parse(s, out, &bad, &len))
		return 0;
	return usage_error("--tag '%.*s': must be goroutine, creator, thread or state", (int)len,
			   bad);
}

static int parse_format(const char *s, enum profile_format *out)
{
	bool text = !strcmp(s, "text");

	if (!text && strcmp(s, "pprof") != 0)
		return usage_error("--format '%s': must be pprof or text", s);
	*out = text ? PROFILE_FORMAT_TEXT : PROFILE_FORMAT_PPROF;
	return 0;
}

static int parse_one(int c, struct profile_args *a, uint32_t *hz)
{
	uint64_t v = 0;
	int rc;

	switch (c) {
	case 't':
		return parse_type(optarg, &a->type);
	case 'o':
		return parse_place_option("-o", optarg, "a file, or -", &a->output);
	case OPT_EVERY:
		return parse_duration_option("--every", optarg, &a->every_ns);
	case OPT_FORMAT:
		return parse_format(optarg, &a->format);
	case OPT_HZ:
		rc = parse_uint_option("--hz", optarg, 1, 5000, &v);
		*hz = (uint32_t)v;
		return rc;
	case OPT_KERNEL:
		a->rec.kernel = true;
		return 0;
	case OPT_TAG:
		return parse_tags(optarg, &a->tags);
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_MAX_OVERHEAD:
		a->overhead_asked = true;
		return parse_overhead_option(optarg, &a->rec.budget);
	case 'q':
		a->quiet = true;
		return 0;
	}
	if (target_args__take(&a->target, c, optarg))
		return 0;
	return parse_recording_option(c, &a->rec);
}

/* Go's texts of waits have no labels. */
static bool has_labels(const struct profile_args *a)
{
	return a->rec.labels && (a->format == PROFILE_FORMAT_PPROF || a->type == PROFILE_GOROUTINE);
}

/* The probes of its events, and of who has which labels. */
static uint64_t sites_of(const struct profile_args *a, const struct profile_kind *k)
{
	uint64_t sites = k->sites;

	if (sites && has_labels(a))
		sites |= SITE_BIT(SITE_SET_LABELS);
	if (sites && a->tags & TAG_CREATOR)
		sites |= SITES_CREATE;
	return sites;
}

/* What the type needs and nothing more. */
static void choose_parts(struct profile_args *a, uint32_t hz)
{
	const struct profile_kind *k = profile_kind__get(a->type);

	a->rec.profiles = k->name;
	a->rec.creators = a->tags & TAG_CREATOR;
	a->rec.sites = sites_of(a, k);
	a->rec.fold_live = k->needs & PROFILE_NEEDS_TRANSITIONS;
	a->rec.fold_id = a->type;
	a->rec.fold_tags = a->tags;
	a->rec.only_buckets = a->format == PROFILE_FORMAT_TEXT;
	a->rec.hz = k->needs & (PROFILE_NEEDS_SAMPLES | PROFILE_USES_SAMPLES) ? CPU_HZ_DEFAULT : 0;
	if (hz && k->needs & PROFILE_NEEDS_SAMPLES)
		a->rec.hz = hz;
	if (k->needs & PROFILE_NEEDS_LOOKS)
		a->rec.wall_hz = hz ? hz : WALL_HZ_DEFAULT;
	a->rec.wall_goids = a->tags & TAG_GOROUTINE;
	/* slices are folded one by one at the end; Go has no text of what is made of them */
	if (a->rec.budget && k->sites && !a->target.command && a->format == PROFILE_FORMAT_PPROF) {
		a->rec.mode = RECORDING_AUTO;
		a->rec.fold_live = false;
	}
	if (a->overhead_asked && a->type == PROFILE_ALLOCS) {
		a->rec.max_overhead_pct = overhead_of_allocs(a->rec.budget);
		a->rec.budget = 0; /* its probes come and go on their own account */
	}
	a->rec.stacks = k->needs & PROFILE_NEEDS_SNAPSHOT;
	/* transitions: names of wait reasons, and who had which labels before */
	a->rec.snapshot = k->needs & (PROFILE_NEEDS_SNAPSHOT | PROFILE_NEEDS_TRANSITIONS);
}

static int refuse_tag(const struct profile_kind *k, unsigned tags)
{
	const char *name = profile_tags__name(tags);
	char have[64];

	if (!k->tags)
		return usage_error("--tag %s: a %s profile has no tags", name, k->name);
	profile_tags__list(k->tags, have, sizeof(have));
	return usage_error("--tag %s: a %s profile does not have it; it has %s", name, k->name,
			   have);
}

static int check_format(const struct profile_args *a)
{
	const struct profile_kind *k = profile_kind__get(a->type);

	if (a->format == PROFILE_FORMAT_PPROF)
		return 0;
	if (!k->has_text)
		return usage_error(
			"--format text: Go has none of a %s profile; it has of block, mutex, "
			"heap, allocs, goroutine and threadcreate",
			k->name);
	if (a->rec.estimate_allocs)
		return usage_error("--estimate-allocs: Go has no text of an estimate");
	if (a->tags)
		return usage_error("--tag: only of a pprof file, not --format text");
	return 0;
}

static int check_combination(const struct profile_args *a, uint32_t hz)
{
	const struct profile_kind *k = profile_kind__get(a->type);

	if (!(k->needs & (PROFILE_NEEDS_SAMPLES | PROFILE_NEEDS_LOOKS)) && hz)
		return usage_error("--hz: only for a cpu or wall profile, not %s", k->name);
	if (k->needs & PROFILE_NEEDS_LOOKS && hz > WALL_HZ_MAX)
		return usage_error("--hz: a wall profile has at most %d", WALL_HZ_MAX);
	if (!(k->needs & PROFILE_NEEDS_SAMPLES) && a->rec.kernel)
		return usage_error("--kernel: only for a cpu profile, not %s", k->name);
	if (a->tags & ~k->tags)
		return refuse_tag(k, a->tags & ~k->tags);
	if (a->overhead_asked && !k->sites && a->type != PROFILE_ALLOCS)
		return usage_error("--max-overhead: %s has no probes that it could bound", k->name);
	if (a->every_ns && !a->output)
		return usage_error("--every: needs a folder with -o");
	if (a->every_ns && !strcmp(a->output, "-"))
		return usage_error("--every: cannot write to standard output");
	if (a->every_ns && !a->rec.duration_ns &&
	    (k->sites || k->needs & (PROFILE_NEEDS_SAMPLES | PROFILE_NEEDS_LOOKS)))
		return usage_error("--every: needs -d, how long each profile lasts");
	if (a->every_ns && a->rec.duration_ns > a->every_ns)
		return usage_error("--every: shorter than -d");
	if (a->format == PROFILE_FORMAT_PPROF && a->output && !strcmp(a->output, "-") &&
	    isatty(STDOUT_FILENO))
		return usage_error("-o -: standard output is a terminal; send it to a file or a "
				   "program");
	return 0;
}

int profile_args__parse(int argc, char **argv, struct profile_args *a)
{
	uint32_t hz = 0;
	int c, rc;

	*a = (struct profile_args){
		.rec = {.labels = true, .nop5 = true, .max_sz = 1ull << 30},
		.type = PROFILE_ID_MAX,
	};
	rc = split_command(&argc, argv, &a->target.command);
	if (rc)
		return rc;
	optind = 1;
	while ((c = getopt_long(argc, argv, TARGET_SHORTS "t:d:o:qh", longs, NULL)) != -1) {
		if (c == 'h') {
			print_help();
			return EXIT_OK;
		}
		rc = c == '?' ? EXIT_USAGE : parse_one(c, a, &hz);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return usage_error("'%s': not expected here", argv[optind]);
	if (a->type == PROFILE_ID_MAX)
		return usage_error("profile: which one? -t TYPE; gobpftrace profile --help lists "
				   "them");
	rc = check_combination(a, hz);
	if (!rc)
		rc = check_format(a);
	choose_parts(a, hz);
	return rc ? rc : -1;
}
