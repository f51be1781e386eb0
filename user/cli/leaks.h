/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_LEAKS_H
#define CLI_LEAKS_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/frame_cache.h"
#include "goruntime/target.h"

/* `goroutines --leaks`: looks at the target for span_ns, then writes what only grew to fd. All is
 * borrowed. 0 or -errno; -ESRCH when the target ended. */
#define LEAKS_SPAN_MIN_NS INT64_C(1000000000)
#define LEAKS_SPAN_MAX_NS (INT64_C(24) * 3600 * 1000000000)

struct leaks_job {
	const struct go_target *target;
	const struct snap_source *src;
	struct frame_cache *frames;
	int64_t span_ns;
	bool system, json;
	int fd;
};
int leaks__find(const struct leaks_job *job);

#endif
