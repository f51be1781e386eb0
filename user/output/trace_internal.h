/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_TRACE_INTERNAL_H
#define OUTPUT_TRACE_INTERNAL_H

#include "base/buf.h"
#include "base/imap.h"
#include "output/trace_writer.h"

/* Numbers of the format: Go's internal/trace/tracev2/events.go (1.22-1.26 only append). */
enum {
	EV_EVENT_BATCH = 1,
	EV_STACKS = 2,
	EV_STACK = 3,
	EV_STRINGS = 4,
	EV_STRING = 5,
	EV_CPU_SAMPLES = 6,
	EV_CPU_SAMPLE = 7,
	EV_FREQUENCY = 8,
	EV_GO_STATUS = 25,
	EV_SYNC = 50,
	EV_CLOCK_SNAPSHOT = 51,
	EV_END_OF_GENERATION = 52,
};

#define TRACE_UNIT_NS 64 /* as Go's own clock: base times stay exact in readers' float64 */
#define TRACE_FREQUENCY (1000000000 / TRACE_UNIT_NS)
#define TRACE_GENERATION 1
#define TRACE_BATCH_MAX 65536
#define TRACE_STRING_MAX 1024
#define TRACE_NO_M UINT64_MAX

/* ---- bytes to the file ---- */
struct trace_out {
	int fd;
	int err; /* sticks */
	uint64_t bytes;
};
int trace_out__write(struct trace_out *o, const void *p, size_t len);
/* A whole batch: header and data (≤ TRACE_BATCH_MAX). */
int trace_out__batch(struct trace_out *o, uint64_t m, uint64_t base, const struct buf *data);

/* ---- event batches, one open one for each thread (trace_batches.c) ---- */
struct trace_batches {
	struct trace_out *out;
	struct imap by_m;    /* -> struct batch * */
	struct batch **list; /* in order of first use */
	size_t cnt, cap;
	struct batch *last;
};
void trace_batches__free(struct trace_batches *b);
/* The event's type and time are written; its arguments are to be appended. NULL: no memory. */
struct buf *trace_batches__event(struct trace_batches *b, uint64_t m, uint64_t units, uint8_t type);
int trace_batches__flush(struct trace_batches *b);

/* ---- strings and stacks (trace_tables.c) ---- */
struct trace_tables {
	const struct trace_writer_config *cfg;
	struct strtab *strings;	       /* id here = id in the file */
	struct strtab *stacks;	       /* encoded frames; id here = id in the file */
	struct imap stack_by_key;      /* hash of a tr_stack -> id */
	struct imap string_of_capture; /* id in cfg->strings -> id */
	struct buf scratch;
};
int trace_tables__init(struct trace_tables *t, const struct trace_writer_config *cfg);
void trace_tables__free(struct trace_tables *t);
/* Ids for the file, or -ENOMEM. */
int64_t trace_tables__text(struct trace_tables *t, const char *s, size_t len);
int64_t trace_tables__capture_string(struct trace_tables *t, uint32_t id);
int64_t trace_tables__stack(struct trace_tables *t, const struct tr_stack *s);
int trace_tables__write(struct trace_tables *t, struct trace_out *o, uint64_t base);

#endif
