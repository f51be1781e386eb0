/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "watch/window_internal.h"

#define PAD(n) (((n) + 7) & ~(size_t)7)

/* ---- the states at its begin ---- */

struct building {
	const struct window *w;
	struct snapshot *s;
	size_t pcs_cap;
	struct imap offs; /* stack id -> offset + 1 in pcs */
};

static int add_stack(struct building *b, uint64_t id, struct snap_g *g)
{
	const struct gbt_stack *st = defs__stack(&b->w->defs, id);
	struct snapshot *s = b->s;
	uint64_t off;
	int err;

	if (!st)
		return 0;
	g->stack_cnt = st->cnt;
	g->stack_cut = g->stack_cut || st->flags & GBT_F_STACK_CUT;
	if (imap__get(&b->offs, id, &off)) {
		g->stack_off = (uint32_t)off - 1;
		return 0;
	}
	err = array__reserve(&s->pcs, s->pcs_cnt, &b->pcs_cap, st->cnt, sizeof(*s->pcs));
	if (!err && s->pcs_cnt + st->cnt >= UINT32_MAX)
		err = -E2BIG;
	if (!err)
		err = imap__put(&b->offs, id, s->pcs_cnt + 1);
	if (err)
		return err;
	memcpy(s->pcs + s->pcs_cnt, st->pcs, st->cnt * sizeof(*s->pcs));
	g->stack_off = (uint32_t)s->pcs_cnt;
	s->pcs_cnt += st->cnt;
	return 0;
}

static int add_g(struct building *b, const struct gstate *st)
{
	struct snap_g g = {
		.goid = st->goid,
		.status = st->status,
		.wait_reason = st->wait_reason,
		.block_reason = st->block_reason,
		.sampled = st->status == G_RUNNING,
		.stack_cut = st->stack_cut,
		.tid = st->tid,
		.waitsince_ns = st->status == G_WAITING ? (int64_t)st->since_ns : 0,
		.startpc = st->startpc,
		.in_mark_assist = st->assist != GASSIST_NONE,
	};
	/* where it stopped is not where it runs */
	int err = st->status == G_RUNNING ? 0 : add_stack(b, st->stack, &g);

	if (!err)
		b->s->g[b->s->g_cnt++] = g;
	return err;
}

static int by_goid(const void *a, const void *b)
{
	uint64_t x = ((const struct snap_g *)a)->goid, y = ((const struct snap_g *)b)->goid;

	return x < y ? -1 : x > y;
}

static int add_ms(struct snapshot *s, const struct gstates *st)
{
	for (size_t i = 0; i < st->m_cnt; i++)
		s->m[s->m_cnt++] = (struct snap_m){
			.tid = st->m[i].tid, .curg = st->m[i].goid, .p = st->m[i].p};
	return 0;
}

static int add_reasons(struct snapshot *s, const struct window *w)
{
	for (size_t i = 0; i < w->wait_reasons_cnt; i++) {
		s->wait_reasons[i] = strdup(w->wait_reasons[i]);
		if (!s->wait_reasons[i])
			return -ENOMEM;
		s->wait_reasons_cnt++;
	}
	return 0;
}

static int build_states(const struct window *w, const struct gstates *st, uint64_t at_ns,
			struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct building b = {.w = w, .s = s};
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->begin_ns = s->end_ns = at_ns;
	s->gomaxprocs = st->gomaxprocs;
	s->gcphase = st->gc_on;
	s->g_total = st->alive;
	s->g = calloc(st->alive + 1, sizeof(*s->g));
	s->m = calloc(st->m_cnt + 1, sizeof(*s->m));
	s->wait_reasons = calloc(w->wait_reasons_cnt + 1, sizeof(*s->wait_reasons));
	if (!s->g || !s->m || !s->wait_reasons)
		err = -ENOMEM;
	if (!err)
		err = add_reasons(s, w);
	if (!err)
		err = add_ms(s, st);
	for (size_t i = 0; !err && i < st->g_cnt; i++)
		err = st->g[i].goid ? add_g(&b, &st->g[i]) : 0;
	imap__free(&b.offs);
	if (err) {
		snapshot__free(s);
		return err;
	}
	qsort(s->g, s->g_cnt, sizeof(*s->g), by_goid);
	*out = s;
	return 0;
}

struct catching_up {
	struct gstates *st;
	uint64_t until_ns;
};

static int catch_up(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct catching_up *c = ctx;

	if (rec->time_ns >= c->until_ns)
		return 0;
	return gstates__event(c->st, (const struct gbt_event *)rec, NULL, NULL);
}

/* Between slices nobody is known. */
static int nobody_at(const struct window *w, uint64_t start_ns, struct snapshot **out)
{
	const struct gstates none = {.gomaxprocs = w->now.gomaxprocs};

	return build_states(w, &none, start_ns, out);
}

/* Its chunks that begin before start_ns have events of before it. */
static int states_in(const struct window *w, const struct window_slice *s, uint64_t start_ns,
		     struct snapshot **out)
{
	struct gstates st;
	struct catching_up c = {&st, start_ns};
	int err = window__states_of(w, s, &st);

	if (err)
		return err;
	for (size_t i = 0; !err && i < w->cnt; i++)
		if (w->chunks[i]->slice == s && w->chunks[i]->begin_ns &&
		    w->chunks[i]->begin_ns < start_ns)
			err = window_chunk__each(w->chunks[i], w->chunks[i]->len, catch_up, &c);
	if (!err)
		err = build_states(w, &st, start_ns, out);
	gstates__free(&st);
	return err;
}

static uint64_t end_of(const struct window_cut *c, const struct window_slice *s)
{
	return s->ended && s->end.end_ns < c->end_ns ? s->end.end_ns : c->end_ns;
}

static uint64_t begin_of(const struct window_cut *c, const struct window_slice *s)
{
	return s->start_ns > c->start_ns ? s->start_ns : c->start_ns;
}

static int states_at(const struct window *w, const struct window_cut *c, struct snapshot **out)
{
	const struct window_slice *first = c->slice_cnt ? c->slices[0] : NULL;

	if (!first || first->start_ns > c->start_ns)
		return nobody_at(w, c->start_ns, out);
	return states_in(w, first, c->start_ns, out);
}

/* Those with a moment in the cut: each has a chunk, if an empty one. */
static int take_slices(const struct window *w, struct window_cut *c)
{
	c->slices = calloc(w->cnt, sizeof(struct window_slice *));
	c->slice_ends = calloc(w->cnt, sizeof(*c->slice_ends));
	if (!c->slices || !c->slice_ends)
		return -ENOMEM;
	for (size_t i = 0; i < w->cnt; i++) {
		struct window_slice *s = w->chunks[i]->slice;

		if (!s || (i && w->chunks[i - 1]->slice == s) || begin_of(c, s) >= end_of(c, s))
			continue;
		c->sliced_ns += end_of(c, s) - begin_of(c, s);
		if (s->ended)
			c->slice_ends[c->slice_cnt] = s->end;
		c->slices[c->slice_cnt++] = window_slice__get(s);
	}
	c->sliced = c->sliced_ns < c->end_ns - c->start_ns;
	return 0;
}

/* ---- the records ---- */

static bool overlaps(const struct window_chunk *c, uint64_t start_ns, uint64_t end_ns)
{
	return c->begin_ns && c->begin_ns <= end_ns && c->end_ns >= start_ns;
}

static void take_mark(const struct window *w, struct window_cut *c)
{
	c->mark = w->chunks[0]->mark;
	for (size_t i = 1; i < w->cnt && w->chunks[i]->mark.time_ns <= c->start_ns; i++)
		c->mark = w->chunks[i]->mark;
}

static int take_chunks(const struct window *w, struct window_cut *c)
{
	uint32_t first = UINT32_MAX;

	c->chunks = calloc(w->cnt, sizeof(struct window_chunk *));
	c->lens = calloc(w->cnt, sizeof(*c->lens));
	if (!c->chunks || !c->lens)
		return -ENOMEM;
	for (size_t i = 0; i < w->cnt; i++) {
		struct window_chunk *ch = w->chunks[i];

		if (!overlaps(ch, c->start_ns, c->end_ns))
			continue;
		if (ch->no < first)
			first = ch->no;
		atomic_fetch_add(&ch->users, 1);
		c->lens[c->cnt] = ch->len;
		c->chunks[c->cnt++] = ch;
	}
	return defs__since(&w->defs, first, &c->defs);
}

int window__cut(const struct window *w, uint64_t from_ns, uint64_t to_ns, struct window_cut **out)
{
	struct window_cut *c;
	uint64_t first_ns = w->cnt ? w->chunks[0]->mark.time_ns : UINT64_MAX;
	int err;

	if (first_ns > to_ns)
		return -ENODATA;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->start_ns = from_ns > first_ns ? from_ns : first_ns;
	c->end_ns = to_ns;
	c->refused = w->refused;
	c->full = from_ns < first_ns && w->full;
	take_mark(w, c);
	c->late = w->late - c->mark.late;
	err = take_slices(w, c);
	if (!err)
		err = take_chunks(w, c);
	if (!err)
		err = states_at(w, c, &c->states);
	if (err)
		window_cut__free(c);
	else
		*out = c;
	return err;
}

/* A cut as it is told: which slices were. */
struct telling {
	const struct window_cut *c;
	const struct window_sink *to;
	size_t next;			/* slice to begin */
	const struct window_slice *now; /* that has begun and not ended; NULL */
};

static int tell_end(struct telling *t)
{
	const struct window_slice *s = t->now;
	struct raw_slice_end e;

	t->now = NULL;
	if (!s)
		return 0;
	e = t->c->slice_ends[t->next - 1];
	if (!e.end_ns || e.end_ns > t->c->end_ns)
		return 0;
	e.start_ns = begin_of(t->c, s);
	return t->to->ends(t->to->ctx, &e);
}

/* The first that a stream has begins with it. */
static int tell_begin(struct telling *t)
{
	const struct window_slice *s = t->c->slices[t->next++];
	const struct raw_slice_end none = {.start_ns = t->c->start_ns, .end_ns = t->c->start_ns};
	int err = 0;

	t->now = s;
	if (t->next == 1 && s->start_ns <= t->c->start_ns)
		return 0;
	if (t->next == 1)
		err = t->to->ends(t->to->ctx, &none);
	return err ? err : t->to->begins(t->to->ctx, s->start_ns, s->taken);
}

static bool is_to_come(const struct telling *t, const struct window_slice *s)
{
	for (size_t i = t->next; i < t->c->slice_cnt; i++)
		if (t->c->slices[i] == s)
			return true;
	return false;
}

/* Up to the one that these records belong to, NULL: to none. */
static int tell_up_to(struct telling *t, const struct window_slice *s)
{
	int err = 0;

	if (t->now && t->now != s)
		err = tell_end(t);
	while (!err && t->now != s && is_to_come(t, s)) {
		err = tell_begin(t);
		if (!err && t->now != s)
			err = tell_end(t);
	}
	return err;
}

static int tell_rest(struct telling *t)
{
	int err = tell_end(t);

	while (!err && t->next < t->c->slice_cnt) {
		err = tell_begin(t);
		if (!err)
			err = tell_end(t);
	}
	return err;
}

struct inside {
	const struct window_cut *c;
	raw_record_fn fn;
	void *ctx;
};

static int if_inside(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct inside *in = ctx;

	if (rec->time_ns < in->c->start_ns || rec->time_ns > in->c->end_ns)
		return 0;
	return in->fn(in->ctx, rec, len);
}

int window_cut__each_slice(const struct window_cut *c, const struct window_sink *to)
{
	struct inside in = {c, to->record, to->ctx};
	struct telling t = {.c = c, .to = to};
	size_t off = 0, n;
	int err = 0;

	while (!err && off < c->defs.len) {
		err = raw_record__size(span__of(c->defs.data + off, c->defs.len - off), &n);
		if (!err)
			err = to->record(to->ctx, (const struct gbt_hdr *)(c->defs.data + off), n);
		off += PAD(n);
	}
	for (size_t i = 0; !err && i < c->cnt; i++) {
		err = tell_up_to(&t, c->chunks[i]->slice);
		if (!err)
			err = window_chunk__each(c->chunks[i], c->lens[i], if_inside, &in);
	}
	return err ? err : tell_rest(&t);
}

static int nothing_begins(void *ctx, uint64_t start_ns, const struct snapshot *states)
{
	return 0;
}

static int nothing_ends(void *ctx, const struct raw_slice_end *e)
{
	return 0;
}

int window_cut__each(const struct window_cut *c, raw_record_fn fn, void *ctx)
{
	const struct window_sink to = {fn, nothing_begins, nothing_ends, ctx};

	return window_cut__each_slice(c, &to);
}

void window_cut__free(struct window_cut *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->cnt; i++)
		window_chunk__put(c->chunks[i]);
	for (size_t i = 0; i < c->slice_cnt; i++)
		window_slice__put(c->slices[i]);
	free(c->slices);
	free(c->slice_ends);
	free(c->chunks);
	free(c->lens);
	buf__free(&c->defs);
	snapshot__free(c->states);
	free(c);
}
