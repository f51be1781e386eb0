/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_GOROUTINE_LEAKS_H
#define ANALYSIS_GOROUTINE_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goruntime/frame_cache.h"
#include "goruntime/snapshot.h"

/*
 * Goroutines that come and do not go: several looks at the same process, and of them the groups
 * (equal stack and go statement) that only grow.
 *
 * A goroutine settles in a group when two looks in a row find it there, and leaves it when it ends
 * or three in a row find it elsewhere: one that wakes now and then may be met elsewhere by chance.
 * Where its stack is not known (running, torn) it is taken to be where it was. A group is reported
 * when none left it, and new goroutines (not there at the first look) settled in it at three looks
 * or more: a pool that is filled once is seen to grow at one, or at two when a look was under way.
 * What comes and goes settles nowhere, or leaves. What this cannot tell from a leak: goroutines
 * that live longer than all looks together, and that are started more and more.
 *
 * Memory: some 50 bytes a goroutine that is alive, and each distinct stack.
 */
struct goroutine_leak {
	uint64_t now;	     /* members at the last look */
	uint64_t before;     /* at the first */
	uint64_t grown;	     /* new ones that settled */
	double per_minute;   /* grown, over the time in which they can have come */
	uint64_t oldest_ns;  /* the one that is there the longest has been for at least this */
	uint64_t goid;	     /* of the member with the lowest number */
	const char *state;   /* of a member, as dumps say it */
	struct snap_g like;  /* a member: gopc and startpc are equal for all */
	const uint64_t *pcs; /* leaf first, physical */
	size_t pc_cnt;
	bool stack_cut;
};

struct goroutine_leaks;

/* system: look at the runtime's own too. fc is borrowed until free; not asked when system is set.
 */
int goroutine_leaks__new(struct frame_cache *fc, bool system, struct goroutine_leaks **out);
void goroutine_leaks__free(struct goroutine_leaks *l);
/* A snap_visit_fn: ctx is a struct goroutine_leaks *. */
int goroutine_leaks__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			   const uint64_t *pcs, const struct snap_label *labels);
/* After each walk, with its head. */
int goroutine_leaks__end_look(struct goroutine_leaks *l, const struct snapshot *head);
/* After the last look. The one that grew most comes first. */
int goroutine_leaks__finish(struct goroutine_leaks *l);

struct goroutine_leaks_totals {
	size_t looks;
	uint64_t span_ns;	   /* first look to last */
	uint64_t before, now;	   /* goroutines */
	uint64_t unknown;	   /* alive at the end, of which no look knew a stack */
	uint64_t torn, unreadable; /* of all looks together */
};
void goroutine_leaks__totals(const struct goroutine_leaks *l, struct goroutine_leaks_totals *out);
size_t goroutine_leaks__count(const struct goroutine_leaks *l);
const struct goroutine_leak *goroutine_leaks__at(const struct goroutine_leaks *l, size_t i);

#endif
