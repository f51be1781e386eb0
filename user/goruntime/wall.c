/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/wall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/log.h"
#include "goruntime/snapshot_batch.h"
#include "goruntime/snapshot_head.h"
#include "goruntime/snapshot_labels.h"
#include "goruntime/wall_rows.h"

#define HOT_NS UINT64_C(1000000000) /* looked at each tick for so long after a change */
#define PASS_NS UINT64_C(100000000) /* all are looked at */
#define PASS_SHARE 20		    /* … or rarer, when that would cost more than 1 in 20 */
#define ROWS_MAX 1000000

/* An entry of allgs. The runtime never removes one, and uses a dead one's again. */
struct slot {
	uint64_t addr;
	uint64_t print; /* of the words that tell whether it has moved */
	uint64_t goid, labels;
	uint64_t last_ns, changed_ns;
	uint32_t row; /* where it was at last_ns */
	uint32_t label_off, label_cnt;
};

struct wall_sampler {
	const struct snap_source *src;
	bool labels;
	struct snapshot *head;
	struct wall_rows rows;
	struct slot *slots;
	size_t slot_cnt, slot_cap;
	uint32_t *hot; /* rising indexes into slots: neighbours stay neighbours */
	size_t hot_cnt, hot_cap;
	struct g_batch batch; /* words of those that are looked at */
	uint32_t who[G_BATCH];
	struct g_batch moved; /* of these, stacks of those that have moved and are parked */
	uint32_t moved_who[G_BATCH];
	struct imap label_sets; /* address -> index into sets, within one tick */
	struct {
		uint32_t off, cnt;
	} * sets;
	size_t set_cnt, set_cap;
	uint64_t now_ns, next_pass_ns;
	struct wall_profile totals; /* its counters */
};

int wall__open(const struct snap_source *src, const struct wall_options *opt,
	       struct wall_sampler **out)
{
	struct wall_sampler *w = calloc(1, sizeof(*w));
	struct snap_index ix = {0};
	int err = -ENOMEM;

	if (!w)
		return err;
	w->src = src;
	w->labels = opt->labels;
	w->totals.goids = opt->goids;
	w->totals.hz = opt->hz;
	w->rows.max = opt->rows_max ? opt->rows_max : ROWS_MAX;
	w->head = calloc(1, sizeof(*w->head));
	if (w->head)
		err = snap_head__read(src, w->head, &ix); /* for the wait reasons' names */
	snap_index__free(&ix);
	w->rows.head = w->head;
	if (!err)
		err = g_batch__open(&w->batch, src, SNAP_FRAMES_DEFAULT);
	if (!err)
		err = g_batch__open(&w->moved, src, SNAP_FRAMES_DEFAULT);
	if (err)
		wall__free(w);
	else
		*out = w;
	return err;
}

void wall__free(struct wall_sampler *w)
{
	if (!w)
		return;
	g_batch__close(&w->batch);
	g_batch__close(&w->moved);
	wall_rows__free(&w->rows);
	snapshot__free(w->head);
	imap__free(&w->label_sets);
	free(w->sets);
	free(w->slots);
	free(w->hot);
	free(w);
}

/* ---- labels -------------------------------------------------------------------------------- */

/* The set that the goroutine holds, *addr at first. */
static int read_held_set(struct wall_sampler *w, struct slot *s, uint64_t goid, uint64_t *addr)
{
	struct snap_label *labels = NULL;
	size_t n = 0;
	bool cut = false;
	int err = snap_labels__held(w->src, s->addr, goid, addr, &labels, &n, &cut);

	s->label_off = 0;
	if (!err && n)
		err = snap_store__labels(&w->rows.store, labels, n, &s->label_off);
	s->label_cnt = err ? 0 : (uint32_t)n;
	w->totals.labels_unread += !err && cut;
	snap_labels__free(labels, n);
	return err;
}

/* Labels of the goroutine in s, which has changed. What cannot be read is none, and counted. */
static int take_labels(struct wall_sampler *w, struct slot *s, const struct g_words *words)
{
	uint64_t at, addr = words->labels;
	int err;

	if (!w->labels || !words->labels) {
		s->label_off = s->label_cnt = 0;
		return 0;
	}
	if (s->goid == words->goid && s->labels == words->labels)
		return 0; /* it has kept it: a set never changes */
	if (imap__get(&w->label_sets, words->labels, &at)) {
		s->label_off = w->sets[at].off;
		s->label_cnt = w->sets[at].cnt;
		return 0;
	}
	err = read_held_set(w, s, words->goid, &addr);
	if (err == -ENOMEM || err == -ESRCH)
		return err;
	if (err) {
		s->label_off = s->label_cnt = 0;
		w->totals.labels_unread++;
		return 0;
	}
	if (!addr)
		return 0;
	if (array__reserve(&w->sets, w->set_cnt, &w->set_cap, 1, sizeof(*w->sets)))
		return -ENOMEM;
	w->sets[w->set_cnt].off = s->label_off;
	w->sets[w->set_cnt].cnt = s->label_cnt;
	return imap__put(&w->label_sets, addr, w->set_cnt++);
}

/* ---- one goroutine ------------------------------------------------------------------------- */

static uint64_t print_of(const struct g_words *g)
{
	const uint64_t words[] = {
		(uint64_t)g->status << 24 | (uint64_t)g->wait_reason << 16 |
			(uint64_t)g->tracking_seq << 8 | (g->m != 0),
		g->goid,
		g->lo,
		g->hi,
		g->sp,
		g->pc,
		g->bp,
		g->syscall_sp,
		g->syscall_pc,
		g->syscall_bp,
		g->labels,
	};
	uint64_t h = 1;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

/* Half of the time since the last look was spent where it was then, half where it is now. */
static void account(struct wall_sampler *w, struct slot *s, uint32_t row)
{
	uint64_t ns = w->now_ns - s->last_ns;

	wall_rows__add(&w->rows, s->row, ns / 2);
	wall_rows__add(&w->rows, row, ns - ns / 2);
	s->last_ns = w->now_ns;
	s->row = row;
}

/* words: what the slot's goroutine is in now. u: its stack, NULL not known. */
static int moved_to(struct wall_sampler *w, struct slot *s, const struct g_words *words,
		    const struct snap_unwind *u, bool torn)
{
	/* Waiting, yet not taken off its thread (dropg): it goes on on the system stack */
	bool running = words->status == G_RUNNING || (words->status == G_WAITING && words->m);
	struct wall_place p = {
		.running = running,
		.torn = torn && !running,
		.status = running ? G_RUNNING : (uint8_t)words->status,
		.wait_reason = running ? 0 : words->wait_reason,
		.startpc = words->startpc,
		.gopc = words->gopc,
		.goid = w->totals.goids ? words->goid : 0,
	};
	uint32_t row = WALL_NO_ROW;
	int err = 0;

	if (!g_words__is_dead(words)) {
		err = take_labels(w, s, words);
		p.label_off = s->label_off;
		p.label_cnt = s->label_cnt;
		if (u && !running) {
			p.pcs = u->pcs;
			p.cnt = u->cnt;
			p.cut = u->cut;
		}
		if (!err)
			err = wall_rows__of(&w->rows, &p, &row);
	}
	if (err)
		return err;
	w->totals.stacks_torn += p.torn;
	account(w, s, row);
	s->print = print_of(words);
	s->goid = words->goid;
	s->labels = words->labels;
	s->changed_ns = w->now_ns;
	return 0;
}

static int look_alone(struct wall_sampler *w, struct g_batch *b, struct slot *s)
{
	struct g_words words;
	uint64_t retried = 0;
	int got = g_batch__alone(b, s->addr, true, &words, &retried);

	if (got < 0)
		return got;
	if (got == G_ALONE_UNREADABLE) {
		w->totals.unreadable++;
		return 0;
	}
	return moved_to(w, s, &words, got == G_ALONE_STACK ? &b->unwind : NULL,
			got == G_ALONE_TORN);
}

/* ---- many ---------------------------------------------------------------------------------- */

/* Those of the batch that have moved and are parked: stacks, and the words once more. */
static int look_at_moved(struct wall_sampler *w)
{
	struct g_batch *m = &w->moved;
	int err = g_batch__stacks(m);
	bool whole;

	if (!err)
		err = g_batch__recheck(m);
	whole = err != -EFAULT;
	if (!whole)
		err = 0;
	for (size_t i = 0; i < m->g_cnt && !err; i++) {
		struct slot *s = &w->slots[w->moved_who[i]];
		bool torn = !whole || m->words[i].status == G_COPYSTACK;

		err = torn ? -EAGAIN : g_batch__unwind(m, i);
		if (!err)
			err = moved_to(w, s, &m->words[i], &m->unwind, false);
		else if (err == -EAGAIN)
			err = look_alone(w, m, s);
	}
	m->g_cnt = 0;
	return err;
}

/* Words of a member of the batch: the same as at the last look, or where is it now? */
static int look_at(struct wall_sampler *w, uint32_t who, const struct g_words *words)
{
	struct slot *s = &w->slots[who];
	struct g_batch *m = &w->moved;

	if (s->print == print_of(words)) {
		account(w, s, s->row);
		return 0;
	}
	if (words->status == G_RUNNING || g_words__is_dead(words) ||
	    (words->status == G_WAITING && words->m))
		return moved_to(w, s, words, NULL, false);
	m->g_addr[m->g_cnt] = s->addr;
	m->words[m->g_cnt] = *words;
	w->moved_who[m->g_cnt++] = who;
	return 0;
}

static int look_at_batch(struct wall_sampler *w)
{
	struct g_batch *b = &w->batch;
	int err = b->g_cnt ? g_batch__words(b) : 0;
	bool whole = err != -EFAULT;

	if (err && whole)
		return err;
	err = 0;
	for (size_t i = 0; i < b->g_cnt && !err; i++)
		err = whole ? look_at(w, w->who[i], &b->words[i])
			    : look_alone(w, b, &w->slots[w->who[i]]);
	if (!err && w->moved.g_cnt)
		err = look_at_moved(w);
	w->totals.looks += b->g_cnt;
	b->g_cnt = 0;
	return err;
}

static int look_at_slot(struct wall_sampler *w, uint32_t who)
{
	w->batch.g_addr[w->batch.g_cnt] = w->slots[who].addr;
	w->who[w->batch.g_cnt++] = who;
	return w->batch.g_cnt == G_BATCH ? look_at_batch(w) : 0;
}

/* ---- ticks --------------------------------------------------------------------------------- */

/* Entries that allgs has got since: new goroutines, watched from the last tick on. */
static int find_new(struct wall_sampler *w, uint64_t total, uint64_t since_ns)
{
	int err = total && total <= G_TOTAL_MAX ? 0 : -EBADMSG;

	while (!err && w->slot_cnt < total) {
		struct g_batch *b = &w->batch;

		err = g_batch__next(b, w->slot_cnt, total);
		if (!err && array__reserve(&w->slots, w->slot_cnt, &w->slot_cap, b->g_cnt,
					   sizeof(*w->slots)))
			err = -ENOMEM;
		for (size_t i = 0; i < b->g_cnt && !err; i++)
			w->slots[w->slot_cnt++] = (struct slot){
				.addr = b->g_addr[i], .last_ns = since_ns, .row = WALL_NO_ROW};
		b->g_cnt = 0;
	}
	return err;
}

static int look_at_new(struct wall_sampler *w, size_t first)
{
	int err = 0;

	for (size_t i = first; i < w->slot_cnt && !err; i++) {
		if (array__reserve(&w->hot, w->hot_cnt, &w->hot_cap, 1, sizeof(*w->hot)))
			return -ENOMEM;
		w->hot[w->hot_cnt++] = (uint32_t)i;
		err = look_at_slot(w, (uint32_t)i);
	}
	return err ? err : look_at_batch(w);
}

static int look_at_hot(struct wall_sampler *w, uint64_t since_ns)
{
	size_t known = w->slot_cnt;
	int err = 0;

	/* how many there are now comes with the first batch; empty ones are none */
	w->batch.along = w->slot_cnt;
	w->batch.along_addr = w->src->globals->allglen + w->src->bias;
	for (size_t i = 0; i < w->hot_cnt && !err; i++)
		err = look_at_slot(w, w->hot[i]);
	if (!err)
		err = look_at_batch(w);
	if (!err && w->batch.along_addr) {
		w->batch.along_addr = 0;
		err = g_batch__total(w->src, &w->batch.along);
	}
	if (!err)
		err = find_new(w, w->batch.along, since_ns);
	return err ? err : look_at_new(w, known);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int look_at_all(struct wall_sampler *w, uint64_t since_ns)
{
	uint64_t begin = thread_cpu_ns(), cost, total;
	int err = g_batch__total(w->src, &total);

	if (!err)
		err = find_new(w, total, since_ns);
	for (size_t i = 0; i < w->slot_cnt && !err; i++)
		err = look_at_slot(w, (uint32_t)i);
	if (!err)
		err = look_at_batch(w);
	w->hot_cnt = 0;
	for (size_t i = 0; i < w->slot_cnt && !err; i++) {
		if (w->now_ns - w->slots[i].changed_ns >= HOT_NS)
			continue;
		if (array__reserve(&w->hot, w->hot_cnt, &w->hot_cap, 1, sizeof(*w->hot)))
			return -ENOMEM;
		w->hot[w->hot_cnt++] = (uint32_t)i;
	}
	w->totals.passes++;
	cost = (thread_cpu_ns() - begin) * PASS_SHARE;
	w->next_pass_ns = w->now_ns + (cost > PASS_NS ? cost : PASS_NS);
	return err;
}

/* The first look says where all are, not since when: none of them counts as changed by it. */
static int first_look(struct wall_sampler *w)
{
	int err = look_at_all(w, w->now_ns);

	for (size_t i = 0; i < w->slot_cnt; i++)
		w->slots[i].changed_ns = 0;
	w->hot_cnt = 0;
	return err;
}

static int tick(struct wall_sampler *w, uint64_t now_ns, bool all)
{
	uint64_t since_ns = w->now_ns;
	int err;

	w->now_ns = now_ns;
	w->batch.g_cnt = w->moved.g_cnt = 0;
	w->set_cnt = 0;
	imap__free(&w->label_sets);
	if (!w->totals.ticks)
		err = first_look(w);
	else
		err = all ? look_at_all(w, since_ns) : look_at_hot(w, since_ns);
	if (err)
		return err == -EFAULT ? -ESRCH : err;
	if (!w->totals.ticks++)
		w->totals.begin_ns = now_ns;
	w->totals.end_ns = now_ns;
	return 0;
}

int wall__tick(struct wall_sampler *w, uint64_t now_ns)
{
	return tick(w, now_ns, now_ns >= w->next_pass_ns);
}

void wall__late(struct wall_sampler *w, uint64_t n)
{
	w->totals.ticks_late += n;
}

int wall__finish(struct wall_sampler *w, uint64_t now_ns, struct wall_profile **out)
{
	struct wall_profile *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	/* Those that nobody looked at since are where they were. So are all when the target has
	 * ended: then up to its last look. */
	if (!now_ns || tick(w, now_ns, true))
		w->now_ns = w->totals.end_ns;
	for (size_t i = 0; i < w->slot_cnt; i++) {
		if (w->slots[i].last_ns < w->now_ns)
			account(w, &w->slots[i], w->slots[i].row);
	}
	*p = w->totals;
	wall_rows__take(&w->rows, p);
	*out = p;
	return 0;
}
