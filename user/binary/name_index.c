/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/gobinary_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static int build(const struct pclntab *t, struct name_index *x)
{
	const char *name;
	size_t len;

	x->head_cnt = 1024;
	while (x->head_cnt < t->func_cnt)
		x->head_cnt *= 2;
	x->heads = calloc(x->head_cnt, sizeof(*x->heads));
	x->next = malloc((t->func_cnt + 1) * sizeof(*x->next));
	if (!x->heads || !x->next) {
		name_index__free(x);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < t->func_cnt; i++) {
		uint32_t *head;

		x->next[i] = 0;
		if (pclntab__name_of(t, i, &name, &len))
			continue;
		head = &x->heads[hash__bytes(name, len) & (x->head_cnt - 1)];
		x->next[i] = *head;
		*head = i + 1;
	}
	return 0;
}

void name_index__free(struct name_index *x)
{
	free(x->heads);
	free(x->next);
	*x = (struct name_index){0};
}

static int ensure(const struct gobinary *b)
{
	struct gobinary_lazy *lazy = b->lazy;
	int err = 0;

	pthread_mutex_lock(&lazy->lock);
	if (!lazy->has_index) {
		err = build(&b->tab, &lazy->index);
		lazy->has_index = !err;
	}
	pthread_mutex_unlock(&lazy->lock);
	return err;
}

/* An ABI wrapper has the name of what it wraps and is small: the larger one is meant. */
int name_index__lookup(const struct gobinary *b, const char *name, size_t *i)
{
	const struct name_index *x = &b->lazy->index;
	size_t len = strlen(name), other_len;
	uint64_t best = 0;
	const char *other;
	struct pcln_func f;
	int err = ensure(b);

	if (err)
		return err;
	err = -ENOENT;
	for (uint32_t n = x->heads[hash__bytes(name, len) & (x->head_cnt - 1)]; n;
	     n = x->next[n - 1]) {
		if (pclntab__name_of(&b->tab, n - 1, &other, &other_len) || other_len != len ||
		    memcmp(other, name, len) || pclntab__func_at(&b->tab, n - 1, &f))
			continue;
		if (err || f.end - f.entry > best) {
			best = f.end - f.entry;
			*i = n - 1;
			err = 0;
		}
	}
	return err;
}
