/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_OWNERS_H
#define ANALYSIS_OWNERS_H

#include "analysis/stackset.h"
#include "gobpftrace_abi.h"
#include "goruntime/snapshot.h"

/*
 * Whose time a row of a profile is: pprof labels, and what else it shall tell of the goroutine.
 *
 * Labels are known from the snapshot, from GBT_SET_LABELS, and from the creator: a goroutine of the
 * program begins with those of the one that created it (src/runtime/proc.go, newproc1, Go 1.18 to
 * 1.27). A set that was replaced between the window's begin and the snapshot counts from the begin
 * on.
 */
enum owner_part {
	OWNER_GOROUTINE = 1, /* its id */
	OWNER_CREATOR = 2,   /* the function with the go statement that made it */
	OWNER_THREAD = 4,    /* the thread, as the target sees it */
	OWNER_STATE = 8,     /* what it was doing or waiting for */
};

/* What a row tells besides its stack; borrowed until owners__fini. */
struct row_owner {
	uint64_t labels_id;		 /* a set of raw_stacks; 0: those below */
	const struct snap_label *labels; /* of the snapshot */
	uint32_t label_cnt;
	uint64_t goid, tid;	     /* 0: not told */
	uint64_t gopc;		     /* behind the go statement of its creator; 0: see creator */
	const char *creator, *state; /* NULL: not told */
};

struct owner;

struct owners {
	unsigned parts;			 /* enum owner_part: those that rows tell */
	const struct snapshot *snapshot; /* borrowed; NULL */
	struct owner *v;		 /* [0]: nothing is told */
	size_t cnt, cap;
	struct imap by_content;
	struct imap labels;   /* goid -> set, of those that have one */
	struct imap creators; /* goid -> its creator, where that is told */
};

int owners__init(struct owners *o, unsigned parts, const struct snapshot *snapshot);
void owners__fini(struct owners *o);
/* Each record in time order, before what the model makes of it; of other kinds nothing is taken. 0
 * or -ENOMEM. */
int owners__record(struct owners *o, struct stackset *stacks, const struct gbt_hdr *rec);
/* The number of goid as it is now; tid and slot (states.h) are of its state. -ENOMEM. */
int64_t owners__of(struct owners *o, uint64_t goid, uint64_t tid, unsigned slot);
void owners__get(const struct owners *o, const struct stackset *stacks, uint32_t at,
		 struct row_owner *out);

#endif
