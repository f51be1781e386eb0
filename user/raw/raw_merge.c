/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "raw/raw_internal.h"

/*
 * Rings are drained one after the other, so the file is a row of pieces that are each nearly
 * in order. Keys of a stretch of the file are collected; when it spans more than the window
 * they are sorted (a merge sort over the runs that are there already) and all but the last
 * window is delivered. Records stay where they are: in the mapped file.
 */
struct key {
	uint64_t time_ns;
	const struct gbt_hdr *rec;
};

#define KEYS_MIN (64u << 10)
#define KEYS_MAX (2u << 20)

struct merge {
	const struct raw_file *f; /* NULL: events as they come */
	raw_record_fn fn;
	void *ctx;
	struct key *keys, *tmp; /* cap each */
	size_t cnt, cap;
	size_t kept; /* sorted, left over from the last delivery */
	uint64_t window_ns;
	uint64_t max_ns; /* of all records so far */
	uint64_t delivered_ns;
	uint64_t late;
	uint64_t pages_done;
};

/* The end of the run of non-falling times that starts at `from`. */
static size_t run_end(const struct key *k, size_t from, size_t cnt)
{
	size_t i = from + 1;

	while (i < cnt && k[i].time_ns >= k[i - 1].time_ns)
		i++;
	return i;
}

static void merge_runs(const struct key *k, size_t a, size_t mid, size_t end, struct key *out)
{
	size_t i = a, j = mid, o = a;

	while (i < mid && j < end)
		out[o++] = k[j].time_ns < k[i].time_ns ? k[j++] : k[i++];
	memcpy(out + o, k + i, (mid - i) * sizeof(*k));
	o += mid - i;
	memcpy(out + o, k + j, (end - j) * sizeof(*k));
}

/* Stable. */
static void sort_keys(struct merge *m)
{
	for (;;) {
		size_t runs = 0, a = 0;
		struct key *t;

		while (a < m->cnt) {
			size_t mid = run_end(m->keys, a, m->cnt);
			size_t end = mid < m->cnt ? run_end(m->keys, mid, m->cnt) : mid;

			merge_runs(m->keys, a, mid, end, m->tmp);
			runs++;
			a = end;
		}
		t = m->keys;
		m->keys = m->tmp;
		m->tmp = t;
		if (runs <= 1)
			return;
	}
}

static int deliver(struct merge *m, const struct gbt_hdr *rec)
{
	const uint8_t *p = (const uint8_t *)rec;
	size_t len = sizeof(struct gbt_event);

	if (!m->f)
		return m->fn(m->ctx, rec, len);
	if (raw_record__size(span__of(p, m->f->all.p + m->f->all.n - p), &len))
		return -EBADMSG;
	return m->fn(m->ctx, rec, len);
}

/* The lowest place in the file that a kept key points at. */
static uint64_t lowest_kept(const struct merge *m, uint64_t off)
{
	for (size_t i = 0; i < m->cnt; i++) {
		uint64_t o = (const uint8_t *)m->keys[i].rec - m->f->all.p;

		if (o < off)
			off = o;
	}
	return off;
}

/* Delivers what is older than the window (all: everything; at least `least` keys). */
static int drain(struct merge *m, bool all, size_t least, uint64_t off)
{
	uint64_t upto = m->max_ns > m->window_ns ? m->max_ns - m->window_ns : 0;
	size_t i;
	int err;

	if (!m->cnt)
		return 0;
	sort_keys(m);
	for (i = 0; i < m->cnt; i++) {
		if (!all && i >= least && m->keys[i].time_ns > upto)
			break;
		m->delivered_ns = m->keys[i].time_ns;
		err = deliver(m, m->keys[i].rec);
		if (err)
			return err;
	}
	m->cnt -= i;
	memmove(m->keys, m->keys + i, m->cnt * sizeof(*m->keys));
	m->kept = m->cnt;
	if (m->f)
		raw_file__pages_done(m->f, lowest_kept(m, off), &m->pages_done);
	return 0;
}

static int grow(struct merge *m)
{
	size_t cap = m->cap ? m->cap * 2 : KEYS_MIN;
	struct key *k = realloc(m->keys, cap * sizeof(*k));

	if (!k)
		return -ENOMEM;
	m->keys = k;
	k = realloc(m->tmp, cap * sizeof(*k));
	if (!k)
		return -ENOMEM;
	m->tmp = k;
	m->cap = cap;
	return 0;
}

static int add(struct merge *m, const struct gbt_hdr *rec, uint64_t off)
{
	int err;

	if (rec->time_ns < m->delivered_ns) {
		m->late++;
		return deliver(m, rec);
	}
	if (m->cnt == m->cap) {
		err = grow(m);
		if (err)
			return err;
	}
	m->keys[m->cnt++] = (struct key){rec->time_ns, rec};
	if (rec->time_ns > m->max_ns)
		m->max_ns = rec->time_ns;
	/* what is kept is merged again each time, which costs less than the pages that wait */
	if (m->cnt >= KEYS_MAX)
		return drain(m, false, m->cnt / 2, off);
	if (m->cnt >= m->kept + m->kept / 4 + KEYS_MIN)
		return drain(m, false, 0, off);
	return 0;
}

static bool is_inside(const struct raw_slice *s, const struct gbt_hdr *rec)
{
	return !s || (rec->time_ns >= s->start_ns && (!s->end_ns || rec->time_ns <= s->end_ns));
}

static struct raw_cursor cursor_of(const struct raw_file *f, const struct raw_slice *s)
{
	struct raw_cursor c = {.f = f};

	if (s) {
		c.chunk = s->chunk_from;
		c.end = s->chunk_to;
	}
	return c;
}

/* A thread may stand still between an event's time and its record, for as long as the machine lets
 * it: how far one is behind those before it, at most, but never less than the usual window. */
static int find_window(const struct raw_file *f, const struct raw_slice *s, uint64_t *window_ns)
{
	struct raw_cursor c = cursor_of(f, s);
	const struct gbt_hdr *rec;
	uint64_t off, max_ns = 0, done = 0;
	size_t len;
	int err;

	*window_ns = RAW_SORT_WINDOW_NS;
	while (!(err = raw_cursor__next(&c, &rec, &len, &off)) && rec) {
		if (rec->kind >= GBT_STACK || !is_inside(s, rec))
			continue;
		if (rec->time_ns > max_ns)
			max_ns = rec->time_ns;
		else if (max_ns - rec->time_ns > *window_ns)
			*window_ns = max_ns - rec->time_ns;
		raw_file__pages_done(f, off, &done);
	}
	return err;
}

/* s NULL: all that there is. */
static int each_event(const struct raw_file *f, const struct raw_slice *s, raw_record_fn fn,
		      void *ctx, uint64_t *late)
{
	struct merge m = {.f = f, .fn = fn, .ctx = ctx};
	struct raw_cursor c = cursor_of(f, s);
	const struct gbt_hdr *rec;
	uint64_t off = 0;
	size_t len;
	int err = 0;

	if (s && s->chunk_from == s->chunk_to)
		goto out;
	err = find_window(f, s, &m.window_ns);
	if (err)
		goto out;
	while (!(err = raw_cursor__next(&c, &rec, &len, &off)) && rec) {
		if (rec->kind >= GBT_STACK || !is_inside(s, rec))
			continue;
		err = add(&m, rec, off);
		if (err)
			goto out;
	}
	if (!err)
		err = drain(&m, true, 0, off);
out:
	free(m.keys);
	free(m.tmp);
	if (late)
		*late = m.late;
	return err;
}

int raw_file__each_event(const struct raw_file *f, raw_record_fn fn, void *ctx, uint64_t *late)
{
	return each_event(f, NULL, fn, ctx, late);
}

int raw_file__each_event_of(const struct raw_file *f, const struct raw_slice *s, raw_record_fn fn,
			    void *ctx, uint64_t *late)
{
	return each_event(f, s, fn, ctx, late);
}

/* ---- events as they come ---- */

/*
 * Copies stand in one of two stores, where keys point at them: when it is full, what is not
 * delivered moves to the other.
 */
struct raw_sorter {
	struct merge m;
	struct gbt_event *store, *spare;
	size_t cnt, cap, spare_cap;
};

int raw_sorter__new(raw_record_fn fn, void *ctx, struct raw_sorter **out)
{
	struct raw_sorter *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->m.fn = fn;
	s->m.ctx = ctx;
	s->m.window_ns = RAW_SORT_WINDOW_NS;
	*out = s;
	return 0;
}

void raw_sorter__free(struct raw_sorter *s)
{
	if (!s)
		return;
	free(s->m.keys);
	free(s->m.tmp);
	free(s->store);
	free(s->spare);
	free(s);
}

/* Room for as many again as are kept. */
static int swap_stores(struct raw_sorter *s)
{
	size_t need = 2 * s->m.cnt + KEYS_MIN, spare_cap = s->spare_cap;
	struct gbt_event *spare = s->spare;

	if (spare_cap < need) {
		free(spare);
		s->spare_cap = 0;
		s->spare = spare = malloc(need * sizeof(*spare));
		if (!spare)
			return -ENOMEM;
		spare_cap = need;
	}
	for (size_t i = 0; i < s->m.cnt; i++) {
		spare[i] = *(const struct gbt_event *)s->m.keys[i].rec;
		s->m.keys[i].rec = &spare[i].hdr;
	}
	s->spare = s->store;
	s->spare_cap = s->cap;
	s->store = spare;
	s->cap = spare_cap;
	s->cnt = s->m.cnt;
	return 0;
}

int raw_sorter__add(struct raw_sorter *s, const struct gbt_event *ev)
{
	int err = 0;

	if (s->cnt == s->cap) {
		err = drain(&s->m, false, 0, 0);
		if (!err)
			err = swap_stores(s);
	}
	if (err)
		return err;
	s->store[s->cnt] = *ev;
	return add(&s->m, &s->store[s->cnt++].hdr, 0);
}

int raw_sorter__advance(struct raw_sorter *s)
{
	return drain(&s->m, false, 0, 0);
}

int raw_sorter__finish(struct raw_sorter *s, uint64_t *late)
{
	*late = s->m.late;
	return drain(&s->m, true, 0, 0);
}
