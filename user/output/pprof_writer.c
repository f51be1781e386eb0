/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/pprof_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "output/gzip.h"
#include "output/pprof_locations.h"
#include "output/pprof_store.h"
#include "output/proto.h"

/* Field numbers of profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_STRING_TABLE = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,

	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,

	SAMPLE_LOCATION_ID = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,

	LABEL_KEY = 1,
	LABEL_STR = 2,
	LABEL_NUM = 3,
	LABEL_NUM_UNIT = 4,
};

struct pprof_writer {
	const struct pprof_type *type;
	int64_t period;
	uint64_t start_wall_ns, duration_ns;
	struct pprof_store store;
	struct pprof_locations *locs;
	char **comments;
	size_t comment_cnt, comment_cap;
};

int pprof_writer__new(const struct pprof_type *type, const struct symtab *symtab, int64_t period,
		      uint64_t start_wall_ns, uint64_t duration_ns, struct pprof_writer **out)
{
	struct pprof_writer *w;
	int err;

	if (!type->value_cnt || type->value_cnt > PPROF_VALUES_MAX)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->type = type;
	w->period = period;
	w->start_wall_ns = start_wall_ns;
	w->duration_ns = duration_ns;
	err = pprof_store__init(&w->store);
	if (!err)
		err = pprof_locations__new(symtab, &w->locs);
	if (err) {
		pprof_writer__free(w);
		return err;
	}
	*out = w;
	return 0;
}

void pprof_writer__free(struct pprof_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->comment_cnt; i++)
		free(w->comments[i]);
	free(w->comments);
	pprof_locations__free(w->locs);
	pprof_store__fini(&w->store);
	free(w);
}

void pprof_writer__keep_wrappers(struct pprof_writer *w)
{
	pprof_locations__keep_wrappers(w->locs);
}

int pprof_writer__mapping(struct pprof_writer *w, const struct pprof_mapping *m)
{
	return pprof_locations__mapping(w->locs, m);
}

int pprof_writer__sample(struct pprof_writer *w, const struct pprof_stack *stack,
			 const int64_t *values, const struct pprof_label *labels, size_t label_cnt)
{
	return pprof_store__add(&w->store, stack, values, w->type->value_cnt, labels, label_cnt);
}

int pprof_writer__pseudo(struct pprof_writer *w, const char *const *names, size_t cnt,
			 const int64_t *values, const struct pprof_label *labels, size_t label_cnt)
{
	return pprof_store__add_pseudo(&w->store, names, cnt, values, w->type->value_cnt, labels,
				       label_cnt);
}

int pprof_writer__comment(struct pprof_writer *w, const char *text)
{
	char *copy = strdup(text);

	if (!copy || array__reserve(&w->comments, w->comment_cnt, &w->comment_cap, 1,
				    sizeof(*w->comments))) {
		free(copy);
		return -ENOMEM;
	}
	w->comments[w->comment_cnt++] = copy;
	return 0;
}

const struct pprof_store *pprof_writer__samples(const struct pprof_writer *w)
{
	return &w->store;
}

static uint32_t intern(struct pprof_writer *w, const char *s)
{
	return pprof_locations__string(w->locs, s);
}

static void put_value_type(struct pprof_writer *w, struct buf *out, unsigned field,
			   const char *type, const char *unit)
{
	struct buf msg = {0};

	proto__u64(&msg, VALUE_TYPE_TYPE, intern(w, type));
	proto__u64(&msg, VALUE_TYPE_UNIT, intern(w, unit));
	proto__message(out, field, &msg);
	buf__free(&msg);
}

static void put_header(struct pprof_writer *w, struct buf *out)
{
	const struct pprof_type *t = w->type;

	for (size_t i = 0; i < t->value_cnt; i++)
		put_value_type(w, out, PROFILE_SAMPLE_TYPE, t->values[i].type, t->values[i].unit);
	proto__u64(out, PROFILE_TIME_NANOS, w->start_wall_ns);
	proto__u64(out, PROFILE_DURATION_NANOS, w->duration_ns);
	if (t->period_type)
		put_value_type(w, out, PROFILE_PERIOD_TYPE, t->period_type, t->period_unit);
	proto__i64(out, PROFILE_PERIOD, w->period);
	if (t->default_sample_type)
		proto__u64(out, PROFILE_DEFAULT_SAMPLE_TYPE, intern(w, t->default_sample_type));
	for (size_t i = 0; i < w->comment_cnt; i++)
		proto__u64(out, PROFILE_COMMENT, intern(w, w->comments[i]));
}

static void put_label(struct pprof_writer *w, struct buf *out, const struct store_label *l)
{
	const struct strtab *strings = w->store.strings;
	struct buf msg = {0};

	proto__u64(&msg, LABEL_KEY, intern(w, strtab__get(strings, l->key, NULL)));
	if (l->str != PPROF_NO_STR) {
		proto__u64(&msg, LABEL_STR, intern(w, strtab__get(strings, l->str, NULL)));
	} else {
		proto__i64(&msg, LABEL_NUM, l->num);
		proto__u64(&msg, LABEL_NUM_UNIT, intern(w, strtab__get(strings, l->unit, NULL)));
	}
	proto__message(out, SAMPLE_LABEL, &msg);
	buf__free(&msg);
}

/* Location ids of a stack, packed. */
static int pack_locations(struct pprof_writer *w, const struct store_stack *st, struct buf *packed)
{
	const uint64_t *words = w->store.words + st->off;
	uint32_t ids[PPROF_STACK_MAX];
	size_t cnt;
	int err;

	if (st->pseudo) {
		const char *names[PPROF_PSEUDO_MAX];

		for (uint32_t i = 0; i < st->cnt; i++)
			names[i] = strtab__get(w->store.strings, (uint32_t)words[i], NULL);
		err = pprof_locations__of_names(w->locs, names, st->cnt, ids);
		cnt = st->cnt;
	} else {
		const struct pprof_stack stack = {words, st->cnt, st->leaf_exact, st->skip};

		err = pprof_locations__of_stack(w->locs, &stack, ids, &cnt);
	}
	for (size_t i = 0; !err && i < cnt; i++)
		buf__uvarint(packed, ids[i]);
	return err ? err : packed->err;
}

/*
 * Stacks that differ in what is left out (wrappers, goexit) are one in the file: their samples
 * are added up under the first.
 */
static int merge_samples(struct pprof_writer *w, struct strtab *stacks)
{
	struct pprof_store *store = &w->store;
	struct imap by_stack = {0};
	struct buf packed = {0};
	int err = 0;

	for (size_t i = 0; !err && i < store->sample_cnt; i++) {
		struct store_sample *s = &store->samples[i];
		uint64_t key, first;
		int64_t id;

		buf__reset(&packed);
		err = pack_locations(w, &store->stacks[s->stack], &packed);
		if (err)
			break;
		id = strtab__add(stacks, (char *)packed.data, packed.len);
		if (id < 0) {
			err = (int)id;
			break;
		}
		s->stack = (uint32_t)id;
		key = (uint64_t)id << 32 | s->set;
		if (imap__get(&by_stack, key, &first)) {
			pprof_store__add_sample(&store->samples[first], s, w->type->value_cnt);
			s->merged = true;
		} else {
			err = imap__put(&by_stack, key, i);
		}
	}
	imap__free(&by_stack);
	buf__free(&packed);
	return err;
}

static void put_sample(struct pprof_writer *w, struct buf *out, const struct store_sample *s,
		       const struct strtab *stacks)
{
	const struct store_set *set = &w->store.sets[s->set];
	struct buf msg = {0}, packed = {0};
	size_t len;
	const char *locations = strtab__get(stacks, s->stack, &len);

	proto__bytes(&msg, SAMPLE_LOCATION_ID, locations, len);
	for (size_t i = 0; i < w->type->value_cnt; i++)
		buf__uvarint(&packed, (uint64_t)s->values[i]);
	proto__message(&msg, SAMPLE_VALUE, &packed);
	for (uint32_t i = 0; i < set->cnt; i++)
		put_label(w, &msg, &w->store.labels[set->off + i]);
	proto__message(out, PROFILE_SAMPLE, &msg);
	buf__free(&packed);
	buf__free(&msg);
}

/* stacks: packed location ids, as strings. */
static int put_samples(struct pprof_writer *w, struct buf *out)
{
	struct strtab *stacks;
	int err = strtab__new(&stacks);

	if (err)
		return err;
	pprof_store__sort(&w->store);
	err = merge_samples(w, stacks);
	for (size_t i = 0; !err && i < w->store.sample_cnt; i++) {
		if (!w->store.samples[i].merged)
			put_sample(w, out, &w->store.samples[i], stacks);
	}
	strtab__free(stacks);
	return err;
}

static int encode(struct pprof_writer *w, struct buf *out)
{
	const struct strtab *strings = pprof_locations__strings(w->locs);
	int err;

	put_header(w, out);
	err = put_samples(w, out);
	if (!err)
		err = pprof_locations__put(w->locs, out);
	if (err)
		return err;
	/* last, when every string is known; readers take the fields in any order */
	for (uint32_t i = 0; i < strtab__count(strings); i++) {
		size_t len;
		const char *s = strtab__get(strings, i, &len);

		proto__bytes(out, PROFILE_STRING_TABLE, s, len);
	}
	return out->err;
}

int pprof_writer__finish(struct pprof_writer *w, int fd)
{
	struct buf out = {0};
	int err;

	err = encode(w, &out);
	if (!err)
		err = gzip__write(fd, out.data, out.len);
	buf__free(&out);
	return err;
}
