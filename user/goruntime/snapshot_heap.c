/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot.h"

#include <errno.h>
#include <string.h>

#include "goruntime/snapshot_read.h"

/*
 * The heap goal as the runtime computes it: runtime/mgcpacer.go, heapGoalInternal and
 * memoryLimitHeapGoal of Go 1.19-1.27; a stored word up to 1.18.
 */
#define MIN_RUNWAY (64u << 10)
#define NOT_TRIGGERED UINT64_MAX
#define NO_MEMORY_LIMIT INT64_MAX
#define HEADROOM (1u << 20) /* all of it up to 1.20, the least of it later */
#define HEADROOM_PERCENT 3  /* from 1.21 */

struct pacer {
	uint64_t live, goal_word;
	uint64_t percent_goal, sweep_min_trigger, triggered;
	uint64_t memory_limit, heap_marked, heap_free, total_alloc, total_free, mapped_ready;
};

static uint64_t limit_goal(const struct pacer *p, unsigned go_minor)
{
	uint64_t heap = p->heap_free + p->total_alloc - p->total_free;
	uint64_t other = p->mapped_ready > heap ? p->mapped_ready - heap : 0;
	uint64_t over = p->mapped_ready > p->memory_limit ? p->mapped_ready - p->memory_limit : 0;
	uint64_t goal, headroom = HEADROOM;

	if (other + over >= p->memory_limit)
		return p->heap_marked;
	goal = p->memory_limit - (other + over);
	if (go_minor >= 21 && goal / 100 * HEADROOM_PERCENT > headroom)
		headroom = goal / 100 * HEADROOM_PERCENT;
	if (goal < headroom || goal - headroom < headroom)
		goal = headroom;
	else
		goal -= headroom;
	return goal < p->heap_marked ? p->heap_marked : goal;
}

static uint64_t computed_goal(const struct pacer *p, unsigned go_minor, bool *estimate)
{
	uint64_t goal = p->percent_goal;

	if (p->memory_limit != NO_MEMORY_LIMIT) {
		uint64_t limited = limit_goal(p, go_minor);

		if (limited < goal) {
			/* the words that it is made of change with every allocation */
			*estimate = true;
			return limited;
		}
	}
	if (goal < p->sweep_min_trigger)
		goal = p->sweep_min_trigger;
	if (p->triggered != NOT_TRIGGERED && goal < p->triggered + MIN_RUNWAY)
		goal = p->triggered + MIN_RUNWAY;
	return goal;
}

int snapshot__heap(const struct snap_source *src, uint64_t *live, uint64_t *goal, bool *estimate)
{
	const struct go_layout *lay = src->lay;
	uint64_t base = src->globals->gc_controller + src->bias;
	struct pacer p = {.memory_limit = NO_MEMORY_LIMIT};
	const int32_t offs[] = {
		lay->gc_heap_live,	   lay->gc_heap_goal,	lay->gc_percent_goal,
		lay->gc_sweep_min_trigger, lay->gc_triggered,	lay->gc_memory_limit,
		lay->gc_heap_marked,	   lay->gc_heap_free,	lay->gc_total_alloc,
		lay->gc_total_free,	   lay->gc_mapped_ready};
	uint64_t *const words[] = {
		&p.live,	&p.goal_word,	 &p.percent_goal, &p.sweep_min_trigger,
		&p.triggered,	&p.memory_limit, &p.heap_marked,  &p.heap_free,
		&p.total_alloc, &p.total_free,	 &p.mapped_ready};
	uint64_t addrs[sizeof(offs) / sizeof(offs[0])];
	void *dst[sizeof(offs) / sizeof(offs[0])];
	size_t lens[sizeof(offs) / sizeof(offs[0])], cnt = 0;
	int err;

	*live = *goal = 0;
	*estimate = false;
	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		if (offs[i] < 0)
			continue;
		addrs[cnt] = base + (uint64_t)offs[i];
		dst[cnt] = words[i];
		lens[cnt++] = sizeof(uint64_t);
	}
	if (!src->globals->gc_controller || !cnt)
		return 0;
	err = src->rd.readv(src->rd.ctx, addrs, dst, lens, cnt);
	if (err)
		return err;
	*live = p.live;
	if (lay->gc_percent_goal >= 0)
		*goal = computed_goal(&p, src->go_minor, estimate);
	else if (lay->gc_heap_goal >= 0)
		*goal = p.goal_word;
	return 0;
}
