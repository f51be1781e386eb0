/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/hit_price.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/nop5.h"

#define ASSUMED_HOT_NS 700
#define ASSUMED_COLD_NS 2000
#define STEPPED_NS                                                                                 \
	6000 /* more than one that is emulated: 5 to 9 µs in all (docs/performance.md)            \
	      */
#define GAP_HOT_NS 1000.0
#define GAP_COLD_NS 40000.0
#define ROUNDS 8 /* of an iteration that settles in three or four */

void hit_price__assume(const char *why, struct hit_price *out)
{
	*out = (struct hit_price){.hot_ns = ASSUMED_HOT_NS, .cold_ns = ASSUMED_COLD_NS};
	snprintf(out->from, sizeof(out->from), "assumed, not measured here: %.110s", why);
}

/* Those that are hit for each time that a goroutine blocks or calls the kernel. */
static bool is_busy(enum site_id id)
{
	return id == SITE_EXECUTE || id == SITE_PARK || id == SITE_READY ||
	       id == SITE_GOSCHED_IMPL || id == SITE_REENTERSYSCALL || id == SITE_ENTERSYSCALL ||
	       id == SITE_EXITSYSCALL;
}

static bool has_stack(enum site_id id)
{
	return id != SITE_EXECUTE && id != SITE_EXITSYSCALL && id != SITE_ACQUIREP &&
	       id != SITE_RELEASEP && id != SITE_HANDOFFP && id != SITE_GOEXIT1 &&
	       id != SITE_GOEXIT0;
}

static enum price_kind kind_of(enum site_insn insn)
{
	switch (insn) {
	case SITE_JCC:
		return PRICE_JCC;
	case SITE_CALL:
	case SITE_JMP:
		return PRICE_CALL;
	case SITE_NOP5:
		return PRICE_NOP5;
	default:
		return PRICE_PUSH;
	}
}

static struct price price_of_site(const struct prices *p, const struct probe_site *s,
				  bool with_stack)
{
	struct price push = p->of[PRICE_PUSH], stack = p->of[PRICE_PUSH_STACK];
	struct price at = p->of[kind_of(s->insn)];

	if (!at.hot_ns || !at.cold_ns)
		at = push;
	if (with_stack || has_stack(s->id)) {
		at.hot_ns += stack.hot_ns > push.hot_ns ? stack.hot_ns - push.hot_ns : 0;
		at.cold_ns += stack.cold_ns > push.cold_ns ? stack.cold_ns - push.cold_ns : 0;
	}
	if (s->insn == SITE_STEPPED) {
		at.hot_ns += STEPPED_NS;
		at.cold_ns += STEPPED_NS;
	}
	return at;
}

/* 0: there are none of them */
static size_t mean(const struct prices *p, const struct probe_plan *plan, bool busy_only,
		   bool with_stack, struct hit_price *out)
{
	uint64_t hot = 0, cold = 0;
	size_t cnt = 0;

	for (size_t i = 0; i < plan->cnt; i++) {
		struct price at = price_of_site(p, &plan->sites[i], with_stack);

		if (busy_only && !is_busy(plan->sites[i].id))
			continue;
		hot += at.hot_ns;
		cold += at.cold_ns;
		cnt++;
	}
	out->hot_ns = cnt ? hot / cnt : 0;
	out->cold_ns = cnt ? cold / cnt : 0;
	return cnt;
}

static void of_plan(const struct prices *p, const struct probe_plan *plan, bool with_stack,
		    struct hit_price *out)
{
	if (!p || !p->of[PRICE_PUSH].hot_ns || !p->of[PRICE_PUSH].cold_ns) {
		hit_price__assume(p && p->why[0] ? p->why : "nothing came of it", out);
		return;
	}
	if (!mean(p, plan, true, with_stack, out) && !mean(p, plan, false, with_stack, out)) {
		hit_price__assume("there are no probes", out);
		return;
	}
	if (out->cold_ns < out->hot_ns)
		out->cold_ns = out->hot_ns;
	snprintf(out->from, sizeof(out->from),
		 "measured here on a child process, %s uprobes: push %u ns hot, %u ns cold; with a "
		 "stack %u, %u",
		 capture_attach__name(p->attach), p->of[PRICE_PUSH].hot_ns,
		 p->of[PRICE_PUSH].cold_ns, p->of[PRICE_PUSH_STACK].hot_ns,
		 p->of[PRICE_PUSH_STACK].cold_ns);
}

void hit_price__of_plan(const struct prices *p, const struct probe_plan *plan,
			struct hit_price *out)
{
	of_plan(p, plan, false, out);
}

void hit_price__of_starts(const struct prices *p, const struct probe_plan *plan,
			  struct hit_price *out)
{
	of_plan(p, plan, true, out);
}

/* For so much of the target's own work between two hits. */
static double at_gap(const struct hit_price *p, double gap_ns)
{
	double part;

	if (gap_ns <= GAP_HOT_NS)
		return (double)p->hot_ns;
	if (gap_ns >= GAP_COLD_NS)
		return (double)p->cold_ns;
	part = log(gap_ns / GAP_HOT_NS) / log(GAP_COLD_NS / GAP_HOT_NS);
	return (double)p->hot_ns + part * (double)(p->cold_ns - p->hot_ns);
}

static double at_most(double price_ns, double each_ns)
{
	return price_ns < each_ns * HIT_SHARE_MAX ? price_ns : each_ns * HIT_SHARE_MAX;
}

/* Of hits with so much CPU time to each, theirs included. */
static double settle(const struct hit_price *p, double each_ns)
{
	double price = (double)p->hot_ns;

	for (int i = 0; i < ROUNDS; i++)
		price = (price + at_gap(p, each_ns - price)) / 2;
	return at_most(price, each_ns);
}

uint64_t hit_price__at(const struct hit_price *p, uint64_t hits, uint64_t cpu_ns)
{
	if (!hits || !cpu_ns) /* a process that has gone has no CPU time to tell */
		return p->cold_ns;
	return (uint64_t)settle(p, (double)cpu_ns / (double)hits);
}

void hit_price__bounds(const struct hit_price *p, uint64_t hits, uint64_t cpu_ns, uint64_t *low_ns,
		       uint64_t *high_ns)
{
	double each, gap;

	*low_ns = p->hot_ns * 3 / 4;
	*high_ns = p->cold_ns * 5 / 4;
	if (!hits || !cpu_ns)
		return;
	each = (double)cpu_ns / (double)hits;
	gap = each - settle(p, each);
	*low_ns = (uint64_t)(at_most(at_gap(p, gap / 4), each) * 3 / 4);
	*high_ns = (uint64_t)at_most(at_gap(p, gap * 4) * 5 / 4, each);
}

/* ---- measuring ---- */

struct price_job {
	pthread_t thread;
	bool nop5, remember;
	enum capture_attach attach;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_told; /* by lock */
	struct prices prices;
};

static void tell(void *ctx)
{
	struct price_job *j = ctx;

	pthread_mutex_lock(&j->lock);
	j->is_told = true;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->lock);
}

static void *run(void *ctx)
{
	struct price_job *j = ctx;

	prices__measure(j->attach, j->nop5 && nop5__works(), j->remember, &j->prices, tell, j);
	return NULL;
}

struct price_job *price_job__begin(enum capture_attach attach, bool nop5_wanted, bool remember)
{
	struct price_job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->attach = attach;
	j->nop5 = nop5_wanted;
	j->remember = remember;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->changed, NULL);
	if (!pthread_create(&j->thread, NULL, run, j))
		return j;
	free(j);
	return NULL;
}

bool price_job__is_told(struct price_job *j)
{
	bool told;

	pthread_mutex_lock(&j->lock);
	told = j->is_told;
	pthread_mutex_unlock(&j->lock);
	return told;
}

const struct prices *price_job__wait(struct price_job *j)
{
	if (!j)
		return NULL;
	pthread_mutex_lock(&j->lock);
	while (!j->is_told)
		pthread_cond_wait(&j->changed, &j->lock);
	pthread_mutex_unlock(&j->lock);
	return &j->prices;
}

void price_job__free(struct price_job *j)
{
	if (!j)
		return;
	pthread_join(j->thread, NULL);
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->lock);
	free(j);
}
