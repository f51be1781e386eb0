/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/states.h"
#include "base/array.h"
#include "base/hash.h"

/* Without padding: it is hashed and compared as bytes. */
struct owner {
	uint64_t labels; /* as struct owners has it */
	uint64_t creator, goid, tid;
	uint64_t state; /* slot + 1 */
};
_Static_assert(sizeof(struct owner) == 5 * 8, "no padding");

/*
 * A set is the id that events have, or the number (from 1) of the first goroutine of the snapshot
 * that has it. The former is a hash of 64 bits: never as small as the latter.
 */
/* A creator is the stack of its go statement, or an address behind it: those of user space have 47
 * bits. */
#define OF_STACK (UINT64_C(1) << 63)

static int take_snapshot(struct owners *o)
{
	const struct snapshot *s = o->snapshot;
	struct imap first = {0}; /* place of the labels -> the first goroutine that has them */
	int err = 0;

	for (size_t i = 0; s && !err && i < s->g_cnt; i++) {
		const struct snap_g *g = &s->g[i];
		uint64_t at = i + 1;

		if (o->parts & OWNER_CREATOR && g->gopc)
			err = imap__put(&o->creators, g->goid, g->gopc & ~OF_STACK);
		if (err || !g->label_cnt)
			continue;
		if (!imap__get(&first, g->label_off, &at))
			err = imap__put(&first, g->label_off, at);
		if (!err)
			err = imap__put(&o->labels, g->goid, at);
	}
	imap__free(&first);
	return err;
}

int owners__init(struct owners *o, unsigned parts, const struct snapshot *snapshot)
{
	memset(o, 0, sizeof(*o));
	o->parts = parts;
	o->snapshot = snapshot;
	if (array__reserve(&o->v, 0, &o->cap, 1, sizeof(*o->v)))
		return -ENOMEM;
	o->v[o->cnt++] = (struct owner){0};
	return take_snapshot(o);
}

void owners__fini(struct owners *o)
{
	free(o->v);
	imap__free(&o->by_content);
	imap__free(&o->labels);
	imap__free(&o->creators);
	memset(o, 0, sizeof(*o));
}

static int set_labels(struct owners *o, uint64_t goid, uint64_t id)
{
	if (id)
		return imap__put(&o->labels, goid, id);
	imap__del(&o->labels, goid);
	return 0;
}

/* Goroutines of the runtime do not inherit. */
static int inherit_labels(struct owners *o, struct stackset *stacks, const struct gbt_event *e)
{
	const struct tr_stack entry = {.pc = e->arg, .leaf_exact = true};
	uint64_t labels;
	int64_t at;

	if (!o->labels.cnt || !imap__get(&o->labels, e->cur, &labels))
		return 0;
	at = stackset__add(stacks, &entry);
	if (at < 0)
		return (int)at;
	if (stackset__class(stacks, (uint32_t)at) == CLASS_SYSTEM)
		return 0;
	return imap__put(&o->labels, e->goid, labels);
}

static int created(struct owners *o, struct stackset *stacks, const struct gbt_event *e)
{
	const struct tr_stack at = {.id = e->stack, .skip = 2, .goid = e->cur};
	int err = inherit_labels(o, stacks, e);
	int64_t stack;

	if (err || !(o->parts & OWNER_CREATOR))
		return err;
	stack = stackset__add(stacks, &at);
	if (stack <= 0)
		return (int)stack;
	return imap__put(&o->creators, e->goid, (uint64_t)stack | OF_STACK);
}

int owners__record(struct owners *o, struct stackset *stacks, const struct gbt_hdr *rec)
{
	const struct gbt_event *e = (const struct gbt_event *)rec;

	switch (rec->kind) {
	case GBT_CREATE:
		return created(o, stacks, e);
	case GBT_SET_LABELS:
		return set_labels(o, e->goid, e->arg);
	case GBT_EXIT:
		if (o->labels.cnt)
			imap__del(&o->labels, e->goid);
		if (o->creators.cnt)
			imap__del(&o->creators, e->goid);
		return 0;
	}
	return 0;
}

int64_t owners__of(struct owners *o, uint64_t goid, uint64_t tid, unsigned slot)
{
	struct owner want = {0};
	uint64_t key, at;

	if (!goid || (!o->parts && !o->labels.cnt))
		return 0;
	(void)imap__get(&o->labels, goid, &want.labels);
	if (!o->parts && !want.labels)
		return 0;
	if (o->parts & OWNER_CREATOR)
		(void)imap__get(&o->creators, goid, &want.creator);
	if (o->parts & OWNER_GOROUTINE)
		want.goid = goid;
	if (o->parts & OWNER_THREAD)
		want.tid = tid == UINT64_MAX ? 0 : tid;
	if (o->parts & OWNER_STATE)
		want.state = slot + 1;
	for (key = hash__bytes(&want, sizeof(want)); imap__get(&o->by_content, key, &at); key++) {
		if (!memcmp(&o->v[at], &want, sizeof(want)))
			return (int64_t)at;
	}
	if (o->cnt >= UINT32_MAX || array__reserve(&o->v, o->cnt, &o->cap, 1, sizeof(*o->v)) ||
	    imap__put(&o->by_content, key, o->cnt))
		return -ENOMEM;
	o->v[o->cnt] = want;
	return (int64_t)o->cnt++;
}

void owners__get(const struct owners *o, const struct stackset *stacks, uint32_t at,
		 struct row_owner *out)
{
	const struct owner *w = &o->v[at];
	size_t before = o->snapshot ? o->snapshot->g_cnt : 0;
	struct frame creator;

	*out = (struct row_owner){.goid = w->goid, .tid = w->tid};
	if (w->labels && w->labels <= before) {
		const struct snap_g *g = &o->snapshot->g[w->labels - 1];

		out->labels = o->snapshot->labels + g->label_off;
		out->label_cnt = g->label_cnt;
	} else {
		out->labels_id = w->labels;
	}
	if (!(w->creator & OF_STACK))
		out->gopc = w->creator;
	else if (stackset__frames(stacks, (uint32_t)w->creator, &creator, 1) && creator.func[0])
		out->creator = creator.func;
	if (w->state)
		out->state = states__slot_name((unsigned)w->state - 1);
}
