/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/log.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "cli/interrupts.h"
#include "cli/names.h"
#include "cli/record_options.h"
#include "recorder/hit_price.h"
#include "recorder/launch.h"
#include "recorder/outdir.h"
#include "recorder/recording.h"
#include "recorder/render.h"

/* One target of the command: its recording and where its files go. */
struct job {
	struct recording *rec;
	char dir[PATH_MAX];
	enum recording_end end;
	int err;
};

struct run {
	const struct record_args *args;
	struct job *jobs;
	size_t job_cnt;
	struct launch *launch;
	struct price_job *price;
	char stamp[TIME_STAMP_SZ];
};

static void job_dir(const struct run *run, pid_t pid, struct job *j)
{
	const char *o = run->args->dir;
	char name[TARGET_NAME_SZ];

	target_name(pid, run->launch, name);
	if (run->job_cnt > 1 && o)
		snprintf(j->dir, sizeof(j->dir), "%s/%s-%d", o, name, pid);
	else if (o)
		snprintf(j->dir, sizeof(j->dir), "%s", o);
	else
		snprintf(j->dir, sizeof(j->dir), "gobpftrace-%s-%d-%s", name, pid, run->stamp);
}

static int job_open(struct run *run, struct job *j, pid_t pid)
{
	struct recording_options opt = run->args->rec;
	int spool = -1, err;

	job_dir(run, pid, j);
	err = outdir__check(j->dir);
	if (err)
		return err == -EEXIST ? EXIT_USAGE : EXIT_FAILED;
	outdir__report_leftovers(j->dir);
	if (outdir__spool(j->dir, &spool))
		return EXIT_FAILED;
	opt.price = run->price;
	err = recording__open(pid, run->launch, &opt, spool, &j->rec);
	return exit_status__of(err);
}

static void show_live(const struct run *run)
{
	const struct recording_options *opt = &run->args->rec;
	struct recording_progress sum = {0};
	char left[DURATION_STR_SZ];
	size_t i;

	for (i = 0; i < run->job_cnt; i++) {
		struct recording_progress p;

		recording__progress(run->jobs[i].rec, &p);
		sum.events += p.events;
		sum.lost += p.lost;
		sum.spool_sz += p.spool_sz;
		if (p.elapsed_ns > sum.elapsed_ns)
			sum.elapsed_ns = p.elapsed_ns;
		if (p.cost_pct > sum.cost_pct)
			sum.cost_pct = p.cost_pct;
	}
	if (opt->duration_ns > sum.elapsed_ns)
		duration__format(opt->duration_ns - sum.elapsed_ns, left);
	else
		snprintf(left, sizeof(left), "%s", opt->duration_ns ? "0s" : "until Ctrl-C");
	term__live(
		"recording: %s left, %.0f events/s, %llu lost, about %.1f %% of the target's CPU "
		"(estimate)",
		left, sum.elapsed_ns ? sum.events * 1e9 / sum.elapsed_ns : 0.0,
		(unsigned long long)sum.lost, sum.cost_pct);
}

/* Until every recording has ended or the user has had enough. */
static void wait_for_end(struct run *run)
{
	const struct timespec tick = {0, 20 * 1000 * 1000};
	unsigned ticks = 0;
	bool running = true;

	while (running && !interrupts__any()) {
		size_t i;

		nanosleep(&tick, NULL);
		running = false;
		for (i = 0; i < run->job_cnt; i++) {
			struct job *j = &run->jobs[i];

			if (j->end == RECORDING_RUNNING)
				j->end = recording__poll(j->rec);
			running |= j->end == RECORDING_RUNNING;
		}
		if (ticks++ % 12 == 0)
			show_live(run);
	}
	term__live_end();
}

static int job_finish(struct run *run, struct job *j)
{
	struct render_options opt = {
		.dir = j->dir,
		.trace_format = run->args->rec.trace_format,
		.keep_raw = run->args->keep_raw,
		.texts = run->args->texts,
		.cancelled = interrupts__twice,
	};
	struct render_result out = {0};
	int err;

	err = recording__stop(j->rec, j->end == RECORDING_RUNNING ? RECORDING_STOPPED : j->end);
	if (!err && interrupts__twice())
		err = -ECANCELED;
	if (!err)
		err = render__folder(recording__raw_fd(j->rec), recording__name(j->rec), &opt,
				     &out);
	if (!err && !run->args->quiet)
		err = term__print(run->args->json ? &out.json : &out.text);
	buf__free(&out.text);
	buf__free(&out.json);
	if (err || j->end == RECORDING_PROBES_LOST)
		return EXIT_FAILED;
	return out.missing ? EXIT_UNSUPPORTED : EXIT_OK;
}

static int make_parent(struct run *run)
{
	const char *dir = run->args->dir;
	int err;

	if (run->job_cnt < 2 || !dir)
		return 0;
	err = outdir__make(dir);
	return !err ? 0 : err == -EEXIST ? EXIT_USAGE : EXIT_FAILED;
}

static void run_free(struct run *run)
{
	size_t i;

	for (i = 0; i < run->job_cnt; i++)
		recording__free(run->jobs[i].rec);
	price_job__free(run->price);
	launch__free(run->launch);
	free(run->jobs);
}

/* Several targets fail one by one: the others are written, then the status tells. */
static int run_jobs(struct run *run, const struct targets *t)
{
	size_t i, alive = 0;
	int rc = EXIT_OK;

	for (i = 0; i < run->job_cnt; i++) {
		struct job *j = &run->jobs[i];

		rc = job_open(run, j, t->command ? launch__pid(run->launch) : t->pids[i]);
		if (rc && run->job_cnt == 1)
			return rc;
		j->err = rc;
	}
	for (i = 0; i < run->job_cnt; i++) {
		struct job *j = &run->jobs[i];

		if (!j->err)
			j->err = exit_status__of(recording__start(j->rec));
		j->end = j->err ? RECORDING_FAILED : RECORDING_RUNNING;
		alive += !j->err;
	}
	if (alive)
		wait_for_end(run);
	for (i = 0; i < run->job_cnt && !interrupts__twice(); i++) {
		struct job *j = &run->jobs[i];

		if (!j->err)
			j->err = job_finish(run, j);
	}
	if (interrupts__twice()) {
		log_info("dropped");
		return EXIT_OK;
	}
	rc = EXIT_OK;
	for (i = 0; i < run->job_cnt; i++)
		if (run->jobs[i].err)
			rc = run->job_cnt == 1 ? run->jobs[i].err : EXIT_FAILED;
	return rc;
}

int cmd_record(int argc, char **argv)
{
	struct record_args args;
	struct targets targets = {0};
	struct run run = {.args = &args};
	int rc = record_args__parse(argc, argv, &args);

	if (rc >= 0)
		return rc;
	rc = targets__resolve(&args.target, true, &targets);
	if (rc)
		return rc;
	interrupts__catch();
	term__set_quiet(args.quiet);
	time_stamp(time(NULL), run.stamp);
	if (capture__prepare() || (targets.command && launch__new(targets.command, &run.launch))) {
		rc = EXIT_FAILED;
		goto out;
	}
	run.job_cnt = targets.command ? 1 : targets.cnt;
	run.jobs = calloc(run.job_cnt, sizeof(*run.jobs));
	rc = run.jobs ? make_parent(&run) : EXIT_FAILED;
	run.price =
		price_job__begin(recording_attach__capture(args.rec.attach), args.rec.nop5, true);
	if (!rc)
		rc = run_jobs(&run, &targets);
out:
	run_free(&run);
	targets__free(&targets);
	return rc;
}
