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
	uint64_t summed_ns;	   /* when capacity_ns was added to */
	uint64_t capacity_ns;	   /* time of all processors; GOMAXPROCS may change */
	uint64_t lost, lost_ns;	   /* events, and when that was more than before; 0: none */
	struct cgroup_cpu *cgroup; /* NULL: not asked for, or not to be had */
};

int recording__window_open(struct recording *r);
void recording__window_free(struct recording *r);
/* The snapshot is there: the window begins. */
int recording__window_begin(struct recording *r);
/* After each drain, which began at now_ns. The drain thread holds the lock. */
int recording__window_tick(struct recording *r, uint64_t now_ns);
/* Nothing more comes: what is there is put into order. */
int recording__window_end(struct recording *r);

#endif
