/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_TRACE_WRITER_H
#define OUTPUT_TRACE_WRITER_H

#include "base/strtab.h"
#include "goruntime/symtab.h"
#include "model/transition.h"
#include "raw/raw.h"

/*
 * Go execution trace, format 1.23 or 1.26 (Go's internal/trace; 1.24 and 1.25 read 23). Fed by
 * the model; writes to fd as it goes, so that memory stays bounded by distinct stacks.
 */
struct trace_writer;

struct trace_writer_config {
	int fd;		 /* borrowed, at offset 0 */
	unsigned format; /* 23 or 26 */
	uint64_t start_ns, start_wall_ns;
	const struct symtab *symtab;
	const struct raw_stacks *stacks;
	const struct strtab *strings;
};

int trace_writer__new(const struct trace_writer_config *cfg, struct trace_writer **out);
void trace_writer__free(struct trace_writer *w);
int trace_writer__transition(void *w, const struct transition *t); /* a tr_sink_fn */
/* Stack, string and frequency batches; the file is whole after it. */
int trace_writer__finish(struct trace_writer *w);
uint64_t trace_writer__bytes(const struct trace_writer *w);
uint64_t trace_writer__events(const struct trace_writer *w);

#endif
