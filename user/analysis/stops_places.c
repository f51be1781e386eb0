/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/stops_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/places.h"
#include "analysis/stackset.h"
#include "base/array.h"

const char *stop_row__reason(const struct stop_row *r, const struct snapshot *names)
{
	const char *text;
	uint16_t reason;

	switch (r->kind) {
	case STOPPED_WAIT:
		if (!names || r->reason >= names->wait_reasons_cnt)
			return "waiting";
		text = names->wait_reasons[r->reason];
		reason = tr_block_reason__of_wait(text);
		return reason ? tr_block_reason__name(reason) : text;
	case STOPPED_RUNNABLE:
		return "runnable";
	case STOPPED_SUSPENDED:
		return "preempted";
	case STOPPED_SWITCHED:
		return "coroutine";
	case STOPPED_UNKNOWN:
		break;
	}
	return "not known";
}

struct tr_stack stop_row__stack(const struct stop_row *r)
{
	return (struct tr_stack){.id = r->stack, .skip = r->parked, .goid = r->first ? 1 : 0};
}

struct adder {
	const struct snapshot *names;
	struct stackset stacks;
	struct places places;
	struct imap by_key; /* place and reason -> index in rows */
	struct summary_stop *rows;
	uint64_t *most; /* of the stack that stands for a row */
	size_t cnt, cap, most_cap;
};

static struct summary_stop *place_of(struct adder *a, int64_t place, const char *reason,
				     uint32_t stack)
{
	uint64_t key = (uint64_t)place * UINT64_C(0x9e3779b97f4a7c15), at;
	struct summary_stop *row;

	for (const char *c = reason; *c; c++)
		key = (key ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	for (; imap__get(&a->by_key, key, &at); key++) {
		if (a->rows[at].place == (uint64_t)place && !strcmp(a->rows[at].reason, reason))
			return &a->rows[at];
	}
	if (array__reserve(&a->rows, a->cnt, &a->cap, 1, sizeof(*a->rows)) ||
	    array__reserve(&a->most, a->cnt, &a->most_cap, 1, sizeof(*a->most)) ||
	    imap__put(&a->by_key, key, a->cnt))
		return NULL;
	a->most[a->cnt] = 0;
	row = &a->rows[a->cnt++];
	*row = (struct summary_stop){.reason = reason, .place = (uint64_t)place};
	stackset__place(&a->stacks, stack, &row->op, &row->at);
	return row;
}

static int add(struct adder *a, const struct stop_row *r, uint32_t stack)
{
	int64_t place = places__of(&a->places, stack);
	struct summary_stop *row;

	if (place < 0)
		return (int)place;
	row = place_of(a, place, stop_row__reason(r, a->names), stack);
	if (!row)
		return -ENOMEM;
	row->cnt += r->cnt;
	row->least_ns += r->least_ns;
	row->most_ns += r->most_ns;
	row->open_cnt += r->open;
	if (row->longest_ns < r->longest_ns)
		row->longest_ns = r->longest_ns;
	if (r->most_ns >= a->most[row - a->rows]) {
		a->most[row - a->rows] = r->most_ns;
		stackset__copy(&a->stacks, stack, &row->stack);
	}
	return 0;
}

static int by_least(const void *a, const void *b)
{
	const struct summary_stop *x = a, *y = b;

	if (x->least_ns != y->least_ns)
		return x->least_ns > y->least_ns ? -1 : 1;
	if (x->cnt != y->cnt)
		return x->cnt > y->cnt ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int add_all(struct adder *a, const struct stops *s)
{
	size_t cnt;
	const struct stop_row *rows = stops__rows(s, &cnt);
	uint32_t *numbers = calloc(cnt + 1, sizeof(*numbers));
	int err = numbers ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < cnt; i++) {
		const struct tr_stack st = stop_row__stack(&rows[i]);
		int64_t n = stackset__add(&a->stacks, &st);

		err = n < 0 ? (int)n : 0;
		numbers[i] = (uint32_t)n;
	}
	if (!err)
		err = places__init(&a->places, &a->stacks);
	for (size_t i = 0; !err && i < cnt; i++) {
		if (numbers[i] && stackset__class(&a->stacks, numbers[i]) != CLASS_SYSTEM)
			err = add(a, &rows[i], numbers[i]);
	}
	places__fini(&a->places);
	free(numbers);
	return err;
}

int stops__summarize(const struct stops *s, const struct frame_source *frames,
		     const struct snapshot *names, struct summary *out)
{
	struct adder a = {.names = names};
	int err = stackset__init(&a.stacks, frames);

	if (!err)
		err = add_all(&a, s);
	if (!err) {
		qsort(a.rows, a.cnt, sizeof(*a.rows), by_least);
		stops__totals(s, &out->stop_totals);
		out->stops = a.rows;
		out->stops_seen = a.cnt;
		out->stop_cnt = a.cnt < SUMMARY_SITES ? a.cnt : SUMMARY_SITES;
		a.rows = NULL;
	}
	free(a.rows);
	free(a.most);
	imap__free(&a.by_key);
	stackset__fini(&a.stacks);
	return err;
}
