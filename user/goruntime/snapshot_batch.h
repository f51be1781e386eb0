/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_BATCH_H
#define GORUNTIME_SNAPSHOT_BATCH_H

#include "goruntime/snapshot_stack.h"

/*
 * Goroutines read many at a time, the way of docs/snapshot.md: words of all, stacks of the parked,
 * words again. One process_vm_readv takes 1,024 ranges, and a small batch stays in the cache.
 */
#define G_BATCH 1024
#define G_TOTAL_MAX (1u << 28) /* entries of allgs that we believe in */

struct g_batch {
	const struct snap_source *src; /* borrowed */
	size_t frames_max;
	struct snap_unwind unwind;
	uint64_t g_addr[G_BATCH];
	size_t g_cnt;
	struct g_words words[G_BATCH];
	size_t stack_len[G_BATCH]; /* 0: none was read */
	/* a word that is read along with the words of the next batch; 0 none, and again behind it:
	 * each call costs as much as thirty goroutines */
	uint64_t along_addr, along;
	/* the batch's own */
	size_t image_sz;
	uint8_t *images, *stacks;
	size_t image_off[G_BATCH], stack_off[G_BATCH];
	uint64_t range_addr[G_BATCH + 1];
	void *range_dst[G_BATCH + 1];
	size_t range_len[G_BATCH + 1], range_off[G_BATCH + 1], range_cnt;
};

/* -EBADMSG with one message: an offset that no runtime.g can have. close also after failure. */
int g_batch__open(struct g_batch *b, const struct snap_source *src, size_t frames_max);
void g_batch__close(struct g_batch *b);

/* How many there are (allglen); -EBADMSG: no number that a runtime can have. */
int g_batch__total(const struct snap_source *src, uint64_t *total);
/* g_addr of the next ones, from entry `from` of allgs on; -EBADMSG: they make no sense. */
int g_batch__next(struct g_batch *b, uint64_t from, uint64_t total);
/* The words of all in g_addr. -EFAULT: one cannot be read. */
int g_batch__words(struct g_batch *b);
/* The stacks of those that are parked by their words; one that cannot be read costs only itself. */
int g_batch__stacks(struct g_batch *b);
/* The words again: the status of those that changed meanwhile becomes G_COPYSTACK, which has no
 * stack. -EFAULT. */
int g_batch__recheck(struct g_batch *b);
/* Stack of member i into b->unwind. -EAGAIN: more memory was read after the recheck, or could
 * not be: it must be read alone. */
int g_batch__unwind(struct g_batch *b, size_t i);

/* One alone, which leaves it a hundred times less time to change. */
enum g_alone {
	G_ALONE_DEAD,
	G_ALONE_STACK,	    /* words and stack belong together */
	G_ALONE_NO_STACK,   /* it is running, or stacks are not wanted */
	G_ALONE_TORN,	    /* it kept changing: the words are true, there is no stack */
	G_ALONE_UNREADABLE, /* its memory is gone */
};
/* retried counts the readings. Negative: -errno. */
int g_batch__alone(struct g_batch *b, uint64_t addr, bool stacks, struct g_words *words,
		   uint64_t *retried);

bool g_words__is_dead(const struct g_words *words);

#endif
