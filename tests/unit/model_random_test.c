/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "model/model.h"
#include "raw/raw.h"
#include "sched_sim.h"
#include "trace_rules.h"

/*
 * Random programs of a make-believe scheduler. Without losses the model must say for each
 * goroutine exactly what runtime/trace would have said, and repair nothing; with any share of
 * the records lost the result must still be legal.
 */
#define STEPS 6000
#define WARM_UP 400

struct run {
	struct buf recs; /* u64 length, record */
	struct rules rules;
	struct imap told;  /* goid -> hash, as sim_g.told */
	struct imap ended; /* goid -> hash of what the simulator noted until it ended */
	struct strtab *strings;
	struct model *model;
	unsigned loss; /* percent */
	uint64_t rng;
};

static void keep(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct run *r = ctx;

	r->rng = r->rng * 6364136223846793005ull + 1442695040888963407ull;
	if ((r->rng >> 33) % 100 < r->loss)
		return;
	buf__u64(&r->recs, len);
	buf__append(&r->recs, rec, len);
	while (r->recs.len % 8)
		buf__u8(&r->recs, 0);
}

static void note(struct run *r, uint64_t goid, enum tr_type type, uint64_t arg)
{
	uint64_t h = 0;

	imap__get(&r->told, goid, &h);
	assert_int_equal(imap__put(&r->told, goid, sim_mix(h, (uint64_t)type << 32 | arg)), 0);
}

static int on_transition(void *ctx, const struct transition *t)
{
	struct run *r = ctx;

	if (rules__transition(&r->rules, t))
		return -EPROTO;
	switch (t->type) {
	case TR_GO_CREATE:
	case TR_GO_CREATE_BLOCKED:
	case TR_GO_CREATE_SYSCALL:
	case TR_GO_START:
	case TR_GO_UNBLOCK:
		note(r, t->subject, t->type, 0);
		break;
	case TR_GO_BLOCK:
	case TR_GO_STOP:
	case TR_STW_BEGIN:
		note(r, t->g, t->type, t->reason);
		break;
	case TR_GO_DESTROY:
	case TR_GO_DESTROY_SYSCALL:
	case TR_GO_SYSCALL_BEGIN:
	case TR_GO_SYSCALL_END:
	case TR_GO_SYSCALL_END_BLOCKED:
	case TR_STW_END:
		note(r, t->g, t->type, 0);
		break;
	case TR_GO_SWITCH:
	case TR_GO_SWITCH_DESTROY:
		note(r, t->subject, t->type, 1);
		note(r, t->g, t->type, 0);
		break;
	default:
		break;
	}
	return 0;
}

static int feed(struct run *r, int (*fn)(struct model *, const struct gbt_hdr *, size_t))
{
	for (size_t off = 0; off < r->recs.len;) {
		const uint8_t *at = r->recs.data + off;
		uint64_t len = *(const uint64_t *)at;
		int err = fn(r->model, (const struct gbt_hdr *)(at + 8), len);

		if (err)
			return err;
		off += 8 + (len + 7) / 8 * 8;
	}
	return 0;
}

/* Runs one world; the caller looks at *r and frees. */
static struct sim *run_world(struct run *r, uint64_t seed, unsigned loss, bool prescan,
			     bool with_snapshot)
{
	struct sim *s = sim_create_world(seed);
	struct model_config cfg = {
		.go_minor = 26, .gomaxprocs = SIM_PROCS, .sink = on_transition, .sink_ctx = r};
	struct snapshot snap = {0};
	int err;

	memset(r, 0, sizeof(*r));
	r->loss = loss;
	r->rng = seed;
	s->emit = keep;
	s->ctx = r;
	s->quiet = true;
	for (int i = 0; i < WARM_UP; i++)
		sim_step(s);
	s->quiet = false;
	cfg.start_ns = s->now_ns;
	/* the snapshot comes when the window has been open for a while */
	for (int i = 0; i < STEPS; i++) {
		if (i == STEPS / 100)
			sim_snapshot(s, &snap);
		sim_step(s);
	}
	assert_int_equal(strtab__new(&r->strings), 0);
	cfg.strings = r->strings;
	cfg.snapshot = with_snapshot ? &snap : NULL;
	assert_int_equal(model__new(&cfg, &r->model), 0);
	if (prescan)
		assert_int_equal(feed(r, model__prescan), 0);
	err = feed(r, model__event);
	if (!err)
		err = model__finish(r->model, s->now_ns + 1000);
	if (err)
		fail_msg("seed %llu loss %u: %s", (unsigned long long)seed, loss, r->rules.error);
	free(snap.g);
	free(snap.m);
	return s;
}

static void end_world(struct sim *s, struct run *r)
{
	buf__free(&r->recs);
	rules__free(&r->rules);
	imap__free(&r->told);
	model__free(r->model);
	strtab__free(r->strings);
	free(s);
}

static void test_whole_sequences_are_told_as_the_tracer_does(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct run r;
		struct sim *s = run_world(&r, seed, 0, true, true);
		const struct model_stats *st = model__stats(r.model);

		for (int i = 0; i < REPAIR_MAX; i++) {
			if (st->repairs[i])
				fail_msg("seed %llu: %llu repairs of class %s",
					 (unsigned long long)seed,
					 (unsigned long long)st->repairs[i], model_repair__name(i));
		}
		for (size_t i = 0; i < SIM_GOROUTINES; i++) {
			const struct sim_g *g = &s->gs[i];
			uint64_t h = 0;

			if (!g->id || g->id == SIM_EXTRA_G)
				continue;
			imap__get(&r.told, g->id, &h);
			if (h != g->told)
				fail_msg("seed %llu: goroutine %llu differs",
					 (unsigned long long)seed, (unsigned long long)g->id);
		}
		if (st->events_in <= STEPS / 4)
			print_error("seed %llu: %llu events\n", (unsigned long long)seed,
				    (unsigned long long)st->events_in);
		end_world(s, &r);
	}
}

static void test_any_loss_leaves_a_legal_sequence(void **state)
{
	for (uint64_t seed = 1; seed <= 240; seed++) {
		unsigned loss = seed % 71;
		struct run r;
		struct sim *s = run_world(&r, seed, loss, seed % 3, seed % 4);

		if (loss > 5) {
			uint64_t sum = 0;

			for (int i = 0; i < REPAIR_MAX; i++)
				sum += model__stats(r.model)->repairs[i];
			assert_true(sum > 0);
		}
		end_world(s, &r);
	}
}

static void test_no_events_at_all(void **state)
{
	struct run r;
	struct sim *s = run_world(&r, 5, 100, true, true);

	assert_int_equal(model__stats(r.model)->events_in, 0);
	assert_true(r.rules.cnt > 10); /* the snapshot's goroutines */
	end_world(s, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_sequences_are_told_as_the_tracer_does),
		cmocka_unit_test(test_any_loss_leaves_a_legal_sequence),
		cmocka_unit_test(test_no_events_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
