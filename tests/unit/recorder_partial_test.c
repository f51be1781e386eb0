/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A profile that is made alone comes from a stream without the events of other probes. From the
 * streams of real programs (tests/golden) such events are taken away here, and the profile must be
 * that of the whole stream. So must one that is folded meanwhile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/analysis.h"
#include "base/imap.h"
#include "base/strtab.h"
#include "model/model.h"
#include "output/profile_kinds.h"
#include "recorder/live_fold.h"
#include "golden_streams.h"

static const uint64_t of_kind[GBT_EVENT_MAX + 1] = {
	[GBT_CREATE] = SITE_BIT(SITE_CREATE),
	[GBT_RUN] = SITE_BIT(SITE_EXECUTE),
	[GBT_BLOCK] = SITE_BIT(SITE_PARK),
	[GBT_UNBLOCK] = SITE_BIT(SITE_READY),
	[GBT_EXIT] = SITE_BIT(SITE_GOEXIT1),
	[GBT_SCHED] = SITE_BIT(SITE_GOSCHED_IMPL),
	[GBT_YIELD] = SITE_BIT(SITE_GOYIELD),
	[GBT_PREEMPT_PARK] = SITE_BIT(SITE_PREEMPT_PARK),
	[GBT_SYSCALL] = SITE_BIT(SITE_REENTERSYSCALL),
	[GBT_SYSCALL_BLOCK] = SITE_BIT(SITE_ENTERSYSCALLBLOCK),
	[GBT_SYSCALL_EXIT] = SITE_BIT(SITE_EXITSYSCALL),
	[GBT_SYSCALL_EXIT_NOP] = SITE_BIT(SITE_EXITSYSCALL_NOP),
	[GBT_COROSWITCH] = SITE_BIT(SITE_COROSWITCH),
	[GBT_STW_BEGIN] = SITE_BIT(SITE_STW),
	[GBT_STW_END] = SITE_BIT(SITE_START_WORLD),
	[GBT_GC_MARK_TERM] = SITE_BIT(SITE_MARK_TERM),
	[GBT_GC_SWEEP] = SITE_BIT(SITE_GC_SWEEP),
	[GBT_GC_ASSIST] = SITE_BIT(SITE_GC_ASSIST),
	[GBT_P_START] = SITE_BIT(SITE_ACQUIREP),
	[GBT_P_STOP] = SITE_BIT(SITE_RELEASEP),
	[GBT_P_HANDOFF] = SITE_BIT(SITE_HANDOFFP),
	[GBT_CGO_NEEDM] = SITE_BIT(SITE_NEEDM),
	[GBT_CGO_DROPM] = SITE_BIT(SITE_DROPM),
};

struct folding {
	const struct stream *s;
	uint64_t sites;
	struct model *model;
	struct analysis *analysis;
};

static int on_transition(void *ctx, const struct transition *t)
{
	return analysis__transition(((struct folding *)ctx)->analysis, t);
}

static bool is_seen(const struct folding *f, const struct gbt_hdr *rec)
{
	return f->sites == SITES_ALL ||
	       (rec->kind <= GBT_EVENT_MAX && of_kind[rec->kind] & f->sites);
}

static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct folding *f = ctx;

	return is_seen(f, rec) ? model__prescan(f->model, rec, len) : 0;
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct folding *f = ctx;

	return is_seen(f, rec) ? model__event(f->model, rec, len) : 0;
}

static struct analysis *fold(const struct stream *s, uint64_t sites, bool first_pass)
{
	const struct raw_meta *m = raw_file__meta(s->raw);
	const struct raw_trailer *t = raw_file__trailer(s->raw);
	struct folding f = {.s = s, .sites = sites};
	struct strtab *strings;
	struct analysis_config ac = {
		.start_ns = m->start_ns,
		.gomaxprocs = m->gomaxprocs,
		.frames = {capture_frames, &s->tables->frames},
		.snapshot = s->tables->snapshot,
		.stack_profiles = (1u << STACK_PROFILE_MAX) - 1,
	};
	struct model_config mc = {
		.start_ns = m->start_ns,
		.end_ns = t->end_ns,
		.go_minor = m->go_minor,
		.gomaxprocs = m->gomaxprocs,
		.snapshot = s->tables->snapshot,
		.partial = sites != SITES_ALL,
		.sink = on_transition,
		.sink_ctx = &f,
		.tid_map = &s->tables->tids,
	};
	struct summary_facts facts = {.meta = m, .trailer = t};
	struct summary *sum;
	uint64_t late = 0;

	assert_int_equal(strtab__new(&strings), 0);
	mc.strings = strings;
	assert_int_equal(analysis__new(&ac, &f.analysis), 0);
	assert_int_equal(model__new(&mc, &f.model), 0);
	if (first_pass)
		assert_int_equal(raw_file__each_event(s->raw, on_prescan, &f, &late), 0);
	assert_int_equal(raw_file__each_event(s->raw, on_event, &f, &late), 0);
	assert_int_equal(model__finish(f.model, t->end_ns), 0);
	facts.model = model__stats(f.model);
	assert_int_equal(analysis__finish(f.analysis, &facts, &sum), 0);
	summary__free(sum);
	model__free(f.model);
	strtab__free(strings);
	return f.analysis;
}

/* Rows by what names their stack. */
struct rows {
	struct imap cnt, ns;
	uint64_t total_cnt, total_ns;
};

static int on_row(void *ctx, const struct stack_profile_row *row)
{
	const struct tr_stack *st = row->st;
	const uint64_t *v = row->v;
	struct rows *r = ctx;
	uint64_t key = st ? st->id ^ st->pc ^ (uint64_t)st->skip << 56 : 0, was = 0;

	(void)imap__get(&r->cnt, key, &was);
	assert_int_equal(imap__put(&r->cnt, key, was + v[0]), 0);
	was = 0;
	(void)imap__get(&r->ns, key, &was);
	assert_int_equal(imap__put(&r->ns, key, was + v[1]), 0);
	r->total_cnt += v[0];
	r->total_ns += v[1];
	return 0;
}

static struct rows rows_of(const struct analysis *a, enum stack_profile which)
{
	struct rows r = {0};

	assert_int_equal(analysis__stack_profile(a, which, on_row, &r), 0);
	return r;
}

/* What b has otherwise than a, in counts and in time. */
static void difference(const struct rows *a, const struct rows *b, uint64_t *cnt, uint64_t *ns)
{
	uint64_t key, v;

	*cnt = *ns = 0;
	for (size_t it = 0; imap__next(&a->cnt, &it, &key, &v);) {
		uint64_t w = 0, t = 0, u = 0;

		(void)imap__get(&b->cnt, key, &w);
		(void)imap__get(&a->ns, key, &t);
		(void)imap__get(&b->ns, key, &u);
		*cnt += v > w ? v - w : w - v;
		*ns += t > u ? t - u : u - t;
	}
	for (size_t it = 0; imap__next(&b->cnt, &it, &key, &v);) {
		if (imap__get(&a->cnt, key, NULL))
			continue;
		*cnt += v;
		(void)imap__get(&b->ns, key, &v);
		*ns += v;
	}
}

static void rows_free(struct rows *r)
{
	imap__free(&r->cnt);
	imap__free(&r->ns);
}

/* A time of the clock's smallest step: a goroutine that comes from a system call without its P, and
 * gets another at once. Where system calls are not seen, it was not runnable in between. */
#define STEP_NS 64

static void compare(const char *name, const struct profile_kind *k, const struct analysis *whole,
		    const struct analysis *part, bool steps)
{
	struct rows a = rows_of(whole, k->fold), b = rows_of(part, k->fold);
	uint64_t cnt, ns;

	difference(&a, &b, &cnt, &ns);
	if (cnt || ns)
		print_message("%s %s: %llu of %llu events, %llu of %llu ns otherwise\n", name,
			      k->name, (unsigned long long)cnt, (unsigned long long)a.total_cnt,
			      (unsigned long long)ns, (unsigned long long)a.total_ns);
	if (steps && k->fold == STACK_SCHED)
		assert_true(b.total_cnt <= a.total_cnt && ns == cnt * STEP_NS);
	else
		assert_true(!cnt && !ns);
	rows_free(&a);
	rows_free(&b);
}

/* ---- folded while it is recorded ---- */

struct feeding {
	struct live_fold *live;
	uint64_t sites;
};

static int feed(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct feeding *f = ctx;

	if (rec->kind < GBT_STACK && !(of_kind[rec->kind] & f->sites))
		return 0;
	return live_fold__record(f->live, rec, len);
}

/* What the plan of probes said when the stream was recorded. */
static int find_assist_end(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	*(bool *)ctx |= rec->kind == GBT_GC_ASSIST && !((const struct gbt_event *)rec)->arg32;
	return 0;
}

/* As the drain thread hands them over, in the order of the file. */
static struct live_fold *fold_live(const struct stream *s, enum profile_id id)
{
	struct live_fold_config cfg = {
		.id = id,
		.meta = raw_file__meta(s->raw),
		.snapshot = s->tables->snapshot,
		.frames = {capture_frames, &s->tables->frames},
	};
	struct feeding f = {.sites = profile_kind__get(id)->sites};

	assert_int_equal(raw_file__each_record(s->raw, find_assist_end, &cfg.assist_ends), 0);
	assert_int_equal(live_fold__start(&cfg, &f.live), 0);
	assert_int_equal(raw_file__each_record(s->raw, feed, &f), 0);
	assert_int_equal(live_fold__end(f.live, raw_file__trailer(s->raw)->end_ns), 0);
	return f.live;
}

static void compare_live(const char *name, const struct stream *s, enum profile_id id,
			 const struct analysis *part)
{
	const struct profile_kind *k = profile_kind__get(id);
	struct live_fold *live = fold_live(s, id);
	uint64_t late = 1;

	compare(name, k, part, profile_fold__analysis(live_fold__fold(live, &late)), false);
	assert_int_equal(late, 0);
	live_fold__free(live);
}

static void check_stream(void **state)
{
	const char *name = *state;
	struct stream s;
	struct analysis *whole;
	unsigned compared = 0, live = 0;

	open_stream(name, &s);
	whole = fold(&s, SITES_ALL, true);
	for (int i = 0; i < PROFILE_ID_MAX; i++) {
		const struct profile_kind *k = profile_kind__get(i);
		struct analysis *part;

		if (!(k->needs & PROFILE_NEEDS_TRANSITIONS))
			continue;
		part = fold(&s, k->sites, profile_kind__needs_begin(k));
		compare(name, k, whole, part, true);
		compare_live(name, &s, i, part);
		live++;
		analysis__free(part);
		compared++;
	}
	assert_true(compared >= 9 && live == compared);
	analysis__free(whole);
	close_stream(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_STREAM(check_stream),
		OF_STREAM(check_stream, "go1.22.12-allocs.raw.xz"),
		OF_STREAM(check_stream, "go1.27.4-gc.raw.xz"),
		OF_STREAM(check_stream, "go1.27.4-memory.raw.xz"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
