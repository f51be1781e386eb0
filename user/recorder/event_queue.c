/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/event_queue.h"

#include <errno.h>
#include <stdlib.h>

#define CAP_MIN 4096

static int grow(struct event_queue *q)
{
	size_t cap = q->cap ? q->cap * 2 : CAP_MIN;
	struct gbt_event *ring = calloc(cap, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (size_t i = 0; i < q->cnt; i++)
		ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
	free(q->ring);
	q->ring = ring;
	q->first = 0;
	q->cap = cap;
	return 0;
}

int event_queue__push(struct event_queue *q, const struct gbt_event *ev)
{
	if (q->cnt == q->cap && grow(q))
		return -ENOMEM;
	q->ring[(q->first + q->cnt++) & (q->cap - 1)] = *ev;
	return 0;
}

const struct gbt_event *event_queue__first(const struct event_queue *q)
{
	return q->cnt ? &q->ring[q->first] : NULL;
}

void event_queue__drop(struct event_queue *q)
{
	q->first = (q->first + 1) & (q->cap - 1);
	q->cnt--;
}

void event_queue__free(struct event_queue *q)
{
	free(q->ring);
	*q = (struct event_queue){0};
}
