/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_EVENT_QUEUE_H
#define RECORDER_EVENT_QUEUE_H

#include <stddef.h>

#include "gobpftrace_abi.h"

/* Events that wait for their turn, without texts, first in, first out. Zero-initialised is empty.
 */
struct event_queue {
	struct gbt_event *ring;
	size_t first, cnt, cap; /* cap: a power of two */
};

int event_queue__push(struct event_queue *q, const struct gbt_event *ev); /* -ENOMEM */
/* The one that has waited longest, borrowed until the next push; NULL: there is none. */
const struct gbt_event *event_queue__first(const struct event_queue *q);
void event_queue__drop(struct event_queue *q); /* it; there is one */
void event_queue__free(struct event_queue *q);

#endif
