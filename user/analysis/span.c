/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/span.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

void span__fini(struct span_fold *f)
{
	free(f->waits);
	hot__fini(&f->hot);
}

/* The part of [begin, end) that lies in the span. */
static uint64_t clip(const struct span_fold *f, uint64_t begin_ns, uint64_t end_ns)
{
	if (begin_ns < f->begin_ns)
		begin_ns = f->begin_ns;
	if (end_ns > f->end_ns)
		end_ns = f->end_ns;
	return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static int add_wait(struct span_fold *f, const struct span_state *s, uint64_t ns)
{
	struct span_wait *w = f->waits, *end = f->waits + f->wait_cnt;

	while (w != end && (w->slot != s->slot || w->stack != s->stack))
		w++;
	if (w == end) {
		if (array__reserve(&f->waits, f->wait_cnt, &f->wait_cap, 1, sizeof(*w)))
			return -ENOMEM;
		w = &f->waits[f->wait_cnt++];
		*w = (struct span_wait){.slot = s->slot, .stack = s->stack};
	}
	w->total_ns += ns;
	w->cnt++;
	if (ns > w->max_ns) {
		w->max_ns = ns;
		w->waker = s->waker;
		w->waker_g = s->waker_g;
	}
	return 0;
}

int span__state(struct span_fold *f, const struct span_state *s)
{
	uint64_t ns;

	if (!f->goid || s->goid != f->goid)
		return 0;
	ns = clip(f, s->begin_ns, s->end_ns);
	if (!ns)
		return 0;
	if (s->slot == SLOT_RUNNING) {
		f->running_ns += ns;
	} else if (s->slot == SLOT_RUNNABLE) {
		f->runnable_ns += ns;
		f->runnable_cnt++;
	} else {
		return add_wait(f, s, ns);
	}
	return 0;
}

int span__transition(struct span_fold *f, const struct transition *t, uint64_t now_ns)
{
	if (!f->goid || t->g != f->goid)
		return 0;
	switch (t->type) {
	case TR_CPU_SAMPLE:
		if (t->time_ns < f->begin_ns || t->time_ns >= f->end_ns)
			return 0;
		f->samples++;
		return hot__sample(&f->hot, &t->stack);
	case TR_OFF_CPU:
		f->off_cpu_cnt += clip(f, t->value, t->time_ns) > 0;
		f->off_cpu_ns += clip(f, t->value, t->time_ns);
		return 0;
	case TR_GC_MARK_ASSIST_BEGIN:
		f->assist_since_ns = now_ns;
		return 0;
	case TR_GC_MARK_ASSIST_END:
		if (f->assist_since_ns && clip(f, f->assist_since_ns, now_ns)) {
			f->assist_ns += clip(f, f->assist_since_ns, now_ns);
			f->assist_estimated |= t->estimate;
		}
		f->assist_since_ns = 0;
		return 0;
	default:
		return 0;
	}
}

static int by_time(const void *pa, const void *pb)
{
	const struct span_wait *a = pa, *b = pb;

	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

static void put_wait(const struct span_wait *w, const struct stackset *stacks,
		     struct summary_span_wait *out)
{
	out->reason = states__slot_name(w->slot);
	out->total_ns = w->total_ns;
	out->cnt = w->cnt;
	out->max_ns = w->max_ns;
	out->waker_goid = w->waker_g;
	stackset__copy(stacks, w->stack, &out->stack);
	stackset__copy(stacks, w->waker, &out->waker);
	out->placed = stackset__place(stacks, w->stack, &out->op, &out->at);
	out->waker_placed = stackset__place(stacks, w->waker, &out->waker_op, &out->waker_at);
}

int span__finish(struct span_fold *f, struct stackset *stacks, struct summary_span *out)
{
	uint64_t known = f->running_ns + f->runnable_ns;

	*out = (struct summary_span){.have = f->goid && f->end_ns > f->begin_ns};
	if (!out->have)
		return 0;
	out->total_ns = f->end_ns - f->begin_ns;
	/* what is told of a thread covers no more than what is told of its goroutine */
	out->off_cpu_ns = f->off_cpu_ns < f->running_ns ? f->off_cpu_ns : f->running_ns;
	out->off_cpu_cnt = f->off_cpu_cnt;
	out->running_ns = f->running_ns - out->off_cpu_ns;
	out->runnable_ns = f->runnable_ns;
	out->runnable_cnt = f->runnable_cnt;
	out->assist_ns = f->assist_ns;
	out->assist_estimated = f->assist_estimated;
	out->samples = f->samples;
	if (f->wait_cnt > 1)
		qsort(f->waits, f->wait_cnt, sizeof(*f->waits), by_time);
	for (size_t i = 0; i < f->wait_cnt; i++) {
		known += f->waits[i].total_ns;
		if (i < SUMMARY_SPAN_WAITS)
			put_wait(&f->waits[i], stacks, &out->waits[out->wait_cnt++]);
		else
			out->other_ns += f->waits[i].total_ns;
	}
	out->unknown_ns = known < out->total_ns ? out->total_ns - known : 0;
	return hot__finish(&f->hot, stacks, &out->hot);
}
