/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/goroutines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int goroutines__init(struct goroutines *g)
{
	memset(g, 0, sizeof(*g));
	if (array__reserve(&g->v, 0, &g->cap, 1, sizeof(*g->v)))
		return -ENOMEM;
	g->v[g->cnt++] = (struct g_entry){0};
	return 0;
}

void goroutines__fini(struct goroutines *g)
{
	free(g->v);
	free(g->free_list);
	imap__free(&g->by_goid);
	memset(g, 0, sizeof(*g));
}

struct g_entry *goroutines__find(struct goroutines *g, uint64_t goid)
{
	uint64_t at;

	return imap__get(&g->by_goid, goid, &at) ? &g->v[at] : NULL;
}

static int take_entry(struct goroutines *g, uint32_t *at)
{
	if (g->free_cnt) {
		*at = g->free_list[--g->free_cnt];
		return 0;
	}
	if (g->cnt > UINT32_MAX / 2 || array__reserve(&g->v, g->cnt, &g->cap, 1, sizeof(*g->v)))
		return -ENOMEM;
	*at = (uint32_t)g->cnt++;
	return 0;
}

/* One that has been there all the time counts at every moment so far. */
static void count_from_start(struct goroutines *g, enum g_class class)
{
	g->count[class].start++;
	g->count[class].now++;
	g->count[class].min++;
	g->count[class].max++;
}

static void count_up(struct goroutines *g, enum g_class class)
{
	g->count[class].created++;
	if (++g->count[class].now > g->count[class].max)
		g->count[class].max = g->count[class].now;
}

static void count_down(struct goroutines *g, enum g_class class)
{
	g->count[class].exited++;
	if (--g->count[class].now < g->count[class].min)
		g->count[class].min = g->count[class].now;
}

int goroutines__add(struct goroutines *g, uint64_t goid, enum g_class class, bool created,
		    struct g_entry **out)
{
	uint32_t at;

	if (take_entry(g, &at))
		return -ENOMEM;
	if (imap__put(&g->by_goid, goid, at))
		return -ENOMEM;
	g->v[at] = (struct g_entry){.goid = goid, .class = class};
	if (created)
		count_up(g, class);
	else
		count_from_start(g, class);
	*out = &g->v[at];
	return 0;
}

void goroutines__remove(struct goroutines *g, struct g_entry *e)
{
	uint32_t at = (uint32_t)(e - g->v);

	count_down(g, e->class);
	imap__del(&g->by_goid, e->goid);
	e->goid = 0;
	/* without memory for the list the entry is not used again: no more than that */
	if (!array__reserve(&g->free_list, g->free_cnt, &g->free_cap, 1, sizeof(*g->free_list)))
		g->free_list[g->free_cnt++] = at;
}

void goroutines__reclassify(struct goroutines *g, struct g_entry *e, enum g_class class)
{
	if (class == e->class)
		return;
	/* its creation would have told its root: so it is older than the window */
	g->count[e->class].start--;
	g->count[e->class].now--;
	g->count[e->class].min--;
	g->count[e->class].max--;
	count_from_start(g, class);
	e->class = class;
}

struct g_entry *goroutines__next(struct goroutines *g, size_t *it)
{
	while (++*it < g->cnt) {
		if (g->v[*it].goid)
			return &g->v[*it];
	}
	return NULL;
}

void goroutines__finish(const struct goroutines *g, struct summary_goroutines *out)
{
	*out = (struct summary_goroutines){
		.start = g->count[CLASS_USER].start,
		.end = g->count[CLASS_USER].now,
		.min = g->count[CLASS_USER].min,
		.max = g->count[CLASS_USER].max,
		.created = g->count[CLASS_USER].created,
		.exited = g->count[CLASS_USER].exited,
		.system_end = g->count[CLASS_SYSTEM].now,
		.unknown_end = g->count[CLASS_UNKNOWN].now,
	};
}
