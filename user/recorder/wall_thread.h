/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_WALL_THREAD_H
#define RECORDER_WALL_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/target.h"
#include "goruntime/wall.h"

/* Looks at a target's goroutines for a wall profile, in a thread of its own, from start to stop. */
struct wall_thread;

enum wall_readable {
	WALL_NOT_YET,
	WALL_READABLE,
	WALL_NO_MORE,
};

struct wall_thread_config {
	struct go_target *target; /* borrowed until stop */
	uint32_t hz;
	bool labels, goids; /* as struct wall_options has them */
	/* Can its memory be read: has a command exec'ed and checked out, and is it still the same
	 * program? Asked before each look. */
	enum wall_readable (*readable)(void *ctx);
	void *ctx;
};

/* One message on error. */
int wall_thread__start(const struct wall_thread_config *cfg, struct wall_thread **out);
/* Ends and frees it. *out: what it saw, NULL nothing (the target could never be read). t may be
 * NULL. */
int wall_thread__stop(struct wall_thread *t, struct wall_profile **out);

#endif
