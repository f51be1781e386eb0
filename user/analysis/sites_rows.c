/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/places.h"
#include "analysis/sites_internal.h"
#include "analysis/states.h"
#include "base/array.h"

/* All stacks that wait for one reason in one place of the program. */
struct group {
	uint64_t place; /* places.h */
	unsigned slot;
	uint64_t total_ns, cnt, max_ns, max_part_ns, open_cnt, whole_cnt, woken_other;
	uint32_t stack; /* the one with most time, and its time */
	uint64_t stack_ns;
	bool taken;
};

/* All waits of a group that were ended from one place. */
struct wake {
	uint32_t group;
	uint64_t place;
	uint64_t cnt, total_ns;
	uint32_t stack;
	uint64_t stack_cnt;
};

struct rows {
	const struct sites_fold *fold;
	const struct stackset *stacks;
	struct places places;
	struct group *groups;
	size_t group_cnt, group_cap;
	uint32_t *group_of; /* [fold->cnt] */
	struct wake *wakes;
	size_t wake_cnt, wake_cap;
	uint32_t *order; /* [group_cnt] */
};

static int add_site(struct rows *r, struct imap *by_place, uint32_t site)
{
	const struct site_sum *s = &r->fold->sums[site];
	int64_t place = places__of(&r->places, s->stack);
	struct group *g;
	uint64_t at;

	if (place < 0)
		return (int)place;
	if (!imap__get(by_place, (uint64_t)place << 8 | s->slot, &at)) {
		if (array__reserve(&r->groups, r->group_cnt, &r->group_cap, 1, sizeof(*g)) ||
		    imap__put(by_place, (uint64_t)place << 8 | s->slot, r->group_cnt))
			return -ENOMEM;
		at = r->group_cnt++;
		r->groups[at] = (struct group){.place = (uint64_t)place, .slot = s->slot};
	}
	g = &r->groups[at];
	g->total_ns += s->total_ns;
	g->cnt += s->cnt;
	g->open_cnt += s->open_cnt;
	g->whole_cnt += s->whole_cnt;
	g->woken_other += s->woken_other;
	if (s->max_ns > g->max_ns)
		g->max_ns = s->max_ns;
	if (s->max_part_ns > g->max_part_ns)
		g->max_part_ns = s->max_part_ns;
	if (!g->stack || s->total_ns > g->stack_ns) {
		g->stack = s->stack;
		g->stack_ns = s->total_ns;
	}
	r->group_of[site] = (uint32_t)at;
	return 0;
}

static int group_sites(struct rows *r)
{
	struct imap by_place = {0};
	int err = 0;

	r->group_of = calloc(r->fold->cnt, sizeof(*r->group_of));
	if (!r->group_of)
		return -ENOMEM;
	for (uint32_t i = 1; !err && i < r->fold->cnt; i++) {
		if (r->fold->sums[i].cnt)
			err = add_site(r, &by_place, i);
	}
	imap__free(&by_place);
	return err;
}

static int add_waker(struct rows *r, struct imap *by_place, const struct waker_sum *w)
{
	uint32_t group = r->group_of[w->site];
	int64_t place = places__of(&r->places, w->stack);
	struct wake *wake;
	uint64_t key, at;

	if (place < 0)
		return (int)place;
	key = (uint64_t)group << 32 | (uint64_t)place;
	if (!imap__get(by_place, key, &at)) {
		if (array__reserve(&r->wakes, r->wake_cnt, &r->wake_cap, 1, sizeof(*wake)) ||
		    imap__put(by_place, key, r->wake_cnt))
			return -ENOMEM;
		at = r->wake_cnt++;
		r->wakes[at] = (struct wake){.group = group, .place = (uint64_t)place};
	}
	wake = &r->wakes[at];
	wake->cnt += w->cnt;
	wake->total_ns += w->total_ns;
	if (w->cnt > wake->stack_cnt) {
		wake->stack = w->stack;
		wake->stack_cnt = w->cnt;
	}
	return 0;
}

/* By group, most waits first; places have a stable order of their own. */
static int compare_wake(const void *pa, const void *pb)
{
	const struct wake *a = pa, *b = pb;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->cnt != b->cnt)
		return a->cnt < b->cnt ? 1 : -1;
	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	return (a->place > b->place) - (a->place < b->place);
}

static int group_wakers(struct rows *r)
{
	struct imap by_place = {0};
	int err = 0;

	for (size_t i = 0; !err && i < r->fold->waker_cnt; i++)
		err = add_waker(r, &by_place, &r->fold->wakers[i]);
	imap__free(&by_place);
	if (!err && r->wake_cnt > 1)
		qsort(r->wakes, r->wake_cnt, sizeof(*r->wakes), compare_wake);
	return err;
}

/* Most time first. */
static int compare_group(const void *pa, const void *pb, void *rows)
{
	const struct rows *r = rows;
	const struct group *a = &r->groups[*(const uint32_t *)pa];
	const struct group *b = &r->groups[*(const uint32_t *)pb];

	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

static void fill_wakers(const struct rows *r, uint32_t group, struct summary_site *out)
{
	size_t i = 0;

	out->waker_other_cnt = r->groups[group].woken_other;
	while (i < r->wake_cnt && r->wakes[i].group < group)
		i++;
	for (; i < r->wake_cnt && r->wakes[i].group == group; i++) {
		const struct wake *w = &r->wakes[i];
		struct summary_waker *row;

		if (out->waker_cnt == SUMMARY_WAKERS) {
			out->waker_other_cnt += w->cnt;
			continue;
		}
		row = &out->wakers[out->waker_cnt++];
		row->cnt = w->cnt;
		row->total_ns = w->total_ns;
		stackset__place(r->stacks, w->stack, &row->op, &row->at);
		stackset__copy(r->stacks, w->stack, &row->stack);
	}
}

static void fill_site(const struct rows *r, uint32_t group, struct summary_site *out)
{
	const struct group *g = &r->groups[group];

	out->reason = states__slot_name(g->slot);
	out->total_ns = g->total_ns;
	out->cnt = g->cnt;
	out->max_ns = g->max_ns;
	out->max_part_ns = g->max_part_ns;
	out->open_cnt = g->open_cnt;
	out->whole_cnt = g->whole_cnt;
	stackset__place(r->stacks, g->stack, &out->op, &out->at);
	stackset__copy(r->stacks, g->stack, &out->stack);
	fill_wakers(r, group, out);
}

/* Marks the first max groups of the order that have the slot (SLOT_MAX: any). */
static size_t take(struct rows *r, unsigned slot, size_t max)
{
	size_t cnt = 0;

	for (size_t i = 0; i < r->group_cnt && cnt < max; i++) {
		struct group *g = &r->groups[r->order[i]];

		if (g->taken || (slot != SLOT_MAX && g->slot != slot))
			continue;
		g->taken = true;
		cnt++;
	}
	return cnt;
}

/*
 * Idle workers and connections have most of the waiting time and would leave no place for locks
 * and syscalls, which are short and matter more: a few of those are always in.
 */
#define KEPT_FOR_EACH 5
#define SYNC_REASON 5

static int fill_rows(struct rows *r, struct summary *out)
{
	size_t cnt;

	r->order = calloc(r->group_cnt ? r->group_cnt : 1, sizeof(*r->order));
	if (!r->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->group_cnt; i++)
		r->order[i] = i;
	if (r->group_cnt > 1)
		qsort_r(r->order, r->group_cnt, sizeof(*r->order), compare_group, r);
	cnt = take(r, SLOT_MAX, SUMMARY_SITES - 2 * KEPT_FOR_EACH);
	cnt += take(r, SLOT_BLOCKED + SYNC_REASON, KEPT_FOR_EACH);
	cnt += take(r, SLOT_SYSCALL, KEPT_FOR_EACH);
	cnt += take(r, SLOT_MAX, SUMMARY_SITES - cnt);

	out->sites = calloc(cnt ? cnt : 1, sizeof(*out->sites));
	if (!out->sites)
		return -ENOMEM;
	out->sites_seen = r->group_cnt;
	for (size_t i = 0; i < r->group_cnt; i++) {
		if (r->groups[r->order[i]].taken)
			fill_site(r, r->order[i], &out->sites[out->site_cnt++]);
	}
	return 0;
}

int sites__finish(const struct sites_fold *f, const struct stackset *stacks, struct summary *out)
{
	struct rows r = {.fold = f, .stacks = stacks};
	int err;

	err = places__init(&r.places, stacks);
	if (!err)
		err = group_sites(&r);
	if (!err)
		err = group_wakers(&r);
	if (!err)
		err = fill_rows(&r, out);
	places__fini(&r.places);
	free(r.groups);
	free(r.group_of);
	free(r.wakes);
	free(r.order);
	return err;
}
