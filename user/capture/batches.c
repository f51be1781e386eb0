/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/batches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gobpftrace_abi.h"

/* Batches of a slot are numbered from 0 on, and each comes through a ring once. */
struct slot {
	uint64_t sent;	   /* events that it had at the last look */
	uint64_t come_cnt; /* batches that have come */
	uint64_t come_end; /* the last one of them + 1 */
	uint64_t part;	   /* the batch of which rest has handed over something */
	unsigned part_cnt; /* how much: its first events */
	bool told;
};

struct batches {
	const uint8_t *base;
	size_t sz;
	unsigned slot_cnt, told_cnt;
	struct slot *slots;
	unsigned *told; /* numbers of those in use */
	struct gbt_event copy[GBT_BATCH_CNT];
};

int batches__new(const void *slots, size_t slot_sz, unsigned slot_cnt, struct batches **out)
{
	struct batches *b;

	if (slot_sz < sizeof(struct gbt_slot))
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->base = slots;
	b->sz = slot_sz;
	b->slot_cnt = slot_cnt;
	b->slots = calloc(slot_cnt, sizeof(*b->slots));
	b->told = calloc(slot_cnt, sizeof(*b->told));
	if (!b->slots || !b->told) {
		batches__free(b);
		return -ENOMEM;
	}
	*out = b;
	return 0;
}

void batches__free(struct batches *b)
{
	if (!b)
		return;
	free(b->slots);
	free(b->told);
	free(b);
}

static const struct gbt_slot *slot_at(const struct batches *b, unsigned i)
{
	return (const struct gbt_slot *)(b->base + i * b->sz);
}

static uint64_t sent_now(const struct batches *b, unsigned i)
{
	return __atomic_load_n(&slot_at(b, i)->sent, __ATOMIC_ACQUIRE);
}

void batches__look(struct batches *b)
{
	for (unsigned i = 0; i < b->told_cnt; i++)
		b->slots[b->told[i]].sent = sent_now(b, b->told[i]);
}

bool batches__is_one(const void *rec, size_t len)
{
	const struct gbt_hdr *hdr = rec;

	return len >= sizeof(*hdr) && (hdr->kind == GBT_RING_SLOT || hdr->kind == GBT_RING_BATCH);
}

static int hand_over(struct gbt_event *ev, unsigned cnt, unsigned ring, batches_fn fn, void *ctx)
{
	for (unsigned i = 0; i < cnt; i++) {
		int err = fn(ctx, ring, &ev[i], sizeof(ev[i]));

		if (err < 0)
			return err;
	}
	return (int)cnt;
}

static int begin_slot(struct batches *b, unsigned i)
{
	if (b->slots[i].told)
		return -EBADMSG;
	b->slots[i].told = true;
	b->slots[i].sent = sent_now(b, i);
	b->told[b->told_cnt++] = i;
	return 0;
}

static int take_batch(struct slot *s, unsigned ring, struct gbt_batch *whole, batches_fn fn,
		      void *ctx)
{
	uint64_t nr = whole->hdr.time_ns / GBT_BATCH_CNT;
	unsigned skip = s->part == nr ? s->part_cnt : 0;

	if (whole->hdr.time_ns % GBT_BATCH_CNT)
		return -EBADMSG;
	s->come_cnt++;
	if (nr >= s->come_end)
		s->come_end = nr + 1;
	return hand_over(whole->ev + skip, GBT_BATCH_CNT - skip, ring, fn, ctx);
}

int batches__record(struct batches *b, unsigned ring, void *rec, size_t len, batches_fn fn,
		    void *ctx)
{
	struct gbt_batch *whole = rec;

	if (whole->hdr.tid >= b->slot_cnt)
		return -EBADMSG;
	if (whole->hdr.kind == GBT_RING_SLOT)
		return begin_slot(b, whole->hdr.tid);
	if (len < sizeof(*whole))
		return -EBADMSG;
	return take_batch(&b->slots[whole->hdr.tid], ring, whole, fn, ctx);
}

/*
 * Copies ev[from, to) of the slot's batch nr. The other batch of the two is filled next, so this
 * one stays as it is until a program begins the batch after that; false: one may have.
 */
static bool copy_part(struct batches *b, unsigned i, uint64_t nr, unsigned from, unsigned to)
{
	memcpy(b->copy, &slot_at(b, i)->batch[nr % 2].ev[from], (to - from) * sizeof(b->copy[0]));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return sent_now(b, i) < (nr + 2) * GBT_BATCH_CNT;
}

static int rest_of_slot(struct batches *b, unsigned i, batches_fn fn, void *ctx, bool *again)
{
	struct slot *s = &b->slots[i];
	uint64_t nr = (s->sent - 1) / GBT_BATCH_CNT;
	unsigned from = s->part == nr ? s->part_cnt : 0;
	unsigned to = (unsigned)(s->sent - nr * GBT_BATCH_CNT);

	/* it has come, or one before it has not, being held up in a ring: then this one waits too
	 */
	if (s->come_cnt != nr || s->come_end > nr || from >= to)
		return 0;
	if (!copy_part(b, i, nr, from, to)) {
		*again = true;
		return 0;
	}
	s->part = nr;
	s->part_cnt = to;
	return hand_over(b->copy, to - from, BATCHES_RING, fn, ctx);
}

int batches__rest(struct batches *b, batches_fn fn, void *ctx, bool *again)
{
	int seen = 0;

	*again = false;
	for (unsigned i = 0; i < b->told_cnt; i++) {
		int n = b->slots[b->told[i]].sent ? rest_of_slot(b, b->told[i], fn, ctx, again) : 0;

		if (n < 0)
			return n;
		seen += n;
	}
	return seen;
}
