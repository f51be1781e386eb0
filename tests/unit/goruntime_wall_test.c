/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "go_world.h"
#include "goruntime/wall.h"

#define MS_NS UINT64_C(1000000)
#define START (UINT64_C(7000) * MS_NS)

static struct wall_sampler *sampler(struct world *w, size_t rows_max)
{
	const struct wall_options opt = {.hz = 100, .labels = true, .rows_max = rows_max};
	struct wall_sampler *s = NULL;

	assert_int_equal(wall__open(&w->src, &opt, &s), 0);
	return s;
}

static void tick(struct wall_sampler *s, uint64_t at_ms)
{
	assert_int_equal(wall__tick(s, START + at_ms * MS_NS), 0);
}

static struct wall_profile *finish(struct wall_sampler *s, uint64_t at_ms)
{
	struct wall_profile *p = NULL;

	assert_int_equal(wall__finish(s, START + at_ms * MS_NS, &p), 0);
	wall__free(s);
	return p;
}

/* ms of a state in all rows, with stacks of that many PCs (any: -1) */
static uint64_t ms_in(const struct wall_profile *p, const char *state, int pcs)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < p->row_cnt; i++) {
		if (!strcmp(p->states[p->rows[i].state], state) &&
		    (pcs < 0 || p->rows[i].stack_cnt == (unsigned)pcs))
			ns += p->rows[i].ns;
	}
	assert_int_equal(ns % (MS_NS / 2), 0);
	return ns / MS_NS;
}

static void set_state(struct world *w, unsigned i, uint32_t status)
{
	put32(w, g_at(i) + 80, status);
	w->mem[g_at(i) + 85 - BASE]++; /* trackingSeq */
}

static void end(struct world *w, struct wall_profile *p)
{
	wall_profile__free(p);
	free(w->mem);
}

static void test_quiet(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;
	unsigned reads;

	make_world(&w, 3);
	make_g(&w, 0, 1, 2);
	make_g(&w, 1, 7, 5);
	make_g(&w, 2, 9, 5);
	s = sampler(&w, 0);
	tick(s, 0);
	reads = w.reads;
	for (unsigned ms = 10; ms < 100; ms += 10)
		tick(s, ms);
	/* nobody changes: only how many there are is asked */
	assert_int_equal(w.reads - reads, 9);
	tick(s, 100);
	p = finish(s, 250);
	assert_int_equal(p->row_cnt, 2); /* equal stacks are one */
	assert_int_equal(ms_in(p, "chan receive", 3), 250);
	assert_int_equal(ms_in(p, "chan receive", 6), 500);
	assert_int_equal(p->ticks, 12);
	assert_int_equal(p->passes, 3);
	assert_int_equal(p->begin_ns, START);
	assert_int_equal(p->end_ns, START + 250 * MS_NS);
	assert_true(p->pcs[p->rows[0].stack_off] == TEXT + 0x10);
	assert_true(p->rows[0].startpc == TEXT + 0x1000 && p->rows[0].gopc == TEXT + 0x2000);
	end(&w, p);
}

static void test_changes(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 1, 2);
	make_g(&w, 1, 7, 5);
	s = sampler(&w, 0);
	tick(s, 0);
	set_state(&w, 1, G_RUNNING);
	tick(s, 100); /* found by the look at all: from here on it is hot */
	set_state(&w, 1, G_RUNNABLE);
	tick(s, 110);
	tick(s, 120);
	set_state(&w, 1, G_DEAD);
	tick(s, 130);
	/* its place is taken by another */
	make_g(&w, 1, 8, 3);
	set_state(&w, 1, G_WAITING);
	tick(s, 140);
	p = finish(s, 200);
	/* half of a time between two looks belongs to each of its ends */
	assert_int_equal(ms_in(p, "running", 0), 50 + 5);
	assert_int_equal(ms_in(p, "runnable", 6), 5 + 10 + 5);
	assert_int_equal(ms_in(p, "chan receive", 6), 50);
	assert_int_equal(ms_in(p, "chan receive", 4), 5 + 60);
	assert_int_equal(ms_in(p, "chan receive", 3), 200);
	for (size_t i = 0; i < p->row_cnt; i++)
		assert_int_equal(p->rows[i].running, !p->rows[i].stack_cnt);
	end(&w, p);
}

static void test_new_ones(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 1, 2);
	s = sampler(&w, 0);
	tick(s, 0);
	make_g(&w, 1, 7, 5);
	put64(&w, at(ALLGLEN), 2);
	tick(s, 10);
	tick(s, 20);
	p = finish(s, 100);
	assert_int_equal(ms_in(p, "chan receive", 6), 5 + 90);
	assert_int_equal(ms_in(p, "chan receive", 3), 100);
	end(&w, p);
}

/* The stack of goroutine 1 is never the same twice while its words are read. */
static void keep_changing(struct world *w, uint64_t addr)
{
	if (addr >= at(STACKS))
		w->mem[g_at(1) + 85 - BASE]++;
}

static void test_torn(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 1, 2);
	make_g(&w, 1, 7, 5);
	w.meddle = keep_changing;
	s = sampler(&w, 0);
	tick(s, 0);
	tick(s, 100);
	w.meddle = NULL;
	set_state(&w, 1, G_RUNNABLE);
	tick(s, 110);
	p = finish(s, 200);
	assert_int_equal(p->stacks_torn, 2);
	/* its state is right, and no stack is made up */
	assert_int_equal(ms_in(p, "chan receive", 0), 100 + 5);
	assert_int_equal(ms_in(p, "chan receive", 3), 200);
	assert_int_equal(ms_in(p, "runnable", 6), 5 + 90);
	for (size_t i = 0; i < p->row_cnt; i++)
		assert_int_equal(p->rows[i].torn, !p->rows[i].stack_cnt);
	end(&w, p);
}

/* Go ≥ 1.24: a slice of pairs of strings */
static void put_labels(struct world *w, uint64_t place, const char *key, const char *val)
{
	put64(w, place, place + 32);
	put64(w, place + 8, 1);
	put64(w, place + 16, 1);
	put_string(w, place + 32, place + 64, key);
	put_string(w, place + 48, place + 96, val);
}

static void test_labels(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;
	size_t seen = 0;

	make_parked(&w, 4, 7, 2);
	put_labels(&w, at(TEXTS) + 0x200, "app", "x");
	put_labels(&w, at(TEXTS) + 0x400, "app", "y");
	put64(&w, g_at(0) + 136, at(TEXTS) + 0x200);
	put64(&w, g_at(1) + 136, at(TEXTS) + 0x400);
	put64(&w, g_at(2) + 136, UINT64_C(0x123450)); /* no memory */
	s = sampler(&w, 0);
	tick(s, 0);
	p = finish(s, 100);
	assert_int_equal(p->labels_unread, 1);
	assert_int_equal(p->row_cnt, 3);
	for (size_t i = 0; i < p->row_cnt; i++) {
		const struct wall_row *r = &p->rows[i];

		if (!r->label_cnt) {
			assert_int_equal(r->ns, 200 * MS_NS);
			continue;
		}
		assert_int_equal(r->label_cnt, 1);
		assert_string_equal(p->labels[r->label_off].key, "app");
		seen += p->labels[r->label_off].val[0];
	}
	assert_int_equal(seen, 'x' + 'y');
	end(&w, p);
}

/* Two hold one set; the first takes another while it is read: what is read for it is not theirs. */
static void replaced(struct world *w, uint64_t addr)
{
	if (addr == at(TEXTS) + 0x200 && !w->meddled++)
		put64(w, g_at(0) + 136, at(TEXTS) + 0x400);
}

static void test_labels_replaced_while_read(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;
	char seen[2] = "";

	make_world(&w, 2);
	make_g(&w, 0, 7, 2);
	make_g(&w, 1, 8, 4);
	put_labels(&w, at(TEXTS) + 0x200, "app", "x");
	put_labels(&w, at(TEXTS) + 0x400, "app", "y");
	put64(&w, g_at(0) + 136, at(TEXTS) + 0x200);
	put64(&w, g_at(1) + 136, at(TEXTS) + 0x200);
	w.meddle = replaced;
	s = sampler(&w, 0);
	tick(s, 0);
	w.meddle = NULL;
	p = finish(s, 100);
	assert_int_equal(p->labels_unread, 0);
	for (size_t i = 0; i < p->row_cnt; i++) {
		const struct wall_row *r = &p->rows[i];

		if (!r->ns)
			continue;
		assert_int_equal(r->label_cnt, 1);
		seen[r->stack_cnt == 5] = p->labels[r->label_off].val[0];
	}
	assert_int_equal(seen[0], 'y');
	assert_int_equal(seen[1], 'x');
	end(&w, p);
}

static void test_bounded(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;

	make_world(&w, 3);
	for (unsigned i = 0; i < 3; i++)
		make_g(&w, i, 7 + i, 2 + i);
	s = sampler(&w, 2);
	tick(s, 0);
	set_state(&w, 0, G_RUNNING);
	tick(s, 100);
	set_state(&w, 0, G_WAITING); /* known already: there is room */
	p = finish(s, 200);
	assert_int_equal(p->row_cnt, 2);
	assert_int_equal(ms_in(p, "chan receive", 3), 50 + 50);
	assert_int_equal(ms_in(p, "chan receive", 4), 200);
	assert_int_equal(p->dropped_ns, (200 + 100) * MS_NS);
	assert_int_equal(p->pcs_cnt, 3 + 4);
	end(&w, p);
}

static int gone(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens, size_t cnt)
{
	(void)ctx, (void)addrs, (void)dst, (void)lens, (void)cnt;
	return -ESRCH;
}

static void test_target_ends(void **state)
{
	struct wall_profile *p;
	struct wall_sampler *s;
	struct world w;

	make_world(&w, 1);
	make_g(&w, 0, 7, 2);
	s = sampler(&w, 0);
	tick(s, 0);
	tick(s, 50);
	w.src.rd.readv = gone;
	assert_int_equal(wall__tick(s, START + 60 * MS_NS), -ESRCH);
	p = finish(s, 70);
	assert_int_equal(ms_in(p, "chan receive", 3), 50);
	assert_int_equal(p->end_ns, START + 50 * MS_NS);
	end(&w, p);
}

static void test_serialized(void **state)
{
	struct wall_profile *p, *again = NULL;
	struct buf a = {0}, b = {0};
	struct wall_sampler *s;
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 7, 2);
	make_g(&w, 1, 8, 4);
	put_labels(&w, at(TEXTS) + 0x200, "app", "x");
	put64(&w, g_at(1) + 136, at(TEXTS) + 0x200);
	s = sampler(&w, 0);
	wall__late(s, 3);
	tick(s, 0);
	p = finish(s, 100);
	assert_int_equal(p->ticks_late, 3);
	assert_int_equal(wall_profile__serialize(p, &a), 0);
	assert_int_equal(wall_profile__parse(span__of(a.data, a.len), &again), 0);
	assert_int_equal(wall_profile__serialize(again, &b), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	wall_profile__free(again);
	for (size_t n = 0; n < a.len; n++)
		assert_int_equal(wall_profile__parse(span__of(a.data, n), &again), -EBADMSG);
	buf__u8(&a, 0);
	assert_int_equal(wall_profile__parse(span__of(a.data, a.len), &again), -EBADMSG);
	wall_profile__free(p);
	buf__free(&a);
	buf__free(&b);
	free(w.mem);
}

/* Equal stacks of two goroutines, when they are told apart: in the stored form too. */
static void test_goroutines_apart(void **state)
{
	const struct wall_options opt = {.hz = 100, .goids = true};
	struct wall_profile *p, *again = NULL;
	struct wall_sampler *s;
	struct buf out = {0};
	struct world w;

	make_world(&w, 2);
	make_g(&w, 0, 7, 4);
	make_g(&w, 1, 8, 4);
	assert_int_equal(wall__open(&w.src, &opt, &s), 0);
	tick(s, 0);
	p = finish(s, 100);
	assert_true(p->goids);
	assert_int_equal(p->row_cnt, 2);
	assert_int_equal(p->rows[0].goid + p->rows[1].goid, 15);
	assert_int_equal(p->rows[0].stack_off, p->rows[1].stack_off);
	assert_int_equal(wall_profile__serialize(p, &out), 0);
	assert_int_equal(wall_profile__parse(span__of(out.data, out.len), &again), 0);
	assert_true(again->goids);
	assert_int_equal(again->rows[0].goid, p->rows[0].goid);
	assert_int_equal(again->rows[1].goid, p->rows[1].goid);
	for (size_t n = 0; n < out.len; n++) {
		struct wall_profile *cut = NULL;

		assert_int_equal(wall_profile__parse(span__of(out.data, n), &cut), -EBADMSG);
	}
	wall_profile__free(again);
	buf__free(&out);
	end(&w, p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_new_ones),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_target_ends),
		cmocka_unit_test(test_serialized),
		cmocka_unit_test(test_goroutines_apart),
		cmocka_unit_test(test_labels_replaced_while_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
