/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "output/profile_kinds.h"
#include "recorder/recording_window.h"
#include "recorder/symbolize.h"
#include "recorder/tables.h"

/* What a window was when it was cut out; its stream is written later, and elsewhere. */
struct recording_cut {
	struct window_cut *window;
	struct raw_meta meta;
	struct raw_trailer trailer;
};

void recording_cut__free(struct recording_cut *c)
{
	if (!c)
		return;
	window_cut__free(c->window);
	free(c);
}

uint64_t recording_cut__end_ns(const struct recording_cut *c)
{
	return c->window->end_ns;
}

static void fill_meta(const struct recording *r, struct recording_cut *c)
{
	const struct window_cut *w = c->window;

	c->meta = r->meta;
	c->meta.start_ns = w->start_ns;
	c->meta.start_wall_ns = clock__realtime_ns() - (clock__monotonic_ns() - w->start_ns);
	c->meta.duration_asked_ns = 0;
	if (w->states->gomaxprocs)
		c->meta.gomaxprocs = w->states->gomaxprocs;
	if (!w->slice_cnt)
		snprintf(c->meta.mode, sizeof(c->meta.mode), "%s",
			 recording_mode__name(RECORDING_OBSERVE));
}

static void fill_budget(const struct recording *r, struct recording_cut *c)
{
	const struct recording_window *rw = r->window;
	struct raw_trailer *t = &c->trailer;

	if (!r->opt.budget)
		return;
	t->budget_permille = (uint64_t)(r->opt.budget * 1000 + 0.5);
	t->spent_ns = rw->spent_ns - c->window->mark.spent_ns;
	t->full_added_permille = (uint64_t)(rw->full_added * 1000 + 0.5);
	t->probes_gone_ns = r->trailer.probes_gone_ns;
	memcpy(t->probes_gone_why, r->trailer.probes_gone_why, sizeof(t->probes_gone_why));
}

/* Counted from the chunk in which the window begins: up to a sixteenth of it too much. */
static void fill_trailer(struct recording *r, struct recording_cut *c)
{
	const struct window_mark *m = &c->window->mark;
	struct raw_trailer *t = &c->trailer;
	uint64_t cpu_ns = 0;

	t->end_ns = c->window->end_ns;
	snprintf(t->end_reason, sizeof(t->end_reason), "condition");
	capture__stats(r->capture, t->counters);
	for (int i = 0; i < GBT_C_MAX; i++)
		t->counters[i] -= m->counters[i] < t->counters[i] ? m->counters[i] : t->counters[i];
	if (!process__cpu_ns(r->target->proc, &cpu_ns) && m->target_cpu_ns &&
	    cpu_ns > m->target_cpu_ns)
		t->target_cpu_ns = cpu_ns - m->target_cpu_ns;
	t->tool_cpu_ns = recording__tool_cpu_ns() - m->tool_cpu_ns;
	t->attach_ns = recording__capture_info(r)->attach_ns;
	t->heap_reads_failed = r->heap_reads_failed - m->heap_reads_failed;
	t->counters[GBT_C_STACK_LOST] += c->window->refused;
	t->window_late = c->window->late;
	recording__price_if_told(r);
	recording__fill_price(r, t);
	fill_budget(r, c);
}

int recording__cut(struct recording *r, uint64_t to_ns, uint64_t stack, struct recording_cut **out)
{
	struct recording_window *rw = r->window;
	struct recording_cut *c = calloc(1, sizeof(*c));
	uint64_t end_ns;
	int err;

	if (!c)
		return -ENOMEM;
	pthread_mutex_lock(&rw->lock);
	window__need(rw->w, stack);
	end_ns = to_ns < rw->drained_ns ? to_ns : rw->drained_ns;
	err = window__cut(rw->w, end_ns > r->opt.keep_ns ? end_ns - r->opt.keep_ns : 0, end_ns,
			  &c->window);
	if (!err) {
		fill_meta(r, c);
		fill_trailer(r, c); /* has what the drain thread counts */
	}
	pthread_mutex_unlock(&rw->lock);
	if (err)
		recording_cut__free(c);
	else
		*out = c;
	return err;
}

static int put_record(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return raw_writer__record(ctx, 0, rec, len);
}

static int put_slice(void *ctx, uint64_t start_ns, const struct snapshot *states)
{
	struct buf b = {0};
	int err = snapshot__serialize(states, &b);

	if (!err)
		err = raw_writer__slice(ctx, start_ns, b.data, b.len);
	buf__free(&b);
	return err;
}

static int put_slice_end(void *ctx, const struct raw_slice_end *e)
{
	return raw_writer__slice_end(ctx, e);
}

/* Where every transition of it was seen, it is one without slices. */
static int put_records(const struct window_cut *c, struct raw_writer *w)
{
	const struct window_sink to = {put_record, put_slice, put_slice_end, w};

	return c->sliced ? window_cut__each_slice(c, &to) : window_cut__each(c, put_record, w);
}

static int put_snapshot(struct raw_writer *w, enum raw_section type, const struct snapshot *s)
{
	struct buf b = {0};
	int err = snapshot__serialize(s, &b);

	if (!err)
		err = raw_writer__section(w, type, b.data, b.len);
	buf__free(&b);
	return err;
}

/* The goroutines of now: the goroutine profile is of them. Of a process that has gone there are
 * none but those of the window's begin. */
static int put_end(struct recording *r, struct raw_writer *w, struct snapshot **out)
{
	int err;

	if (!r->target_ready || recording__execed_ns(r) || !process__is_alive(r->target->proc))
		return 0;
	err = go_target__snapshot(r->target, true, r->opt.labels, out);
	if (err) /* it ends in this moment */
		return process__is_alive(r->target->proc) ? err : 0;
	return put_snapshot(w, RAW_END_SNAPSHOT, *out);
}

static int put_heap(struct recording *r, struct raw_writer *w, struct heap_buckets **out)
{
	struct buf b = {0};
	int err;

	if (!recording__wants(r, 1u << PROFILE_HEAP | 1u << PROFILE_ALLOCS))
		return 0;
	err = go_target__heap_buckets(r->target, out);
	if (!err)
		err = heap_buckets__serialize(*out, &b);
	if (!err)
		err = raw_writer__section(w, RAW_HEAP, b.data, b.len);
	buf__free(&b);
	return err;
}

static int put_tids(struct recording *r, struct raw_writer *w)
{
	struct buf tids = {0};
	int err = 0;

	if (r->target->proc->in_own_pidns && !tids__serialize(r->target->proc, &tids))
		err = raw_writer__section(w, RAW_TIDS, tids.data, tids.len);
	buf__free(&tids);
	return err;
}

/* In the order of a spool (recording_sections.c). */
static int put_all(struct recording *r, struct recording_cut *c, struct raw_writer *w, int fd)
{
	struct symbolize_also also = {.snap = c->window->states, .kernel = r->kernel};
	struct snapshot *end = NULL;
	struct heap_buckets *heap = NULL;
	int err = put_snapshot(w, RAW_SNAPSHOT, c->window->states);

	if (!err)
		err = raw_writer__meta(w, &c->meta);
	if (!err)
		err = recording__write_maps(r, w);
	if (!err)
		err = put_records(c->window, w);
	if (!err)
		err = put_end(r, w, &end);
	if (!err)
		err = put_heap(r, w, &heap);
	if (!err)
		err = put_tids(r, w);
	if (!err)
		err = raw_writer__flush(w);
	also.end = end;
	also.heap = heap;
	if (!err && r->target_ready && go_target__m_cnt(r->target, &c->trailer.m_cnt))
		c->trailer.m_cnt = 0;
	if (!err)
		err = symbolize__spool(r->target, fd, &also, w, &c->trailer);
	if (!err)
		err = raw_writer__trailer(w, &c->trailer);
	snapshot__free(end);
	heap_buckets__free(heap);
	return err ? err : raw_writer__flush(w);
}

int recording__write_cut(struct recording *r, struct recording_cut *c, const struct raw_reason *why,
			 int fd)
{
	struct raw_reason reason = *why;
	struct raw_writer *w = NULL;
	int err = raw_writer__new(fd, &w);

	reason.keep_ns = r->opt.keep_ns;
	reason.full = c->window->full;
	if (!err)
		err = raw_writer__reason(w, &reason);
	if (!err)
		err = put_all(r, c, w, fd);
	raw_writer__free(w);
	return err;
}
