/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/wall_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "goruntime/snapshot_text.h"

static int state_of(struct wall_rows *r, const struct wall_place *p, uint32_t *out)
{
	const struct snap_g like = {.status = p->status, .wait_reason = p->wait_reason};
	bool waits = p->status == G_WAITING || p->status == G_LEAKED;
	uint64_t code = (uint64_t)p->status << 8 | (waits ? p->wait_reason : 0), at;

	if (imap__get(&r->state_by_code, code, &at)) {
		*out = (uint32_t)at;
		return 0;
	}
	if (array__reserve(&r->states, r->states_cnt, &r->states_cap, 1, sizeof(*r->states)))
		return -ENOMEM;
	r->states[r->states_cnt] = strdup(snap_g__state(r->head, &like));
	if (!r->states[r->states_cnt])
		return -ENOMEM;
	*out = (uint32_t)r->states_cnt++;
	return imap__put(&r->state_by_code, code, *out);
}

static bool same(const struct wall_row *a, const struct wall_row *b)
{
	return a->stack_off == b->stack_off && a->stack_cnt == b->stack_cnt &&
	       a->state == b->state && a->label_off == b->label_off &&
	       a->label_cnt == b->label_cnt && a->startpc == b->startpc && a->gopc == b->gopc &&
	       a->goid == b->goid && a->running == b->running && a->torn == b->torn &&
	       a->stack_cut == b->stack_cut;
}

static uint64_t hash_of(const struct wall_row *a)
{
	const uint64_t parts[] = {
		(uint64_t)a->stack_off << 32 | a->stack_cnt,
		(uint64_t)a->label_off << 32 | a->label_cnt,
		(uint64_t)a->state << 3 | a->running << 2 | a->torn << 1 | a->stack_cut,
		a->startpc,
		a->gopc,
		a->goid,
	};
	uint64_t h = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		h = (h ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static int append(struct wall_rows *r, const struct wall_row *like, uint64_t hash, uint32_t first,
		  uint32_t *row)
{
	if (array__reserve(&r->rows, r->cnt, &r->cap, 1, sizeof(*r->rows)) ||
	    array__reserve(&r->next, r->cnt, &r->next_cap, 1, sizeof(*r->next)))
		return -ENOMEM;
	r->rows[r->cnt] = *like;
	r->next[r->cnt] = first;
	*row = (uint32_t)r->cnt++;
	return imap__put(&r->by_hash, hash, *row);
}

int wall_rows__of(struct wall_rows *r, const struct wall_place *p, uint32_t *row)
{
	struct wall_row like = {
		.startpc = p->startpc,
		.gopc = p->gopc,
		.goid = p->goid,
		.stack_cnt = (uint32_t)p->cnt,
		.label_off = p->label_off,
		.label_cnt = p->label_cnt,
		.running = p->running,
		.torn = p->torn,
		.stack_cut = p->cut,
	};
	uint32_t first = WALL_NO_ROW;
	uint64_t hash, at;
	int err = state_of(r, p, &like.state);

	*row = WALL_FULL;
	if (err ||
	    (r->cnt >= r->max && !snap_store__find(&r->store, p->pcs, p->cnt, &like.stack_off)))
		return err;
	err = snap_store__stack(&r->store, p->pcs, p->cnt, &like.stack_off);
	if (err)
		return err;
	hash = hash_of(&like);
	if (imap__get(&r->by_hash, hash, &at))
		first = (uint32_t)at;
	for (uint32_t i = first; i != WALL_NO_ROW; i = r->next[i]) {
		if (same(&r->rows[i], &like)) {
			*row = i;
			return 0;
		}
	}
	return r->cnt < r->max ? append(r, &like, hash, first, row) : 0;
}

void wall_rows__add(struct wall_rows *r, uint32_t row, uint64_t ns)
{
	if (row == WALL_FULL)
		r->dropped_ns += ns;
	else if (row != WALL_NO_ROW)
		r->rows[row].ns += ns;
}

void wall_rows__take(struct wall_rows *r, struct wall_profile *p)
{
	p->rows = r->rows;
	p->row_cnt = r->cnt;
	p->pcs = r->store.pcs;
	p->pcs_cnt = r->store.pcs_cnt;
	p->labels = r->store.labels;
	p->labels_cnt = r->store.labels_cnt;
	p->states = r->states;
	p->states_cnt = r->states_cnt;
	p->dropped_ns = r->dropped_ns;
	r->rows = NULL;
	r->store.pcs = NULL;
	r->store.labels = NULL;
	r->store.labels_cnt = 0;
	r->states = NULL;
	r->states_cnt = 0;
}

void wall_rows__free(struct wall_rows *r)
{
	for (size_t i = 0; i < r->states_cnt; i++)
		free(r->states[i]);
	free(r->states);
	free(r->rows);
	free(r->next);
	imap__free(&r->by_hash);
	imap__free(&r->state_by_code);
	snap_store__free(&r->store);
}
