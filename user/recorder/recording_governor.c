/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_window.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/log.h"
#include "recorder/foresight.h"

#define BURST_SLICE_NS (300 * 1000 * 1000)
/*
 * On a machine that is full, what bounds the cost must not wait. The thread runs for some 30 µs of
 * each 5 ms and drains rings between, which a budget keeps rare; beyond this one it may drain all
 * the time, and gets nice instead.
 */
#define REAL_TIME_BUDGET_MAX 0.5
#define PRIORITY (-10)
/* How long hits go on in a removal before one has been seen, and what both ways cost the target. */
#define TAIL_MULTI_NS (20 * 1000 * 1000)
#define TAIL_PERF_NS (2500ull * 1000 * 1000)
#define ATTACH_COST_NS (200 * 1000)

static int look(struct recording *r, uint64_t now_ns, struct governor_seen *seen)
{
	uint64_t counters[GBT_C_MAX];

	*seen = (struct governor_seen){.now_ns = now_ns};
	capture__stats(r->capture, counters);
	seen->hits = counters[GBT_C_HITS];
	return process__cpu_ns(r->target->proc, &seen->cpu_ns);
}

/* Cores that it used while it was opened and the price was measured. */
static double cpu_rate(const struct recording *r)
{
	uint64_t ns = r->start_ns - r->open_ns;

	if (!ns || r->cpu_start_ns < r->cpu_open_ns || !r->cpu_open_ns)
		return 0;
	return (double)(r->cpu_start_ns - r->cpu_open_ns) / (double)ns;
}

static void begin_slice(struct recording *r, uint64_t start_ns)
{
	uint64_t c[GBT_C_MAX];

	capture__stats(r->capture, c);
	r->slice = (struct raw_slice_end){
		.start_ns = start_ns,
		.hits = c[GBT_C_HITS],
		.events = c[GBT_C_EVENTS],
		.lost = c[GBT_C_RING_FULL] + c[GBT_C_NO_SCRATCH],
	};
}

/* In which a budget that is used up ends the capture. */
static bool is_once(const struct recording *r)
{
	return r->opt.mode == RECORDING_FULL || r->opt.mode == RECORDING_LIGHT;
}

int recording__govern_start(struct recording *r)
{
	bool is_perf = recording__capture_info(r)->attach == CAPTURE_ATTACH_PERF;
	struct governor_config cfg = {
		.budget = r->opt.budget,
		.price = r->price,
		.once = is_once(r),
		.slice_max_ns = r->opt.mode == RECORDING_BURST ? BURST_SLICE_NS : 0,
		.tail_ns = is_perf ? TAIL_PERF_NS : TAIL_MULTI_NS,
		.attach_cost_ns = ATTACH_COST_NS,
		.some_stay = r->steady,
	};
	struct governor_seen seen;

	r->governed = r->opt.sites && r->capture && r->opt.budget > 0;
	if (!r->governed)
		return 0;
	begin_slice(r, r->start_ns);
	seen = (struct governor_seen){.now_ns = r->start_ns, .cpu_ns = r->cpu_start_ns};
	governor__begin(&r->governor, &cfg, &seen, cpu_rate(r));
	if (r->later) {
		r->governor.on = false;
		r->governor.slices = 0;
		r->governor.off_since_ns = r->start_ns;
	}
	/* not in its first moment, of which a few hits would tell a rate */
	r->govern_due_ns = clock__monotonic_ns() + GOVERNOR_LOOK_NS;
	return 0;
}

static int drain_now(struct recording *r)
{
	int err;

	if (r->window)
		pthread_mutex_lock(&r->window->lock);
	err = capture__drain(r->capture, recording__on_record, r);
	if (r->window)
		pthread_mutex_unlock(&r->window->lock);
	return err < 0 ? err : 0;
}

static int drain(struct recording *r)
{
	const struct timespec pause = {0, 3 * 1000 * 1000};
	int err = drain_now(r);

	if (err)
		return err;
	nanosleep(&pause, NULL); /* a program that was preempted while it sent */
	return drain_now(r);
}

/* The slice up to now, before its probes are taken away. */
static struct raw_slice_end slice_until(struct recording *r, uint64_t end_ns)
{
	struct raw_slice_end e = r->slice;

	begin_slice(r, end_ns); /* for the counters */
	e.end_ns = end_ns;
	e.hits = r->slice.hits - e.hits;
	e.events = r->slice.events - e.events;
	e.lost = r->slice.lost - e.lost;
	return e;
}

static int switch_off(struct recording *r, uint64_t now_ns)
{
	struct raw_slice_end slice = slice_until(r, now_ns);
	struct governor_seen seen;
	int err;

	if (is_once(r)) {
		capture__disarm(r->capture);
		r->over_ns = now_ns;
	}
	capture__probes_off(r->capture);
	err = look(r, clock__monotonic_ns(), &seen);
	if (!err)
		governor__done(&r->governor, &seen, seen.now_ns - now_ns);
	r->governed = !err && !r->over_ns;
	if (r->over_ns)
		return 0;
	err = drain(r);
	if (err)
		return err;
	return r->window ? recording__window_pause(r, &slice)
			 : raw_writer__slice_end(r->raw, &slice);
}

/* A slice begins: snap becomes the window's, where there is one. */
static int tell_slice(struct recording *r, uint64_t start_ns, struct snapshot *snap)
{
	struct buf b = {0};
	int err;

	if (r->window)
		return recording__window_resume(r, start_ns, snap);
	err = snapshot__serialize(snap, &b);
	if (!err)
		err = raw_writer__slice(r->raw, start_ns, b.data, b.len);
	buf__free(&b);
	snapshot__free(snap);
	return err;
}

static const char *gone_because(int err)
{
	switch (err) {
	case -EBUSY:
		return "a debugger's breakpoint stands where one has to be";
	case -EBADMSG:
		return "what is in memory there, or its goroutines, is not what it was";
	}
	return strerror(-err);
}

/*
 * They will not be tried again: from here on the target is only looked at from outside, and by the
 * probes that stay, and what was seen before is kept. A target that ends meanwhile, or has exec'ed,
 * is no failure: the poll of its life tells.
 */
static void give_probes_up(struct recording *r, uint64_t now_ns, int err)
{
	struct raw_trailer *t = &r->trailer;

	capture__probes_off(r->capture);
	r->governed = r->steady; /* what stays goes on costing */
	r->given_up = true;
	if (!process__is_alive(r->target->proc) || recording__execed_ns(r))
		return;
	if (r->window)
		pthread_mutex_lock(&r->window->lock);
	t->probes_gone_ns = now_ns;
	snprintf(t->probes_gone_why, sizeof(t->probes_gone_why), "%s", gone_because(err));
	if (r->window)
		pthread_mutex_unlock(&r->window->lock);
	log_warn("process %d: the probes cannot be put in place again: %s; what was seen is kept",
		 recording__pid(r), t->probes_gone_why);
}

static int switch_on(struct recording *r, uint64_t now_ns)
{
	struct governor_seen seen;
	struct snapshot *snap = NULL;
	uint64_t start_ns;
	int err = capture__probes_on(r->capture);

	start_ns = clock__monotonic_ns();
	if (!err) {
		begin_slice(r, start_ns);
		err = go_target__snapshot(r->target, r->opt.stacks, r->opt.labels, &snap);
	}
	if (!err)
		err = look(r, clock__monotonic_ns(), &seen);
	if (err) {
		give_probes_up(r, now_ns, err);
		snapshot__free(snap);
		return 0;
	}
	governor__done(&r->governor, &seen, start_ns - now_ns);
	return tell_slice(r, start_ns, snap);
}

/* Of a watch: without a wish for it no slice is worth its cost. */
static enum governor_says as_wanted(struct recording *r, enum governor_says says, uint64_t now_ns)
{
	if (r->given_up)
		return GOVERNOR_KEEP;
	if (!r->window || recording__wants_slice(r, now_ns))
		return says;
	return r->governor.on ? GOVERNOR_OFF : GOVERNOR_KEEP;
}

int recording__govern(struct recording *r, uint64_t now_ns)
{
	struct governor_seen seen;

	if (!r->governed || now_ns < r->govern_due_ns || recording__execed_ns(r))
		return 0;
	r->govern_due_ns = now_ns + GOVERNOR_LOOK_NS;
	if (look(r, now_ns, &seen))
		return 0;
	switch (as_wanted(r, governor__step(&r->governor, &seen), now_ns)) {
	case GOVERNOR_OFF:
		return switch_off(r, now_ns);
	case GOVERNOR_ON:
		return switch_on(r, now_ns);
	case GOVERNOR_KEEP:
		break;
	}
	return 0;
}

void recording__govern_thread(const struct recording *r)
{
	const struct sched_param first = {.sched_priority = 1};

	if (!r->governed)
		return;
	/* without the right to it, it goes on as it is */
	if (r->opt.budget > REAL_TIME_BUDGET_MAX ||
	    sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first))
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), PRIORITY);
}

/* A rate of hits that nobody has seen, for who has no probes in place. */
int recording__foretell(struct recording *r)
{
	struct probe_plan *plan = calloc(1, sizeof(*plan));
	struct hit_price price;
	struct foresight f;
	int err = plan ? plan__make(r->target->bin, r->opt.nop5, plan) : -ENOMEM;

	if (!err) {
		hit_price__of_plan(price_job__wait(r->opt.price), plan, &price);
		err = foresight__watch(r->target, &price, &f);
	}
	if (!err)
		r->full_added = f.added;
	free(plan);
	return err;
}

/* Hits that came in slices came closer to each other than the mean of the window says. */
static void price_slices(struct recording *r, struct raw_trailer *t)
{
	uint64_t hits = t->counters[GBT_C_HITS];
	uint64_t cpu_ns = (uint64_t)r->governor.cpu_on_ns;

	if (!hits)
		return;
	t->price_hit_ns = (uint64_t)(r->governor.spent_ns / (double)hits);
	hit_price__bounds(&r->price, hits, cpu_ns, &t->price_low_ns, &t->price_high_ns);
	if (t->price_low_ns > t->price_hit_ns * 3 / 4)
		t->price_low_ns = t->price_hit_ns * 3 / 4;
	if (t->price_high_ns < t->price_hit_ns * 5 / 4)
		t->price_high_ns = t->price_hit_ns * 5 / 4;
}

void recording__govern_facts(struct recording *r, struct raw_trailer *t)
{
	t->budget_permille = (uint64_t)(r->opt.budget * 1000 + 0.5);
	if (r->opt.mode == RECORDING_OBSERVE || r->opt.mode == RECORDING_LIGHT) {
		t->full_added_permille = (uint64_t)(r->full_added * 1000 + 0.5);
		if (r->opt.budget)
			t->spent_ns = (uint64_t)r->governor.spent_ns;
		return;
	}
	if (!r->opt.budget)
		return;
	t->spent_ns = (uint64_t)r->governor.spent_ns;
	price_slices(r, t);
	t->full_added_permille = (uint64_t)(governor__full_added(&r->governor) * 1000 + 0.5);
}
