/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/price.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "capture/internal.h"
#include "capture/price_child.h"
#include "capture/rings.h"

#define COLD_CALLS 16
#define COLD_CALLS_BARE 8
#define PRICE_RING_SZ (1u << 20)
#define MEASURE_MAX_NS UINT64_C(3000000000) /* a machine too busy for that tells nothing */

const char *price_kind__name(enum price_kind k)
{
	static const char *const names[PRICE_MAX] = {
		[PRICE_PUSH] = "push", [PRICE_PUSH_STACK] = "push with a stack",
		[PRICE_JCC] = "jcc",   [PRICE_CALL] = "call",
		[PRICE_NOP5] = "nop5",
	};

	return (unsigned)k < PRICE_MAX ? names[k] : "?";
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct figure {
	uint64_t median, spread;
};

static struct figure figure_of(const uint64_t *v, size_t cnt)
{
	uint64_t sorted[PRICE_COLD_MAX > PRICE_ROUNDS ? PRICE_COLD_MAX : PRICE_ROUNDS];

	memcpy(sorted, v, cnt * sizeof(*v));
	qsort(sorted, cnt, sizeof(*sorted), by_value);
	return (struct figure){sorted[cnt / 2], sorted[cnt * 3 / 4] - sorted[cnt / 4]};
}

static uint32_t above(struct figure with, struct figure bare, uint64_t unit)
{
	return with.median > bare.median ? (uint32_t)((with.median - bare.median) / unit) : 0;
}

static void subtract(const struct price_times *with, const struct price_times *bare, unsigned kinds,
		     struct prices *out)
{
	for (int k = 0; k < PRICE_MAX; k++) {
		struct figure hot, cold;

		if (!(kinds & 1u << k))
			continue;
		hot = figure_of(with->hot_ns[k], PRICE_ROUNDS);
		cold = figure_of(with->cold_ns[k], with->cold_cnt);
		out->of[k] = (struct price){
			.hot_ns = above(hot, figure_of(bare->hot_ns[k], PRICE_ROUNDS), 1000),
			.cold_ns = above(cold, figure_of(bare->cold_ns[k], bare->cold_cnt), 1),
			.hot_spread_ns = (uint32_t)(hot.spread / 1000),
			.cold_spread_ns = (uint32_t)cold.spread,
		};
	}
}

/* ---- the probes ---- */

static int add_site(const struct process *p, enum price_kind k, struct probe_plan *plan)
{
	static const enum site_insn insns[PRICE_MAX] = {
		[PRICE_PUSH] = SITE_PUSH, [PRICE_PUSH_STACK] = SITE_PUSH, [PRICE_JCC] = SITE_JCC,
		[PRICE_CALL] = SITE_CALL, [PRICE_NOP5] = SITE_NOP5,
	};
	struct probe_site *s = &plan->sites[plan->cnt];
	const void *at;
	size_t len, i;

	at = price_child__site(k, &len);
	s->id = k == PRICE_PUSH_STACK ? SITE_READY : SITE_EXECUTE;
	s->insn = insns[k];
	s->func = price_kind__name(k);
	s->vaddr = (uint64_t)(uintptr_t)at;
	memcpy(s->bytes, at, len); /* the child is a copy of us */
	s->len = (uint8_t)len;
	for (i = 0; i < p->map_cnt; i++) {
		const struct process_map *m = &p->maps[i];

		if (s->vaddr < m->start || s->vaddr >= m->end)
			continue;
		s->file_off = s->vaddr - m->start + m->off;
		plan->cnt++;
		return 0;
	}
	return -ENOENT;
}

static int make_plan(const struct process *p, unsigned kinds, struct probe_plan *plan)
{
	int err = 0;

	for (int k = 0; !err && k < PRICE_MAX; k++)
		if (kinds & 1u << k)
			err = add_site(p, k, plan);
	return err;
}

static int ignore(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len)
{
	return 0;
}

/* Until the child is done; what it sends is drained as a recording does. */
static int await(struct price_child *child, struct capture *c)
{
	uint64_t begin = clock__monotonic_ns();
	int err;

	do {
		err = price_child__poll(child);
		if (c)
			capture__drain(c, ignore, NULL);
		if (err == -EAGAIN && clock__monotonic_ns() - begin > MEASURE_MAX_NS)
			err = -ETIME;
	} while (err == -EAGAIN);
	return err;
}

static int run(struct price_child *child, unsigned kinds, size_t cold_cnt, struct capture *c,
	       struct price_times *out)
{
	int err = price_child__run(child, kinds, cold_cnt);

	if (!err)
		err = await(child, c);
	if (!err)
		*out = *price_child__times(child);
	return err;
}

/* Has every call been a hit? Otherwise the difference is no price. */
static int check_hits(const struct capture *c, unsigned kinds)
{
	uint64_t counters[GBT_C_MAX] = {0}, calls = 0;

	for (int k = 0; k < PRICE_MAX; k++)
		if (kinds & 1u << k)
			calls += price_child__calls(COLD_CALLS);
	capture__stats(c, counters);
	return counters[GBT_C_HITS] == calls && !counters[GBT_C_UNREADABLE] ? 0 : -EBADMSG;
}

/* The capture stays in place: *out is the caller's to free, after an error too. */
static int run_probed(struct price_child *child, const struct process *p, unsigned kinds,
		      const struct probe_plan *plan, bool remember, struct prices *prices,
		      struct price_times *times, struct capture **out)
{
	struct capture_config cfg = {
		.proc = p,
		.plan = plan,
		.attach = prices->attach,
		.ring_sz = PRICE_RING_SZ,
	};
	struct capture *c = NULL;
	int err;

	price_child__config(&cfg.rt, remember);
	err = capture__open(&cfg, &c);
	if (!err)
		err = capture__attach(c);
	if (!err) {
		prices->attach = capture__info(c)->attach;
		capture__arm(c);
		err = run(child, kinds, COLD_CALLS, c, times);
	}
	if (!err)
		err = check_hits(c, kinds);
	*out = c;
	return err;
}

static int measure(bool nop5, bool remember, struct price_child *child, struct prices *out,
		   struct capture **capture)
{
	unsigned kinds = (1u << PRICE_MAX) - 1 - (nop5 ? 0 : 1u << PRICE_NOP5);
	struct probe_plan *plan = calloc(1, sizeof(*plan));
	struct price_times bare, with;
	struct process *p = NULL;
	int err = plan ? process__open(price_child__pid(child), &p) : -ENOMEM;

	if (!err)
		err = make_plan(p, kinds, plan);
	if (!err)
		err = run(child, kinds, COLD_CALLS_BARE, NULL, &bare);
	if (!err)
		err = run_probed(child, p, kinds, plan, remember, out, &with, capture);
	if (!err)
		subtract(&with, &bare, kinds, out);
	process__free(p);
	free(plan);
	return err;
}

static const char *cause(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "this kernel or processor cannot do it";
	case -EBADMSG:
		return "not every call of the child was a hit";
	case -ETIME:
		return "the machine was too busy";
	case -ECHILD:
		return "the child ended";
	}
	return message__cause(err, strerror(-err));
}

void prices__measure(enum capture_attach attach, bool nop5, bool remember, struct prices *out,
		     void (*told)(void *ctx), void *ctx)
{
	uint64_t begin = clock__monotonic_ns();
	struct price_child *child = NULL;
	struct capture *capture = NULL;
	int err;

	*out = (struct prices){.attach = attach};
	log__set_quiet(true);
	err = price_child__start(&child);
	if (!err)
		err = measure(nop5, remember, child, out, &capture);
	price_child__end(child);
	if (err) {
		memset(out->of, 0, sizeof(out->of));
		snprintf(out->why, sizeof(out->why), "%s", cause(err));
	}
	out->took_ns = clock__monotonic_ns() - begin;
	told(ctx);
	capture__free(capture);
	log__set_quiet(false);
}
