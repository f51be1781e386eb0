/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_STOPS_H
#define ANALYSIS_STOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gobpftrace_abi.h"

/*
 * Mode light: where goroutines stopped, and for how long, from the records of their starts
 * (GBT_START, GBT_LEFT) in time order. A start is exact. A stop lies between when its goroutine was
 * last seen to run (its start, or a CPU sample) and when its thread is seen without it; so the time
 * until it runs again has a least and a most, and the true one lies between them. That time is all
 * that it does not run: what it waits for, and for a processor. A goroutine that is in a system
 * call has not stopped, unless its thread starts another.
 *
 * Bounds hold where no record was lost. Memory: goroutines alive, threads, distinct stacks.
 */
struct stops;

enum stop_kind {
	STOPPED_UNKNOWN,   /* it was seen to start again, or its thread to start another; no more */
	STOPPED_WAIT,	   /* in gopark, for .reason */
	STOPPED_RUNNABLE,  /* yielded, preempted, or back from a system call without a processor */
	STOPPED_SUSPENDED, /* preempted for the collector or a debugger */
	STOPPED_SWITCHED,  /* to a coroutine */
};

/* What the window saw whole: from a stop to the next start. */
struct stop_row {
	uint64_t stack; /* of raw_stacks; 0: not known */
	enum stop_kind kind;
	uint8_t reason; /* of STOPPED_WAIT: the runtime's waitReason */
	bool parked;	/* its leaf is gopark itself */
	bool first;	/* of goroutine 1, which has one more root frame */
	uint64_t cnt, least_ns, most_ns;
	uint64_t longest_ns; /* the longest single one, at most */
	uint64_t open;	     /* goroutines that were off for this at the window's end */
};

struct stop_totals {
	uint64_t starts, ended;
	uint64_t stops;	    /* of goroutines that did not end */
	uint64_t unknown;   /* of them STOPPED_UNKNOWN */
	uint64_t elsewhere; /* goroutines had gone on before it was looked at how they were left */
	uint64_t least_ns, most_ns;
};

/* end_ns: of the window, 0 not known; records behind it are passed over. 0 or -ENOMEM. */
int stops__new(uint64_t end_ns, struct stops **out);
void stops__free(struct stops *s);
/* In time order; other kinds are passed over. 0 or -ENOMEM. */
int stops__event(struct stops *s, const struct gbt_hdr *rec);
void stops__totals(const struct stops *s, struct stop_totals *out);
/* In the order in which they were first seen; borrowed until the next event. */
const struct stop_row *stops__rows(const struct stops *s, size_t *cnt);

#endif
