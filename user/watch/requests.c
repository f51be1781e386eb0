/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void open_requests__free(struct open_requests *o)
{
	free(o->r);
	free(o->free);
	imap__free(&o->by_who);
	*o = (struct open_requests){0};
}

static int place(struct open_requests *o, uint64_t who, uint64_t *at)
{
	int err;

	if (imap__get(&o->by_who, who, at)) /* its end was lost */
		return 0;
	if (o->free_cnt) {
		*at = o->free[--o->free_cnt];
	} else {
		err = array__reserve(&o->r, o->cnt, &o->cap, 1, sizeof(*o->r));
		if (!err)
			err = array__reserve(&o->free, o->cnt, &o->free_cap, 1, sizeof(*o->free));
		if (err)
			return err;
		*at = o->cnt++;
	}
	return imap__put(&o->by_who, who, *at);
}

static uint16_t keep(char *dst, size_t sz, const char *text, size_t len)
{
	if (len > sz)
		len = sz;
	memcpy(dst, text, len);
	return (uint16_t)len;
}

int open_requests__begin(struct open_requests *o, const struct gbt_text *r)
{
	unsigned span = GBT_SPAN_OF(r->ev.arg32);
	struct request_name *n;
	uint64_t at;
	int err = span < GBT_SPAN_MAX ? place(o, OPEN_WHO(r->ev.goid, span), &at) : 0;

	if (err || span >= GBT_SPAN_MAX)
		return err;
	n = &o->r[at];
	n->begin_ns = r->ev.hdr.time_ns;
	n->stack = r->ev.stack;
	n->span = (uint8_t)span;
	n->told = 0;
	n->method_len = keep(n->method, sizeof(n->method), r->text, r->len[0]);
	n->path_len = keep(n->path, sizeof(n->path), r->text + r->len[0], r->len[1]);
	return 0;
}

static void forget(struct open_requests *o, uint64_t who)
{
	uint64_t at;

	if (!imap__get(&o->by_who, who, &at))
		return;
	imap__del(&o->by_who, who);
	o->free[o->free_cnt++] = (uint32_t)at; /* has room for all places */
}

void open_requests__gone(struct open_requests *o, uint64_t goid)
{
	for (unsigned span = 0; span < GBT_SPAN_MAX; span++)
		forget(o, OPEN_WHO(goid, span));
}

bool open_requests__end(struct open_requests *o, const struct gbt_event *e,
			struct request_name *out)
{
	unsigned span = GBT_SPAN_OF(e->arg32);
	uint64_t at, who = OPEN_WHO(e->goid, span);

	out->begin_ns = e->arg;
	out->stack = 0;
	out->span = (uint8_t)span;
	out->told = 0;
	out->method_len = out->path_len = 0;
	if (imap__get(&o->by_who, who, &at)) {
		if (o->r[at].begin_ns == e->arg)
			*out = o->r[at];
		forget(o, who);
	}
	return out->begin_ns && out->begin_ns <= e->hdr.time_ns;
}
