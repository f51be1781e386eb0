/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/gc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void gc__fini(struct gc_fold *f)
{
	for (size_t i = 0; i < GC_STW_KINDS; i++)
		imap__free(&f->stw_open[i]);
	imap__free(&f->assist_open);
}

static void close_cycle(struct gc_fold *f, uint64_t now_ns)
{
	uint64_t dur_ns = now_ns - f->since_ns;

	f->active = false;
	f->active_ns += dur_ns;
	if (dur_ns > f->max_cycle_ns)
		f->max_cycle_ns = dur_ns;
}

static void close_stw(struct gc_fold *f, unsigned kind, uint64_t dur_ns)
{
	f->stw[kind].cnt++;
	f->stw[kind].total_ns += dur_ns;
	if (dur_ns > f->stw[kind].max_ns)
		f->stw[kind].max_ns = dur_ns;
}

static void close_assist(struct gc_fold *f, uint64_t dur_ns)
{
	f->assist_cnt++;
	f->assist_ns += dur_ns;
	if (dur_ns > f->assist_max_ns)
		f->assist_max_ns = dur_ns;
}

/* The end of a range does not carry its kind: it is the one that the goroutine has open. */
static void end_stw(struct gc_fold *f, uint64_t g, uint64_t now_ns)
{
	uint64_t since_ns;

	for (unsigned kind = 0; kind < GC_STW_KINDS; kind++) {
		if (!f->stw_open[kind].cnt || !imap__get(&f->stw_open[kind], g, &since_ns))
			continue;
		close_stw(f, kind, now_ns - since_ns);
		imap__del(&f->stw_open[kind], g);
		return;
	}
}

static void end_assist(struct gc_fold *f, uint64_t g, uint64_t now_ns)
{
	uint64_t since_ns;

	if (!imap__get(&f->assist_open, g, &since_ns))
		return;
	close_assist(f, now_ns - since_ns);
	imap__del(&f->assist_open, g);
}

int gc__transition(struct gc_fold *f, const struct transition *t, uint64_t now_ns)
{
	unsigned kind = t->reason < GC_STW_KINDS ? t->reason : 0;

	switch (t->type) {
	case TR_GC_BEGIN:
		if (f->active)
			close_cycle(f, now_ns);
		f->active = true;
		f->since_ns = now_ns;
		f->cycles++;
		return 0;
	case TR_GC_END:
		if (f->active)
			close_cycle(f, now_ns);
		return 0;
	case TR_STW_BEGIN:
		return imap__put(&f->stw_open[kind], t->g, now_ns);
	case TR_STW_END:
		end_stw(f, t->g, now_ns);
		return 0;
	case TR_GC_MARK_ASSIST_BEGIN:
		return imap__put(&f->assist_open, t->g, now_ns);
	case TR_GC_MARK_ASSIST_END:
		f->assist_estimated_cnt += t->estimate;
		f->assist_ends_seen |= !t->estimate;
		end_assist(f, t->g, now_ns);
		return 0;
	default:
		return 0;
	}
}

static int by_time(const void *pa, const void *pb)
{
	const struct summary_stw *a = pa, *b = pb;

	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	return strcmp(a->kind, b->kind);
}

static void close_open(struct gc_fold *f, uint64_t end_ns)
{
	uint64_t since_ns;
	size_t it = 0;

	if (f->active)
		close_cycle(f, end_ns);
	for (unsigned kind = 0; kind < GC_STW_KINDS; kind++) {
		for (it = 0; imap__next(&f->stw_open[kind], &it, NULL, &since_ns);)
			close_stw(f, kind, end_ns - since_ns);
	}
	for (it = 0; imap__next(&f->assist_open, &it, NULL, &since_ns);) {
		close_assist(f, end_ns - since_ns);
		f->assist_estimated_cnt += !f->assist_ends_seen; /* may have ended before */
	}
}

int gc__finish(struct gc_fold *f, uint64_t end_ns, struct summary_gc *out)
{
	close_open(f, end_ns);
	memset(out, 0, sizeof(*out));
	out->stw = calloc(GC_STW_KINDS, sizeof(*out->stw));
	if (!out->stw)
		return -ENOMEM;
	for (unsigned kind = 0; kind < GC_STW_KINDS; kind++) {
		const char *name = tr_stw_kind__name((uint16_t)kind);

		if (!f->stw[kind].cnt)
			continue;
		out->stw[out->stw_cnt++] =
			(struct summary_stw){name ? name : "unknown", f->stw[kind].cnt,
					     f->stw[kind].total_ns, f->stw[kind].max_ns};
		out->stw_total_ns += f->stw[kind].total_ns;
		if (f->stw[kind].max_ns > out->stw_max_ns)
			out->stw_max_ns = f->stw[kind].max_ns;
	}
	qsort(out->stw, out->stw_cnt, sizeof(*out->stw), by_time);
	out->cycles = f->cycles;
	out->active_ns = f->active_ns;
	out->max_cycle_ns = f->max_cycle_ns;
	out->assist_cnt = f->assist_cnt;
	out->assist_ns = f->assist_ns;
	out->assist_max_ns = f->assist_max_ns;
	out->assist_estimated_cnt = f->assist_estimated_cnt;
	return 0;
}
