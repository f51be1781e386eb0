/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/imap.h"
#include "raw/raw_internal.h"

struct stack {
	uint64_t id;
	size_t off; /* of its PCs in bytes of `pcs` */
	uint32_t cnt;
	bool cut;
};

struct raw_stacks {
	struct buf pcs;		  /* u64 */
	struct buf stacks;	  /* struct stack; by id once collected */
	struct buf labels;	  /* struct gbt_labels without their unused end */
	struct imap stack_by_id;  /* -> index of `stacks` */
	struct imap labels_by_id; /* -> offset in `labels` */
};

static size_t stack_cnt(const struct raw_stacks *s)
{
	return s->stacks.len / sizeof(struct stack);
}

static const struct stack *stack_at(const struct raw_stacks *s, size_t i)
{
	return (const struct stack *)s->stacks.data + i;
}

static int add_stack(struct raw_stacks *s, const struct gbt_stack *rec)
{
	struct stack st = {.id = rec->id,
			   .off = s->pcs.len,
			   .cnt = rec->cnt,
			   .cut = (rec->flags | rec->hdr.flags) & GBT_F_STACK_CUT};
	int err;

	if (!rec->id || imap__get(&s->stack_by_id, rec->id, NULL))
		return 0; /* each CPU may have sent it */
	err = imap__put(&s->stack_by_id, rec->id, stack_cnt(s));
	if (err)
		return err;
	buf__append(&s->pcs, rec->pcs, 8u * rec->cnt);
	buf__append(&s->stacks, &st, sizeof(st));
	return s->pcs.err ? s->pcs.err : s->stacks.err;
}

static int add_labels(struct raw_stacks *s, const struct gbt_labels *rec, size_t len)
{
	int err;

	if (!rec->id || imap__get(&s->labels_by_id, rec->id, NULL))
		return 0;
	err = imap__put(&s->labels_by_id, rec->id, s->labels.len);
	if (err)
		return err;
	buf__append(&s->labels, rec, len); /* a multiple of 8 */
	return s->labels.err;
}

int raw_stacks__new(struct raw_stacks **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

int raw_stacks__add(struct raw_stacks *s, const struct gbt_hdr *rec, size_t len)
{
	if (rec->kind == GBT_STACK)
		return add_stack(s, (const struct gbt_stack *)rec);
	if (rec->kind == GBT_LABELS)
		return add_labels(s, (const struct gbt_labels *)rec, len);
	return 0;
}

static int on_record(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return raw_stacks__add(ctx, rec, len);
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct stack *)a)->id, y = ((const struct stack *)b)->id;

	return x < y ? -1 : x > y;
}

static int sort_stacks(struct raw_stacks *s)
{
	if (!stack_cnt(s))
		return 0;
	qsort(s->stacks.data, stack_cnt(s), sizeof(struct stack), by_id);
	for (size_t i = 0; i < stack_cnt(s); i++) {
		int err = imap__put(&s->stack_by_id, stack_at(s, i)->id, i);

		if (err)
			return err;
	}
	return 0;
}

int raw_stacks__collect(const struct raw_file *f, struct raw_stacks **out)
{
	struct raw_stacks *s;
	int err = raw_stacks__new(&s);

	if (err)
		return err;
	err = raw_file__each_record(f, on_record, s);
	if (!err)
		err = sort_stacks(s);
	if (err) {
		raw_stacks__free(s);
		return err;
	}
	*out = s;
	return 0;
}

void raw_stacks__free(struct raw_stacks *s)
{
	if (!s)
		return;
	buf__free(&s->pcs);
	buf__free(&s->stacks);
	buf__free(&s->labels);
	imap__free(&s->stack_by_id);
	imap__free(&s->labels_by_id);
	free(s);
}

const uint64_t *raw_stacks__get(const struct raw_stacks *s, uint64_t id, size_t *cnt, bool *cut)
{
	static const uint64_t none;
	const struct stack *st;
	uint64_t i;

	*cnt = 0;
	if (!imap__get(&s->stack_by_id, id, &i))
		return NULL;
	st = stack_at(s, i);
	*cnt = st->cnt;
	if (cut)
		*cut = st->cut;
	return st->cnt ? (const uint64_t *)(s->pcs.data + st->off) : &none;
}

const struct gbt_labels *raw_stacks__labels(const struct raw_stacks *s, uint64_t id)
{
	uint64_t off;

	if (!imap__get(&s->labels_by_id, id, &off))
		return NULL;
	return (const struct gbt_labels *)(s->labels.data + off);
}

int raw_stacks__each(const struct raw_stacks *s, raw_stack_fn fn, void *ctx)
{
	for (size_t i = 0; i < stack_cnt(s); i++) {
		const struct stack *st = stack_at(s, i);
		size_t cnt;
		int err = fn(ctx, st->id, raw_stacks__get(s, st->id, &cnt, NULL), st->cnt);

		if (err)
			return err;
	}
	return 0;
}

size_t raw_stacks__count(const struct raw_stacks *s)
{
	return stack_cnt(s);
}
