/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/heap.h"

static void gauge(struct summary_gauge *g, uint64_t v)
{
	if (!g->samples++)
		g->first = g->min = g->max = v;
	if (v < g->min)
		g->min = v;
	if (v > g->max)
		g->max = v;
	g->last = v;
}

void heap__init(struct heap_fold *f)
{
	*f = (struct heap_fold){.floor = UINT64_MAX};
}

static void reading(struct heap_fold *f, uint64_t v)
{
	if (f->live.samples && v > f->live.last)
		f->rises += v - f->live.last;
	if (v < f->floor)
		f->floor = v;
	gauge(&f->live, v);
}

static void take_floor(struct heap_fold *f)
{
	struct summary_heap *s = &f->sum;

	if (!f->collected || f->floor == UINT64_MAX)
		return;
	if (!s->survived_cnt++)
		s->survived_first = f->floor;
	s->survived_last = f->floor;
	if (f->floor > s->survived_max)
		s->survived_max = f->floor;
}

static void collection_ends(struct heap_fold *f)
{
	uint64_t filled = f->rises, to_goal = 0;

	take_floor(f);
	/* before the first one we do not know what the cycle began with */
	if (f->collected && f->floor < f->goal.last)
		to_goal = f->goal.last - f->floor;
	f->sum.allocated += filled > to_goal ? filled : to_goal;
	f->rises = 0;
	f->floor = UINT64_MAX;
	f->collected = true;
}

void heap__transition(struct heap_fold *f, const struct transition *t)
{
	if (t->type == TR_HEAP_ALLOC)
		reading(f, t->value);
	else if (t->type == TR_HEAP_GOAL)
		gauge(&f->goal, t->value);
	else if (t->type == TR_GC_END)
		collection_ends(f);
}

void heap__finish(struct heap_fold *f, struct summary_heap *out)
{
	take_floor(f);
	f->sum.allocated += f->rises;
	*out = f->sum;
	out->live = f->live;
	out->goal = f->goal;
}
