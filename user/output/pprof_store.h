/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PPROF_STORE_H
#define OUTPUT_PPROF_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/imap.h"
#include "base/strtab.h"
#include "output/pprof_writer.h"

/*
 * Samples of a profile while they come in: those with equal stack and equal labels are one, with
 * their values added. Memory is bounded by distinct stacks and label sets.
 */
#define PPROF_VALUES_MAX 4
#define PPROF_NO_STR UINT32_MAX

struct store_stack {
	size_t off; /* first of cnt words of pprof_store.words */
	uint32_t cnt;
	uint16_t skip;
	bool leaf_exact;
	bool pseudo; /* the words are ids of names, not PCs */
};

struct store_label {
	uint32_t key, str, unit; /* ids of strings; str PPROF_NO_STR: numeric */
	int64_t num;
};

struct store_set {
	size_t off; /* first of cnt labels of pprof_store.labels */
	uint32_t cnt;
};

struct store_sample {
	uint32_t stack, set;
	bool merged; /* for the writer: its values are in another one */
	int64_t values[PPROF_VALUES_MAX];
};

struct pprof_store {
	struct strtab *strings;
	uint64_t *words;
	size_t word_cnt, word_cap;
	struct store_stack *stacks;
	size_t stack_cnt, stack_cap;
	struct store_label *labels;
	size_t label_cnt, label_cap;
	struct store_set *sets;
	size_t set_cnt, set_cap;
	struct store_sample *samples;
	size_t sample_cnt, sample_cap;
	struct imap by_stack, by_set, by_sample; /* hash -> index; colliding keys count up */
};

int pprof_store__init(struct pprof_store *s);
void pprof_store__fini(struct pprof_store *s);
/* value_cnt values are added to the sample. */
int pprof_store__add(struct pprof_store *s, const struct pprof_stack *stack, const int64_t *values,
		     size_t value_cnt, const struct pprof_label *labels, size_t label_cnt);
/* names leaf first */
int pprof_store__add_pseudo(struct pprof_store *s, const char *const *names, size_t cnt,
			    const int64_t *values, size_t value_cnt,
			    const struct pprof_label *labels, size_t label_cnt);
/* The values of one sample on top of those of another; sums saturate. */
void pprof_store__add_sample(struct store_sample *to, const struct store_sample *from,
			     size_t value_cnt);
/* Orders the samples by stack and labels, whatever the order they came in. Ends the adding. */
void pprof_store__sort(struct pprof_store *s);

#endif
