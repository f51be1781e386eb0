/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/duration.h"
#include "base/log.h"
#include "goruntime/snapshot_batch.h"
#include "goruntime/snapshot_head.h"
#include "goruntime/snapshot_labels.h"

struct label_set {
	struct snap_label *labels;
	size_t cnt;
};

struct walker {
	const struct snap_source *src;
	const struct snap_options *opt;
	struct snapshot *s;
	struct snap_index ix;
	struct imap curg_goid; /* address of a g that an M runs -> goid */
	snap_visit_fn fn;
	void *ctx;
	struct g_batch batch;
	struct imap label_sets; /* address -> index + 1 into sets */
	struct label_set *sets;
	size_t set_cnt, set_cap;
};

static void drop_labels(struct walker *w)
{
	for (size_t i = 0; i < w->set_cnt; i++)
		snap_labels__free(w->sets[i].labels, w->sets[i].cnt);
	w->set_cnt = 0;
	imap__free(&w->label_sets);
}

static void walker_close(struct walker *w)
{
	drop_labels(w);
	free(w->sets);
	g_batch__close(&w->batch);
	imap__free(&w->curg_goid);
	snap_index__free(&w->ix);
}

/* ---- one goroutine ------------------------------------------------------------------------- */

static int labels_of(struct walker *w, uint64_t addr, struct snap_g *g,
		     const struct snap_label **labels)
{
	struct label_set set = {0};
	uint64_t at;
	bool cut = false;
	int err;

	if (!w->opt->labels || !addr)
		return 0;
	if (!imap__get(&w->label_sets, addr, &at)) {
		err = snap_labels__held(w->src, g->addr, g->goid, &addr, &set.labels, &set.cnt,
					&cut);
		if (err == -ENOMEM || err == -ESRCH)
			return err;
		/* sets that were freed while we looked: none, and counted */
		if (err || cut)
			w->s->unreadable_cnt++;
		if (err == -EAGAIN)
			return 0; /* who else has that set may still hold it */
		if (array__reserve(&w->sets, w->set_cnt, &w->set_cap, 1, sizeof(*w->sets))) {
			snap_labels__free(set.labels, set.cnt);
			return -ENOMEM;
		}
		at = w->set_cnt++;
		w->sets[at] = set;
		err = imap__put(&w->label_sets, addr, at);
		if (err)
			return err;
	}
	*labels = w->sets[at].labels;
	g->label_cnt = (uint32_t)w->sets[at].cnt;
	return 0;
}

static int64_t plausible_time(const struct walker *w, uint64_t ns)
{
	return ns <= w->s->begin_ns ? (int64_t)ns : 0;
}

/* words -> what the caller gets; stack and labels apart. */
static void describe(struct walker *w, uint64_t addr, const struct g_words *words, struct snap_g *g)
{
	uint64_t m;

	*g = (struct snap_g){
		.goid = words->goid,
		.addr = addr,
		.status = (uint8_t)words->status,
		.wait_reason = words->wait_reason,
		.locked = words->lockedm != 0,
		.in_mark_assist = words->in_mark_assist != 0,
		.waitsince_ns = plausible_time(w, words->waitsince),
		.gopc = words->gopc,
		.startpc = words->startpc,
		.parent_goid = words->parent_goid,
	};
	if (words->m && imap__get(&w->ix.m_by_addr, words->m, &m)) {
		g->tid = w->s->m[m].tid;
		/* Waiting, yet not taken off its thread (dropg): it goes on on the system stack. */
		if (words->status == G_WAITING)
			g->status = G_RUNNING;
	}
	g->sampled = g->status == G_RUNNING;
}

static int emit(struct walker *w, uint64_t addr, const struct g_words *words, bool has_stack,
		bool torn)
{
	const struct snap_label *labels = NULL;
	struct snap_g g;
	int err;

	describe(w, addr, words, &g);
	g.torn = torn;
	w->s->torn_cnt += torn;
	w->s->g_total++;
	if (has_stack && !g.sampled) {
		g.stack_cnt = (uint32_t)w->batch.unwind.cnt;
		g.stack_cut = w->batch.unwind.cut;
	}
	err = labels_of(w, words->labels, &g, &labels);
	/* curg of an M is told by goid, which only this walk knows */
	if (!err && words->m && g.goid)
		err = imap__put(&w->curg_goid, addr, g.goid);
	return err ? err : w->fn(w->ctx, w->s, &g, w->batch.unwind.pcs, labels);
}

static int read_alone(struct walker *w, uint64_t addr)
{
	struct g_words words;
	int got = g_batch__alone(&w->batch, addr, w->opt->stacks, &words, &w->s->retried_cnt);

	switch (got) {
	case G_ALONE_DEAD:
		return 0;
	case G_ALONE_UNREADABLE:
		w->s->unreadable_cnt++;
		return 0;
	case G_ALONE_STACK:
	case G_ALONE_NO_STACK:
	case G_ALONE_TORN:
		return emit(w, addr, &words, got == G_ALONE_STACK, got == G_ALONE_TORN);
	}
	return got;
}

static int finish_member(struct walker *w, size_t i)
{
	const struct g_words *words = &w->batch.words[i];
	int err;

	if (g_words__is_dead(words))
		return 0;
	if (words->status == G_COPYSTACK)
		return read_alone(w, w->batch.g_addr[i]);
	if (!w->opt->stacks || words->status == G_RUNNING)
		return emit(w, w->batch.g_addr[i], words, false, false);
	err = g_batch__unwind(&w->batch, i);
	if (err == -EAGAIN)
		return read_alone(w, w->batch.g_addr[i]);
	return err ? err : emit(w, w->batch.g_addr[i], words, true, false);
}

static int walk_batch(struct walker *w)
{
	struct g_batch *b = &w->batch;
	int err = g_batch__words(b);
	bool whole;

	if (!err && w->opt->stacks)
		err = g_batch__stacks(b);
	if (!err)
		err = g_batch__recheck(b);
	whole = err != -EFAULT;
	if (err && whole)
		return err;
	err = 0;
	for (size_t i = 0; i < b->g_cnt && !err; i++)
		err = whole ? finish_member(w, i) : read_alone(w, b->g_addr[i]);
	drop_labels(w);
	return err;
}

static int walk_goroutines(struct walker *w)
{
	uint64_t total;
	int err = g_batch__total(w->src, &total);

	for (uint64_t from = 0; !err && from < total; from += G_BATCH) {
		err = g_batch__next(&w->batch, from, total);
		if (err)
			break;
		err = walk_batch(w);
		if (err)
			return err;
	}
	if (err == -EBADMSG || err == -EFAULT) {
		log_error("snapshot: the target's goroutines (allgs) make no sense with this "
			  "layout");
		return -EBADMSG;
	}
	return err;
}

static void name_curgs(struct walker *w)
{
	for (size_t i = 0; i < w->s->m_cnt; i++) {
		uint64_t goid;

		if (w->ix.m_curg[i] && imap__get(&w->curg_goid, w->ix.m_curg[i], &goid))
			w->s->m[i].curg = goid;
	}
}

int snapshot__walk(const struct snap_source *src, const struct snap_options *opt, snap_visit_fn fn,
		   void *ctx, struct snapshot **head)
{
	struct walker *w = calloc(1, sizeof(*w));
	struct snapshot *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!w || !s)
		goto out;
	*w = (struct walker){.src = src, .opt = opt, .s = s, .fn = fn, .ctx = ctx};
	s->begin_ns = clock__monotonic_ns();
	err = g_batch__open(&w->batch, src,
			    opt->frames_max ? opt->frames_max : SNAP_FRAMES_DEFAULT);
	if (err)
		goto out;
	err = snap_head__read(src, s, &w->ix);
	if (!err)
		err = walk_goroutines(w);
	if (err)
		goto out;
	name_curgs(w);
	s->end_ns = clock__monotonic_ns();
	*head = s;
	s = NULL;
out:
	if (w)
		walker_close(w);
	free(w);
	snapshot__free(s);
	return err;
}

void snapshot__free(struct snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->wait_reasons && i < s->wait_reasons_cnt; i++)
		free(s->wait_reasons[i]);
	free(s->wait_reasons);
	snap_labels__free(s->labels, s->labels_cnt);
	free(s->g);
	free(s->m);
	free(s->p);
	free(s->pcs);
	free(s);
}
