/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/leaks.h"
#include "cli/target_args.h"
#include "goruntime/target.h"
#include "output/goroutines_grouped.h"
#include "output/goroutines_json.h"
#include "output/goroutines_text.h"
#include "output/profiles.h"
#include "output/write_all.h"
#include "recorder/outfile.h"
#include "recorder/raw_facts.h"

static const char help[] =
	"usage: gobpftrace goroutines TARGET [options]\n\n"
	"A dump of all goroutines. The target is not stopped: what was running while it was read "
	"is\n"
	"marked as such and has no stack.\n\n"
	"TARGET: -p PID | -n NAME | --container ID\n"
	"  --format text|pprof|json   text as GOTRACEBACK and debug=2 print it (default); a pprof\n"
	"                             goroutine profile; JSON\n"
	"  --group-by stack           equal stacks with their count, as debug=1 prints them\n"
	"  --group-by state|creator   what they wait for; who made them\n"
	"  --group-by label[=KEY]     by pprof labels, or by the value of one\n"
	"  --leaks DUR                groups (by stack and go statement) that only grow in this "
	"time\n"
	"  --system                   the runtime's own goroutines too\n"
	"  --json                     as --format json\n"
	"  -o, --output FILE          instead of standard output\n"
	"      --no-labels            leave pprof labels out\n"
	"      --force-layout         trust the DWARF of an unknown Go version\n"
	"  -h, --help\n";

enum format {
	FORMAT_TEXT,
	FORMAT_PPROF,
	FORMAT_JSON
};

struct options {
	struct target_args target;
	enum format format;
	bool grouped, system, labels, force_layout;
	enum goroutine_group_by by;
	const char *label_key, *file;
	int64_t leaks_ns; /* 0: a single dump */
};

struct dump {
	const struct options *opt;
	struct go_target *target;
	struct snap_source src;
	struct frame_cache *frames;
	struct snapshot *head;
	int fd;
};

enum {
	OPT_FORMAT = OPT_BEHIND_TARGET,
	OPT_GROUP_BY,
	OPT_LEAKS,
	OPT_JSON,
	OPT_SYSTEM,
	OPT_NO_LABELS,
	OPT_FORCE_LAYOUT,
};

static const struct option longs[] = {
	TARGET_LONGS,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"group-by", required_argument, NULL, OPT_GROUP_BY},
	{"leaks", required_argument, NULL, OPT_LEAKS},
	{"json", no_argument, NULL, OPT_JSON},
	{"system", no_argument, NULL, OPT_SYSTEM},
	{"output", required_argument, NULL, 'o'},
	{"no-labels", no_argument, NULL, OPT_NO_LABELS},
	{"force-layout", no_argument, NULL, OPT_FORCE_LAYOUT},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int dump_text(struct dump *d)
{
	struct goroutines_text text = {
		.frames = d->frames,
		.fd = d->fd,
		.labels = d->opt->labels && d->src.go_minor >= 27,
		.system = d->opt->system,
	};
	const struct snap_options so = {
		.stacks = true, .labels = d->opt->labels, .frames_max = SNAP_FRAMES_ALL};
	int err = goroutines_text__begin(&text), end;

	if (!err)
		err = snapshot__walk(&d->src, &so, goroutines_text__visit, &text, &d->head);
	end = goroutines_text__end(&text);
	return err ? err : end;
}

static int dump_json(struct dump *d)
{
	struct goroutines_json json = {.frames = d->frames, .fd = d->fd, .system = d->opt->system};
	const struct snap_options so = {.stacks = true, .labels = d->opt->labels};
	int err = goroutines_json__begin(&json), end;

	if (!err)
		err = snapshot__walk(&d->src, &so, goroutines_json__visit, &json, &d->head);
	end = goroutines_json__end(&json, err ? NULL : d->head);
	return err ? err : end;
}

static int write_pprof(struct dump *d, const struct goroutine_groups *groups)
{
	struct pprof_writer *w = NULL;
	struct symtab *symtab = NULL;
	struct buf maps = {0};
	int err = symtab__new(&symtab);

	if (!err)
		err = raw_facts__maps(d->target, &maps);
	if (!err)
		err = pprof_writer__new(&PPROF_GOROUTINE, symtab, 1, clock__realtime_ns(), 0, &w);
	if (!err)
		err = profile__mappings(w, (const char *)maps.data, maps.len,
					gobinary__name(d->target->bin));
	if (!err)
		err = goroutines_grouped__pprof(groups, d->frames, symtab, w);
	if (!err)
		err = pprof_writer__finish(w, d->fd);
	pprof_writer__free(w);
	symtab__free(symtab);
	buf__free(&maps);
	return err;
}

static int dump_groups(struct dump *d)
{
	const struct options *o = d->opt;
	struct goroutine_groups *groups = NULL;
	const struct snap_options so = {
		.stacks = o->by == GROUP_BY_STACK,
		.labels = o->labels && (o->by == GROUP_BY_STACK || o->by == GROUP_BY_LABEL),
	};
	int err = goroutine_groups__new(d->frames, o->by, o->label_key, o->system, &groups);

	if (!err)
		err = snapshot__walk(&d->src, &so, goroutine_groups__visit, groups, &d->head);
	if (!err)
		err = goroutine_groups__finish(groups);
	if (!err && o->format == FORMAT_PPROF)
		err = write_pprof(d, groups);
	else if (!err && o->format == FORMAT_JSON)
		err = goroutines_json__groups(groups, d->frames, d->head, d->fd);
	else if (!err)
		err = goroutines_grouped__write(groups, d->frames, d->head, d->fd);
	goroutine_groups__free(groups);
	return err;
}

/* What a dump of a running program could not see is said, beside it. */
static void tell_losses(const struct snapshot *head)
{
	if (head->torn_cnt || head->unreadable_cnt)
		log_warn("%llu of %llu goroutines changed while they were read and have no stack; "
			 "%llu had memory that could not be read",
			 (unsigned long long)head->torn_cnt, (unsigned long long)head->g_total,
			 (unsigned long long)head->unreadable_cnt);
}

static int find_leaks(struct dump *d)
{
	const struct leaks_job job = {
		.target = d->target,
		.src = &d->src,
		.frames = d->frames,
		.span_ns = d->opt->leaks_ns,
		.system = d->opt->system,
		.json = d->opt->format == FORMAT_JSON,
		.fd = d->fd,
	};

	return leaks__find(&job);
}

static int dump_all(struct dump *d)
{
	const struct options *o = d->opt;
	int err = frame_cache__new(d->target->bin, d->target->bias, &d->frames);

	go_target__source(d->target, &d->src);
	if (!err && o->leaks_ns)
		err = find_leaks(d);
	else if (!err && (o->grouped || o->format == FORMAT_PPROF))
		err = dump_groups(d);
	else if (!err && o->format == FORMAT_JSON)
		err = dump_json(d);
	else if (!err)
		err = dump_text(d);
	if (!err)
		err = gobinary__check_whole(d->target->bin);
	if (!err && d->head)
		tell_losses(d->head);
	snapshot__free(d->head);
	frame_cache__free(d->frames);
	return err;
}

static int run(const struct options *o, pid_t pid)
{
	struct dump d = {.opt = o, .fd = STDOUT_FILENO};
	int err = go_target__open(pid, o->force_layout, &d.target);

	if (err)
		return exit_status__of(err);
	if (o->file) {
		d.fd = -1;
		err = outfile__open(o->file, &d.fd);
	}
	if (!err)
		err = dump_all(&d);
	if (o->file && d.fd >= 0)
		err = close_written(d.fd, err);
	if (!o->file && err == -EPIPE)
		err = 0; /* its reader has seen enough */
	if (err)
		log_error("goroutines of process %d: %s", pid, strerror(-err));
	go_target__free(d.target);
	return err ? EXIT_FAILED : EXIT_OK;
}

static int parse_format(const char *s, enum format *out)
{
	static const char *const names[] = {"text", "pprof", "json"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]))
			continue;
		*out = i;
		return 0;
	}
	return usage_error("--format '%s': must be text, pprof or json", s);
}

static int parse_group_by(const char *s, struct options *o)
{
	o->grouped = true;
	if (!strncmp(s, "label=", 6) && s[6]) {
		o->by = GROUP_BY_LABEL;
		o->label_key = s + 6;
		return 0;
	}
	if (goroutine_group_by__parse(s, &o->by))
		return 0;
	return usage_error("--group-by '%s': must be stack, state, creator or label[=KEY]", s);
}

static int parse_leaks(const char *s, struct options *o)
{
	if (duration__parse(s, &o->leaks_ns) || o->leaks_ns < LEAKS_SPAN_MIN_NS ||
	    o->leaks_ns > LEAKS_SPAN_MAX_NS)
		return usage_error("--leaks '%s': must be a duration from 1s to 24h", s);
	return 0;
}

static int parse_one(int c, struct options *o)
{
	switch (c) {
	case OPT_FORMAT:
		return parse_format(optarg, &o->format);
	case OPT_GROUP_BY:
		return parse_group_by(optarg, o);
	case OPT_LEAKS:
		return parse_leaks(optarg, o);
	case OPT_JSON:
		return parse_format("json", &o->format);
	case OPT_SYSTEM:
		o->system = true;
		return 0;
	case 'o':
		o->file = optarg;
		return 0;
	case OPT_NO_LABELS:
		o->labels = false;
		return 0;
	case OPT_FORCE_LAYOUT:
		o->force_layout = true;
		return 0;
	}
	return target_args__take(&o->target, c, optarg) ? 0 : EXIT_USAGE;
}

int cmd_goroutines(int argc, char **argv)
{
	struct options o = {.labels = true};
	struct targets t = {0};
	int c, rc;

	while ((c = getopt_long(argc, argv, TARGET_SHORTS "o:h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		rc = parse_one(c, &o);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return usage_error("goroutines: '%s' is not expected", argv[optind]);
	if (o.grouped && o.format == FORMAT_PPROF && o.by != GROUP_BY_STACK)
		return usage_error("goroutines: a pprof profile is grouped by stack");
	if (o.leaks_ns && (o.grouped || o.format == FORMAT_PPROF))
		return usage_error("goroutines: --leaks is text or JSON, grouped as it is");
	rc = targets__resolve(&o.target, false, &t);
	if (!rc)
		rc = run(&o, t.pids[0]);
	targets__free(&t);
	return rc;
}
