/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/imap.h"
#include "base/strtab.h"
#include "goruntime/snapshot.h"
#include "gobpftrace_abi.h"
#include "model/transition.h"

/*
 * The goroutine / thread / processor state machine. Feed it the records of a capture in time
 * order; it calls the sink with a legal sequence of transitions. It mirrors the state that a
 * trace reader rebuilds, and where events are missing it inserts the repairs that make the
 * next one legal, and counts them.
 *
 * Two passes: model__prescan for every event, then model__event for every event. The first
 * finds out what each goroutine, thread and P did first, and so what it was when the window
 * began: better than the snapshot, which is taken a little later. Without the first pass the
 * snapshot alone says it. A stream that still goes on can have the first pass run ahead of the
 * second by so much that it sees what threads do next (model_config.ahead); what began to show
 * later than that is taken from the snapshot.
 *
 * Memory: goroutines alive at one time, threads, Ps, open tasks.
 */
struct model;

struct model_config {
	uint64_t start_ns; /* window begin: initial statuses carry this time, earlier events
			    * are left out (the probes were being armed) */
	uint64_t end_ns;   /* window end, later events are left out; 0: none */
	unsigned go_minor;
	uint32_t gomaxprocs;
	const struct snapshot *snapshot; /* borrowed for the model's life; NULL: none */
	/* Some kinds of events are not there because their probes are not: a goroutine that is seen
	 * no more where it ran, and was not seen to stop, waits. */
	bool partial;
	/* The first pass goes on after the first model__event: each event passes it before the
	 * second, which comes later. */
	bool ahead;
	bool assist_ends;	/* the ends of mark assists have probes; false: if one is seen */
	struct strtab *strings; /* borrowed; texts of the target are interned here */
	tr_sink_fn sink;
	void *sink_ctx;
	/* tid as the events have it -> tid as the file shall have it (the target's own
	 * namespace, as runtime/trace writes it); NULL: identity */
	const struct imap *tid_map;
};

enum model_repair {
	REPAIR_UNBLOCK, /* start of a goroutine known as waiting: an unblock was put before it */
	REPAIR_START,	/* a goroutine that acts was not seen to be started */
	REPAIR_STOP,	/* a goroutine was stopped, or its syscall ended, because its thread or it
			 * went on elsewhere */
	REPAIR_PROC,	/* a P was stopped or started to fit */
	REPAIR_STATUS,	/* a goroutine that nobody had declared */
	REPAIR_DROPPED, /* an event that could not be made legal */
	REPAIR_MAX,
};

struct model_stats {
	uint64_t events_in, transitions_out;
	uint64_t repairs[REPAIR_MAX];
	/* unblocks that the runtime makes inside findRunnable without a call to ready: these are
	 * expected (about a third of all), not losses */
	uint64_t synthesised_unblocks;
	uint64_t retaken; /* Ps that the scheduler took from threads in syscalls: normal */
	uint64_t outside; /* events before or behind the window */
	uint64_t assists; /* mark assists */
};

int model__new(const struct model_config *cfg, struct model **out);
void model__free(struct model *m);
/* First pass; what comes after the first model__event is passed over unless ahead. 0 or -ENOMEM. */
int model__prescan(struct model *m, const struct gbt_hdr *rec, size_t len);
/* 0, -ENOMEM, or what the sink returned: it sticks. rec is checked as raw.h's readers do; what has
 * a text by its kind, but not by len, is passed over, as in the first pass. */
int model__event(struct model *m, const struct gbt_hdr *rec, size_t len);
/* Marks the window's end (TR_END is the last transition). */
int model__finish(struct model *m, uint64_t end_ns);
const struct model_stats *model__stats(const struct model *m);
const char *model_repair__name(enum model_repair r); /* "unblock", … for reports */

#endif
