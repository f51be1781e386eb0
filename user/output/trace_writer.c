/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/trace_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/trace_internal.h"

struct trace_writer {
	struct trace_writer_config cfg;
	struct trace_out out;
	struct trace_batches batches;
	struct trace_tables tables;
	struct buf samples;
	uint64_t start; /* units */
	uint64_t last;	/* units, of the last event */
	uint64_t waker; /* the thread whose wake it was, if it was one */
	bool wakes;
	uint64_t events;
	int64_t block_reasons[TR_BLOCK_REASON_MAX], stop_reasons[3], stw_kinds[TR_STW_KIND_MAX];
};

/*
 * Arguments of each event of the format in order (Go: internal/trace/tracev2/events.go):
 * g or p subject, q sequence number, v value, w value2, s stack, n new stack, a str, b str2,
 * r block reason, o stop reason, k kind of stop-the-world.
 */
static const char *const args[256] = {
	[TR_PROCS_CHANGE] = "vs",
	[TR_PROC_START] = "pq",
	[TR_PROC_STOP] = "",
	[TR_PROC_STEAL] = "pqw",
	[TR_PROC_STATUS] = "pv",
	[TR_GO_CREATE] = "gns",
	[TR_GO_CREATE_SYSCALL] = "g",
	[TR_GO_START] = "gq",
	[TR_GO_DESTROY] = "",
	[TR_GO_DESTROY_SYSCALL] = "",
	[TR_GO_STOP] = "os",
	[TR_GO_BLOCK] = "rs",
	[TR_GO_UNBLOCK] = "gqs",
	[TR_GO_SYSCALL_BEGIN] = "qs",
	[TR_GO_SYSCALL_END] = "",
	[TR_GO_SYSCALL_END_BLOCKED] = "",
	[TR_STW_BEGIN] = "ks",
	[TR_STW_END] = "",
	[TR_GC_BEGIN] = "qs",
	[TR_GC_END] = "q",
	[TR_GC_MARK_ASSIST_BEGIN] = "s",
	[TR_GC_MARK_ASSIST_END] = "",
	[TR_HEAP_ALLOC] = "v",
	[TR_HEAP_GOAL] = "v",
	[TR_GO_LABEL] = "a",
	[TR_USER_TASK_BEGIN] = "vwas",
	[TR_USER_TASK_END] = "vs",
	[TR_USER_REGION_BEGIN] = "vas",
	[TR_USER_REGION_END] = "vas",
	[TR_USER_LOG] = "vabs",
	[TR_GO_SWITCH] = "gq",
	[TR_GO_SWITCH_DESTROY] = "gq",
	[TR_GO_CREATE_BLOCKED] = "gns",
	[TR_GO_STATUS] = "gwvs",
};

int trace_writer__new(const struct trace_writer_config *cfg, struct trace_writer **out)
{
	struct trace_writer *w;
	char head[17];
	int err;

	if (cfg->format != 23 && cfg->format != 26)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	w->out.fd = cfg->fd;
	w->batches.out = &w->out;
	/* 0 is no time for readers */
	w->start = cfg->start_ns / TRACE_UNIT_NS ? cfg->start_ns / TRACE_UNIT_NS : 1;
	w->last = w->start - 1;
	memset(head, 0, sizeof(head));
	memcpy(head, cfg->format == 23 ? "go 1.23 trace" : "go 1.26 trace", 13);
	err = trace_tables__init(&w->tables, &w->cfg);
	if (!err)
		err = trace_out__write(&w->out, head, 16);
	if (err) {
		trace_writer__free(w);
		return err;
	}
	*out = w;
	return 0;
}

void trace_writer__free(struct trace_writer *w)
{
	if (!w)
		return;
	trace_batches__free(&w->batches);
	trace_tables__free(&w->tables);
	buf__free(&w->samples);
	free(w);
}

/* The string id of a fixed name, made at its first use; ids start at 1. */
static int64_t fixed(struct trace_writer *w, int64_t *cache, const char *text)
{
	if (!*cache && text)
		*cache = trace_tables__text(&w->tables, text, strlen(text));
	return *cache;
}

static int64_t argument(struct trace_writer *w, const struct transition *t, char code)
{
	switch (code) {
	case 'g':
	case 'p':
		return t->subject;
	case 'q':
		return t->seq;
	case 'v':
		return t->value;
	case 'w':
		return t->value2;
	default:
		return 0;
	}
}

/* Ids of tables; negative: -ENOMEM. */
static int64_t table_argument(struct trace_writer *w, const struct transition *t, char code)
{
	switch (code) {
	case 's':
		return trace_tables__stack(&w->tables, &t->stack);
	case 'n':
		return trace_tables__stack(&w->tables, &t->new_stack);
	case 'a':
		return trace_tables__capture_string(&w->tables, t->str);
	case 'b':
		return trace_tables__capture_string(&w->tables, t->str2);
	case 'r':
		return t->reason < TR_BLOCK_REASON_MAX ? fixed(w, &w->block_reasons[t->reason],
							       tr_block_reason__name(t->reason))
						       : 0;
	case 'o':
		return t->reason < 3 ? fixed(w, &w->stop_reasons[t->reason],
					     tr_stop_reason__name(t->reason))
				     : 0;
	default: /* k */
		return t->reason < TR_STW_KIND_MAX
			       ? fixed(w, &w->stw_kinds[t->reason], tr_stw_kind__name(t->reason))
			       : 0;
	}
}

/*
 * May the event have the time of the one before? Not over threads: readers reproduce our order only
 * if the earliest event is the one that was written first. Not for one goroutine: what lasts has a
 * length. But a list that one thread makes runnable has one time: hundreds after a GC, and moved by
 * a unit each the last would be late by microseconds. So have the statuses of idle goroutines at
 * the begin, of which there may be a million.
 */
static bool shares_time(const struct trace_writer *w, const struct transition *t)
{
	if (t->initial && t->m == TRACE_NO_M && w->last >= w->start)
		return true;
	return t->type == TR_GO_UNBLOCK && w->wakes && t->m == w->waker;
}

static uint64_t event_time(struct trace_writer *w, const struct transition *t)
{
	uint64_t units = t->time_ns / TRACE_UNIT_NS;
	uint64_t least = w->last + !shares_time(w, t);

	w->wakes = t->type == TR_GO_UNBLOCK;
	w->waker = t->m;
	return units > least ? units : least;
}

static int write_event(struct trace_writer *w, const struct transition *t)
{
	const char *a = args[t->type & 0xff];
	uint64_t ids[5], units;
	uint8_t type = t->type;
	struct buf *b;
	int n = 0;

	if (!a)
		return -EINVAL;
	for (; a[n]; n++) {
		int64_t id;

		if (strchr("gpqvw", a[n])) {
			ids[n] = argument(w, t, a[n]);
			continue;
		}
		id = table_argument(w, t, a[n]);
		if (id < 0)
			return id;
		ids[n] = id;
	}
	if (t->type == TR_GO_STATUS && !ids[3]) {
		type = EV_GO_STATUS;
		n = 3;
	}
	units = event_time(w, t);
	b = trace_batches__event(&w->batches, t->m, units, type);
	if (!b)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		buf__uvarint(b, ids[i]);
	w->last = units;
	w->events++;
	return b->err ? b->err : w->out.err;
}

static int flush_samples(struct trace_writer *w)
{
	int err;

	if (!w->samples.len)
		return w->samples.err;
	err = trace_out__batch(&w->out, TRACE_NO_M, w->start, &w->samples);
	buf__reset(&w->samples);
	return err;
}

static int write_sample(struct trace_writer *w, const struct transition *t)
{
	int64_t stack = trace_tables__stack(&w->tables, &t->stack);
	uint64_t units = t->time_ns / TRACE_UNIT_NS;

	if (stack < 0)
		return stack;
	if (!w->samples.len)
		buf__u8(&w->samples, EV_CPU_SAMPLES);
	buf__u8(&w->samples, EV_CPU_SAMPLE);
	buf__uvarint(&w->samples, units > w->start ? units : w->start);
	buf__uvarint(&w->samples, t->m);
	buf__uvarint(&w->samples, t->p == TR_NO_P ? UINT64_MAX : (uint64_t)t->p);
	buf__uvarint(&w->samples, t->g);
	buf__uvarint(&w->samples, stack);
	w->events++;
	return w->samples.len > TRACE_BATCH_MAX - 64 ? flush_samples(w) : w->samples.err;
}

int trace_writer__transition(void *ctx, const struct transition *t)
{
	struct trace_writer *w = ctx;

	if (t->type == TR_END || t->type == TR_OFF_CPU)
		return 0;
	return t->type == TR_CPU_SAMPLE ? write_sample(w, t) : write_event(w, t);
}

/* Units a second; from format 25 on also one instant in all clocks. */
static int write_clock(struct trace_writer *w)
{
	struct buf b = {0};
	int err;

	if (w->cfg.format >= 25)
		buf__u8(&b, EV_SYNC);
	buf__u8(&b, EV_FREQUENCY);
	buf__uvarint(&b, TRACE_FREQUENCY);
	if (w->cfg.format >= 25) {
		buf__u8(&b, EV_CLOCK_SNAPSHOT);
		buf__uvarint(&b, 0); /* at the batch's base time */
		buf__uvarint(&b, w->cfg.start_ns);
		buf__uvarint(&b, w->cfg.start_wall_ns / 1000000000);
		buf__uvarint(&b, w->cfg.start_wall_ns % 1000000000);
	}
	err = trace_out__batch(&w->out, TRACE_NO_M, w->start, &b);
	buf__free(&b);
	return err;
}

int trace_writer__finish(struct trace_writer *w)
{
	static const uint8_t end = EV_END_OF_GENERATION;
	int err = trace_batches__flush(&w->batches);

	if (!err)
		err = flush_samples(w);
	if (!err)
		err = trace_tables__write(&w->tables, &w->out, w->start);
	if (!err)
		err = write_clock(w);
	if (!err && w->cfg.format >= 26)
		err = trace_out__write(&w->out, &end, 1);
	return err;
}

uint64_t trace_writer__bytes(const struct trace_writer *w)
{
	return w->out.bytes;
}

uint64_t trace_writer__events(const struct trace_writer *w)
{
	return w->events;
}
