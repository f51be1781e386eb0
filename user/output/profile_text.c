/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/profile_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "output/pprof_stack.h"
#include "output/stack_text.h"

/* Fixed arrays up to 1.22 (StackRecord.Stack0, m.createstack); debug.profstackdepth later. */
#define FRAMES_OLD 32
#define FRAMES_NEW 128
#define NEW_MINOR 23

/* Samples whose key is equal are one row. */
struct row {
	const char *key; /* "@ 0x… 0x…", and labels */
	bool unknown;	 /* the key says it: there is no stack */
	size_t frames_off, frame_cnt;
	struct store_sample sum;
};

struct rows {
	const struct profile_text *t;
	struct pprof_stack_rule rule;
	size_t max;	     /* frames of a stack */
	bool go_only;	     /* stacks end at what is not Go */
	bool labels;	     /* are part of the key */
	struct strtab *keys; /* id - 1 is the row */
	struct row *all;
	size_t cnt, cap;
	struct text_frame *frames;
	size_t frame_cnt, frame_cap;
	size_t first; /* frame of the stack that comes in */
	bool ended;   /* that stack */
};

static void rows_free(struct rows *r)
{
	strtab__free(r->keys);
	free(r->all);
	free(r->frames);
}

/* ---- a stack ---- */

static int add_frame(struct rows *r, const struct text_frame *f)
{
	if (r->frame_cnt - r->first == r->max)
		return 0;
	if (array__reserve(&r->frames, r->frame_cnt, &r->frame_cap, 1, sizeof(*r->frames)))
		return -ENOMEM;
	r->frames[r->frame_cnt++] = *f;
	return 0;
}

static int add_place(void *ctx, const struct pprof_place *p)
{
	struct rows *r = ctx;
	const struct symtab *t = r->t->symtab;
	const struct text_frame unknown = {.pc = p->exact ? p->pc : p->pc - 1, .func = ""};
	bool go = p->cnt && p->frames[0].file;
	int err = 0;

	r->ended |= r->go_only && !go;
	if (r->ended)
		return 0;
	if (!go || !p->frames[0].entry) /* for Go C code has no name */
		return add_frame(r, &unknown);
	for (size_t i = p->from; !err && i < p->cnt; i++) {
		const struct sym_frame *f = &p->frames[i];
		const struct text_frame frame = {f->pc, f->entry, symtab__string(t, f->func),
						 symtab__string(t, f->file), f->line};

		if (pprof_place__shows(p, &r->rule, i))
			err = add_frame(r, &frame);
	}
	return err;
}

static int put_labels(const struct pprof_store *s, uint32_t at, struct buf *key)
{
	const struct store_set *set = &s->sets[at];
	struct text_label *labels = calloc(set->cnt + 1, sizeof(*labels));
	size_t n = 0;
	int err;

	if (!labels)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->cnt; i++) {
		const struct store_label *l = &s->labels[set->off + i];

		if (l->str != PPROF_NO_STR)
			labels[n++] = (struct text_label){strtab__get(s->strings, l->key, NULL),
							  strtab__get(s->strings, l->str, NULL)};
	}
	err = stack_text__labels(key, labels, n);
	free(labels);
	return err;
}

static int take_stack(struct rows *r, const struct pprof_stack *stack)
{
	r->first = r->frame_cnt;
	r->ended = false;
	return pprof_stack__each(r->t->symtab, stack, &r->rule, add_place, r);
}

static void put_pcs(const struct rows *r, size_t off, size_t cnt, struct buf *out)
{
	for (size_t i = 0; i < cnt; i++)
		stack_text__hex(out, r->frames[off + i].pc + 1);
}

/* ---- a row ---- */

static int find_row(struct rows *r, const struct buf *key, struct row **out)
{
	int64_t id = strtab__add(r->keys, (const char *)key->data, key->len);

	if (id < 0)
		return (int)id;
	if ((size_t)id <= r->cnt) {
		r->frame_cnt = r->first; /* it has them */
	} else {
		if (array__reserve(&r->all, r->cnt, &r->cap, 1, sizeof(*r->all)))
			return -ENOMEM;
		r->all[r->cnt++] = (struct row){
			.key = strtab__get(r->keys, (uint32_t)id, NULL),
			.frames_off = r->first,
			.frame_cnt = r->frame_cnt - r->first,
		};
	}
	*out = &r->all[id - 1];
	return 0;
}

/* Of a goroutine that ran all that is known is where it began: an exact PC. */
static const char *without_stack(const struct rows *r, const struct pprof_store *s,
				 const struct store_stack *st)
{
	if (st->pseudo)
		return st->cnt ? strtab__get(s->strings, (uint32_t)s->words[st->off], NULL) : "";
	return r->go_only && st->leaf_exact ? "[running: stack not known]" : NULL;
}

static int add_sample(struct rows *r, const struct pprof_store *s, const struct store_sample *in)
{
	const struct store_stack *st = &s->stacks[in->stack];
	const struct pprof_stack stack = {s->words + st->off, st->cnt, st->leaf_exact, st->skip};
	const char *note = without_stack(r, s, st);
	struct buf key = {0};
	struct row *row = NULL;
	int err = note ? 0 : take_stack(r, &stack);

	if (note)
		r->first = r->frame_cnt;
	buf__str(&key, "@");
	put_pcs(r, r->first, r->frame_cnt - r->first, &key);
	if (!err && r->labels)
		err = put_labels(s, in->set, &key);
	if (note)
		buf__printf(&key, "\n#\t(%s)", note);
	if (!err)
		err = key.err ? key.err : find_row(r, &key, &row);
	if (row) {
		row->unknown = note;
		pprof_store__add_sample(&row->sum, in, PPROF_VALUES_MAX);
	}
	buf__free(&key);
	return err;
}

static int take_samples(struct rows *r, const struct pprof_store *s)
{
	int err = strtab__new(&r->keys);

	for (size_t i = 0; !err && i < s->sample_cnt; i++)
		err = add_sample(r, s, &s->samples[i]);
	return err;
}

/* which: the value that the rows are sorted by, the highest first. */
static int by_value(const void *pa, const void *pb, void *which)
{
	const struct row *a = pa, *b = pb;
	int64_t x = a->sum.values[*(int *)which], y = b->sum.values[*(int *)which];

	return x != y ? (x < y ? 1 : -1) : strcmp(a->key, b->key);
}

static void sort(struct rows *r, int which)
{
	if (r->cnt > 1)
		qsort_r(r->all, r->cnt, sizeof(*r->all), by_value, &which);
}

/* first: how many values stand before the key, the last one first. */
static int put_rows(const struct rows *r, int first, bool all, struct buf *out)
{
	struct stack_text *text;
	int err = stack_text__new(r->t->go_minor, &text);

	for (size_t i = 0; !err && i < r->cnt; i++) {
		const struct row *row = &r->all[i];

		for (int k = first; k-- > 0;)
			buf__printf(out, "%" PRId64 " ", row->sum.values[k]);
		buf__printf(out, "%s\n", row->key);
		if (row->unknown)
			buf__str(out, "\n");
		else
			err = stack_text__put(text, out, r->frames + row->frames_off,
					      row->frame_cnt, all);
	}
	stack_text__free(text);
	return err ? err : out->err;
}

int profile_text__waits(const struct profile_text *t, const char *name,
			const struct pprof_store *samples, struct buf *out)
{
	struct rows r = {
		.t = t,
		.rule = {.keep_wrappers = t->go_minor >= NEW_MINOR, .keep_goexit = true},
		.max = SIZE_MAX,
	};
	int err = take_samples(&r, samples);

	sort(&r, 1);
	buf__printf(out, "--- %s:\ncycles/second=1000000000\n", name);
	if (!strcmp(name, "mutex"))
		buf__str(out, "sampling period=1\n");
	if (!err)
		err = put_rows(&r, 2, true, out);
	rows_free(&r);
	return err;
}

int profile_text__counts(const struct profile_text *t, const char *name,
			 const struct pprof_store *samples, struct buf *out)
{
	struct rows r = {
		.t = t,
		.rule = {.keep_goexit = true},
		.max = t->go_minor >= NEW_MINOR ? FRAMES_NEW : FRAMES_OLD,
		.go_only = true,
		.labels = true,
	};
	struct store_sample total = {0};
	int err = take_samples(&r, samples);

	sort(&r, 0);
	for (size_t i = 0; i < r.cnt; i++)
		pprof_store__add_sample(&total, &r.all[i].sum, 1);
	buf__printf(out, "%s profile: total %" PRId64 "\n", name, total.values[0]);
	if (!err)
		err = put_rows(&r, 1, false, out);
	rows_free(&r);
	return err;
}

int profile_text__threads(const struct profile_text *t, uint64_t m_cnt, struct buf *out)
{
	buf__printf(out, "threadcreate profile: total %" PRIu64 "\n%" PRIu64 " @", m_cnt, m_cnt);
	/* pprof_threadCreateInternal gives the array as it is */
	for (int i = 0; t->go_minor >= NEW_MINOR && i < FRAMES_OLD; i++)
		stack_text__hex(out, 0);
	buf__str(out, "\n#\t0x0\n\n");
	return out->err;
}

/* ---- heap ---- */

static uint64_t in_use(const struct heap_bucket *b)
{
	return b->allocs - b->frees;
}

struct heap_order {
	const struct heap_buckets *h;
	bool rising;
};

static int by_use(const void *pa, const void *pb, void *ctx)
{
	const struct heap_order *o = ctx;
	const struct heap_bucket *a = &o->h->b[*(const size_t *)pa],
				 *b = &o->h->b[*(const size_t *)pb];
	uint64_t x = in_use(a) * a->size, y = in_use(b) * b->size;

	if (x != y)
		return (x < y) == o->rising ? -1 : 1;
	return *(const size_t *)pa < *(const size_t *)pb ? -1 : 1;
}

static void put_heap_head(const struct profile_text *t, const struct heap_buckets *h,
			  struct buf *out)
{
	uint64_t used = 0, used_bytes = 0, cnt = 0, bytes = 0;

	for (size_t i = 0; i < h->cnt; i++) {
		const struct heap_bucket *b = &h->b[i];

		used += in_use(b);
		used_bytes += in_use(b) * b->size;
		cnt += b->allocs;
		bytes += b->allocs * b->size;
	}
	/* else readers take it for a profile of two columns, as Go says there */
	if (t->go_minor >= 22 && bytes == used_bytes)
		bytes++;
	buf__printf(out,
		    "heap profile: %" PRIu64 ": %" PRIu64 " [%" PRIu64 ": %" PRIu64
		    "] @ heap/%" PRIu64 "\n",
		    used, used_bytes, cnt, bytes, 2 * h->rate);
}

static int put_bucket(struct rows *r, struct stack_text *text, const struct heap_buckets *h,
		      const struct heap_bucket *b, struct buf *out)
{
	const struct pprof_stack stack = {.pcs = h->pcs + b->pcs_off, .cnt = b->pcs_cnt};
	int err;

	r->frame_cnt = 0;
	err = take_stack(r, &stack);
	buf__printf(out, "%" PRIu64 ": %" PRIu64 " [%" PRIu64 ": %" PRIu64 "] @", in_use(b),
		    in_use(b) * b->size, b->allocs, b->allocs * b->size);
	for (uint32_t i = b->hidden_cnt; i > 0; i--)
		stack_text__hex(out, h->pcs[b->pcs_off - i]);
	put_pcs(r, 0, r->frame_cnt, out);
	buf__str(out, "\n");
	return err ? err : stack_text__put(text, out, r->frames, r->frame_cnt, false);
}

/* A float as Go's %v: as few digits as tell it from its neighbours. */
static void put_float(struct buf *out, double v)
{
	char s[32];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(s, sizeof(s), "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	buf__str(out, s);
}

static void put_ring(struct buf *out, const char *name, const uint64_t ring[GC_STATS_RING])
{
	buf__printf(out, "# %s = [", name);
	for (size_t i = 0; i < GC_STATS_RING; i++)
		buf__printf(out, "%s%" PRIu64, i ? " " : "", ring[i]);
	buf__str(out, "]\n");
}

/* Those that are words of their own; the sums of others are spread over processors and caches. */
static void put_mem_stats(const struct gc_stats *s, struct buf *out)
{
	if (!s->known) {
		buf__str(out,
			 "\n# runtime.MemStats and MaxRSS are left out: they cannot be read from "
			 "outside without stopping the program\n");
		return;
	}
	buf__printf(out,
		    "\n# runtime.MemStats\n# BuckHashSys = %" PRIu64 "\n# OtherSys = %" PRIu64 "\n",
		    s->buckhash_sys, s->other_sys);
	if (s->next_gc)
		buf__printf(out, "# NextGC = %" PRIu64 "\n", s->next_gc);
	buf__printf(out, "# LastGC = %" PRIu64 "\n", s->last_gc);
	put_ring(out, "PauseNs", s->pause_ns);
	put_ring(out, "PauseEnd", s->pause_end);
	buf__printf(out, "# NumGC = %" PRIu32 "\n# NumForcedGC = %" PRIu32 "\n# GCCPUFraction = ",
		    s->num_gc, s->num_forced_gc);
	put_float(out, s->cpu_fraction);
	buf__str(out,
		 "\n# Its other values, and MaxRSS, are left out: they cannot be read from outside "
		 "without stopping the program\n");
}

int profile_text__heap(const struct profile_text *t, const struct heap_buckets *h, struct buf *out)
{
	struct rows r = {.t = t, .rule = {.keep_goexit = true}, .max = SIZE_MAX};
	/* 1.23 turned the order round */
	struct heap_order order = {h, t->go_minor >= NEW_MINOR};
	size_t *at = calloc(h->cnt + 1, sizeof(*at));
	struct stack_text *text = NULL;
	int err = at ? stack_text__new(t->go_minor, &text) : -ENOMEM;

	for (size_t i = 0; at && i < h->cnt; i++)
		at[i] = i;
	if (at)
		qsort_r(at, h->cnt, sizeof(*at), by_use, &order);
	put_heap_head(t, h, out);
	for (size_t i = 0; !err && i < h->cnt; i++)
		err = put_bucket(&r, text, h, &h->b[at[i]], out);
	put_mem_stats(&h->gc, out);
	stack_text__free(text);
	rows_free(&r);
	free(at);
	return err ? err : out->err;
}
