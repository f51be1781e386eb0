/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/hot.h"

#include <errno.h>
#include <stdlib.h>

#include "analysis/places.h"
#include "base/array.h"

void hot__fini(struct hot_fold *f)
{
	free(f->stacks);
	imap__free(&f->by_id);
}

int hot__sample(struct hot_fold *f, const struct tr_stack *st)
{
	uint64_t at;

	if (!st->id)
		return 0;
	if (!imap__get(&f->by_id, st->id, &at)) {
		if (array__reserve(&f->stacks, f->cnt, &f->cap, 1, sizeof(*f->stacks)) ||
		    imap__put(&f->by_id, st->id, f->cnt))
			return -ENOMEM;
		at = f->cnt++;
		f->stacks[at] = (struct hot_stack){.st = *st};
	}
	f->stacks[at].cnt++;
	return 0;
}

/* Numbers of the stacks in the set, [f->cnt]. */
static int number_stacks(const struct hot_fold *f, struct stackset *stacks, uint32_t *of)
{
	for (size_t i = 0; i < f->cnt; i++) {
		int64_t at = stackset__add(stacks, &f->stacks[i].st);

		if (at < 0)
			return (int)at;
		of[i] = (uint32_t)at;
	}
	return 0;
}

/* The first of the places with most samples, which come in the order of the stream. */
static int most(const struct hot_fold *f, const struct stackset *stacks, const uint32_t *of,
		struct summary_hot *out)
{
	struct places places = {0};
	struct imap sums = {0};
	int err = places__init(&places, stacks);

	for (size_t i = 0; !err && i < f->cnt; i++) {
		int64_t place = places__of(&places, of[i]);
		uint64_t sum = 0;

		if (place < 0) {
			err = (int)place;
			break;
		}
		imap__get(&sums, (uint64_t)place, &sum);
		sum += f->stacks[i].cnt;
		err = imap__put(&sums, (uint64_t)place, sum);
		if (sum > out->cnt) {
			out->cnt = sum;
			stackset__place(stacks, of[i], &out->op, &out->at);
		}
	}
	places__fini(&places);
	imap__free(&sums);
	return err;
}

int hot__finish(const struct hot_fold *f, struct stackset *stacks, struct summary_hot *out)
{
	uint32_t *of = calloc(f->cnt ? f->cnt : 1, sizeof(*of));
	int err = of ? number_stacks(f, stacks, of) : -ENOMEM;

	*out = (struct summary_hot){0};
	if (!err)
		err = most(f, stacks, of, out);
	free(of);
	return err;
}
