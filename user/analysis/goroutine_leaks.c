/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/goroutine_leaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/goroutine_filter.h"
#include "base/array.h"
#include "base/imap.h"
#include "goruntime/snapshot_text.h"

#define NONE UINT32_MAX
#define LOOKS_GROWN_MIN 3
#define AWAY_MAX 3 /* looks: who wakes now and then is elsewhere at one or two, by chance */
#define MINUTE_NS 60e9

struct group {
	struct goroutine_leak leak;
	uint64_t *pcs;
	char *state;
	uint32_t next; /* of the same hash */
	uint64_t left;
	uint32_t looks_grown, last_grown; /* number of a look; nothing grows at look 0 */
};

struct member {
	uint64_t goid;
	uint32_t first, last; /* numbers of looks, from 0 */
	uint32_t seen, since; /* group where it was last known to be, and since which look */
	uint32_t home, away;  /* group where it settled; looks in a row that met it elsewhere */
	int64_t waitsince_ns;
};

struct goroutine_leaks {
	struct goroutine_filter filter;
	struct group *groups;
	size_t group_cnt, group_cap;
	struct imap by_hash; /* -> first group */
	struct member *members;
	size_t member_cnt, member_cap;
	struct imap by_goid; /* -> index into members */
	uint64_t *times;     /* of the looks' begins */
	size_t look, time_cap;
	uint64_t visited; /* in this look */
	struct goroutine_leaks_totals totals;
	size_t *found; /* groups that are reported */
	size_t found_cnt;
};

int goroutine_leaks__new(struct frame_cache *fc, bool system, struct goroutine_leaks **out)
{
	struct goroutine_leaks *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->filter = (struct goroutine_filter){.fc = fc, .system = system};
	*out = l;
	return 0;
}

void goroutine_leaks__free(struct goroutine_leaks *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->group_cnt; i++) {
		free(l->groups[i].pcs);
		free(l->groups[i].state);
	}
	free(l->groups);
	free(l->members);
	free(l->times);
	free(l->found);
	imap__free(&l->by_hash);
	imap__free(&l->by_goid);
	goroutine_filter__free(&l->filter);
	free(l);
}

/* ---- groups -------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct snap_g *g, const uint64_t *pcs)
{
	uint64_t h = g->gopc;

	for (uint32_t i = 0; i < g->stack_cnt; i++) {
		h = (h ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static int add_group(struct goroutine_leaks *l, const struct snapshot *head, const struct snap_g *g,
		     const uint64_t *pcs, uint64_t hash, uint32_t first)
{
	struct group *to;

	if (l->group_cnt >= NONE ||
	    array__reserve(&l->groups, l->group_cnt, &l->group_cap, 1, sizeof(*to)))
		return -ENOMEM;
	to = &l->groups[l->group_cnt++];
	*to = (struct group){
		.next = first,
		.state = strdup(snap_g__state(head, g)),
		.pcs = malloc(g->stack_cnt * sizeof(*pcs)),
	};
	if (!to->state || !to->pcs)
		return -ENOMEM;
	memcpy(to->pcs, pcs, g->stack_cnt * sizeof(*pcs));
	to->leak.like = *g;
	to->leak.like.parent_goid = 0; /* differs from member to member */
	to->leak.goid = g->goid;
	to->leak.pc_cnt = g->stack_cnt;
	to->leak.stack_cut = g->stack_cut;
	return imap__put(&l->by_hash, hash, l->group_cnt - 1);
}

static int group_of(struct goroutine_leaks *l, const struct snapshot *head, const struct snap_g *g,
		    const uint64_t *pcs, uint32_t *out)
{
	uint64_t hash = hash_of(g, pcs), at;
	uint32_t first = imap__get(&l->by_hash, hash, &at) ? (uint32_t)at : NONE;
	int err;

	for (uint32_t i = first; i != NONE; i = l->groups[i].next) {
		const struct goroutine_leak *have = &l->groups[i].leak;

		if (have->like.gopc == g->gopc && have->pc_cnt == g->stack_cnt &&
		    !memcmp(l->groups[i].pcs, pcs, g->stack_cnt * sizeof(*pcs))) {
			*out = i;
			return 0;
		}
	}
	err = add_group(l, head, g, pcs, hash, first);
	*out = (uint32_t)l->group_cnt - 1;
	return err;
}

/* ---- visits -------------------------------------------------------------------------------- */

static int member_of(struct goroutine_leaks *l, uint64_t goid, struct member **out)
{
	uint64_t at;
	int err = 0;

	if (!imap__get(&l->by_goid, goid, &at)) {
		if (array__reserve(&l->members, l->member_cnt, &l->member_cap, 1,
				   sizeof(*l->members)))
			return -ENOMEM;
		at = l->member_cnt++;
		l->members[at] = (struct member){
			.goid = goid, .first = (uint32_t)l->look, .seen = NONE, .home = NONE};
		err = imap__put(&l->by_goid, goid, at);
	}
	*out = &l->members[at];
	return err;
}

static void settle(struct goroutine_leaks *l, struct member *m, uint32_t group)
{
	struct group *to = &l->groups[group];

	m->home = group;
	m->away = 0;
	if (!m->first)
		return;
	to->leak.grown++;
	if (to->last_grown != l->look) {
		to->last_grown = (uint32_t)l->look;
		to->looks_grown++;
	}
}

static void seen_in(struct goroutine_leaks *l, struct member *m, uint32_t group)
{
	bool again = m->seen == group;

	if (!again) {
		m->seen = group;
		m->since = (uint32_t)l->look;
	}
	if (m->home == group) {
		m->away = 0;
	} else if (m->home != NONE && ++m->away >= AWAY_MAX) {
		l->groups[m->home].left++;
		m->home = NONE;
	}
	if (m->home == NONE && again)
		settle(l, m, group);
}

int goroutine_leaks__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			   const uint64_t *pcs, const struct snap_label *labels)
{
	struct goroutine_leaks *l = ctx;
	struct member *m = NULL;
	uint32_t group;
	bool left_out;
	int err = goroutine_filter__leaves_out(&l->filter, g, pcs, &left_out);

	(void)labels;
	if (err || left_out)
		return err;
	l->visited++;
	err = member_of(l, g->goid, &m);
	if (err)
		return err;
	m->last = (uint32_t)l->look;
	m->waitsince_ns = g->waitsince_ns;
	if (!g->stack_cnt)
		return 0;
	err = group_of(l, head, g, pcs, &group);
	if (err)
		return err;
	seen_in(l, m, group);
	return 0;
}

/* Those that this look did not meet have ended; the last of the list takes their place. */
static int drop_ended(struct goroutine_leaks *l)
{
	for (size_t i = 0; i < l->member_cnt;) {
		struct member *m = &l->members[i];
		int err;

		if (m->last == l->look) {
			i++;
			continue;
		}
		if (m->home != NONE)
			l->groups[m->home].left++;
		imap__del(&l->by_goid, m->goid);
		*m = l->members[--l->member_cnt];
		if (i == l->member_cnt)
			break;
		err = imap__put(&l->by_goid, m->goid, i);
		if (err)
			return err;
	}
	return 0;
}

int goroutine_leaks__end_look(struct goroutine_leaks *l, const struct snapshot *head)
{
	int err = drop_ended(l);

	if (err || array__reserve(&l->times, l->look, &l->time_cap, 1, sizeof(*l->times)))
		return -ENOMEM;
	l->times[l->look] = head->begin_ns;
	for (size_t i = 0; l->look == 0 && i < l->member_cnt; i++) {
		if (l->members[i].seen != NONE)
			l->groups[l->members[i].seen].leak.before++;
	}
	if (l->look == 0)
		l->totals.before = l->visited;
	l->totals.now = l->visited;
	l->totals.torn += head->torn_cnt;
	l->totals.unreadable += head->unreadable_cnt;
	l->totals.looks = ++l->look;
	l->visited = 0;
	return 0;
}

/* ---- result -------------------------------------------------------------------------------- */

static void count_members(struct goroutine_leaks *l)
{
	uint64_t end = l->times[l->look - 1];

	for (size_t i = 0; i < l->member_cnt; i++) {
		const struct member *m = &l->members[i];
		struct goroutine_leak *to;
		uint64_t since;

		if (m->seen == NONE) {
			l->totals.unknown++;
			continue;
		}
		to = &l->groups[m->seen].leak;
		to->now++;
		if (m->goid < to->goid)
			to->goid = m->goid;
		/* the runtime's own mark, where it has set one, may reach further back */
		since = l->times[m->since];
		if (m->waitsince_ns > 0 && (uint64_t)m->waitsince_ns < since)
			since = (uint64_t)m->waitsince_ns;
		if (end - since > to->oldest_ns)
			to->oldest_ns = end - since;
	}
}

static int by_growth(const void *a, const void *b, void *ctx)
{
	const struct group *groups = ctx;
	const struct goroutine_leak *x = &groups[*(const size_t *)a].leak;
	const struct goroutine_leak *y = &groups[*(const size_t *)b].leak;

	if (x->grown != y->grown)
		return x->grown < y->grown ? 1 : -1;
	if (x->now != y->now)
		return x->now < y->now ? 1 : -1;
	return (x->goid > y->goid) - (x->goid < y->goid);
}

int goroutine_leaks__finish(struct goroutine_leaks *l)
{
	uint64_t can_grow_ns;

	l->found = calloc(l->group_cnt + 1, sizeof(*l->found));
	if (!l->found)
		return -ENOMEM;
	if (l->look < 3)
		return 0; /* nobody can have come and settled */
	count_members(l);
	l->totals.span_ns = l->times[l->look - 1] - l->times[0];
	/* who came after the look before the last cannot have settled yet */
	can_grow_ns = l->times[l->look - 2] - l->times[0];
	for (size_t i = 0; i < l->group_cnt; i++) {
		struct group *g = &l->groups[i];

		if (g->left || g->looks_grown < LOOKS_GROWN_MIN || !can_grow_ns)
			continue;
		g->leak.per_minute = (double)g->leak.grown * MINUTE_NS / (double)can_grow_ns;
		g->leak.state = g->state;
		g->leak.pcs = g->pcs;
		l->found[l->found_cnt++] = i;
	}
	qsort_r(l->found, l->found_cnt, sizeof(*l->found), by_growth, l->groups);
	return 0;
}

void goroutine_leaks__totals(const struct goroutine_leaks *l, struct goroutine_leaks_totals *out)
{
	*out = l->totals;
}

size_t goroutine_leaks__count(const struct goroutine_leaks *l)
{
	return l->found_cnt;
}

const struct goroutine_leak *goroutine_leaks__at(const struct goroutine_leaks *l, size_t i)
{
	return &l->groups[l->found[i]].leak;
}
