/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/live_fold.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/duration.h"
#include "recorder/event_queue.h"

#define FOLD_EVERY_NS (10 * 1000 * 1000)
/* So that little is left when the window ends. */
#define ADVANCE_EVERY_NS (50 * 1000 * 1000)
/* How far the first pass is ahead: what a thread does next is seldom later. */
#define AHEAD_NS (100 * 1000 * 1000)

struct live_fold {
	struct live_fold_config cfg;
	/* the thread's own until it has ended */
	struct symtab *symtab; /* grows as stacks are asked for */
	struct raw_stacks *stacks;
	struct capture_tables tables;
	struct profile_fold *fold;
	struct raw_sorter *sorter;
	uint64_t late;
	bool ahead;		  /* there is a first pass */
	struct event_queue queue; /* of those that only it has seen */
	uint64_t newest_ns;	  /* of these */

	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	struct buf in; /* under lock: records, each padded to 8 */
	atomic_ullong waiting;
	atomic_ullong end_ns; /* 0: the window is open */
	atomic_int err;
};

/* ---- frames, as they are asked for ---- */

static int resolve_stack(struct live_fold *l, const struct tr_stack *st)
{
	const struct gobinary *bin = l->cfg.target->bin;
	uint64_t bias = l->cfg.target->bias;
	const uint64_t *pcs = st->pcs;
	size_t cnt = st->pcs_cnt;
	bool cut;
	int err = 0;

	if (!pcs && st->id)
		pcs = raw_stacks__get(l->stacks, st->id, &cnt, &cut);
	if (!pcs)
		return st->pc ? symtab__resolve_start(l->symtab, bin, bias, st->pc) : 0;
	if (cnt && st->leaf_exact)
		err = symtab__resolve(l->symtab, bin, bias, pcs[0], true);
	for (size_t i = 0; !err && i < cnt; i++)
		err = pcs[i] ? symtab__resolve(l->symtab, bin, bias, pcs[i], false) : 0;
	return err;
}

static size_t live_frames(void *ctx, const struct tr_stack *st, struct frame *out, size_t max)
{
	struct live_fold *l = ctx;
	int err = resolve_stack(l, st);

	if (err) {
		l->err = err;
		return 0;
	}
	return capture_frames(&l->tables, st, out, max);
}

/* ---- the thread ---- */

/* Is it the event's turn? What the snapshot cannot tell yet, the first pass must have seen. */
static bool is_due(const struct live_fold *l, const struct gbt_event *ev)
{
	const struct snapshot *s = l->cfg.snapshot;
	uint64_t from = s && s->end_ns > ev->hdr.time_ns ? s->end_ns : ev->hdr.time_ns;

	return l->newest_ns >= from + AHEAD_NS;
}

static int fold_due(struct live_fold *l, bool all)
{
	const struct gbt_event *ev;
	int err = 0;

	while (!err && (ev = event_queue__first(&l->queue)) && (all || is_due(l, ev))) {
		err = profile_fold__event(l->fold, &ev->hdr, sizeof(*ev));
		event_queue__drop(&l->queue);
	}
	return err;
}

static int fold_ahead(struct live_fold *l, const struct gbt_hdr *rec, size_t len)
{
	int err = profile_fold__prescan(l->fold, rec, len);

	if (!err)
		err = event_queue__push(&l->queue, (const struct gbt_event *)rec);
	if (rec->time_ns > l->newest_ns)
		l->newest_ns = rec->time_ns;
	return err ? err : fold_due(l, false);
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct live_fold *l = ctx;
	uint64_t end_ns = l->end_ns;

	if (end_ns && rec->time_ns > end_ns)
		return 0;
	return l->ahead ? fold_ahead(l, rec, len) : profile_fold__event(l->fold, rec, len);
}

static int fold_record(struct live_fold *l, const struct gbt_hdr *rec, size_t len)
{
	if (rec->kind >= GBT_STACK)
		return raw_stacks__add(l->stacks, rec, len);
	return raw_sorter__add(l->sorter, (const struct gbt_event *)rec);
}

static int fold_records(struct live_fold *l, const struct buf *b)
{
	int err = b->err;

	for (size_t off = 0, len; !err && off < b->len; off += (len + 7) & ~(size_t)7) {
		const uint8_t *p = b->data + off;

		err = raw_record__size(span__of(p, b->len - off), &len);
		if (!err)
			err = fold_record(l, (const struct gbt_hdr *)p, len);
	}
	return err;
}

/* Takes what is there; false: nothing. */
static bool take(struct live_fold *l, struct buf *work)
{
	struct buf was = *work;

	buf__reset(&was);
	pthread_mutex_lock(&l->lock);
	*work = l->in;
	l->in = was;
	l->waiting = 0;
	pthread_mutex_unlock(&l->lock);
	return work->len || work->err;
}

static int advance(struct live_fold *l, uint64_t *due_ns)
{
	uint64_t now = clock__monotonic_ns();

	if (now < *due_ns)
		return 0;
	*due_ns = now + ADVANCE_EVERY_NS;
	return raw_sorter__advance(l->sorter);
}

static void *fold_loop(void *ctx)
{
	const struct timespec pause = {0, FOLD_EVERY_NS};
	struct live_fold *l = ctx;
	struct buf work = {0};
	uint64_t due_ns = 0;
	int err = 0;

	while (!err && !l->err) {
		bool ended = l->end_ns; /* before it looks: what comes behind that is none of it */

		err = advance(l, &due_ns);
		if (err)
			break;

		if (take(l, &work))
			err = fold_records(l, &work);
		else if (ended)
			break;
		else
			nanosleep(&pause, NULL);
	}
	if (!err && !l->err)
		err = raw_sorter__finish(l->sorter, &l->late);
	if (!err && !l->err)
		err = fold_due(l, true);
	if (err)
		l->err = err;
	buf__free(&work);
	return NULL;
}

/* ---- its life ---- */

static int open_parts(struct live_fold *l)
{
	const struct profile_fold_config cfg = {
		.id = l->cfg.id,
		.tags = l->cfg.tags,
		.meta = l->cfg.meta,
		.snapshot = l->cfg.snapshot,
		.assist_ends = l->cfg.assist_ends,
		.ahead = profile_kind__needs_begin(profile_kind__get(l->cfg.id)),
		.frames = l->cfg.target ? (struct frame_source){live_frames, l} : l->cfg.frames,
	};
	int err = symtab__new(&l->symtab);

	l->ahead = cfg.ahead;
	if (!err)
		err = raw_stacks__new(&l->stacks);
	l->tables = (struct capture_tables){.symtab = l->symtab, .stacks = l->stacks};
	if (!err)
		err = profile_fold__new(&cfg, &l->fold);
	return err ? err : raw_sorter__new(on_event, l, &l->sorter);
}

int live_fold__start(const struct live_fold_config *cfg, struct live_fold **out)
{
	struct live_fold *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->cfg = *cfg;
	pthread_mutex_init(&l->lock, NULL);
	err = open_parts(l);
	if (!err)
		err = -pthread_create(&l->thread, NULL, fold_loop, l);
	l->running = !err;
	if (err)
		live_fold__free(l);
	else
		*out = l;
	return err;
}

int live_fold__record(struct live_fold *l, const struct gbt_hdr *rec, size_t len)
{
	static const uint8_t padding[8];
	size_t n;
	int err = raw_record__size(span__of((const uint8_t *)rec, len), &n);

	if (err || l->err)
		return err ? err : l->err;
	pthread_mutex_lock(&l->lock);
	buf__append(&l->in, rec, n);
	buf__append(&l->in, padding, -n & 7);
	err = l->in.err;
	l->waiting = l->in.len;
	pthread_mutex_unlock(&l->lock);
	return err;
}

uint64_t live_fold__waiting(const struct live_fold *l)
{
	return l->waiting;
}

int live_fold__end(struct live_fold *l, uint64_t end_ns)
{
	l->end_ns = end_ns;
	pthread_join(l->thread, NULL);
	l->running = false;
	return l->err ? l->err : profile_fold__finish(l->fold, end_ns, NULL);
}

const struct profile_fold *live_fold__fold(const struct live_fold *l, uint64_t *late)
{
	*late = l->late;
	return l->fold;
}

void live_fold__free(struct live_fold *l)
{
	if (!l)
		return;
	if (l->running)
		(void)live_fold__end(l, 1);
	profile_fold__free(l->fold);
	raw_sorter__free(l->sorter);
	event_queue__free(&l->queue);
	raw_stacks__free(l->stacks);
	symtab__free(l->symtab);
	buf__free(&l->in);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
