/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/leaks.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "analysis/goroutine_leaks.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "output/goroutines_json.h"
#include "output/goroutines_leaks.h"

/* Who lives shorter than an eighth of the time settles nowhere; who lives shorter than seven
 * eighths is seen to leave. */
#define INTERVALS 8

/*
 * When to look, in ns after the first. Not evenly: what the target does at a round period would be
 * met in the same place at every look. The inner looks are moved by up to a quarter of an interval,
 * in steps of the golden ratio, which are far from all simple fractions.
 */
static uint64_t look_at(int64_t span_ns, unsigned i)
{
	double interval = (double)span_ns / INTERVALS, turn = 0.6180339887 * i;
	double moved = i && i < INTERVALS ? (turn - (double)(unsigned)turn - 0.5) / 2 : 0;

	return (uint64_t)(interval * (i + moved));
}

static void sleep_until(uint64_t ns)
{
	const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000),
				    .tv_nsec = (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static int look(const struct leaks_job *job, struct goroutine_leaks *leaks)
{
	const struct snap_options so = {.stacks = true};
	struct snapshot *head = NULL;
	int err;

	if (go_target__execed(job->target)) {
		log_error("the process became another program");
		return -ESRCH;
	}
	err = snapshot__walk(job->src, &so, goroutine_leaks__visit, leaks, &head);
	if (!err)
		err = goroutine_leaks__end_look(leaks, head);
	snapshot__free(head);
	return err;
}

static void tell_losses(const struct goroutine_leaks *leaks)
{
	struct goroutine_leaks_totals t;

	goroutine_leaks__totals(leaks, &t);
	if (t.torn || t.unreadable)
		log_warn("%llu stacks changed while they were read, in %zu looks: these goroutines "
			 "were taken to be where they were; %llu had memory that could not be read",
			 (unsigned long long)t.torn, t.looks, (unsigned long long)t.unreadable);
}

int leaks__find(const struct leaks_job *job)
{
	struct goroutine_leaks *leaks = NULL;
	uint64_t begin = clock__monotonic_ns();
	int err = goroutine_leaks__new(job->frames, job->system, &leaks);

	for (unsigned i = 0; i <= INTERVALS && !err; i++) {
		sleep_until(begin + look_at(job->span_ns, i));
		term__live("look %u of %d", i + 1, INTERVALS + 1);
		err = look(job, leaks);
	}
	term__live_end();
	if (!err)
		err = goroutine_leaks__finish(leaks);
	if (!err)
		err = job->json ? goroutines_json__leaks(leaks, job->frames, job->fd)
				: goroutines_leaks__write(leaks, job->frames, job->fd);
	if (!err)
		tell_losses(leaks);
	goroutine_leaks__free(leaks);
	return err;
}
