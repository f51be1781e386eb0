/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_TRIGGERS_H
#define WATCH_TRIGGERS_H

#include "watch/condition.h"
#include "watch/gstates.h"
#include "watch/requests.h"

/*
 * Conditions judged: told what happens (events with their steps, and what /proc says now and then),
 * it says when one holds. What lasts fires once when it begins to hold, and again only when it
 * has not held in between. Pure; one thread at a time.
 */
struct triggers;

struct firing {
	size_t condition;  /* its index; cond_cnt and above: the caller's own */
	uint64_t time_ns;  /* of the event that showed it */
	uint64_t begin_ns; /* since when, where it is one thing with a begin; 0 */
	double value;	   /* in the condition's unit */
	bool lasts;	   /* it was not over at time_ns */
	uint64_t goid;	   /* whom it concerns; 0 none */
	uint64_t stack;	   /* where that was; 0 none */
	/* whoever runs at time_ns where that is known: runner 0 none */
	uint64_t runner;
	uint32_t tid;
	int32_t p;
	bool is_request;
	struct request_name request; /* then: its names; begin_ns is that above */
	int32_t ended;		     /* then: arg32 of its GBT_REQUEST_END */
};

#define TRIGGERS_MAX 32 /* conditions: the bits of gstate.told */
/* The conditions are borrowed. -E2BIG: more than that. */
int triggers__new(const struct condition *c, size_t cnt, struct triggers **out);
void triggers__free(struct triggers *t);

/* The whole record, with its texts. 0 or -ENOMEM. */
int triggers__event(struct triggers *t, const struct gbt_event *e, const struct gstep *steps,
		    size_t cnt);
/*
 * A look at what lasts, now and then: each wait that goes on (window__each_lasting), then looked.
 * What fires so does not fire again when it ends. What began before from_ns is not judged: events
 * may be missing since.
 */
bool triggers__judges_waits(const struct triggers *t);
void triggers__lasting(struct triggers *t, const struct gstep *s, uint32_t *told);
void triggers__looked(struct triggers *t, uint64_t from_ns, uint64_t now_ns);
/* A state that is looked at now and then, of COND_GOROUTINES, COND_THREADS, COND_RSS; unit of the
 * condition. */
void triggers__level(struct triggers *t, enum cond_subject subject, double value, uint64_t now_ns);
/*
 * Two sums that grow, whose changes are divided: CPU time in ns by the ns of all processors
 * (COND_CPU), periods throttled by periods (COND_THROTTLED), CPU time of the target for
 * COND_ASSIST, whose own is known from events (part is not looked at). In percent.
 */
void triggers__sums(struct triggers *t, enum cond_subject subject, double part, double whole,
		    uint64_t now_ns);
/* Percentiles are judged: about once a second. */
void triggers__tick(struct triggers *t, uint64_t now_ns);
/* From here on transitions are not seen; nor are requests, where it says so. What goes on may end
 * meanwhile. */
void triggers__blind(struct triggers *t, bool to_requests);
/* When a condition was last seen half way to its threshold or beyond, open requests looked at now;
 * 0: never. */
uint64_t triggers__sign(struct triggers *t, uint64_t now_ns);
/* The next that fired, oldest first. */
bool triggers__take(struct triggers *t, struct firing *out);
/* How often one fired that was not kept, because too many came before they were taken. */
uint64_t triggers__unkept(const struct triggers *t);
/* How many were not taken yet. */
size_t triggers__left(const struct triggers *t);
/* Nothing more comes: what was held back for it fires. */
void triggers__end(struct triggers *t);

#endif
