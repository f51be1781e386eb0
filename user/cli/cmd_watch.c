/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/duration.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "cli/interrupts.h"
#include "cli/notify.h"
#include "cli/watch_events.h"
#include "cli/watch_run.h"
#include "recorder/earlier_captures.h"
#include "recorder/outdir.h"

#define STATUS_EVERY_NS (10ull * 1000000000)

/* The manager shows the last one that it was told. */
static void tell_status(struct watching *s)
{
	uint64_t now_ns = clock__monotonic_ns();
	struct recording_misses misses;
	char text[200];

	if (now_ns < s->status_due_ns)
		return;
	s->status_due_ns = now_ns + STATUS_EVERY_NS;
	misses = watch_targets__misses(s);
	watch_events__status(&misses, s->captures, text, sizeof(text));
	notify__status(text);
}

static void watch(struct watching *s)
{
	const struct timespec tick = {0, POLL_NS};

	while (watch_targets__any(s) && !interrupts__any()) {
		nanosleep(&tick, NULL);
		if (interrupts__reload())
			watch_reload(s);
		watch_targets__poll(s);
		watch_asking__people(s);
		watch_cutting__due(s, NULL);
		watch_cutting__results(s);
		tell_status(s);
		notify__alive(watch_targets__alive(s, notify__patience_ns()));
	}
}

/* What was asked for is written, unless a second Ctrl-C says otherwise. */
static int finish(struct watching *s)
{
	const struct timespec tick = {0, POLL_NS};
	bool interrupted = watch_targets__any(s);

	notify__stopping();
	watch_targets__end(s);
	while (watch_writer__busy(s->writer) && !interrupts__twice()) {
		nanosleep(&tick, NULL);
		watch_cutting__results(s);
		notify__alive(true);
	}
	watch_cutting__results(s);
	watch_events__end(s->args,
			  &(struct watch_totals){.end = interrupted ? RECORDING_STOPPED : s->end,
						 .captures = s->captures,
						 .merged = s->merged,
						 .passed_over = watch_targets__passed_over(s),
						 .misses = watch_targets__misses(s),
						 .window_sz = s->window_sz});
	return s->failed ? EXIT_FAILED : EXIT_OK;
}

/* Nothing is made on disk for a target that cannot be watched. */
static int watching_open(struct watching *s)
{
	const struct watch_args *a = s->args;
	char in_it[PATH_MAX];
	struct stat st;
	int rc = watch_targets__open(s), err;

	if (rc)
		return rc;
	if (outdir__need(a->dir) || trigger_socket__listen(a->dir, &s->socket))
		return EXIT_FAILED;
	snprintf(in_it, sizeof(in_it), "%s/.", a->dir); /* captures are made in it, not beside it */
	outdir__report_leftovers(in_it);
	s->file_was_there = a->file && !lstat(a->file, &st);
	err = retention__new(a->captures_max, a->disk_max, &s->kept);
	if (!err)
		(void)earlier_captures__take(a->dir, s->kept);
	if (!err)
		err = watch_writer__start(&a->writer, &s->writer);
	return err ? exit_status__of(err) : watch_targets__start(s);
}

static void watching_close(struct watching *s)
{
	watch_writer__free(s->writer);
	trigger_socket__free(s->socket);
	retention__free(s->kept);
	watch_targets__free(s);
	price_job__free(s->price);
}

static int run(struct watching *s)
{
	int rc;

	interrupts__catch();
	interrupts__catch_asked();
	if (s->args->config)
		interrupts__catch_reload();
	notify__open();
	term__set_quiet(s->args->quiet || s->args->json);
	rc = capture__prepare() ? EXIT_FAILED : watching_open(s);
	if (!rc) {
		notify__ready("watching");
		watch(s);
		rc = finish(s);
	}
	watching_close(s);
	notify__close();
	return rc;
}

static void free_args(struct watch_args *a)
{
	while (a) {
		struct watch_args *before = a->before;

		watch_args__free(a);
		free(a);
		a = before;
	}
}

int cmd_watch(int argc, char **argv)
{
	static struct watching s; /* large */
	struct watch_args *a = s.args = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return EXIT_FAILED;
	s.argc = argc;
	s.argv = argv;
	rc = watch_args__parse(argc, argv, a);
	if (rc < 0 && a->check) {
		printf("%s: no mistakes; %zu condition%s\n", a->config, a->condition_cnt,
		       a->condition_cnt == 1 ? "" : "s");
		rc = EXIT_OK;
	} else if (rc < 0) {
		rc = run(&s);
	}
	free_args(s.args);
	return rc;
}
