/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A window that is cut out of a stream must tell what the whole stream tells of that time: the
 * streams of real programs (tests/golden) go through a window that holds only their end, and the
 * model's transitions of the cut are compared with those of the whole, one by one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strtab.h"
#include "model/model.h"
#include "watch/window.h"
#include "golden_streams.h"

/* What is compared of a transition. */
struct seen {
	uint64_t time_ns, subject;
	int type;
	uint16_t reason;
	uint64_t stack;
};

struct told {
	struct model *model;
	struct seen *t;
	size_t cnt, cap;
	uint64_t from_ns;
	struct imap states; /* goid -> status when from_ns came */
	const struct model_stats *stats;
};

/* Not the stop of the world: one that began before the window has no end in it. */
static bool is_of_goroutine(int type)
{
	switch (type) {
	case TR_GO_CREATE:
	case TR_GO_CREATE_BLOCKED:
	case TR_GO_CREATE_SYSCALL:
	case TR_GO_START:
	case TR_GO_STOP:
	case TR_GO_BLOCK:
	case TR_GO_UNBLOCK:
	case TR_GO_DESTROY:
	case TR_GO_DESTROY_SYSCALL:
	case TR_GO_SYSCALL_BEGIN:
	case TR_GO_SYSCALL_END:
	case TR_GO_SYSCALL_END_BLOCKED:
	case TR_GO_SWITCH:
	case TR_GO_SWITCH_DESTROY:
		return true;
	default:
		return false;
	}
}

static int on_transition(void *ctx, const struct transition *t)
{
	struct told *told = ctx;

	if (t->type == TR_GO_STATUS && t->initial)
		assert_int_equal(imap__put(&told->states, t->subject, t->value), 0);
	if (t->time_ns < told->from_ns || t->initial || !is_of_goroutine(t->type))
		return 0;
	if (told->cnt == told->cap) {
		told->cap = told->cap ? told->cap * 2 : 1024;
		told->t = realloc(told->t, told->cap * sizeof(*told->t));
		assert_non_null(told->t);
	}
	told->t[told->cnt++] = (struct seen){.time_ns = t->time_ns,
					     .subject = t->subject ? t->subject : t->g,
					     .type = t->type,
					     .reason = t->reason,
					     .stack = t->stack.id};
	return 0;
}

static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return model__prescan(((struct told *)ctx)->model, rec, len);
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return model__event(((struct told *)ctx)->model, rec, len);
}

typedef int (*each_fn)(void *from, raw_record_fn fn, void *ctx);

static int each_of_file(void *from, raw_record_fn fn, void *ctx)
{
	uint64_t late;

	return raw_file__each_event(from, fn, ctx, &late);
}

static int each_of_cut(void *from, raw_record_fn fn, void *ctx)
{
	return window_cut__each(from, fn, ctx);
}

/* Both passes of the model over events from wherever. */
static void tell(struct told *told, const struct stream *s, const struct snapshot *snap,
		 uint64_t start_ns, uint64_t from_ns, each_fn each, void *from)
{
	const struct raw_meta *m = raw_file__meta(s->raw);
	uint64_t end_ns = raw_file__trailer(s->raw)->end_ns;
	struct strtab *strings;
	struct model_config mc = {.start_ns = start_ns,
				  .end_ns = end_ns,
				  .go_minor = m->go_minor,
				  .gomaxprocs = m->gomaxprocs,
				  .snapshot = snap,
				  .sink = on_transition,
				  .sink_ctx = told};
	struct model_stats stats;

	*told = (struct told){.from_ns = from_ns};
	assert_int_equal(strtab__new(&strings), 0);
	mc.strings = strings;
	assert_int_equal(model__new(&mc, &told->model), 0);
	assert_int_equal(each(from, on_prescan, told), 0);
	assert_int_equal(each(from, on_event, told), 0);
	assert_int_equal(model__finish(told->model, end_ns), 0);
	stats = *model__stats(told->model);
	for (int i = 0; i < REPAIR_MAX; i++)
		if (stats.repairs[i])
			print_message("%s: %llu repairs\n", model_repair__name(i),
				      (unsigned long long)stats.repairs[i]);
	model__free(told->model);
	strtab__free(strings);
}

static void told_free(struct told *t)
{
	free(t->t);
	imap__free(&t->states);
}

/* ---- through a window ---- */

#define TICK_NS 2000000ull

struct feeding {
	struct window *w;
	uint64_t settled_ns;
};

static int feed(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct feeding *f = ctx;
	struct window_mark mark = {.time_ns = rec->time_ns};

	assert_int_equal(window__record(f->w, rec, len), 0);
	if (rec->kind > GBT_EVENT_MAX || rec->time_ns < f->settled_ns + 2 * TICK_NS)
		return 0;
	f->settled_ns = rec->time_ns - TICK_NS;
	if (window__is_due(f->w, f->settled_ns)) {
		mark.time_ns = f->settled_ns;
		assert_int_equal(window__chunk(f->w, &mark), 0);
	}
	return window__settle(f->w, f->settled_ns, NULL, NULL);
}

static int define(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	if (rec->kind == GBT_STACK || rec->kind == GBT_LABELS)
		assert_int_equal(window__record(ctx, rec, len), 0);
	return 0;
}

static struct window_cut *cut_end(const struct stream *s, uint64_t keep_ns, uint64_t max_sz)
{
	const struct raw_meta *m = raw_file__meta(s->raw);
	const struct window_config cfg = {
		.keep_ns = keep_ns, .max_sz = max_sz, .go_minor = m->go_minor};
	uint64_t end_ns = raw_file__trailer(s->raw)->end_ns, late;
	struct window_mark mark = {.time_ns = s->tables->snapshot->end_ns};
	struct feeding f = {.settled_ns = mark.time_ns};
	struct window_cut *c;

	assert_int_equal(window__new(&cfg, &f.w), 0);
	assert_int_equal(window__begin(f.w, s->tables->snapshot), 0);
	assert_int_equal(window__chunk(f.w, &mark), 0);
	assert_int_equal(raw_file__each_record(s->raw, define, f.w), 0);
	assert_int_equal(raw_file__each_event(s->raw, feed, &f, &late), 0);
	assert_int_equal(window__settle(f.w, UINT64_MAX, NULL, NULL), 0);
	assert_int_equal(window__cut(f.w, end_ns - keep_ns, end_ns, &c), 0);
	window__free(f.w); /* what is cut out stays */
	return c;
}

static bool equal(const struct seen *a, const struct seen *b)
{
	return a->time_ns == b->time_ns && a->subject == b->subject && a->type == b->type &&
	       a->reason == b->reason && a->stack == b->stack;
}

static void same(const char *name, const struct told *whole, const struct told *part)
{
	size_t other = 0;

	if (whole->cnt != part->cnt)
		print_message("%s: %zu transitions, in the whole stream %zu\n", name, part->cnt,
			      whole->cnt);
	assert_true(part->cnt > 500);
	assert_int_equal(whole->cnt, part->cnt);
	for (size_t i = 0; i < part->cnt; i++)
		other += !equal(&whole->t[i], &part->t[i]);
	assert_int_equal(other, 0);
}

static int has_stack(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct gbt_event *e = (const struct gbt_event *)rec;
	struct imap *defined = ctx;

	if (rec->kind == GBT_STACK)
		return imap__put(defined, ((const struct gbt_stack *)rec)->id, 1);
	assert_true(!e->stack || imap__get(defined, e->stack, NULL));
	return 0;
}

/* In a window of a third of the stream: it begins where events have gone. */
static void check_stream(void **state)
{
	const char *name = *state;
	struct stream s;
	struct told whole, part;
	struct window_cut *cut;
	struct imap defined = {0};
	uint64_t start_ns, end_ns, keep_ns, snap_ns;

	open_stream(name, &s);
	start_ns = raw_file__meta(s.raw)->start_ns;
	end_ns = raw_file__trailer(s.raw)->end_ns;
	snap_ns = s.tables->snapshot->end_ns;
	keep_ns = (end_ns - snap_ns) / 3;
	cut = cut_end(&s, keep_ns, 64u << 20);
	assert_false(cut->full);
	assert_int_equal(cut->start_ns, end_ns - keep_ns);
	assert_int_equal(window_cut__each(cut, has_stack, &defined), 0);
	tell(&whole, &s, s.tables->snapshot, start_ns, cut->start_ns, each_of_file, s.raw);
	tell(&part, &s, cut->states, cut->start_ns, cut->start_ns, each_of_cut, cut);
	same(name, &whole, &part);
	told_free(&whole);
	told_free(&part);
	imap__free(&defined);
	window_cut__free(cut);
	close_stream(&s);
}

/* Bytes run out before time does: the window is shorter, and says so. */
static void memory_bounds_it(void **state)
{
	struct stream s;
	struct window_cut *cut;
	struct told part;
	uint64_t end_ns, sz = 0;

	open_stream(GO1_27, &s);
	end_ns = raw_file__trailer(s.raw)->end_ns;
	cut = cut_end(&s, end_ns - s.tables->snapshot->end_ns, 600u << 10);
	assert_true(cut->full);
	assert_true(cut->start_ns > s.tables->snapshot->end_ns);
	for (size_t i = 0; i < cut->cnt; i++)
		sz += cut->lens[i];
	assert_in_range(sz, 1, 600u << 10);
	tell(&part, &s, cut->states, cut->start_ns, cut->start_ns, each_of_cut, cut);
	assert_true(part.cnt > 100);
	told_free(&part);
	window_cut__free(cut);
	close_stream(&s);
}

/* A program that makes ever new stacks fills half of the memory with them; the rest is counted. */
static void new_stacks_are_bounded(void **state)
{
	const struct window_config cfg = {
		.keep_ns = 1000000000, .max_sz = 1u << 20, .go_minor = 27};
	const struct snapshot empty = {.end_ns = 1};
	struct gbt_stack stack = {.hdr = {.kind = GBT_STACK}, .cnt = 32};
	size_t len = offsetof(struct gbt_stack, pcs) + 8 * stack.cnt;
	struct window_cut *cut;
	struct window *w;

	assert_int_equal(window__new(&cfg, &w), 0);
	assert_int_equal(window__begin(w, &empty), 0);
	assert_int_equal(window__chunk(w, &(struct window_mark){.time_ns = 1}), 0);
	for (stack.id = 1; stack.id <= 10000; stack.id++)
		assert_int_equal(window__record(w, &stack, len), 0);
	assert_in_range(window__bytes(w), 400u << 10, 600u << 10);
	assert_int_equal(window__cut(w, 1, 2, &cut), 0);
	assert_in_range(cut->refused, 7000, 9999);
	window_cut__free(cut);
	window__free(w);
}

/* When half of the memory is full, what no chunk has gives way; what a chunk, or a state, has
 * stays. */
static void stacks_are_forgotten(void **state)
{
	const struct window_config cfg = {.keep_ns = 1000, .max_sz = 1u << 20, .go_minor = 27};
	const struct snapshot empty = {.end_ns = 1};
	struct gbt_stack stack = {.hdr = {.kind = GBT_STACK}, .cnt = 32};
	size_t len = offsetof(struct gbt_stack, pcs) + 8 * stack.cnt;
	struct gbt_event e = {.hdr = {.time_ns = 100, .kind = GBT_BLOCK, .tid = 1}, .goid = 5};
	struct window_cut *cut;
	struct imap defined = {0};
	struct window *w;

	assert_int_equal(window__new(&cfg, &w), 0);
	assert_int_equal(window__begin(w, &empty), 0);
	assert_int_equal(window__chunk(w, &(struct window_mark){.time_ns = 1}), 0);
	for (stack.id = 1; !window__is_full_of_definitions(w); stack.id++)
		assert_int_equal(window__record(w, &stack, len), 0);
	for (e.stack = 7; e.stack <= 8; e.stack++, e.hdr.time_ns += 1000, e.goid++) {
		assert_int_equal(window__record(w, &e, sizeof(e)), 0);
		assert_int_equal(window__settle(w, e.hdr.time_ns, NULL, NULL), 0);
		assert_int_equal(
			window__chunk(w, &(struct window_mark){.time_ns = e.hdr.time_ns + 1}), 0);
	}
	/* the chunk of 7 goes, the goroutine that waits there stays */
	assert_int_equal(window__chunk(w, &(struct window_mark){.time_ns = 2050}), 0);
	window__forget(w, NULL, NULL);
	assert_false(window__is_full_of_definitions(w));
	assert_int_equal(window__cut(w, 1, 3000, &cut), 0);
	assert_int_equal(window_cut__each(cut, has_stack, &defined), 0);
	assert_true(imap__get(&defined, 8, NULL));
	assert_int_equal(cut->states->g_cnt, 1);
	assert_int_equal(cut->states->g[0].stack_cnt, 32);
	assert_int_equal(window__record(w, &stack, len), 0);
	assert_int_equal(cut->refused, 0);
	imap__free(&defined);
	window_cut__free(cut);
	window__free(w);
}

static struct gbt_event event_at(uint64_t time_ns)
{
	return (struct gbt_event){
		.hdr = {.time_ns = time_ns, .kind = GBT_RUN, .tid = 1}, .goid = 5, .p = 0};
}

/* An event behind its time is kept, and counted in the windows that hold its place. */
static void late_events_are_counted(void **state)
{
	const struct window_config cfg = {.keep_ns = 1000, .max_sz = 4u << 20, .go_minor = 27};
	const struct snapshot empty = {.end_ns = 1};
	static const uint64_t times[] = {100, 300, 200};
	struct window_cut *before, *after;
	struct window *w;

	assert_int_equal(window__new(&cfg, &w), 0);
	assert_int_equal(window__begin(w, &empty), 0);
	assert_int_equal(window__chunk(w, &(struct window_mark){.time_ns = 1}), 0);
	for (size_t i = 0; i < 3; i++) {
		const struct gbt_event e = event_at(times[i]);

		assert_int_equal(window__record(w, &e, sizeof(e)), 0);
		assert_int_equal(window__settle(w, times[i] + 50, NULL, NULL), 0);
	}
	assert_int_equal(window__late(w), 1);
	assert_int_equal(window__chunk(w, &(struct window_mark){.time_ns = 400}), 0);
	assert_int_equal(window__cut(w, 1, 500, &before), 0);
	assert_int_equal(window__cut(w, 400, 500, &after), 0);
	assert_int_equal(before->late, 1);
	assert_int_equal(after->late, 0);
	window_cut__free(before);
	window_cut__free(after);
	window__free(w);
}

/* ---- slices ---- */

static struct snapshot *snapshot_of(uint64_t at_ns, uint64_t goid)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->begin_ns = s->end_ns = at_ns;
	s->g = calloc(1, sizeof(*s->g));
	s->pcs = calloc(2, sizeof(*s->pcs));
	assert_true(s->g && s->pcs);
	s->pcs[0] = 0x1000 + goid;
	s->pcs[1] = 0x2000;
	s->pcs_cnt = 2;
	s->g[0] = (struct snap_g){.goid = goid, .status = G_WAITING, .stack_cnt = 2};
	s->g_cnt = s->g_total = 1;
	return s;
}

static int count_steps(void *ctx, const struct gbt_event *e, const struct gstep *steps, size_t cnt)
{
	*(size_t *)ctx += cnt;
	return 0;
}

static size_t put_event(struct window *w, uint64_t time_ns, uint16_t kind, uint64_t goid)
{
	struct gbt_event e = event_at(time_ns);
	size_t steps = 0;

	e.hdr.kind = kind;
	e.goid = goid;
	assert_int_equal(window__record(w, &e, sizeof(e)), 0);
	assert_int_equal(window__settle(w, time_ns, count_steps, &steps), 0);
	return steps;
}

/* What a cut tells, a letter each: . an event, ( a slice begins, ) it ends. */
struct said {
	char text[64];
	uint64_t begin_ns[8], end_ns[8], goid[8];
	size_t cnt, begun, ended;
};

static int say(struct said *s, char c)
{
	assert_in_range(s->cnt, 0, sizeof(s->text) - 2);
	s->text[s->cnt++] = c;
	return 0;
}

static int say_record(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return rec->kind < GBT_STACK ? say(ctx, '.') : 0;
}

static int say_begin(void *ctx, uint64_t start_ns, const struct snapshot *states)
{
	struct said *s = ctx;

	s->begin_ns[s->begun] = start_ns;
	s->goid[s->begun++] = states->g[0].goid;
	return say(s, '(');
}

static int say_end(void *ctx, const struct raw_slice_end *e)
{
	struct said *s = ctx;

	s->begin_ns[4 + s->ended] = e->start_ns;
	s->end_ns[s->ended++] = e->end_ns;
	return say(s, ')');
}

static struct said said_of(const struct window_cut *c)
{
	struct said s = {0};
	const struct window_sink to = {say_record, say_begin, say_end, &s};

	assert_int_equal(window_cut__each_slice(c, &to), 0);
	return s;
}

#define MARK(ns) (&(const struct window_mark){.time_ns = (ns)})
#define US 1000ull

/* Of 1 to 100 µs, nothing up to 200, to 300, nothing to 400, and from there on. */
static struct window *sliced_window(uint64_t keep_ns)
{
	const struct window_config cfg = {.keep_ns = keep_ns, .max_sz = 4u << 20, .go_minor = 27};
	struct snapshot *first = snapshot_of(US, 5);
	struct window *w;

	assert_int_equal(window__new(&cfg, &w), 0);
	assert_int_equal(window__begin(w, first), 0);
	snapshot__free(first);
	assert_int_equal(window__chunk(w, MARK(US)), 0);
	assert_int_equal(put_event(w, 50 * US, GBT_UNBLOCK, 5), 1);
	assert_int_equal(
		window__pause(w, &(struct raw_slice_end){.end_ns = 100 * US}, MARK(100 * US)), 0);
	assert_int_equal(window__sees_since(w), 0);
	assert_int_equal(put_event(w, 150 * US, GBT_RUN, 5), 0);
	assert_int_equal(window__resume(w, snapshot_of(201 * US, 6), 200 * US, MARK(200 * US)), 0);
	assert_int_equal(window__sees_since(w), 200 * US);
	assert_int_equal(window__resume(w, snapshot_of(202 * US, 6), 202 * US, MARK(202 * US)),
			 -EALREADY);
	assert_int_equal(put_event(w, 250 * US, GBT_UNBLOCK, 6), 1);
	assert_int_equal(
		window__pause(w, &(struct raw_slice_end){.end_ns = 300 * US}, MARK(300 * US)), 0);
	assert_int_equal(window__resume(w, snapshot_of(401 * US, 7), 400 * US, MARK(400 * US)), 0);
	assert_int_equal(put_event(w, 450 * US, GBT_UNBLOCK, 7), 1);
	return w;
}

static void slices_are_told(void **state)
{
	struct window *w = sliced_window(1000 * US);
	struct window_cut *c;
	struct said s;

	assert_int_equal(window__cut(w, 2 * US, 500 * US, &c), 0);
	s = said_of(c);
	assert_string_equal(s.text, ".).(.)(.");
	assert_true(c->sliced);
	assert_int_equal(c->sliced_ns, (98 + 100 + 100) * US);
	assert_int_equal(s.begin_ns[4], 2 * US);
	assert_int_equal(s.end_ns[0], 100 * US);
	assert_int_equal(s.begin_ns[0], 200 * US);
	assert_int_equal(s.begin_ns[1], 400 * US);
	assert_int_equal(s.goid[0], 6);
	assert_int_equal(s.goid[1], 7);
	assert_int_equal(c->states->g_cnt, 1);
	assert_int_equal(c->states->g[0].goid, 5);
	window_cut__free(c);
	window__free(w);
}

/* One that begins between two has nobody at its begin, and a first slice without length. */
static void a_window_may_begin_in_a_gap(void **state)
{
	struct window *w = sliced_window(1000 * US);
	struct window_cut *c;
	struct said s;

	assert_int_equal(window__cut(w, 120 * US, 280 * US, &c), 0);
	s = said_of(c);
	assert_string_equal(s.text, ".)(.");
	assert_int_equal(s.begin_ns[4], 120 * US);
	assert_int_equal(s.end_ns[0], 120 * US);
	assert_int_equal(c->states->g_cnt, 0);
	window_cut__free(c);
	assert_int_equal(window__cut(w, 310 * US, 390 * US, &c), 0);
	assert_string_equal(said_of(c).text, "");
	assert_int_equal(c->slice_cnt, 0);
	assert_true(c->sliced);
	window_cut__free(c);
	assert_int_equal(window__cut(w, 410 * US, 500 * US, &c), 0);
	assert_string_equal(said_of(c).text, ".");
	assert_false(c->sliced);
	window_cut__free(c);
	window__free(w);
}

/* The states of a slice of which the begin has gone: its events are folded into what was read. */
static void a_slice_is_folded_away(void **state)
{
	struct window *w = sliced_window(100000 * US);
	struct window_cut *c, *later;

	assert_int_equal(window__chunk(w, MARK(460 * US)), 0);
	assert_int_equal(put_event(w, 470 * US, GBT_RUN, 7), 1);
	assert_int_equal(window__chunk(w, MARK(480 * US)), 0);
	assert_int_equal(window__cut(w, 2 * US, 500 * US, &c), 0);
	window__bound(w, 1);
	assert_int_equal(window__chunk(w, MARK(490 * US)), 0);
	assert_int_equal(window__cut(w, 2 * US, 500 * US, &later), 0);
	assert_false(later->sliced);
	assert_true(later->full);
	assert_int_equal(later->start_ns, 490 * US);
	assert_int_equal(later->states->g_cnt, 1);
	assert_int_equal(later->states->g[0].goid, 7);
	assert_int_equal(later->states->g[0].status, G_RUNNING);
	assert_string_equal(said_of(c).text, ".).(.)(..");
	window_cut__free(later);
	window_cut__free(c);
	window__free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_STREAM(check_stream),
		cmocka_unit_test(memory_bounds_it),
		cmocka_unit_test(new_stacks_are_bounded),
		cmocka_unit_test(stacks_are_forgotten),
		cmocka_unit_test(late_events_are_counted),
		cmocka_unit_test(slices_are_told),
		cmocka_unit_test(a_window_may_begin_in_a_gap),
		cmocka_unit_test(a_slice_is_folded_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
