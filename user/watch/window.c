/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "model/transition.h"
#include "watch/window_internal.h"

#define PAD(n) (((n) + 7) & ~(size_t)7)
#define CHUNKS_OF_TIME 16
#define CHUNKS_OF_BYTES 32
#define CHUNK_MIN_SZ (64u << 10)
#define CHUNK_MIN_NS 20000000ull

/* ---- chunks ---- */

void window_chunk__put(struct window_chunk *c)
{
	if (!c || atomic_fetch_sub(&c->users, 1) > 1)
		return;
	munmap(c->data, c->sz);
	window_slice__put(c->slice);
	free(c);
}

struct window_slice *window_slice__get(struct window_slice *s)
{
	if (s)
		atomic_fetch_add(&s->users, 1);
	return s;
}

void window_slice__put(struct window_slice *s)
{
	if (!s || atomic_fetch_sub(&s->users, 1) > 1)
		return;
	snapshot__free(s->taken);
	free(s);
}

int window_chunk__each(const struct window_chunk *c, size_t len, raw_record_fn fn, void *ctx)
{
	size_t off = 0, n;
	int err = 0;

	while (!err && off < len) {
		err = raw_record__size(span__of(c->data + off, len - off), &n);
		if (!err)
			err = fn(ctx, (const struct gbt_hdr *)(c->data + off), n);
		off += PAD(n);
	}
	return err;
}

static size_t chunk_sz(const struct window *w)
{
	size_t sz = w->cfg.max_sz / CHUNKS_OF_BYTES;

	return sz < CHUNK_MIN_SZ ? CHUNK_MIN_SZ : PAD(sz);
}

static struct window_chunk *last(const struct window *w)
{
	return w->cnt ? w->chunks[w->cnt - 1] : NULL;
}

/* Pages that no record reaches are never touched. */
static int add_chunk(struct window *w, const struct window_mark *mark)
{
	struct window_chunk *c;
	int err = array__reserve(&w->chunks, w->cnt, &w->cap, 1, sizeof(struct window_chunk *));

	c = err ? NULL : calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->sz = chunk_sz(w);
	c->data = mmap(NULL, c->sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->data == MAP_FAILED) {
		free(c);
		return -ENOMEM;
	}
	atomic_init(&c->users, 1);
	c->no = ++w->next_no;
	c->mark = *mark;
	c->mark.late = w->late;
	c->slice = window_slice__get(w->slice);
	w->chunks[w->cnt++] = c;
	return 0;
}

static int fold_away(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct window *w = ctx;

	return gstates__event(&w->then, (const struct gbt_event *)rec, NULL, NULL);
}

/* Its events are to be folded into the states of its slice's begin. */
static int begin_folding(struct window *w, const struct window_slice *s)
{
	struct gstates states;
	int err;

	if (w->then_of == s)
		return 0;
	err = window__states_of(w, s, &states);
	if (err)
		return err;
	gstates__free(&w->then);
	w->then = states;
	w->then_of = s;
	return 0;
}

static int drop_first(struct window *w)
{
	struct window_chunk *c = w->chunks[0];
	bool last_of_it = w->cnt == 1 || w->chunks[1]->slice != c->slice;
	int err = 0;

	if (c->slice && !last_of_it) {
		err = begin_folding(w, c->slice);
		if (!err)
			err = window_chunk__each(c, c->len, fold_away, w);
	} else if (c->slice) {
		w->chunks_sz -= c->slice->taken_sz;
		if (w->then_of == c->slice)
			w->then_of = NULL;
	}
	w->chunks_sz -= c->len;
	window_chunk__put(c);
	memmove(w->chunks, w->chunks + 1, --w->cnt * sizeof(struct window_chunk *));
	return err;
}

static int drop_old(struct window *w, uint64_t now_ns)
{
	int err = 0;

	while (!err && w->cnt > 1) {
		/* the first is needed as long as the second does not cover the time */
		uint64_t next_ns = w->chunks[1]->mark.time_ns;
		bool old = next_ns + w->cfg.keep_ns <= now_ns;
		bool full = w->chunks_sz + chunk_sz(w) + w->defs.bytes > w->cfg.max_sz;

		if (!old && !full)
			break;
		w->full = !old;
		err = drop_first(w);
	}
	return err;
}

bool window__is_due(const struct window *w, uint64_t now_ns)
{
	uint64_t each_ns = w->cfg.keep_ns / CHUNKS_OF_TIME;
	const struct window_chunk *c = last(w);

	if (each_ns < CHUNK_MIN_NS)
		each_ns = CHUNK_MIN_NS;
	return !c || now_ns >= c->mark.time_ns + each_ns || c->len > c->sz / 4 * 3;
}

int window__chunk(struct window *w, const struct window_mark *mark)
{
	int err = add_chunk(w, mark);

	return err ? err : drop_old(w, mark->time_ns);
}

static int append(struct window *w, const struct gbt_event *e, size_t len)
{
	struct window_chunk *c = last(w);
	int err = 0;

	/* more than a chunk between two marks: the next one begins with the same */
	if (!c || c->len + PAD(len) > c->sz) {
		struct window_mark mark = c ? c->mark : (struct window_mark){0};

		mark.time_ns = e->hdr.time_ns;
		err = window__chunk(w, &mark);
		c = last(w);
	}
	if (err)
		return err;
	memcpy(c->data + c->len, e, len); /* pages are zeroed: so is the padding */
	c->len += PAD(len);
	w->chunks_sz += PAD(len);
	if (!c->begin_ns)
		c->begin_ns = e->hdr.time_ns;
	if (e->hdr.time_ns > c->end_ns)
		c->end_ns = e->hdr.time_ns;
	defs__use(&w->defs, e, c->no);
	return 0;
}

/* ---- records ---- */

/* They are never forgotten, so what comes when half of the memory is full of them is lost: the
 * other half is for events. */
static int take_definition(struct window *w, const struct gbt_hdr *rec, size_t len)
{
	int err = defs__add(&w->defs, rec, len, w->next_no);

	if (err != -ENOSPC)
		return err;
	w->refused++;
	return 0;
}

int window__record(struct window *w, const void *rec, size_t len)
{
	const struct gbt_hdr *hdr = rec;
	size_t n, off = w->pending.len;
	int err = raw_record__size(span__of(rec, len), &n);

	if (err)
		return err;
	if (hdr->kind == GBT_STACK || hdr->kind == GBT_LABELS)
		return take_definition(w, hdr, n);
	err = array__reserve(&w->order, w->order_cnt, &w->order_cap, 1, sizeof(*w->order));
	if (err)
		return err;
	buf__append(&w->pending, rec, n);
	buf__append(&w->pending, (const uint8_t[8]){0}, PAD(n) - n);
	if (w->pending.err)
		return w->pending.err;
	w->order[w->order_cnt++] = (struct window_pending){hdr->time_ns, off, n};
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct window_pending *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* What is not settled moves to the front. Its order of arrival is its order of offsets, which
 * decides between equal times; so it is kept. */
static int keep_rest(struct window *w, size_t done)
{
	struct buf rest = {0};

	for (size_t i = done; i < w->order_cnt; i++) {
		struct window_pending p = w->order[i];
		size_t at = rest.len;

		buf__append(&rest, w->pending.data + p.off, PAD(p.len));
		w->order[i - done] = (struct window_pending){p.time_ns, at, p.len};
	}
	w->order_cnt -= done;
	buf__free(&w->pending);
	w->pending = rest;
	return rest.err;
}

static void name_waits(const struct window *w, struct gstep *steps, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		struct gstep *s = &steps[i];

		if (w->cfg.go_minor >= 22 && s->block_reason)
			continue;
		s->block_reason = w->block_of_wait[s->wait_reason];
	}
}

int window__settle(struct window *w, uint64_t until_ns, window_event_fn fn, void *ctx)
{
	size_t done = 0;
	int err = 0;

	if (!w->order_cnt)
		return 0;
	qsort(w->order, w->order_cnt, sizeof(*w->order), by_time);
	for (; !err && done < w->order_cnt && w->order[done].time_ns <= until_ns; done++) {
		const struct window_pending *p = &w->order[done];
		const struct gbt_event *e = (const void *)(w->pending.data + p->off);
		struct gstep steps[GSTEPS_MAX];
		size_t cnt = 0;

		w->late += p->time_ns < w->settled_ns;
		if (p->time_ns > w->settled_ns)
			w->settled_ns = p->time_ns;
		err = append(w, e, p->len);
		if (!err)
			err = gstates__event(&w->now, e, steps, &cnt);
		if (!w->slice) /* what it seems to leave may be long over */
			cnt = 0;
		name_waits(w, steps, cnt);
		if (!err && fn)
			err = fn(ctx, e, steps, cnt);
	}
	if (!done)
		return err;
	return err ? err : keep_rest(w, done);
}

/* ---- life ---- */

int window__new(const struct window_config *cfg, struct window **out)
{
	struct window *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	w->defs.bytes_max = cfg->max_sz / 2;
	*out = w;
	return 0;
}

void window__bound(struct window *w, uint64_t max_sz)
{
	w->cfg.max_sz = max_sz;
	w->defs.bytes_max = max_sz / 2;
}

void window__free(struct window *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->cnt; i++)
		window_chunk__put(w->chunks[i]);
	free(w->chunks);
	buf__free(&w->pending);
	free(w->order);
	defs__free(&w->defs);
	gstates__free(&w->then);
	gstates__free(&w->now);
	window_slice__put(w->slice);
	for (size_t i = 0; i < w->wait_reasons_cnt; i++)
		free(w->wait_reasons[i]);
	free(w->wait_reasons);
	free(w);
}

/* A definition that finds no room is counted: its goroutine has no stack then. */
static int define(struct window *w, const struct snapshot *s, const struct snap_g *g, uint64_t *id)
{
	int err = defs__add_pcs(&w->defs, s->pcs + g->stack_off, g->stack_cnt, g->stack_cut,
				w->next_no + 1, id);

	if (err != -ENOSPC)
		return err;
	w->refused++;
	*id = 0;
	return 0;
}

static int take_g(const struct snapshot *s, const struct snap_g *g, uint64_t stack,
		  struct gstates *out)
{
	const struct gstate st = {
		.goid = g->goid,
		.startpc = g->startpc,
		.since_ns = s->end_ns,
		.status = g->status == G_COPYSTACK ? G_RUNNING : g->status,
		.wait_reason = g->wait_reason,
		.block_reason = g->block_reason,
		.stack_cut = g->stack_cut,
		.assist = g->in_mark_assist ? GASSIST_OPEN : GASSIST_NONE,
		.tid = (uint32_t)g->tid,
		.stack = stack,
	};

	return gstates__put(out, &st);
}

/* Into empty states. w NULL: their stacks are defined already, where there was room. */
static int take_states(struct window *w, const struct defs *defs, const struct snapshot *s,
		       struct gstates *out)
{
	int err = 0;

	out->gomaxprocs = s->gomaxprocs;
	out->gc_on = s->gcphase;
	for (size_t i = 0; !err && i < s->g_cnt; i++) {
		const struct snap_g *g = &s->g[i];
		uint64_t id = 0;

		if (!g->goid)
			continue;
		if (w)
			err = define(w, s, g, &id);
		else
			id = defs__id_of(defs, s->pcs + g->stack_off, g->stack_cnt);
		if (!err)
			err = take_g(s, g, id, out);
	}
	for (size_t i = 0; !err && i < s->m_cnt; i++) {
		struct mstate m = {.tid = s->m[i].tid, .goid = s->m[i].curg, .p = s->m[i].p};

		err = m.tid ? gstates__put_m(out, &m) : 0;
	}
	if (err)
		gstates__free(out);
	return err;
}

int window__states_of(const struct window *w, const struct window_slice *s, struct gstates *out)
{
	*out = (struct gstates){0};
	if (w->then_of == s)
		return gstates__copy(&w->then, out);
	return take_states(NULL, &w->defs, s->taken, out);
}

static int take_reasons(struct window *w, const struct snapshot *s)
{
	w->wait_reasons = calloc(s->wait_reasons_cnt + 1, sizeof(*w->wait_reasons));
	if (!w->wait_reasons)
		return -ENOMEM;
	for (size_t i = 0; i < s->wait_reasons_cnt; i++) {
		w->wait_reasons[i] = strdup(s->wait_reasons[i] ? s->wait_reasons[i] : "");
		if (!w->wait_reasons[i])
			return -ENOMEM;
		if (i < sizeof(w->block_of_wait))
			w->block_of_wait[i] = (uint8_t)tr_block_reason__of_wait(w->wait_reasons[i]);
		w->wait_reasons_cnt++;
	}
	return 0;
}

static int new_slice(struct window *w, uint64_t start_ns, struct snapshot *taken)
{
	struct window_slice *s = calloc(1, sizeof(*s));

	if (!s) {
		snapshot__free(taken);
		return -ENOMEM;
	}
	atomic_init(&s->users, 1);
	s->start_ns = start_ns;
	s->taken = taken;
	if (taken)
		s->taken_sz = taken->g_cnt * sizeof(*taken->g) + taken->m_cnt * sizeof(*taken->m) +
			      taken->pcs_cnt * sizeof(*taken->pcs);
	w->chunks_sz += s->taken_sz;
	w->slice = s;
	return 0;
}

int window__begin(struct window *w, const struct snapshot *s)
{
	int err = take_reasons(w, s);

	if (!err)
		err = take_states(w, NULL, s, &w->then);
	if (!err)
		err = gstates__copy(&w->then, &w->now);
	if (!err)
		err = new_slice(w, 0, NULL);
	w->then_of = w->slice;
	return err;
}

int window__pause(struct window *w, const struct raw_slice_end *e, const struct window_mark *mark)
{
	struct window_slice *s = w->slice;
	bool has_chunk = w->cnt && last(w)->slice == s;

	if (!s)
		return 0;
	s->end = *e;
	s->ended = true;
	w->slice = NULL;
	if (!has_chunk) {
		w->chunks_sz -= s->taken_sz;
		if (w->then_of == s)
			w->then_of = NULL;
	}
	window_slice__put(s);
	return window__chunk(w, mark);
}

int window__resume(struct window *w, struct snapshot *s, uint64_t start_ns,
		   const struct window_mark *mark)
{
	struct gstates states = {0};
	int err;

	if (w->slice) {
		snapshot__free(s);
		return -EALREADY;
	}
	err = take_states(w, NULL, s, &states);
	if (err) {
		snapshot__free(s);
		return err;
	}
	gstates__free(&w->now);
	w->now = states;
	err = new_slice(w, start_ns, s);
	return err ? err : window__chunk(w, mark);
}

uint64_t window__sees_since(const struct window *w)
{
	if (!w->slice)
		return 0;
	return w->slice->start_ns ? w->slice->start_ns : 1;
}

void window__need(struct window *w, uint64_t stack)
{
	defs__use_stack(&w->defs, stack, w->next_no);
}

void window__each_lasting(struct window *w, uint64_t from_ns, uint64_t now_ns, window_lasting_fn fn,
			  void *ctx)
{
	for (size_t i = 0; w->slice && i < w->now.g_cnt; i++) {
		struct gstate *g = &w->now.g[i];
		struct gstep s;

		if (!g->goid || !g->begun || g->status == G_RUNNING || g->since_ns < from_ns)
			continue;
		s = gstate__lasts(g, now_ns);
		name_waits(w, &s, 1);
		fn(ctx, &s, &g->told);
	}
}

void window__untell(struct window *w)
{
	for (size_t i = 0; i < w->now.g_cnt; i++)
		w->now.g[i].told = 0;
}

const struct gstates *window__now(const struct window *w)
{
	return &w->now;
}

uint64_t window__late(const struct window *w)
{
	return w->late;
}

static uint64_t gstates_bytes(const struct gstates *s)
{
	return s->g_cap * sizeof(*s->g) + s->m_cap * sizeof(*s->m) + s->by_id.cap * 24;
}

uint64_t window__bytes(const struct window *w)
{
	return w->chunks_sz + w->defs.bytes + w->pending.cap + gstates_bytes(&w->then) +
	       gstates_bytes(&w->now);
}

bool window__is_full_of_definitions(const struct window *w)
{
	return w->defs.bytes > w->defs.bytes_max / 4 * 3;
}

void window__forget(struct window *w, defs_forget_fn forget, void *ctx)
{
	uint32_t oldest = w->cnt ? w->chunks[0]->no : w->next_no;
	const struct gstates *both[] = {&w->then, &w->now};

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->g_cnt; i++)
			if (both[k]->g[i].goid)
				defs__use_stack(&w->defs, both[k]->g[i].stack, oldest);
	defs__drop(&w->defs, oldest, forget, ctx);
}
