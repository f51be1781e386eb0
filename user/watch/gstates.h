/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_GSTATES_H
#define WATCH_GSTATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/imap.h"
#include "gobpftrace_abi.h"
#include "goruntime/snapshot.h"

/*
 * What each goroutine and thread is doing, kept up to date event by event. A light fold: it finds
 * no contradictions and repairs nothing (model/ does), and an event that is older than what is
 * known of its goroutine is passed over. It serves two ends: the states at the begin of what a
 * window still holds, which are the snapshot of the raw stream that is cut from it, and the
 * states now, from which conditions are judged.
 */
enum gassist {
	GASSIST_NONE,
	GASSIST_OPEN,
	/* where ends are not seen (docs/trace.md), as in model/state.h: */
	GASSIST_PARKED,	 /* waits for credit: over when it runs again */
	GASSIST_YIELDED, /* gave its processor away: the next hit belongs to the same assist */
};

struct gstate {
	uint64_t goid; /* 0: a free place */
	uint64_t startpc;
	uint64_t stack; /* id of the stack where it last stopped or entered its syscall; 0 none */
	uint64_t
		since_ns; /* in this state; before the first event: since the snapshot, or longer */
	uint64_t assist_ns; /* since when it runs in a mark assist; 0: it does not */
	uint32_t tid;	    /* running, in a syscall: its thread; 0 none */
	uint8_t status;	    /* enum g_status; never dead */
	uint8_t wait_reason;
	uint8_t block_reason; /* the tracer's, Go 1.22 on; 0 unknown */
	uint8_t stack_cut;
	uint8_t assist; /* enum gassist */
	bool begun;	/* an event showed how this state began: since_ns is its begin */
	uint32_t told;	/* 1 << each condition that fired for this state while it lasts */
};

struct mstate {
	uint64_t tid;
	uint64_t goid; /* 0 none */
	int32_t p;     /* -1 none */
	bool exiting;  /* its goroutine's syscall is over, but it has no P yet */
};

struct gstates {
	struct gstate *g;
	size_t g_cnt, g_cap;
	size_t alive; /* of the g_cnt places, those in use */
	size_t *free;
	size_t free_cnt, free_cap;
	struct imap by_id; /* goid -> index */
	struct mstate *m;
	size_t m_cnt, m_cap;
	struct imap by_tid;
	uint32_t gomaxprocs; /* 0 not known */
	bool gc_on;
	bool assist_ends; /* a mark assist was seen to end: so all are */
};

/* A goroutine left a state. */
struct gstep {
	uint64_t goid;
	uint64_t begin_ns, end_ns; /* how long it had been in it; begin 0: it began unseen */
	uint64_t stack;		   /* of that state */
	uint8_t from;		   /* enum g_status */
	uint8_t to;		   /* G_DEAD: it ended */
	uint8_t wait_reason, block_reason; /* from G_WAITING */
	uint32_t told;			   /* as in gstate */
	uint64_t assist_ns; /* > 0: since then it ran in a mark assist, until end_ns */
	/* who runs on which thread at end_ns: the goroutine itself, or the one that woke it; 0 */
	uint64_t runner;
	uint32_t tid;
	int32_t p;
};
#define GSTEPS_MAX 2 /* of one event */
/* in place of .to: */
#define GSTEP_LASTS G_IDLE /* it has not left it at end_ns */
#define GSTEP_OFF_CPU 0xff /* nor has it, but its thread had no CPU from begin_ns to end_ns */

void gstates__free(struct gstates *s);
int gstates__copy(const struct gstates *s, struct gstates *out);
/* Adds, or overwrites; g->goid is not 0. -ENOMEM. */
int gstates__put(struct gstates *s, const struct gstate *g);
int gstates__put_m(struct gstates *s, const struct mstate *m);
int gstates__drop(struct gstates *s, uint64_t goid);
const struct gstate *gstates__get(const struct gstates *s, uint64_t goid); /* NULL */
/* The state that it is in, as a step up to now. */
struct gstep gstate__lasts(const struct gstate *g, uint64_t now_ns);
/* One event, not a definition. Fills at most GSTEPS_MAX steps (NULL: not wanted) and their count.
 * 0 or -ENOMEM. */
int gstates__event(struct gstates *s, const struct gbt_event *e, struct gstep *steps, size_t *cnt);

#endif
