/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "cli/cli.h"
#include "cli/target_args.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"
#include "recorder/foresight.h"
#include "recorder/hit_price.h"

static const char help[] =
	"usage: gobpftrace check [TARGET] [--trial]\n\n"
	"What this kernel, these privileges and, with a TARGET, this binary allow, and what a\n"
	"capture would cost the target: a line a fact. Attaches nothing to the target unless\n"
	"--trial. Exits 3 when a capture would be refused.\n"
	"TARGET: -p PID[,PID…] | -n NAME [--all] | --container ID\n"
	"      --trial              attach for 50 ms and count, instead of an estimate from "
	"outside\n"
	"      --force-layout       judge an unknown Go version as record --force-layout would\n"
	"  -h, --help\n";

enum {
	OPT_FORCE_LAYOUT = OPT_BEHIND_TARGET,
	OPT_TRIAL,
};

static const struct option longs[] = {
	TARGET_LONGS,
	{"force-layout", no_argument, NULL, OPT_FORCE_LAYOUT},
	{"trial", no_argument, NULL, OPT_TRIAL},
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

struct check {
	bool force_layout, trial;
	struct features features;
	struct price_job *price; /* NULL: without a target */
};

static void print_price(const struct prices *p)
{
	char text[200] = "";
	size_t n = 0;

	if (p->why[0]) {
		snprintf(text, sizeof(text), "cannot be measured: %s", p->why);
		line(false, "price of a hit", text);
		return;
	}
	for (int k = 0; k < PRICE_MAX; k++)
		if (p->of[k].hot_ns)
			n += snprintf(text + n, sizeof(text) - n, "%s%s %.2f and %.2f",
				      n ? "; " : "", price_kind__name(k), p->of[k].hot_ns / 1e3,
				      p->of[k].cold_ns / 1e3);
	line(true, "price of a hit", text);
	printf("       %-18s µs, hot and cold, measured on a child in %llu ms by %s uprobes\n", "",
	       (unsigned long long)(p->took_ns / 1000000), capture_attach__name(p->attach));
}

static void print_mode(const struct foresight *f, enum recording_mode m)
{
	struct mode_cost c;
	char name[32];

	foresight__mode(f, m, RECORDING_BUDGET_DEFAULT, &c);
	snprintf(name, sizeof(name), "--mode %s", recording_mode__name(m));
	if (m == RECORDING_OBSERVE)
		printf("       %-18s no hits, no transitions: samples and looks from outside "
		       "only\n",
		       name);
	else if (m == RECORDING_LIGHT && f->trial)
		printf("       %-18s starts alone, stops within bounds, no trace: not tried\n",
		       name);
	else if (m == RECORDING_LIGHT)
		printf("       %-18s starts alone, stops within bounds, no trace: %s %.1f %% more "
		       "CPU (%.1f %% of what it then takes)\n",
		       name, f->at_least ? "at least" : "about", c.added * 100, c.share * 100);
	else if (c.time >= 1)
		printf("       %-18s every transition: %s %.1f %% more CPU (%.1f %% of what it "
		       "then "
		       "takes)\n",
		       name, f->at_least ? "at least" : "about", c.added * 100, c.share * 100);
	else
		printf("       %-18s exact slices, %s %.1f %% of the time: about %.1f %% more CPU "
		       "(%.1f %% of what it then takes)\n",
		       name, f->at_least ? "at most" : "about", c.time * 100, c.added * 100,
		       c.share * 100);
}

/* A quarter of the target's CPU time may be in the way of one, and not of another: the user
 * judges. */
static void print_foresight(const struct foresight *f)
{
	double seconds = (double)f->window_ns / 1e9;

	printf("       %-18s %s%.0f hits/s %s in %.0f ms, the target using %.2f cores\n", "rate",
	       f->at_least ? "at least "
	       : f->trial  ? ""
			   : "about ",
	       (double)f->hits / seconds, f->trial ? "counted" : "estimated from outside",
	       seconds * 1e3, (double)f->target_cpu_ns / (double)f->window_ns);
	printf("       %-18s %s%.1f %% more CPU (%.1f %% of what it then takes), at %.2f µs a hit: "
	       "an "
	       "estimate\n",
	       "a full capture", f->at_least ? "at least " : "about ", f->added * 100,
	       f->share * 100, (double)f->price_hit_ns / 1e3);
	printf("       %-18s up to %.0f %% less where it keeps its processors busy, no less where "
	       "they "
	       "have time left\n",
	       "throughput", f->share * 100);
	printf("       %-18s by the default --max-overhead, %.0f %%:\n", "modes",
	       RECORDING_BUDGET_DEFAULT * 100);
	for (int m = RECORDING_FULL; m <= RECORDING_OBSERVE; m++)
		print_mode(f, m);
}

static int foresee(const struct check *c, struct go_target *t, const struct probe_plan *plan)
{
	const struct prices *prices = price_job__wait(c->price);
	struct hit_price price;
	struct foresight f;
	int err;

	hit_price__of_plan(prices, plan, &price);
	if (prices)
		print_price(prices);
	err = c->trial ? foresight__trial(t, plan, CAPTURE_ATTACH_AUTO, &price, &f)
		       : foresight__watch(t, &price, &f);
	if (!err)
		print_foresight(&f);
	return err;
}

static int check_target(pid_t pid, const struct check *c)
{
	struct probe_plan *plan = calloc(1, sizeof(*plan));
	struct go_target *t = NULL;
	int err = plan ? go_target__open(pid, c->force_layout, &t) : -ENOMEM;

	if (!err) {
		printf("process %d (%s)\n", pid, t->proc->name);
		print_binary(t);
		err = plan__make(t->bin, c->features.f[FEATURE_NOP5].have, plan);
	}
	if (!err) {
		print_sites(plan);
		err = foresee(c, t, plan);
	}
	if (!err) {
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

/* -1: go on. Otherwise the exit_status to end with. */
static int parse(int argc, char **argv, struct check *check, struct target_args *target)
{
	int c;

	while ((c = getopt_long(argc, argv, TARGET_SHORTS "h", longs, NULL)) != -1) {
		switch (c) {
		case OPT_FORCE_LAYOUT:
			check->force_layout = true;
			break;
		case OPT_TRIAL:
			check->trial = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		default:
			if (!target_args__take(target, c, optarg))
				return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error("check: '%s' is not expected", argv[optind]);
	if (check->trial && !target_args__is_given(target))
		return usage_error("check: --trial needs a target");
	return -1;
}

static int check_all(struct check *check, const struct targets *targets)
{
	int rc = check_kernel(&check->features) ? EXIT_OK : EXIT_UNSUPPORTED;
	size_t i;

	if (check->trial && capture__prepare())
		return EXIT_FAILED;
	if (targets->cnt)
		check->price = price_job__begin(CAPTURE_ATTACH_AUTO,
						check->features.f[FEATURE_NOP5].have, true);
	for (i = 0; i < targets->cnt; i++) {
		int one = check_target(targets->pids[i], check);

		if (one)
			rc = one;
	}
	price_job__free(check->price);
	return rc;
}

int cmd_check(int argc, char **argv)
{
	struct target_args target = {0};
	struct targets targets = {0};
	struct check check = {0};
	int rc = parse(argc, argv, &check, &target);

	if (rc >= 0)
		return rc;
	rc = target_args__is_given(&target) ? targets__resolve(&target, true, &targets) : 0;
	if (!rc)
		rc = check_all(&check, &targets);
	targets__free(&targets);
	return rc;
}
