/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "capture/features.h"
#include "cli/cli.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"

static const char help[] =
	"usage: gobpftrace check [TARGET]\n\n"
	"What this kernel, these privileges and, with a TARGET, this binary allow: a line a fact.\n"
	"Attaches nothing. Exits 3 when a capture would be refused.\n"
	"TARGET: -p PID[,PID…] | -n NAME [--all] | --container ID\n"
	"      --force-layout       judge an unknown Go version as record --force-layout would\n"
	"  -h, --help\n";

static const struct option longs[] = {
	{"pid", required_argument, NULL, 'p'},
	{"name", required_argument, NULL, 'n'},
	{"all", no_argument, NULL, 'a'},
	{"container", required_argument, NULL, 'c'},
	{"force-layout", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void line(bool ok, const char *what, const char *text)
{
	printf("  %-4s %-18s %s\n", ok ? "yes" : "no", what, text);
}

static bool check_kernel(struct features *f)
{
	size_t i;

	features__probe(f);
	printf("kernel and privileges\n");
	for (i = 0; i < FEATURE_MAX; i++)
		line(f->f[i].have, f->f[i].name, f->f[i].text);
	return features__can_trace(f);
}

static void print_sites(const struct probe_plan *plan)
{
	unsigned by_insn[SITE_STEPPED + 1] = {0};
	char text[200] = "";
	size_t i, n = 0;

	for (i = 0; i < plan->cnt; i++)
		by_insn[plan->sites[i].insn]++;
	for (i = 0; i <= SITE_STEPPED; i++)
		if (by_insn[i])
			n += snprintf(text + n, sizeof(text) - n, "%s%u on %s", n ? ", " : "",
				      by_insn[i], site_insn__name(i));
	line(true, "probe sites", text);
	for (i = 0; i < sizeof(plan->notes) / sizeof(plan->notes[0]) && plan->notes[i][0]; i++)
		printf("       %-18s %s\n", "note", plan->notes[i]);
}

static void print_binary(const struct go_target *t)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s%s%s", gobinary__version(t->bin)->text,
		 gobinary__is_stripped(t->bin) ? ", stripped" : "",
		 gobinary__is_pie(t->bin) ? ", PIE" : "", gobinary__is_cgo(t->bin) ? ", cgo" : "",
		 gobinary__is_race(t->bin) ? ", race detector" : "");
	line(true, "Go", text);
	line(true, "layout", t->layout.origin);
	if (*t->proc->container)
		line(true, "container", t->proc->container);
	if (t->proc->seccomp == 2)
		line(true, "seccomp", "filtered; probes do not pass through the filter");
}

static int check_target(pid_t pid, const struct features *f, bool force_layout)
{
	struct probe_plan *plan = calloc(1, sizeof(*plan));
	struct go_target *t = NULL;
	int err = plan ? go_target__open(pid, force_layout, &t) : -ENOMEM;

	if (!err) {
		printf("process %d (%s)\n", pid, t->proc->name);
		print_binary(t);
		err = plan__make(t->bin, f->f[FEATURE_NOP5].have, plan);
	}
	if (!err) {
		print_sites(plan);
		printf("  a capture leaves until the target exits: private copies of the text "
		       "pages "
		       "that held a probe, with\n"
		       "  their bytes as before; the kernel's [uprobes] page if a site is "
		       "single-stepped, and its\n"
		       "  [uprobes-trampoline] page if one is a nop5 (Linux 6.18 and newer)\n");
	}
	go_target__free(t);
	free(plan);
	/* Whatever is in the way, a capture would be refused; but "no such process" is no answer.
	 */
	if (err == -ESRCH || err == -ENOMEM)
		return EXIT_FAILED;
	return err ? EXIT_UNSUPPORTED : EXIT_OK;
}

int cmd_check(int argc, char **argv)
{
	struct target_options o = {0};
	struct targets targets = {0};
	bool force_layout = false;
	struct features f;
	int c, rc = EXIT_OK;
	size_t i;

	while ((c = getopt_long(argc, argv, "p:n:h", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
			o.pids = optarg;
			break;
		case 'n':
			o.name = optarg;
			break;
		case 'a':
			o.all = true;
			break;
		case 'c':
			o.container = optarg;
			o.all = true;
			break;
		case 'f':
			force_layout = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error("check: '%s' is not expected", argv[optind]);
	if ((o.pids || o.name || o.container) && (rc = targets__resolve(&o, &targets)))
		return rc;
	if (!check_kernel(&f))
		rc = EXIT_UNSUPPORTED;
	for (i = 0; i < targets.cnt; i++) {
		int one = check_target(targets.pids[i], &f, force_layout);

		if (one)
			rc = one;
	}
	targets__free(&targets);
	return rc;
}
