/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "raw/raw.h"

/*
 * A hostile raw file: its sections, every record, the sorted delivery, the tables, and the
 * model behind them. That the model's sequences are legal is fuzz_model's part.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
	const struct raw_file *f;
	struct model *model;
	uint64_t records, events, bytes;
};

/* Each byte of a record is readable. */
static int on_record(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct walk *w = ctx;

	for (size_t i = 0; i < len; i++)
		w->bytes += ((const uint8_t *)rec)[i];
	w->records++;
	return 0;
}

static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return model__prescan(((struct walk *)ctx)->model, rec, len);
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct walk *w = ctx;

	if (rec->kind >= GBT_STACK)
		abort();
	w->events++;
	return model__event(w->model, rec, len);
}

static int on_transition(void *ctx, const struct transition *t)
{
	uint64_t *last_ns = ctx;

	if (t->time_ns < *last_ns || !tr_type__name(t->type))
		abort();
	*last_ns = t->time_ns;
	return 0;
}

static int on_stack(void *ctx, uint64_t id, const uint64_t *pcs, size_t cnt)
{
	struct walk *w = ctx;

	if (cnt > GBT_STACK_MAX)
		abort();
	for (size_t i = 0; i < cnt; i++)
		w->bytes += pcs[i];
	return 0;
}

static void run_model(struct walk *w)
{
	const struct raw_meta *meta = raw_file__meta(w->f);
	uint64_t last_ns = 0, late = 0;
	struct strtab *strings;
	struct model_config cfg = {.start_ns = meta->start_ns,
				   .go_minor = meta->go_minor,
				   .gomaxprocs = meta->gomaxprocs % 64,
				   .sink = on_transition,
				   .sink_ctx = &last_ns};

	if (strtab__new(&strings))
		abort();
	cfg.strings = strings;
	if (model__new(&cfg, &w->model))
		abort();
	if (raw_file__each_event(w->f, on_prescan, w, NULL) ||
	    raw_file__each_event(w->f, on_event, w, &late) || model__finish(w->model, 0))
		abort(); /* each_record has read it all without an error */
	if (late > w->events || w->events > w->records)
		abort();
	model__free(w->model);
	strtab__free(strings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t *copy = malloc(size ? size : 1); /* exact bounds, aligned as a mapping is */
	struct walk w = {0};
	struct raw_stacks *stacks;
	struct raw_file *f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (!raw_file__of_memory(span__of(copy, size), "fuzz", &f)) {
		w.f = f;
		if (!raw_file__each_record(f, on_record, &w)) {
			run_model(&w);
			if (raw_stacks__collect(f, &stacks) ||
			    raw_stacks__each(stacks, on_stack, &w))
				abort();
			raw_stacks__free(stacks);
		}
		raw_file__free(f);
	}
	free(copy);
	return w.bytes == UINT64_MAX ? -1 : 0; /* keep the reads */
}
