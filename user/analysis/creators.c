/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/creators.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/strtab.h"

void creators__fini(struct creators_fold *f)
{
	free(f->sums);
	imap__free(&f->by_key);
	memset(f, 0, sizeof(*f));
}

int64_t creators__add(struct creators_fold *f, uint32_t stack, uint32_t entry)
{
	uint64_t key = (uint64_t)stack << 32 | entry, at;

	if (!imap__get(&f->by_key, key, &at)) {
		if (array__reserve(&f->sums, f->cnt, &f->cap, 1, sizeof(*f->sums)) ||
		    imap__put(&f->by_key, key, f->cnt))
			return -ENOMEM;
		at = f->cnt++;
		f->sums[at] = (struct creator_sum){.stack = stack, .entry = entry};
	}
	f->sums[at].cnt++;
	f->sums[at].alive_cnt++;
	return (int64_t)at;
}

void creators__gone(struct creators_fold *f, uint32_t row)
{
	f->sums[row].alive_cnt--;
}

/* All sums of one `go` statement. */
struct statement {
	struct frame entry, at;
	uint64_t cnt, alive_cnt;
	uint32_t stack; /* the one that created most, and how many */
	uint64_t stack_cnt;
	uint32_t number;
};

static struct frame leaf_of(const struct stackset *stacks, uint32_t at)
{
	struct frame f = {"", "", 0};

	stackset__frames(stacks, at, &f, 1);
	return f;
}

static int64_t name_statement(struct strtab *names, const struct frame *entry,
			      const struct frame *at)
{
	struct buf name = {0};
	int64_t id;

	buf__printf(&name, "%s\n%s\n%s:%u", entry->func, at->func, at->file, at->line);
	id = name.err ? name.err : strtab__add(names, (char *)name.data, name.len);
	buf__free(&name);
	return id;
}

static void merge(struct statement *st, const struct creator_sum *s)
{
	st->cnt += s->cnt;
	st->alive_cnt += s->alive_cnt;
	if (s->cnt > st->stack_cnt) {
		st->stack = s->stack;
		st->stack_cnt = s->cnt;
	}
}

/* Most goroutines first. */
static int compare(const void *pa, const void *pb)
{
	const struct statement *a = pa, *b = pb;

	if (a->cnt != b->cnt)
		return a->cnt < b->cnt ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

static int group(const struct creators_fold *f, const struct stackset *stacks,
		 struct statement *list, size_t *cnt)
{
	struct strtab *names;
	int err;

	*cnt = 0;
	err = strtab__new(&names);
	for (size_t i = 0; !err && i < f->cnt; i++) {
		struct frame entry = leaf_of(stacks, f->sums[i].entry);
		struct frame at = leaf_of(stacks, f->sums[i].stack);
		int64_t id = name_statement(names, &entry, &at);

		if (id < 0) {
			err = (int)id;
			break;
		}
		/* ids are dense and begin at 1: 0 is the empty string */
		if ((size_t)id > *cnt)
			list[(*cnt)++] = (struct statement){
				.entry = entry, .at = at, .number = (uint32_t)id};
		merge(&list[id - 1], &f->sums[i]);
	}
	strtab__free(names);
	return err;
}

int creators__finish(const struct creators_fold *f, const struct stackset *stacks,
		     struct summary *out)
{
	struct statement *list = calloc(f->cnt ? f->cnt : 1, sizeof(*list));
	size_t cnt = 0, keep;
	int err = -ENOMEM;

	if (!list)
		return err;
	err = group(f, stacks, list, &cnt);
	if (err)
		goto out;
	qsort(list, cnt, sizeof(*list), compare);
	keep = cnt < SUMMARY_CREATORS ? cnt : SUMMARY_CREATORS;
	out->creators_seen = cnt;
	out->creators = calloc(keep ? keep : 1, sizeof(*out->creators));
	if (!out->creators) {
		err = -ENOMEM;
		goto out;
	}
	out->creator_cnt = keep;
	for (size_t i = 0; i < keep; i++) {
		struct summary_creator *row = &out->creators[i];

		row->entry = list[i].entry;
		row->at = list[i].at;
		row->cnt = list[i].cnt;
		row->alive_cnt = list[i].alive_cnt;
		stackset__copy(stacks, list[i].stack, &row->stack);
	}
out:
	free(list);
	return err;
}
