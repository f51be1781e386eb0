/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/heap_buckets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "goruntime/snapshot_read.h"

/*
 * runtime.bucket, followed by its PCs and a memRecord: src/runtime/mprof.go, equal in Go 1.18-1.27
 * but for memRecordCycle, which lost its bytes in 1.27. A bucket is never changed or freed once it
 * is in the list, which grows at its head; only the counters of its record change.
 */
struct bucket_head {
	uint64_t next, allnext, typ, hash, size, nstk;
};
#define TYP_MEMORY 1
#define NSTK_MAX 1026	  /* debug.profstackdepth is at most 1024; 1.27 keeps two more */
#define CYCLE_CNT 4	  /* active, future[3] */
#define CYCLE_WORDS_MAX 4 /* allocs, frees, alloc_bytes, free_bytes; two from 1.27 on */
#define BUCKET_CNT_MAX (1u << 20)
#define PCS_CNT_MAX (1u << 25)
#define READ_PCS 32 /* with the head; up to 1.22 there are no more */
#define TRIES 64
#define PAUSE_NS (2 * 1000 * 1000)

struct entry {
	uint64_t addr, size;
	uint32_t pcs_off, nstk;
};

struct reader {
	const struct snap_source *src;
	size_t cycle_words;
	struct entry *e; /* in the order met: what is new since the last look comes last */
	size_t cnt, cap;
	uint64_t *pcs;
	size_t pcs_cnt, pcs_cap;
	uint64_t newest; /* head of the list when it was walked last */
	uint64_t *
		words; /* the counters of each entry, in two halves: this read and the one before */
	size_t words_cap;
	char *why;
	size_t why_sz;
};

/* What the runtime changes when it publishes a cycle. */
struct moment {
	uint64_t head, lock, rate;
	uint32_t cycle;
};

static int refuse(struct reader *r, const char *what, uint64_t addr)
{
	snprintf(r->why, r->why_sz,
		 "the runtime's memory profile does not look as expected: %s at 0x%llx", what,
		 (unsigned long long)addr);
	return -EBADMSG;
}

static int read_moment(const struct reader *r, struct moment *m)
{
	const struct gobinary_globals *g = r->src->globals;
	const uint64_t bias = r->src->bias;
	const uint64_t addrs[] = {g->mbuckets + bias, g->mprof_lock + bias,
				  g->mem_profile_rate + bias, g->mprof_cycle + bias};
	void *const dst[] = {&m->head, &m->lock, &m->rate, &m->cycle};
	const size_t lens[] = {8, 8, 8, 4};

	return r->src->rd.readv(r->src->rd.ctx, addrs, dst, lens, 4);
}

/* mProfCycle has the cycle above a flag; up to 1.18 mProf.cycle is the number itself. */
static unsigned published_slot(const struct reader *r, const struct moment *m)
{
	return 1 + (r->src->go_minor <= 18 ? m->cycle : m->cycle >> 1) % 3;
}

/* stkbucket's hash of PCs and size: a bucket that has it is one. */
static uint64_t stack_hash(const uint64_t *pcs, size_t cnt, uint64_t size)
{
	uint64_t h = 0;

	for (size_t i = 0; i < cnt; i++) {
		h += pcs[i];
		h += h << 10;
		h ^= h >> 6;
	}
	h += size;
	h += h << 10;
	h ^= h >> 6;
	h += h << 3;
	h ^= h >> 11;
	return h;
}

/* ---- the list ---- */

/* Head and the first PCs at once, but nothing of a page that may not be there. */
static int read_head(const struct reader *r, uint64_t addr, struct bucket_head *head,
		     uint64_t pcs[READ_PCS], size_t *got)
{
	uint8_t raw[sizeof(*head) + READ_PCS * 8];
	size_t len = sizeof(raw), room = 4096 - (addr & 4095);
	int err;

	if (room < len)
		len = room < sizeof(*head) ? sizeof(*head) : room;
	err = snap_read(&r->src->rd, addr, raw, len);
	if (err)
		return err;
	memcpy(head, raw, sizeof(*head));
	*got = (len - sizeof(*head)) / 8;
	memcpy(pcs, raw + sizeof(*head), *got * 8);
	return 0;
}

static int add_entry(struct reader *r, uint64_t addr, uint64_t *allnext)
{
	struct bucket_head head;
	uint64_t first[READ_PCS], *pcs;
	size_t got = 0;
	int err;

	if (!snap_is_pointer(addr))
		return refuse(r, "pointer", addr);
	err = read_head(r, addr, &head, first, &got);
	if (err)
		return err == -EFAULT ? refuse(r, "unmapped bucket", addr) : err;
	if (head.typ != TYP_MEMORY)
		return refuse(r, "bucket type", addr);
	if (head.nstk > NSTK_MAX)
		return refuse(r, "depth of stack", addr);
	if (r->cnt == BUCKET_CNT_MAX || r->pcs_cnt > PCS_CNT_MAX - NSTK_MAX)
		return refuse(r, "more buckets than there can be", addr);
	if (array__reserve(&r->e, r->cnt, &r->cap, 1, sizeof(*r->e)) ||
	    array__reserve(&r->pcs, r->pcs_cnt, &r->pcs_cap, head.nstk + 1, sizeof(*r->pcs)))
		return -ENOMEM;
	pcs = r->pcs + r->pcs_cnt;
	got = got < head.nstk ? got : head.nstk;
	memcpy(pcs, first, got * 8);
	if (got < head.nstk)
		err = snap_read(&r->src->rd, addr + sizeof(head) + got * 8, pcs + got,
				(head.nstk - got) * 8);
	if (err)
		return err == -EFAULT ? refuse(r, "unmapped bucket", addr) : err;
	if (stack_hash(pcs, head.nstk, head.size) != head.hash)
		return refuse(r, "hash of bucket", addr);
	r->e[r->cnt++] = (struct entry){.addr = addr,
					.size = head.size,
					.pcs_off = (uint32_t)r->pcs_cnt,
					.nstk = (uint32_t)head.nstk};
	r->pcs_cnt += head.nstk;
	*allnext = head.allnext;
	return 0;
}

/* From the head to what is known already. */
static int walk_new(struct reader *r, uint64_t head)
{
	uint64_t addr = head, next = 0;
	int err = 0;

	for (; !err && addr && addr != r->newest; addr = next)
		err = add_entry(r, addr, &next);
	if (!err)
		r->newest = head;
	return err;
}

/* ---- the counters ---- */

static size_t record_words(const struct reader *r)
{
	return CYCLE_CNT * r->cycle_words;
}

static int read_counters(struct reader *r, uint64_t *words)
{
	enum {
		BATCH = 512
	};
	uint64_t addrs[BATCH];
	void *dst[BATCH];
	size_t lens[BATCH];
	int err = 0;

	for (size_t i = 0; !err && i < r->cnt;) {
		size_t n = 0;

		for (; n < BATCH && i < r->cnt; n++, i++) {
			addrs[n] = r->e[i].addr + sizeof(struct bucket_head) + r->e[i].nstk * 8;
			dst[n] = words + i * record_words(r);
			lens[n] = record_words(r) * 8;
		}
		err = r->src->rd.readv(r->src->rd.ctx, addrs, dst, lens, n);
	}
	return err;
}

static const uint64_t *cycle_at(const struct reader *r, const uint64_t *words, size_t i,
				unsigned slot)
{
	return words + i * record_words(r) + slot * r->cycle_words;
}

/* Equal in what the runtime shows: active and the cycle that is about to join it. */
static bool is_same(const struct reader *r, const uint64_t *a, const uint64_t *b, unsigned slot)
{
	for (size_t i = 0; i < r->cnt; i++) {
		if (memcmp(cycle_at(r, a, i, 0), cycle_at(r, b, i, 0), r->cycle_words * 8) ||
		    memcmp(cycle_at(r, a, i, slot), cycle_at(r, b, i, slot), r->cycle_words * 8))
			return false;
	}
	return true;
}

/*
 * One try. The lock is free before and after, the cycle is the same, and two reads are equal: then
 * nothing was moved between the parts of any record in between. -EAGAIN: try again.
 */
static int try_once(struct reader *r, struct moment *m, uint64_t **words)
{
	struct moment again;
	size_t half;
	int err = read_moment(r, m);

	if (err)
		return err;
	if (m->lock)
		return -EAGAIN;
	err = walk_new(r, m->head);
	if (err)
		return err;
	half = r->cnt * record_words(r);
	if (array__reserve(&r->words, 0, &r->words_cap, 2 * half + 1, sizeof(*r->words)))
		return -ENOMEM;
	err = read_counters(r, r->words);
	if (!err)
		err = read_counters(r, r->words + half);
	if (!err)
		err = read_moment(r, &again);
	if (err)
		return err == -EFAULT ? refuse(r, "unmapped record", m->head) : err;
	if (again.lock || again.cycle != m->cycle || again.rate != m->rate ||
	    !is_same(r, r->words, r->words + half, published_slot(r, m)))
		return -EAGAIN;
	*words = r->words + half;
	return 0;
}

/* ---- the profile ---- */

/* Adds a cycle of a record; up to 1.26 its bytes are its counts times the bucket's size. */
static bool add_cycle(const struct reader *r, const uint64_t *c, struct heap_bucket *b)
{
	const uint64_t sane = UINT64_C(1) << 56;

	b->allocs += c[0];
	b->frees += c[1];
	if (c[0] > sane || c[1] > sane)
		return false;
	return r->cycle_words < CYCLE_WORDS_MAX ||
	       (c[2] == c[0] * b->size && c[3] == c[1] * b->size);
}

/* Nothing published: no collection has ended yet. The runtime then shows all that it has, which
 * changes with every allocation. */
static int add_unpublished(const struct reader *r, const uint64_t *words, struct heap_buckets *h)
{
	for (size_t i = 0; i < r->cnt; i++) {
		h->b[i].allocs = h->b[i].frees = 0;
		for (unsigned s = 0; s < CYCLE_CNT; s++) {
			if (!add_cycle(r, cycle_at(r, words, i, s), &h->b[i]))
				return -EAGAIN;
		}
		if (h->b[i].frees > h->b[i].allocs)
			return -EAGAIN;
	}
	h->before_gc = true;
	return 0;
}

/* What runtime.MemProfile finds. What is published stood still: it must be right. */
static int sum_up(struct reader *r, const uint64_t *words, unsigned slot, struct heap_buckets *h)
{
	bool published = false;

	for (size_t i = 0; i < r->cnt; i++) {
		struct heap_bucket *b = &h->b[i];

		b->size = r->e[i].size;
		if (!add_cycle(r, cycle_at(r, words, i, 0), b) ||
		    !add_cycle(r, cycle_at(r, words, i, slot), b) || b->frees > b->allocs)
			return refuse(r, "record", r->e[i].addr);
		published |= b->allocs || b->frees;
	}
	return published ? 0 : add_unpublished(r, words, h);
}

static int fill(struct reader *r, const struct moment *m, const uint64_t *words,
		struct heap_buckets *h)
{
	const struct snap_source *src = r->src;
	int err;

	free(h->b);
	h->b = calloc(r->cnt + 1, sizeof(*h->b));
	if (!h->b)
		return -ENOMEM;
	h->cnt = r->cnt;
	err = sum_up(r, words, published_slot(r, m), h);
	if (err)
		return err;
	h->rate = m->rate;
	for (size_t i = 0; i < r->cnt; i++) {
		const struct entry *e = &r->e[i];
		size_t hidden = 0, cnt = e->nstk;

		if (src->bin)
			cnt = heap_stack__physical(src->bin, src->bias, src->go_minor,
						   r->pcs + e->pcs_off, e->nstk, &hidden);
		h->b[i].pcs_off = e->pcs_off + (uint32_t)hidden;
		h->b[i].pcs_cnt = (uint32_t)cnt;
		h->b[i].hidden_cnt = (uint32_t)hidden;
	}
	h->pcs = r->pcs;
	h->pcs_cnt = r->pcs_cnt;
	r->pcs = NULL;
	return 0;
}

static int read_list(struct reader *r, struct heap_buckets *h)
{
	const struct timespec pause = {0, PAUSE_NS};
	struct moment m = {0};
	uint64_t *words = NULL;
	int err = -EAGAIN;

	for (unsigned i = 0; i < TRIES && err == -EAGAIN; i++) {
		if (i) {
			h->retried_cnt++;
			nanosleep(&pause, NULL);
		}
		err = try_once(r, &m, &words);
		if (!err)
			err = fill(r, &m, words, h);
	}
	if (err == -EAGAIN)
		snprintf(r->why, r->why_sz,
			 "the runtime changed its memory profile during each of %d reads", TRIES);
	/* a few are allocated before the runtime switches itself off */
	if (!err && !m.rate)
		snprintf(r->why, r->why_sz,
			 "the program keeps no memory profile: runtime.MemProfileRate is 0, as it "
			 "is where nothing refers to runtime.MemProfile");
	return err;
}

static bool are_found(const struct gobinary_globals *g)
{
	return g->mbuckets && g->mprof_cycle && g->mprof_lock && g->mem_profile_rate;
}

int heap_buckets__read(const struct snap_source *src, struct heap_buckets **out)
{
	struct heap_buckets *h = calloc(1, sizeof(*h));
	struct reader r = {.src = src, .cycle_words = src->go_minor >= 27 ? 2 : CYCLE_WORDS_MAX};
	int err = 0;

	if (!h)
		return -ENOMEM;
	r.why = h->why;
	r.why_sz = sizeof(h->why);
	if (!are_found(src->globals))
		snprintf(h->why, sizeof(h->why),
			 "where the runtime keeps its memory profile was not found in this binary");
	else
		err = read_list(&r, h);
	if (!err && !h->why[0])
		err = gc_stats__read(src, &h->gc);
	free(r.e);
	free(r.pcs);
	free(r.words);
	/* told by why: no failure of ours */
	if (err == -EAGAIN || err == -EBADMSG)
		err = 0;
	if (h->why[0])
		h->cnt = h->pcs_cnt = 0;
	if (err)
		heap_buckets__free(h);
	else
		*out = h;
	return err;
}

void heap_buckets__free(struct heap_buckets *h)
{
	if (!h)
		return;
	free(h->b);
	free(h->pcs);
	free(h);
}
