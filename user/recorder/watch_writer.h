/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_WATCH_WRITER_H
#define RECORDER_WATCH_WRITER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "raw/raw.h"
#include "recorder/recording.h"
#include "recorder/retention.h"

/*
 * Makes captures from windows, one after another, in a thread of its own, while recording goes on.
 * What waits for its turn holds its window in memory, so few may.
 */
#define WATCH_QUEUE_MAX 3 /* of one recording */
#define WATCH_RECORDINGS_MAX 16

struct watch_job {
	struct recording *rec;	   /* borrowed until it is done */
	struct recording_cut *cut; /* the writer's */
	struct raw_reason reason;
	char dir[PATH_MAX];
};

struct watch_result {
	const struct recording *rec; /* borrowed as the job's */
	struct raw_reason reason;
	char dir[PATH_MAX];
	int err;		      /* not written; the message is out */
	struct capture_folder folder; /* whoever takes the result frees it */
	uint64_t took_ns;	      /* from the window's end to the folder's name */
	int hook;	/* exit status of the command; -1: none, or it did not end by itself */
	bool hook_late; /* it took too long and was killed */
};

struct watch_writer_config {
	unsigned trace_format;
	bool keep_raw;
	const char *exec; /* a command for the shell after each capture; NULL none */
	uint64_t exec_timeout_ns;
};

struct watch_writer;
int watch_writer__start(const struct watch_writer_config *cfg, struct watch_writer **out);
/* Another command from the next capture on; borrowed until free. */
void watch_writer__hook(struct watch_writer *w, const char *exec, uint64_t timeout_ns);
/* -EBUSY: enough is waiting; the job stays the caller's. */
int watch_writer__add(struct watch_writer *w, const struct watch_job *job);
/* The next that is done; false: none yet. */
bool watch_writer__done(struct watch_writer *w, struct watch_result *out);
/* Is something waiting or being written? */
bool watch_writer__busy(struct watch_writer *w);
/* Ends the thread when it is done with what it has at hand (a command is killed); what waits is
 * dropped. NULL is legal. */
void watch_writer__free(struct watch_writer *w);

#endif
