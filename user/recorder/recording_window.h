/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RECORDING_WINDOW_H
#define RECORDER_RECORDING_WINDOW_H

#include <pthread.h>

#include "recorder/recording.h"
#include "recorder/recording_internal.h"
#include "watch/triggers.h"
#include "watch/window.h"

/*
 * A flight recorder's part of a recording: the drain thread puts records into a window in place of
 * a spool and judges the conditions; whoever asks gets the window cut out as a raw stream.
 */
struct recording_window {
	pthread_mutex_t lock; /* of all that follows */
	struct window *w;
	struct triggers *t;
	uint64_t drained_ns; /* everything of before that is in the window */
	uint64_t unkept;     /* by triggers of before */
	uint64_t levels_due_ns;
	uint64_t summed_ns;   /* when capacity_ns was added to */
	uint64_t capacity_ns; /* time of all processors; GOMAXPROCS may change */
	uint64_t seen_cpu_ns; /* CPU time of the target while every transition was seen */
	uint64_t cpu_ns;      /* as of the last look */
	/* of a budget: recording__window_account */
	uint64_t accounted_ns, watched_ns, gap_ns, blind_ns, slices, spent_ns;
	double full_added;
	uint64_t lost, lost_ns; /* events, and when that was more than before; 0: none */
	/* definitions are forgotten: programs have been told, and when that was last done */
	uint64_t forget_due_ns, forgot_ns;
	struct cgroup_cpu *cgroup; /* NULL: not asked for, or not to be had */
};

int recording__window_open(struct recording *r);
void recording__window_free(struct recording *r);
/* The snapshot is there: the window begins. */
int recording__window_begin(struct recording *r);
/* After each drain, which began at now_ns. The drain thread holds the lock. */
int recording__window_tick(struct recording *r, uint64_t now_ns);
/* Of this moment; the lock is held. */
void recording__window_mark(const struct recording *r, uint64_t now_ns, struct window_mark *out);
int recording__window_settle(struct recording *r, uint64_t until_ns);

/* ---- a budget (recording_gaps.c) ---- */
/* When it is opened: which probes stay, whether the others come at once. */
void recording__choose_steady(struct recording *r);
/* Do the conditions, or people, want all probes whenever the budget pays? */
bool recording__wants_all(const struct recording *r);
/* Are they wanted now, for that or for a sign? */
bool recording__wants_slice(struct recording *r, uint64_t now_ns);
/* A slice is over, another one begins with s, which becomes the window's. */
int recording__window_pause(struct recording *r, const struct raw_slice_end *e);
int recording__window_resume(struct recording *r, uint64_t start_ns, struct snapshot *s);
/* The first half of that: everything is settled and the lock is held. */
int recording__window_gap(struct recording *r, const struct raw_slice_end *e);
void recording__window_account(struct recording *r, uint64_t now_ns);
/* Is what it is judged from told just now? */
bool recording__sees(const struct recording *r, enum cond_subject subject);

/* Nothing more comes: what is there is put into order. */
int recording__window_end(struct recording *r);

#endif
