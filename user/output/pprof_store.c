/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/pprof_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean.h"

#define RESERVE(s, field, n)                                                                       \
	array__reserve(&(s)->field##s, (s)->field##_cnt, &(s)->field##_cap, n,                     \
		       sizeof(*(s)->field##s))

static uint64_t hash_words(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h;
}

int pprof_store__init(struct pprof_store *s)
{
	memset(s, 0, sizeof(*s));
	return strtab__new(&s->strings);
}

void pprof_store__fini(struct pprof_store *s)
{
	strtab__free(s->strings);
	free(s->words);
	free(s->stacks);
	free(s->labels);
	free(s->sets);
	free(s->samples);
	imap__free(&s->by_stack);
	imap__free(&s->by_set);
	imap__free(&s->by_sample);
	memset(s, 0, sizeof(*s));
}

/* want: all but the place of the words, which follow. */
static int find_stack(struct pprof_store *s, const struct store_stack *want, const uint64_t *words,
		      uint32_t *out)
{
	size_t cnt = want->cnt;
	uint64_t seed =
		(uint64_t)cnt << 18 | want->skip << 2 | want->leaf_exact << 1 | want->pseudo;
	uint64_t key = hash_words(seed, words, cnt * 8), at;

	for (; imap__get(&s->by_stack, key, &at); key++) {
		const struct store_stack *st = &s->stacks[at];

		if (st->cnt == cnt && st->skip == want->skip &&
		    st->leaf_exact == want->leaf_exact && st->pseudo == want->pseudo &&
		    (!cnt || !memcmp(s->words + st->off, words, cnt * 8))) {
			*out = (uint32_t)at;
			return 0;
		}
	}
	if (RESERVE(s, word, cnt) || RESERVE(s, stack, 1) ||
	    imap__put(&s->by_stack, key, s->stack_cnt))
		return -ENOMEM;
	if (cnt)
		memcpy(s->words + s->word_cnt, words, cnt * 8);
	*out = (uint32_t)s->stack_cnt;
	s->stacks[s->stack_cnt] = *want;
	s->stacks[s->stack_cnt++].off = s->word_cnt;
	s->word_cnt += cnt;
	return 0;
}

static int64_t intern(struct pprof_store *s, const char *str)
{
	return clean__intern(s->strings, str, strlen(str), CLEAN_TEXT);
}

static int take_label(struct pprof_store *s, const struct pprof_label *l, struct store_label *out)
{
	int64_t key = intern(s, l->key), str = l->str ? intern(s, l->str) : PPROF_NO_STR;
	int64_t unit = intern(s, !l->str && l->unit ? l->unit : "");

	if (key < 0 || str < 0 || unit < 0)
		return -ENOMEM;
	memset(out, 0, sizeof(*out)); /* it is hashed and compared as bytes, padding included */
	out->key = (uint32_t)key;
	out->str = (uint32_t)str;
	out->unit = (uint32_t)unit;
	out->num = l->str ? 0 : l->num;
	return 0;
}

static int compare_str(const struct pprof_store *s, uint32_t a, uint32_t b)
{
	if (a == b)
		return 0;
	if (a == PPROF_NO_STR || b == PPROF_NO_STR)
		return a == PPROF_NO_STR ? -1 : 1;
	return strcmp(strtab__get(s->strings, a, NULL), strtab__get(s->strings, b, NULL));
}

static int compare_label(const void *pa, const void *pb, void *store)
{
	const struct store_label *a = pa, *b = pb;
	int c = compare_str(store, a->key, b->key);

	if (!c)
		c = compare_str(store, a->str, b->str);
	if (!c)
		c = (a->num > b->num) - (a->num < b->num);
	return c ? c : compare_str(store, a->unit, b->unit);
}

/* The labels are stored behind the last set first; a known set gives them back. */
static int find_set(struct pprof_store *s, const struct pprof_label *labels, size_t cnt,
		    uint32_t *out)
{
	struct store_label *mine;
	uint64_t key, at;

	if (RESERVE(s, label, cnt) || RESERVE(s, set, 1))
		return -ENOMEM;
	mine = s->labels + s->label_cnt;
	for (size_t i = 0; i < cnt; i++) {
		if (take_label(s, &labels[i], &mine[i]))
			return -ENOMEM;
	}
	if (cnt > 1)
		qsort_r(mine, cnt, sizeof(*mine), compare_label, s);
	key = hash_words(cnt, mine, cnt * sizeof(*mine));
	for (; imap__get(&s->by_set, key, &at); key++) {
		const struct store_set *set = &s->sets[at];

		if (set->cnt == cnt &&
		    (!cnt || !memcmp(s->labels + set->off, mine, cnt * sizeof(*mine)))) {
			*out = (uint32_t)at;
			return 0;
		}
	}
	if (imap__put(&s->by_set, key, s->set_cnt))
		return -ENOMEM;
	*out = (uint32_t)s->set_cnt;
	s->sets[s->set_cnt++] = (struct store_set){s->label_cnt, (uint32_t)cnt};
	s->label_cnt += cnt;
	return 0;
}

/* Values are foreign too: saturate instead of wrapping. */
static void add_up(int64_t *to, const int64_t *from, size_t cnt)
{
	for (size_t i = 0; i < cnt && i < PPROF_VALUES_MAX; i++) {
		if (__builtin_add_overflow(to[i], from[i], &to[i]))
			to[i] = from[i] < 0 ? INT64_MIN : INT64_MAX;
	}
}

void pprof_store__add_sample(struct store_sample *to, const struct store_sample *from,
			     size_t value_cnt)
{
	add_up(to->values, from->values, value_cnt);
}

static int add_values(struct pprof_store *s, uint32_t stack, uint32_t set, const int64_t *values,
		      size_t value_cnt)
{
	uint64_t key = (uint64_t)stack << 32 | set, at; /* exact: no collisions */
	if (!imap__get(&s->by_sample, key, &at)) {
		if (RESERVE(s, sample, 1) || imap__put(&s->by_sample, key, s->sample_cnt))
			return -ENOMEM;
		at = s->sample_cnt++;
		s->samples[at] = (struct store_sample){.stack = stack, .set = set};
	}
	add_up(s->samples[at].values, values, value_cnt);
	return 0;
}

int pprof_store__add(struct pprof_store *s, const struct pprof_stack *stack, const int64_t *values,
		     size_t value_cnt, const struct pprof_label *labels, size_t label_cnt)
{
	const struct store_stack want = {
		.cnt = (uint32_t)stack->cnt,
		.skip = stack->skip,
		.leaf_exact = stack->leaf_exact,
	};
	uint32_t at, set;
	int err;

	err = find_stack(s, &want, stack->pcs, &at);
	if (!err)
		err = find_set(s, labels, label_cnt, &set);
	return err ? err : add_values(s, at, set, values, value_cnt);
}

#define PSEUDO_MAX 4

int pprof_store__add_pseudo(struct pprof_store *s, const char *const *names, size_t cnt,
			    const int64_t *values, size_t value_cnt,
			    const struct pprof_label *labels, size_t label_cnt)
{
	const struct store_stack want = {.cnt = (uint32_t)cnt, .pseudo = true};
	uint64_t words[PSEUDO_MAX];
	uint32_t stack, set;
	int err;

	if (cnt > PSEUDO_MAX)
		return -EINVAL;
	for (size_t i = 0; i < cnt; i++) {
		int64_t id = intern(s, names[i]);

		if (id < 0)
			return -ENOMEM;
		words[i] = (uint64_t)id;
	}
	err = find_stack(s, &want, words, &stack);
	if (!err)
		err = find_set(s, labels, label_cnt, &set);
	return err ? err : add_values(s, stack, set, values, value_cnt);
}

static int compare_stack(const struct pprof_store *s, uint32_t ia, uint32_t ib)
{
	const struct store_stack *a = &s->stacks[ia], *b = &s->stacks[ib];
	const uint64_t *wa = s->words + a->off, *wb = s->words + b->off;

	if (ia == ib)
		return 0;
	if (a->pseudo != b->pseudo)
		return a->pseudo - b->pseudo;
	for (uint32_t i = 0; i < a->cnt && i < b->cnt; i++) {
		if (wa[i] == wb[i])
			continue;
		/* ids of names depend on the order of arrival: compare what they stand for */
		if (a->pseudo)
			return compare_str(s, (uint32_t)wa[i], (uint32_t)wb[i]);
		return wa[i] < wb[i] ? -1 : 1;
	}
	if (a->cnt != b->cnt)
		return a->cnt < b->cnt ? -1 : 1;
	if (a->skip != b->skip)
		return a->skip < b->skip ? -1 : 1;
	return a->leaf_exact - b->leaf_exact;
}

static int compare_sample(const void *pa, const void *pb, void *store)
{
	const struct store_sample *a = pa, *b = pb;
	const struct pprof_store *s = store;
	const struct store_set *x = &s->sets[a->set], *y = &s->sets[b->set];
	int c = compare_stack(s, a->stack, b->stack);

	for (uint32_t i = 0; !c && i < x->cnt && i < y->cnt; i++)
		c = compare_label(&s->labels[x->off + i], &s->labels[y->off + i], store);
	return c ? c : (x->cnt > y->cnt) - (x->cnt < y->cnt);
}

void pprof_store__sort(struct pprof_store *s)
{
	if (s->sample_cnt > 1)
		qsort_r(s->samples, s->sample_cnt, sizeof(*s->samples), compare_sample, s);
	imap__free(&s->by_sample); /* indices have moved */
}
