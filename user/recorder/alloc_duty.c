/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/alloc_duty.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"

#define SLICE_NS (20ull * 1000 * 1000) /* at least; half as much again by chance */
/* What a hit takes from a busy target, its stack included: 2.7 us measured (docs/cost.md). */
#define HIT_NS 3000
#define POLL_NS (5 * 1000 * 1000)

struct alloc_duty {
	struct go_target *target;
	struct capture *capture;
	unsigned pct;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	atomic_ullong hits;
	uint64_t start_ns, start_cpu_ns, seed;
	struct alloc_slices out;
	int end_err;
	char end_why[160];
};

int alloc_duty__plan(struct go_target *t, bool is_command, bool use_nop5, bool forced,
		     struct probe_plan *plan, struct alloc_slices *out, bool *estimates)
{
	uint64_t rate = 0;
	int err;

	*estimates = forced || (!is_command && !go_target__profile_rate(t, &rate) && !rate);
	if (!*estimates)
		return 0;
	if (is_command) { /* there is no runtime yet whose totals could be read */
		snprintf(out->why, sizeof(out->why),
			 "allocations of a program are not sampled from its start on");
		return 0;
	}
	err = plan__make_for(t->bin, use_nop5, SITES_ALLOC, plan);
	if (err || !plan->notes[0][0])
		return err;
	snprintf(out->why, sizeof(out->why), "%.150s", plan->notes[0]);
	plan->cnt = 0;
	return 0;
}

static int read_begin(struct alloc_duty *d)
{
	struct snap_source src;
	int err;

	go_target__source(d->target, &src);
	err = alloc_totals__read(&src, &d->out.begin, d->out.why, sizeof(d->out.why));
	if (err && !d->out.why[0])
		snprintf(d->out.why, sizeof(d->out.why), "the runtime's totals were not read: %s",
			 strerror(-err));
	return err;
}

/* May its hits go on? Up to now, of the whole window. */
static bool is_affordable(const struct alloc_duty *d)
{
	uint64_t cpu_ns = 0;

	if (process__cpu_ns(d->target->proc, &cpu_ns) || cpu_ns < d->start_cpu_ns)
		return false;
	cpu_ns -= d->start_cpu_ns;
	return d->hits * HIT_NS * 100 <= cpu_ns * d->pct;
}

static void pause_ns(uint64_t ns)
{
	const struct timespec ts = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	nanosleep(&ts, NULL);
}

/* Not in step with what the program does every so often. */
static uint64_t slice_ns(struct alloc_duty *d)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 7;
	d->seed ^= d->seed << 17;
	return SLICE_NS + d->seed % (SLICE_NS / 2);
}

/* Probes are attached; until they cost too much, or the end. */
static void run_slice(struct alloc_duty *d)
{
	uint64_t begin = clock__monotonic_ns(), least = begin + slice_ns(d), now = begin;

	d->out.slices++;
	while (!d->stop && (now < least || is_affordable(d))) {
		pause_ns(POLL_NS);
		now = clock__monotonic_ns();
	}
	if (!d->stop)
		capture__alloc_off(d->capture);
	d->out.on_ns += clock__monotonic_ns() - begin;
}

static void *duty_loop(void *ctx)
{
	struct alloc_duty *d = ctx;

	while (!d->stop) {
		int err;

		if (d->out.slices && !is_affordable(d)) {
			pause_ns(POLL_NS);
			continue;
		}
		err = capture__alloc_on(d->capture);
		if (err) { /* the message is out */
			if (!d->out.slices)
				snprintf(d->out.why, sizeof(d->out.why),
					 "probes of allocations could not be attached: %s",
					 strerror(-err));
			break;
		}
		run_slice(d);
	}
	return NULL;
}

int alloc_duty__start(struct go_target *t, struct capture *c, unsigned max_overhead_pct,
		      struct alloc_duty **out)
{
	struct alloc_duty *d = calloc(1, sizeof(*d));
	int err = 0;

	if (!d)
		return -ENOMEM;
	d->target = t;
	d->capture = c;
	d->pct = max_overhead_pct ? max_overhead_pct : ALLOC_OVERHEAD_DEFAULT_PCT;
	d->out.max_overhead_pct = d->pct;
	process__cpu_ns(t->proc, &d->start_cpu_ns);
	d->start_ns = clock__monotonic_ns();
	d->seed = d->start_ns | 1;
	if (!read_begin(d)) {
		err = -pthread_create(&d->thread, NULL, duty_loop, d);
		d->running = !err;
	}
	if (err)
		free(d);
	else
		*out = d;
	return err;
}

void alloc_duty__hit(struct alloc_duty *d)
{
	if (d)
		d->hits++;
}

void alloc_duty__end(struct alloc_duty *d)
{
	struct snap_source src;

	if (!d)
		return;
	d->stop = true;
	d->out.window_ns = clock__monotonic_ns() - d->start_ns;
	go_target__source(d->target, &src);
	d->end_err = alloc_totals__read(&src, &d->out.end, d->end_why, sizeof(d->end_why));
}

void alloc_duty__stop(struct alloc_duty *d, struct alloc_slices *out)
{
	if (!d)
		return;
	d->stop = true;
	if (d->running)
		pthread_join(d->thread, NULL);
	if (d->end_err && !d->out.why[0])
		snprintf(d->out.why, sizeof(d->out.why), "%s",
			 d->end_why[0] ? d->end_why
				       : "the process had ended before its totals were read");
	if (d->out.why[0])
		d->out.begin = d->out.end = (struct alloc_totals){0};
	if (out)
		*out = d->out;
	free(d);
}
