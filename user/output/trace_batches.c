/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "output/trace_internal.h"

/* The longest event: type, dt and five arguments of ten bytes. */
#define EVENT_MAX 64

struct batch {
	uint64_t m;
	uint64_t base, last; /* units */
	struct buf data;
};

int trace_out__write(struct trace_out *o, const void *p, size_t len)
{
	const uint8_t *at = p;

	while (!o->err && len) {
		ssize_t n = write(o->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			o->err = n < 0 ? -errno : -EIO;
			log_error("trace: cannot write: %s", strerror(-o->err));
			break;
		}
		at += n;
		len -= n;
		o->bytes += n;
	}
	return o->err;
}

int trace_out__batch(struct trace_out *o, uint64_t m, uint64_t base, const struct buf *data)
{
	struct buf head = {0};
	int err;

	buf__u8(&head, EV_EVENT_BATCH);
	buf__uvarint(&head, TRACE_GENERATION);
	buf__uvarint(&head, m);
	buf__uvarint(&head, base);
	buf__uvarint(&head, data->len);
	err = head.err ? head.err : data->err;
	if (!err)
		err = trace_out__write(o, head.data, head.len);
	if (!err)
		err = trace_out__write(o, data->data, data->len);
	buf__free(&head);
	return err;
}

static int flush(struct trace_batches *b, struct batch *ba)
{
	int err;

	if (!ba->data.len)
		return ba->data.err;
	err = trace_out__batch(b->out, ba->m, ba->base, &ba->data);
	buf__reset(&ba->data);
	return err;
}

static struct batch *add(struct trace_batches *b, uint64_t m)
{
	struct batch *ba;

	if (array__reserve(&b->list, b->cnt, &b->cap, 1, sizeof(*b->list)))
		return NULL;
	ba = calloc(1, sizeof(*ba));
	if (!ba || imap__put(&b->by_m, m, (uintptr_t)ba)) {
		free(ba);
		return NULL;
	}
	ba->m = m;
	b->list[b->cnt++] = ba;
	return ba;
}

static struct batch *find(struct trace_batches *b, uint64_t m)
{
	uint64_t v;

	if (!b->last || b->last->m != m)
		b->last = imap__get(&b->by_m, m, &v) ? (struct batch *)(uintptr_t)v : add(b, m);
	return b->last;
}

struct buf *trace_batches__event(struct trace_batches *b, uint64_t m, uint64_t units, uint8_t type)
{
	struct batch *ba = find(b, m);

	if (!ba)
		return NULL;
	if (ba->data.len + EVENT_MAX > TRACE_BATCH_MAX)
		flush(b, ba);
	if (!ba->data.len)
		ba->base = ba->last = units;
	buf__u8(&ba->data, type);
	buf__uvarint(&ba->data, units - ba->last);
	ba->last = units;
	return &ba->data;
}

int trace_batches__flush(struct trace_batches *b)
{
	int err = 0;

	for (size_t i = 0; i < b->cnt && !err; i++)
		err = flush(b, b->list[i]);
	return err;
}

void trace_batches__free(struct trace_batches *b)
{
	for (size_t i = 0; i < b->cnt; i++) {
		buf__free(&b->list[i]->data);
		free(b->list[i]);
	}
	free(b->list);
	imap__free(&b->by_m);
}
