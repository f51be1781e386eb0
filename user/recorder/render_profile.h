/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RENDER_PROFILE_H
#define RECORDER_RENDER_PROFILE_H

#include <stdint.h>

#include "recorder/live_fold.h"

/*
 * From a raw stream that has what one profile needs, perhaps no more, to that profile. The
 * transitions come from the same model as a trace's, which is told that kinds of events are not
 * there.
 */
struct profile_facts {
	uint64_t end_ns;     /* of the window, CLOCK_MONOTONIC */
	uint64_t written_ns; /* when the file was there; the caller's */
	uint64_t duration_ns;
	uint64_t samples, lost; /* CPU samples; events for the others */
	uint64_t hits;		/* probe hits */
	uint64_t target_cpu_ns; /* 0 not known */
	uint64_t tool_cpu_ns;
	uint64_t price_hit_ns; /* an estimate */
	char estimate[160];    /* what is not exact; "" */
	char why[160];	       /* there is none; "" */
	char end_reason[32];
};

struct render_profile_config {
	int raw_fd;
	const char *name; /* for messages */
	enum profile_id id;
	unsigned tags; /* enum profile_tag */
	enum profile_format format;
	const struct live_fold *live; /* folded and ended; NULL: from the stream's own events */
};

/* -ENODATA: this stream cannot give it; *why (in facts) says so, and nothing was written. Otherwise
 * one message on error. */
int render_profile__write(const struct render_profile_config *cfg, int fd,
			  struct profile_facts *facts, const char **why);

#endif
