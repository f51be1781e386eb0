/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/governor.h"

#include <math.h>

#define SECOND 1e9
#define FADE_NS 1e9	   /* of the mean of the target's own work */
#define RATE_FADE_NS 100e6 /* of the worst rate of hits of late */
#define POOR_WAIT_NS 6e9   /* after a slice that was not worth having; doubles each time */
#define POOR_MAX 5
#define FULL 0.99      /* of what can be saved */
#define TAIL_SHARE 4   /* a slice is so many times as long as the tail behind it, where it can */
#define ATTACH_SHARE 8 /* so many times what coming and going costs is to be there, likewise */
#define TAIL_HITS 1000 /* that a removal could have seen, for it to tell how long they go on */
#define TAIL_MIN_NS 5e6

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* CPU time per second that comes in. */
static double income(const struct governor *g)
{
	return SECOND * larger(g->cpu_rate * g->cfg.budget * GOVERNOR_RATE,
			       GOVERNOR_CORE_FLOOR * GOVERNOR_FLOOR_RATE);
}

/* The budget of as long as it can be saved up. */
static double capacity(const struct governor *g)
{
	return (double)GOVERNOR_SAVED_NS * larger(g->cpu_rate * g->cfg.budget, GOVERNOR_CORE_FLOOR);
}

void governor__begin(struct governor *g, const struct governor_config *cfg,
		     const struct governor_seen *seen, double cpu_rate)
{
	*g = (struct governor){
		.cfg = *cfg,
		.last = *seen,
		.on = true,
		.cpu_rate = cpu_rate,
		.on_since_ns = seen->now_ns,
		.slices = 1,
	};
	g->saved_ns = capacity(g) - (double)cfg->attach_cost_ns;
	g->spent_ns = (double)cfg->attach_cost_ns;
}

static double price_of(const struct governor *g, uint64_t hits, uint64_t cpu_ns)
{
	return (double)hits * (double)hit_price__at(&g->cfg.price, hits, cpu_ns);
}

/* Books what has happened since the last time. steady: nothing came or went meanwhile. */
static void book(struct governor *g, const struct governor_seen *seen, bool steady)
{
	/* less than before is nothing: below 0 it would be a budget without end */
	uint64_t hits = seen->hits > g->last.hits ? seen->hits - g->last.hits : 0;
	uint64_t cpu = seen->cpu_ns > g->last.cpu_ns ? seen->cpu_ns - g->last.cpu_ns : 0;
	double took = (double)(seen->now_ns - g->last.now_ns), cost, own, part;

	if (took <= 0)
		return;
	/* the kernel tells CPU time late, so that of a moment may be less than its hits: cold
	 * hits are then taken for hot ones, never the other way round */
	cost = hits ? (double)hits * (double)g->cfg.price.hot_ns : 0;
	if (cpu > (uint64_t)cost)
		cost = price_of(g, hits, cpu);
	own = (double)cpu > cost ? (double)cpu - cost : 0;
	part = 1 - exp(-took / FADE_NS);
	g->cpu_rate += (own / took - g->cpu_rate) * part;
	g->spent_ns += cost;
	if (g->on || hits)
		g->cpu_on_ns += (double)cpu;
	if (g->on && steady) {
		g->steady_ns += took;
		g->steady_cpu_ns += (double)cpu;
		g->steady_cost_ns += cost;
	}
	g->saved_ns += income(g) * took / SECOND - cost;
	if (g->saved_ns > capacity(g))
		g->saved_ns = capacity(g);
	if (g->on || (hits && !(steady && g->cfg.some_stay))) {
		double now = (double)hits * SECOND / took;

		g->hit_rate *= exp(-took / RATE_FADE_NS);
		if (now > g->hit_rate)
			g->hit_rate = now;
	}
	g->last = *seen;
}

/* What so long a time with probes costs, at the rate of late. */
static double cost_of(const struct governor *g, double ns)
{
	return g->hit_rate * ns / SECOND * (double)g->cfg.price.hot_ns;
}

/* A slice of at least so long, the removal behind it included. */
static bool can_pay(const struct governor *g, double slice_ns, double have_ns)
{
	return (double)g->cfg.attach_cost_ns + cost_of(g, slice_ns + (double)g->cfg.tail_ns) <=
	       have_ns;
}

static enum governor_says step_on(struct governor *g, uint64_t now_ns)
{
	/* what the hits cost until this is asked again and then until the probes are gone */
	double reserve = cost_of(g, (double)(GOVERNOR_LOOK_NS + g->cfg.tail_ns));

	if (g->cfg.slice_max_ns && now_ns - g->on_since_ns >= g->cfg.slice_max_ns)
		return GOVERNOR_OFF;
	return g->saved_ns <= reserve ? GOVERNOR_OFF : GOVERNOR_KEEP;
}

static enum governor_says step_off(struct governor *g, uint64_t now_ns)
{
	double long_ns = (double)g->cfg.tail_ns * TAIL_SHARE;
	bool is_full;

	if (g->cfg.once || now_ns - g->off_since_ns < g->wait_ns ||
	    now_ns - g->off_since_ns < g->cfg.slice_max_ns * GOVERNOR_PAUSE_SHARE)
		return GOVERNOR_KEEP;
	if (long_ns < (double)GOVERNOR_SLICE_NS)
		long_ns = (double)GOVERNOR_SLICE_NS;
	is_full = g->saved_ns >= capacity(g) * FULL;
	if (can_pay(g, long_ns, g->saved_ns) &&
	    (is_full || g->saved_ns >= (double)g->cfg.attach_cost_ns * ATTACH_SHARE))
		return GOVERNOR_ON;
	if (!is_full)
		return GOVERNOR_KEEP;
	/* no more can be saved: as long a one as there can be. Where there can be none, the load
	 * may have changed, which only a try can tell. */
	if (can_pay(g, (double)GOVERNOR_SLICE_MIN_NS, g->saved_ns) ||
	    (double)(now_ns - g->off_since_ns) >= POOR_WAIT_NS)
		return GOVERNOR_ON;
	return GOVERNOR_KEEP;
}

enum governor_says governor__step(struct governor *g, const struct governor_seen *seen)
{
	book(g, seen, true);
	return g->on ? step_on(g, seen->now_ns) : step_off(g, seen->now_ns);
}

/* One that was so short teaches nothing: the next try comes later each time. But the first may have
 * ended by a wrong guess, of what the target uses and of what removing takes. */
static void judge_slice(struct governor *g, uint64_t lasted_ns)
{
	if (lasted_ns >= GOVERNOR_SLICE_MIN_NS) {
		g->poor = 0;
		g->wait_ns = 0;
		return;
	}
	g->wait_ns = g->poor ? (uint64_t)POOR_WAIT_NS << (g->poor - 1) : 0;
	if (g->poor < POOR_MAX)
		g->poor++;
}

/*
 * For so long hits went on, at the rate by which the next removal will be judged. A target that is
 * hardly hit tells nothing of it; one that happened not to run tells too little.
 */
static void learn_tail(struct governor *g, uint64_t hits, uint64_t took_ns)
{
	double took = (double)took_ns, last = (double)g->cfg.tail_ns, tail;

	if (g->hit_rate * took / SECOND < TAIL_HITS)
		return;
	tail = (double)hits * SECOND / g->hit_rate;
	if (tail < TAIL_MIN_NS)
		tail = TAIL_MIN_NS;
	if (tail > took)
		tail = took;
	g->cfg.tail_ns = (uint64_t)(tail > last ? (last + tail) / 2 : (3 * last + tail) / 4);
}

void governor__done(struct governor *g, const struct governor_seen *seen, uint64_t took_ns)
{
	g->on = !g->on;
	if (g->on) {
		book(g, seen, false);
		g->saved_ns -= (double)g->cfg.attach_cost_ns;
		g->spent_ns += (double)g->cfg.attach_cost_ns;
		g->on_since_ns = seen->now_ns;
		g->slices++;
		return;
	}
	/* until the removal began it was on */
	g->on_ns += seen->now_ns - took_ns - g->on_since_ns;
	judge_slice(g, seen->now_ns - took_ns - g->on_since_ns);
	learn_tail(g, seen->hits > g->last.hits ? seen->hits - g->last.hits : 0, took_ns);
	g->off_since_ns = seen->now_ns;
	book(g, seen, false);
}

double governor__full_added(const struct governor *g)
{
	bool steady = g->steady_ns > 0;
	double cpu = steady ? g->steady_cpu_ns : g->cpu_on_ns;
	double cost = steady ? g->steady_cost_ns : g->spent_ns;

	/* The kernel tells CPU time late, of a few ms next to none: then it is what the target
	 * takes without probes, at least. */
	if (steady && g->steady_ns < (double)GOVERNOR_SLICE_NS && cpu < g->steady_ns * g->cpu_rate)
		cpu = g->steady_ns * g->cpu_rate;
	if (cost > cpu * HIT_SHARE_MAX)
		cost = cpu * HIT_SHARE_MAX;
	return cpu > 0 ? cost / (cpu - cost) : 0;
}

double governor__share(const struct governor *g, uint64_t cpu_ns)
{
	double own = (double)cpu_ns - g->spent_ns;

	return own > 0 ? g->spent_ns / own : 0;
}
