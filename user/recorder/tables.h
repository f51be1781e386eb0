/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_TABLES_H
#define RECORDER_TABLES_H

#include "analysis/frames.h"
#include "base/imap.h"
#include "goruntime/alloc_totals.h"
#include "goruntime/heap_buckets.h"
#include "goruntime/snapshot.h"
#include "goruntime/symtab.h"
#include "goruntime/wall.h"
#include "raw/raw.h"

/* What the events of a raw stream refer to: its snapshot, symbols, stacks and thread ids. */
struct tables {
	struct snapshot *snapshot;   /* at the window's begin; NULL: the stream has none */
	struct snapshot *end;	     /* at its end, of a launched command; else NULL */
	struct heap_buckets *heap;   /* at its end; NULL: it was not asked for */
	struct wall_profile *wall;   /* NULL: none was taken */
	struct alloc_slices *allocs; /* of an estimate of allocations; NULL: there is none */
	struct symtab *symtab;
	struct raw_stacks *stacks;
	struct imap tids; /* as the events have them -> as the target sees them; empty: equal */
	struct capture_tables frames; /* ctx of a frame_source */
};

/* name is for messages. A stream without symbols (it was cut) gives frames without names. */
int tables__load(const struct raw_file *raw, const char *name, struct tables **out);
void tables__free(struct tables *t);

/* RAW_TIDS: pairs of u32, the event's thread id and the target's. */
struct process;
int tids__serialize(const struct process *p, struct buf *out);

#endif
