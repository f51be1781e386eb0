/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "cli/interrupts.h"
#include "cli/names.h"
#include "cli/profile_options.h"
#include "output/json.h"
#include "recorder/hit_price.h"
#include "recorder/launch.h"
#include "recorder/outdir.h"
#include "recorder/outfile.h"
#include "recorder/recording.h"
#include "recorder/render_profile.h"

/* Each look at the target costs: a sampled target shall cost the tool next to nothing. */
#define POLL_NS (100 * 1000 * 1000)
#define COMMAND_POLL_NS (20 * 1000 * 1000) /* whose layout is checked as soon as it has begun */

struct run {
	const struct profile_args *args;
	const struct profile_kind *kind;
	pid_t pid;
	struct launch *launch;
	struct price_job *price;
	char path[PATH_MAX]; /* "-": standard output */
};

static bool to_stdout(const struct run *run)
{
	return !strcmp(run->path, "-");
}

static bool is_text(const struct run *run)
{
	return run->args->format == PROFILE_FORMAT_TEXT;
}

static void name_output(struct run *run)
{
	char name[TARGET_NAME_SZ], stamp[TIME_STAMP_SZ];
	const char *o = run->args->output, *type = run->kind->name;
	const char *ext = is_text(run) ? "txt" : "pprof";

	target_name(run->pid, run->launch, name);
	time_stamp(time(NULL), stamp);
	if (run->args->every_ns)
		snprintf(run->path, sizeof(run->path), "%s/%s.%s.%s", o, stamp, type, ext);
	else if (o)
		snprintf(run->path, sizeof(run->path), "%s", o);
	else
		snprintf(run->path, sizeof(run->path), "gobpftrace-%s-%d-%s.%s.%s", name, run->pid,
			 stamp, type, ext);
}

static void show_live(const struct run *run, struct recording *rec)
{
	uint64_t duration_ns = run->args->rec.duration_ns;
	struct recording_progress p;
	char left[DURATION_STR_SZ] = "0s";

	recording__progress(rec, &p);
	if (duration_ns > p.elapsed_ns)
		duration__format(duration_ns - p.elapsed_ns, left);
	else if (!duration_ns)
		snprintf(left, sizeof(left), "until Ctrl-C");
	term__live("%s profile: %s left, %llu lost, about %.1f %% of the target's CPU (estimate)",
		   run->kind->name, left, (unsigned long long)p.lost, p.cost_pct);
}

/* A snapshot has no window. */
static bool has_window(const struct run *run)
{
	return run->kind->sites || run->args->rec.hz || run->args->rec.wall_hz;
}

/* At most max_ns, and not beyond due_ns. A signal ends it. */
static void pause_until(uint64_t due_ns, uint64_t max_ns)
{
	uint64_t now = clock__monotonic_ns(), left = due_ns > now ? due_ns - now : 0;
	const struct timespec pause = {0, (long)(left < max_ns ? left + 1000 : max_ns)};

	nanosleep(&pause, NULL);
}

static enum recording_end wait_for_end(const struct run *run, struct recording *rec)
{
	uint64_t due_ns = run->args->rec.duration_ns;
	enum recording_end end = RECORDING_RUNNING;
	unsigned ticks = 0;

	due_ns = due_ns ? clock__monotonic_ns() + due_ns : UINT64_MAX;
	if (!recording__observes(rec))
		return RECORDING_DURATION;
	while (end == RECORDING_RUNNING && !interrupts__any()) {
		if (ticks++ % 3 == 0 && isatty(STDERR_FILENO))
			show_live(run, rec);
		pause_until(due_ns, run->launch ? COMMAND_POLL_NS : POLL_NS);
		end = recording__poll(rec);
	}
	term__live_end();
	return end == RECORDING_RUNNING ? RECORDING_STOPPED : end;
}

static const char *what_is_counted(const struct run *run)
{
	if (run->args->rec.wall_hz)
		return "looks";
	return run->args->rec.hz ? "samples" : "events";
}

static void tell_text(const struct run *run, const struct profile_facts *f, struct buf *out)
{
	char window[DURATION_STR_SZ];

	duration__format(f->duration_ns, window);
	buf__printf(out, "%s profile of pid %d", run->kind->name, run->pid);
	if (has_window(run))
		buf__printf(out, ": %llu %s in %s, %llu lost", (unsigned long long)f->samples,
			    what_is_counted(run), window, (unsigned long long)f->lost);
	if (run->kind->sites && f->target_cpu_ns)
		buf__printf(out, "; cost about %.1f %% of its CPU (estimate)",
			    100.0 * f->hits * f->price_hit_ns / f->target_cpu_ns);
	if (!strcmp(f->end_reason, "max-size"))
		buf__printf(out, "\n  ended by --max-size, before its time");
	if (!strcmp(f->end_reason, "max-overhead"))
		buf__printf(out, "\n  ended by --max-overhead, which was used up by then");
	if (f->estimate[0])
		buf__printf(out, "\n  %s", f->estimate);
	buf__printf(out, "\n  %s%s\n", is_text(run) ? "" : "go tool pprof ", run->path);
}

static void tell_json(const struct run *run, const struct profile_facts *f, struct buf *out)
{
	struct json j;

	json__init(&j, out, true);
	json__object(&j, NULL);
	json__u64(&j, "schema", 1);
	json__str(&j, "type", run->kind->name);
	json__str(&j, "format", is_text(run) ? "text" : "pprof");
	json__str(&j, "file", run->path);
	json__u64(&j, "pid", (uint64_t)run->pid);
	json__u64(&j, "duration_ns", f->duration_ns);
	json__u64(&j, what_is_counted(run), f->samples);
	json__u64(&j, "lost", f->lost);
	json__u64(&j, "probe_hits", f->hits);
	json__u64(&j, "target_cpu_ns", f->target_cpu_ns);
	json__u64(&j, "tool_cpu_ns", f->tool_cpu_ns);
	json__u64(&j, "written_after_ns", f->written_ns - f->end_ns);
	json__str(&j, "end", f->end_reason);
	json__str(&j, "estimate", f->estimate);
	json__object_end(&j);
	buf__u8(out, '\n');
}

/* Where the profile itself goes to standard output, nothing else does. */
static int tell(const struct run *run, const struct profile_facts *f)
{
	struct buf out = {0};
	int err = 0;

	if (run->args->json)
		tell_json(run, f, &out);
	else
		tell_text(run, f, &out);
	if (out.err)
		err = out.err;
	else if (!run->args->quiet && !to_stdout(run))
		err = term__print(&out);
	buf__free(&out);
	return err;
}

static int write_file(const struct run *run, struct recording *rec, struct profile_facts *facts)
{
	const struct render_profile_config cfg = {
		.raw_fd = recording__raw_fd(rec),
		.name = recording__name(rec),
		.id = run->args->type,
		.tags = run->args->tags,
		.format = run->args->format,
		.live = recording__folded(rec),
	};
	const char *why = NULL;
	struct outfile *file = NULL;
	int err;

	if (to_stdout(run)) {
		err = render_profile__write(&cfg, STDOUT_FILENO, facts, &why);
	} else {
		err = outfile__begin(run->path, &file);
		if (!err)
			err = render_profile__write(&cfg, outfile__fd(file), facts, &why);
		if (!err)
			err = outfile__commit(file);
		outfile__free(file);
	}
	if (why)
		log_error("%s profile of %s (%d): %s", run->kind->name, cfg.name, run->pid, why);
	if (err == -ENODATA)
		return EXIT_UNSUPPORTED;
	return err ? EXIT_FAILED : EXIT_OK;
}

static int finish(const struct run *run, struct recording *rec, enum recording_end end)
{
	struct profile_facts facts;
	int rc;

	if (recording__stop(rec, end))
		return EXIT_FAILED;
	if (interrupts__twice()) {
		log_info("dropped");
		return EXIT_OK;
	}
	rc = write_file(run, rec, &facts);
	facts.written_ns = clock__monotonic_ns();
	facts.price_hit_ns = recording__hit_price(rec);
	if (!rc && (tell(run, &facts) || end == RECORDING_PROBES_LOST))
		rc = EXIT_FAILED;
	return rc;
}

/* The folder of a spool: beside the file, or of the working folder. */
static int new_spool(const struct run *run, int *fd)
{
	return outdir__spool(to_stdout(run) ? "./-" : run->path, fd);
}

static int record(struct run *run)
{
	struct recording_options opt = run->args->rec;
	struct recording *rec = NULL;
	int spool = -1, err;

	opt.price = run->price;
	name_output(run);
	err = to_stdout(run) ? 0 : outfile__check(run->path);
	if (err)
		return err == -EEXIST ? EXIT_USAGE : EXIT_FAILED;
	if (new_spool(run, &spool))
		return EXIT_FAILED;
	err = recording__open(run->pid, run->launch, &opt, spool, &rec);
	if (!err && run->kind->needs & PROFILE_NEEDS_SAMPLES && *recording__no_samples(rec)) {
		log_error("%s profile: no CPU samples here: %s", run->kind->name,
			  recording__no_samples(rec));
		err = -EOPNOTSUPP;
	}
	if (!err)
		err = recording__start(rec);
	err = err ? exit_status__of(err) : finish(run, rec, wait_for_end(run, rec));
	recording__free(rec);
	return err;
}

static void sleep_until(uint64_t when_ns)
{
	while (!interrupts__any() && clock__monotonic_ns() < when_ns)
		pause_until(when_ns, POLL_NS);
}

/* One after another, each at its multiple of the period, until stopped or the target is gone. */
static int series(struct run *run)
{
	uint64_t begin_ns = clock__monotonic_ns(), due_ns;
	int rc = outdir__need(run->args->output) ? EXIT_FAILED : EXIT_OK;
	uint64_t written = 0;

	while (!rc && !interrupts__any()) {
		rc = record(run);
		written += !rc;
		/* the first one tells what is wrong; later the target may just have ended */
		if (rc && written && kill(run->pid, 0))
			return EXIT_OK;
		due_ns = begin_ns + ((clock__monotonic_ns() - begin_ns) / run->args->every_ns + 1) *
					    run->args->every_ns;
		if (!rc)
			sleep_until(due_ns);
	}
	return rc;
}

static int resolve(const struct profile_args *args, struct targets *t, struct run *run)
{
	int rc = targets__resolve(&args->target, false, t);

	if (rc)
		return rc;
	if (t->command && !has_window(run))
		return usage_error("%s: a command that has not begun has none", run->kind->name);
	if (t->command && args->every_ns)
		return usage_error("--every: not with a command");
	if (run->kind->sites && capture__prepare())
		return EXIT_FAILED;
	if (t->command && launch__new(t->command, &run->launch))
		return EXIT_FAILED;
	run->pid = t->command ? launch__pid(run->launch) : t->pids[0];
	return 0;
}

int cmd_profile(int argc, char **argv)
{
	struct profile_args args;
	struct targets targets = {0};
	struct run run = {.args = &args};
	int rc = profile_args__parse(argc, argv, &args);

	if (rc >= 0)
		return rc;
	run.kind = profile_kind__get(args.type);
	rc = resolve(&args, &targets, &run);
	if (!rc) {
		interrupts__catch();
		term__set_quiet(args.quiet);
		if (run.kind->sites)
			run.price = price_job__begin(recording_attach__capture(args.rec.attach),
						     args.rec.nop5, false);
		rc = args.every_ns ? series(&run) : record(&run);
	}
	price_job__free(run.price);
	launch__free(run.launch);
	targets__free(&targets);
	return rc;
}
