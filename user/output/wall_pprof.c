/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/wall_pprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/imap.h"
#include "output/sample_labels.h"
#include "output/profiles.h"

struct sample {
	uint64_t stack, labels, gopc; /* gopc 0: not told */
	uint64_t goid;		      /* 0: goroutines are not told apart */
	uint64_t cnt;
	size_t next; /* of the same hash */
};

struct wall_running {
	struct sample *samples;
	size_t cnt, cap;
	struct imap by_hash;  /* -> first */
	struct imap creators; /* goid -> behind the go statement that made it */
	bool goids;
};

#define NONE SIZE_MAX

int wall_running__new(unsigned tags, struct wall_running **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->goids = tags & TAG_GOROUTINE;
	return 0;
}

void wall_running__free(struct wall_running *r)
{
	if (!r)
		return;
	imap__free(&r->by_hash);
	imap__free(&r->creators);
	free(r->samples);
	free(r);
}

int wall_running__creator(struct wall_running *r, const struct gbt_hdr *rec)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;

	return rec->kind == GBT_CREATOR ? imap__put(&r->creators, ev->goid, ev->arg) : 0;
}

int wall_running__record(struct wall_running *r, const struct gbt_hdr *rec)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;
	uint64_t hash, at, gopc = 0, goid = r->goids ? ev->goid : 0;
	size_t first;

	if (rec->kind != GBT_SAMPLE || !ev->goid || !ev->stack)
		return 0;
	(void)imap__get(&r->creators, ev->goid, &gopc);
	hash = ev->stack ^ (ev->arg ^ gopc << 1 ^ goid << 17) * UINT64_C(0x9e3779b97f4a7c15);
	first = imap__get(&r->by_hash, hash, &at) ? (size_t)at : NONE;
	for (size_t i = first; i != NONE; i = r->samples[i].next) {
		if (r->samples[i].stack == ev->stack && r->samples[i].labels == ev->arg &&
		    r->samples[i].gopc == gopc && r->samples[i].goid == goid) {
			r->samples[i].cnt++;
			return 0;
		}
	}
	if (array__reserve(&r->samples, r->cnt, &r->cap, 1, sizeof(*r->samples)))
		return -ENOMEM;
	r->samples[r->cnt] = (struct sample){ev->stack, ev->arg, gopc, goid, 1, first};
	return imap__put(&r->by_hash, hash, r->cnt++);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void values_of(const struct wall_pprof *p, uint64_t ns, int64_t values[2])
{
	uint64_t period = 1000000000 / p->profile->hz;

	values[0] = (int64_t)((ns + period / 2) / period);
	values[1] = ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static int add_row(const struct wall_pprof *p, const struct wall_row *r, struct pprof_writer *w)
{
	static const char *const torn[] = {"[stack changed while it was read]"};
	const struct snap_label *from = p->profile->labels + r->label_off;
	const struct goroutine_facts facts = {
		.goid = r->goid, .gopc = r->gopc, .state = p->profile->states[r->state]};
	struct pprof_label *labels =
		calloc((size_t)r->label_cnt + PROFILE_TAGS_MAX, sizeof(*labels));
	struct profile_tag_text tag_text;
	const struct pprof_stack stack = {.pcs = p->profile->pcs + r->stack_off,
					  .cnt = r->stack_cnt};
	int64_t values[2];
	size_t cnt;
	int err;

	if (!labels)
		return -ENOMEM;
	values_of(p, r->ns, values);
	cnt = profile_tags__add(p->tags, &facts, p->symtab, &tag_text, labels, 0);
	for (uint32_t i = 0; i < r->label_cnt; i++)
		labels[cnt++] = (struct pprof_label){.key = from[i].key, .str = from[i].val};
	if (r->stack_cnt)
		err = pprof_writer__sample(w, &stack, values, labels, cnt);
	else
		err = pprof_writer__pseudo(w, torn, 1, values, NULL, 0);
	free(labels);
	return err;
}

/* ---- those that ran ------------------------------------------------------------------------ */

/* Samples of the runtime's own goroutines are none of the program's time. */
static bool is_ours(const struct wall_pprof *p, const struct sample *s, struct pprof_stack *stack)
{
	bool cut;

	*stack = (struct pprof_stack){.leaf_exact = true};
	stack->pcs = raw_stacks__get(p->stacks, s->stack, &stack->cnt, &cut);
	return stack->pcs && stack->cnt &&
	       !profile__is_system_stack(p->symtab, stack->pcs, stack->cnt);
}

static int add_sample(const struct wall_pprof *p, const struct sample *s,
		      const struct pprof_stack *stack, uint64_t ns, struct pprof_writer *w)
{
	const struct goroutine_facts facts = {.goid = s->goid, .gopc = s->gopc, .state = "running"};
	struct profile_tag_text tag_text;
	struct sample_labels labels;
	size_t cnt = sample_labels__get(p->stacks, s->labels, &labels);
	int64_t values[2];

	values_of(p, ns, values);
	cnt = profile_tags__add(p->tags, &facts, p->symtab, &tag_text, labels.labels, cnt);
	return pprof_writer__sample(w, stack, values, labels.labels, cnt);
}

/* ns of running goroutines over the stacks of the samples. */
static int add_running(const struct wall_pprof *p, uint64_t ns, struct pprof_writer *w)
{
	static const char *const unknown[] = {"[running: stack not known without CPU samples]"};
	const struct wall_running *r = p->running;
	struct pprof_stack stack;
	int64_t values[2];
	uint64_t all = 0;
	int err = 0;

	for (size_t i = 0; r && i < r->cnt; i++)
		all += is_ours(p, &r->samples[i], &stack) ? r->samples[i].cnt : 0;
	for (size_t i = 0; all && ns && i < r->cnt && !err; i++) {
		const struct sample *s = &r->samples[i];

		if (is_ours(p, s, &stack))
			err = add_sample(p, s, &stack,
					 (uint64_t)((double)ns * (double)s->cnt / (double)all), w);
	}
	if (all || !ns)
		return err;
	values_of(p, ns, values);
	return pprof_writer__pseudo(w, unknown, 1, values, NULL, 0);
}

/* ---- what is not there --------------------------------------------------------------------- */

static int add_losses(const struct wall_profile *f, struct pprof_writer *w)
{
	static const char *const dropped[] = {"[no room for more stacks]"};
	const int64_t values[2] = {
		0, (int64_t)(f->dropped_ns > INT64_MAX ? INT64_MAX : f->dropped_ns)};
	char text[256];
	int err = f->dropped_ns ? pprof_writer__pseudo(w, dropped, 1, values, NULL, 0) : 0;

	if (err || !(f->stacks_torn || f->unreadable || f->labels_unread || f->ticks_late))
		return err;
	snprintf(
		text, sizeof(text),
		"%llu looks at goroutines: %llu stacks changed each time that they were read, %llu "
		"goroutines and %llu label sets could not be read; %llu of %llu ticks fell out",
		(unsigned long long)f->looks, (unsigned long long)f->stacks_torn,
		(unsigned long long)f->unreadable, (unsigned long long)f->labels_unread,
		(unsigned long long)f->ticks_late, (unsigned long long)(f->ticks + f->ticks_late));
	return pprof_writer__comment(w, text);
}

int wall_pprof__add(const struct wall_pprof *p, struct pprof_writer *w)
{
	const struct wall_profile *f = p->profile;
	uint64_t running_ns = 0;
	int err = 0;

	for (size_t i = 0; i < f->row_cnt && !err; i++) {
		const struct wall_row *r = &f->rows[i];

		/* 0: met at the last look only */
		if (!r->ns || profile__is_system_start(p->symtab, r->startpc))
			continue;
		if (r->running)
			running_ns += r->ns;
		else
			err = add_row(p, r, w);
	}
	if (!err)
		err = add_running(p, running_ns, w);
	return err ? err : add_losses(f, w);
}
