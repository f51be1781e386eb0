/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/foresight.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/log.h"
#include "goruntime/switches.h"
#include "recorder/governor.h"

#define LOOK_EVERY_NS (1000 * 1000)
#define LOOK_SHARE 4 /* a look is followed by a pause of so many times its length */
#define DRAIN_EVERY_NS (2 * 1000 * 1000)

static void pause_ns(uint64_t ns)
{
	const struct timespec ts = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	nanosleep(&ts, NULL);
}

/* The share that hits × price would be of what the target takes with them, and of what without. */
static void fill_shares(const struct hit_price *price, struct foresight *f)
{
	uint64_t with_ns = f->target_cpu_ns, cost_ns = 0;

	/* what is not yet in target_cpu_ns depends on the price, and that on how long it takes */
	for (int i = 0; i < 8; i++) {
		f->price_hit_ns = hit_price__at(price, f->hits, with_ns);
		cost_ns = f->hits * f->price_hit_ns;
		if (f->trial)
			break;
		with_ns = f->target_cpu_ns + cost_ns;
	}
	if (!with_ns)
		return;
	f->share = (double)cost_ns / (double)with_ns;
	f->added = f->share < 1 ? f->share / (1 - f->share) : 0;
}

/* Starts alone are hits; each with a stack, which the mean price of all comes close to. */
static void fill_light(const struct hit_price *price, uint64_t starts, struct foresight *f)
{
	uint64_t with_ns = f->target_cpu_ns;

	for (int i = 0; i < 8; i++)
		with_ns = f->target_cpu_ns + starts * hit_price__at(price, starts, with_ns);
	if (f->target_cpu_ns)
		f->light_added = (double)(with_ns - f->target_cpu_ns) / (double)f->target_cpu_ns;
}

static int watch(struct switches *s, uint64_t until_ns)
{
	int err;

	do {
		uint64_t begin = clock__monotonic_ns(), took;

		err = switches__look(s);
		took = clock__monotonic_ns() - begin;
		pause_ns(took * LOOK_SHARE > LOOK_EVERY_NS ? took * LOOK_SHARE : LOOK_EVERY_NS);
	} while (!err && clock__monotonic_ns() < until_ns);
	return err ? err : switches__look(s);
}

int foresight__watch(struct go_target *t, const struct hit_price *price, struct foresight *out)
{
	uint64_t begin = clock__monotonic_ns(), cpu_begin = 0, cpu_end = 0;
	struct switch_counts counts = {0};
	struct switches *s = NULL;
	struct snap_source src;
	int err;

	*out = (struct foresight){0};
	go_target__source(t, &src);
	process__cpu_ns(t->proc, &cpu_begin);
	err = switches__open(&src, &s);
	if (!err)
		err = watch(s, begin + FORESIGHT_WATCH_NS);
	if (!err)
		err = process__cpu_ns(t->proc, &cpu_end);
	if (err) {
		log_error("process %d: its goroutines cannot be watched: %s", t->proc->pid,
			  strerror(-err));
	} else {
		switches__counts(s, &counts);
		out->window_ns = clock__monotonic_ns() - begin;
		out->target_cpu_ns = cpu_end - cpu_begin;
		out->goroutines = counts.goroutines;
		out->hits = switch_counts__hits(&counts, gobinary__version(t->bin)->minor);
		out->at_least = counts.at_least;
		fill_shares(price, out);
		fill_light(price, switch_counts__starts(&counts, gobinary__version(t->bin)->minor),
			   out);
	}
	switches__free(s);
	return err;
}

static int ignore(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len)
{
	return 0;
}

static int observe(struct capture *c, const struct process *p, struct foresight *f)
{
	uint64_t begin = clock__monotonic_ns(), cpu_begin = 0, cpu_end = 0, now;
	uint64_t counters[GBT_C_MAX];
	int err = process__cpu_ns(p, &cpu_begin);

	if (err)
		return err;
	capture__arm(c);
	do {
		pause_ns(DRAIN_EVERY_NS);
		capture__drain(c, ignore, NULL);
		now = clock__monotonic_ns();
	} while (now - begin < FORESIGHT_TRIAL_NS);
	capture__disarm(c);
	err = process__cpu_ns(p, &cpu_end);
	capture__stats(c, counters);
	f->window_ns = clock__monotonic_ns() - begin;
	f->target_cpu_ns = cpu_end - cpu_begin;
	f->hits = counters[GBT_C_HITS];
	return err;
}

int foresight__trial(struct go_target *t, const struct probe_plan *plan, enum capture_attach attach,
		     const struct hit_price *price, struct foresight *out)
{
	struct capture_config cfg = {
		.proc = t->proc,
		.plan = plan,
		.bias = t->bias,
		.attach = attach,
	};
	struct capture *c = NULL;
	int err = go_target__bpf_config(t, &cfg.rt);

	cfg.rt.remember = cfg.rt.remember && plan__sees_changes(plan);
	*out = (struct foresight){.trial = true};
	if (!err)
		err = capture__open(&cfg, &c);
	if (!err)
		err = capture__attach(c);
	if (!err) {
		err = observe(c, t->proc, out);
		if (err)
			log_error("process %d: it ended while it was tried", t->proc->pid);
	}
	capture__free(c);
	if (!err)
		fill_shares(price, out);
	return err;
}

/* As the governor spends it: of the target's own work, or of a core where that is next to nothing.
 */
static double time_paid(const struct foresight *f, double budget)
{
	double own_ns = f->added > 0 ? (double)f->hits * (double)f->price_hit_ns / f->added : 0;
	double paid_ns = own_ns * budget * GOVERNOR_RATE;
	double floor_ns = (double)f->window_ns * GOVERNOR_CORE_FLOOR * GOVERNOR_FLOOR_RATE;

	if (paid_ns < floor_ns)
		paid_ns = floor_ns;
	return paid_ns < own_ns * f->added ? paid_ns / (own_ns * f->added) : 1;
}

void foresight__mode(const struct foresight *f, enum recording_mode mode, double budget,
		     struct mode_cost *out)
{
	double time = mode == RECORDING_OBSERVE || mode == RECORDING_LIGHT ? 0 : 1;

	if (mode == RECORDING_AUTO || mode == RECORDING_BURST)
		time = time_paid(f, budget);
	if (mode == RECORDING_BURST && time > 1.0 / (1 + GOVERNOR_PAUSE_SHARE))
		time = 1.0 / (1 + GOVERNOR_PAUSE_SHARE);
	out->time = time;
	out->added = mode == RECORDING_LIGHT ? f->light_added : f->added * time;
	out->share = out->added / (1 + out->added);
}
