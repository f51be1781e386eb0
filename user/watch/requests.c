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
	imap__free(&o->by_goid);
	*o = (struct open_requests){0};
}

static int place(struct open_requests *o, uint64_t goid, uint64_t *at)
{
	int err;

	if (imap__get(&o->by_goid, goid, at)) /* its end was lost */
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
	return imap__put(&o->by_goid, goid, *at);
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
	struct request_name *n;
	uint64_t at;
	int err = place(o, r->ev.goid, &at);

	if (err)
		return err;
	n = &o->r[at];
	n->begin_ns = r->ev.hdr.time_ns;
	n->told = 0;
	n->method_len = keep(n->method, sizeof(n->method), r->text, r->len[0]);
	n->path_len = keep(n->path, sizeof(n->path), r->text + r->len[0], r->len[1]);
	return 0;
}

void open_requests__gone(struct open_requests *o, uint64_t goid)
{
	uint64_t at;

	if (!imap__get(&o->by_goid, goid, &at))
		return;
	imap__del(&o->by_goid, goid);
	o->free[o->free_cnt++] = (uint32_t)at; /* has room for all places */
}

bool open_requests__end(struct open_requests *o, const struct gbt_event *e,
			struct request_name *out)
{
	uint64_t at;

	out->begin_ns = e->arg;
	out->told = 0;
	out->method_len = out->path_len = 0;
	if (imap__get(&o->by_goid, e->goid, &at)) {
		if (o->r[at].begin_ns == e->arg)
			*out = o->r[at];
		open_requests__gone(o, e->goid);
	}
	return out->begin_ns && out->begin_ns <= e->hdr.time_ns;
}
