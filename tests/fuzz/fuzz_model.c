/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/trace_rules.h"
#include "model/model.h"

/*
 * Any row of events at all must come out as a legal sequence, by the reader's rules as
 * tests/unit/trace_rules.h has them. Eight bytes make an event; few ids, so that they meet.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENT_SZ 8

static const char *const names[] = {"a", "b", "c", "d"};

static size_t make_event(const uint8_t *in, uint64_t time_ns, struct gbt_text *out)
{
	struct gbt_event *e = &out->ev;

	memset(out, 0, sizeof(*out));
	e->hdr.kind = in[0] % (GBT_EVENT_MAX + 1);
	e->hdr.tid = 100 + in[1] % 5;
	e->hdr.time_ns = time_ns;
	e->p = in[2] % 6 - 1;
	e->goid = in[3] % 12;
	e->cur = in[4] % 12;
	e->arg = in[5] % 16;
	e->arg32 = (int8_t)in[6];
	e->stack = in[7] % 4;
	if (e->hdr.kind == GBT_USER_TASK_BEGIN || e->hdr.kind == GBT_USER_REGION ||
	    e->hdr.kind == GBT_USER_LOG || e->hdr.kind == GBT_REQUEST_BEGIN) {
		strcpy(out->text, names[in[7] % 4]);
		out->len[0] = 1;
		e->arg32 = (uint8_t)e->arg32 % (GBT_REGION_STOP + 1);
		return 65;
	}
	return sizeof(*e);
}

static void demand(int err, const struct rules *r)
{
	if (!err)
		return;
	fprintf(stderr, "broken rule: %s\n", r->error);
	abort();
}

static void feed(struct model *m, const struct rules *r, const uint8_t *data, size_t size,
		 int (*fn)(struct model *, const struct gbt_hdr *, size_t))
{
	for (size_t i = 0; i + EVENT_SZ <= size; i += EVENT_SZ) {
		struct gbt_text t;
		size_t len = make_event(data + i, 1000 + i, &t);

		demand(fn(m, &t.ev.hdr, len), r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules *rules;
	struct model_config cfg = {.sink = rules__transition};
	struct model *m;

	if (size < 1)
		return 0;
	rules = calloc(1, sizeof(*rules));
	if (!rules || strtab__new(&cfg.strings))
		abort();
	cfg.sink_ctx = rules;
	cfg.go_minor = 18 + (data[0] & 0x7f) % 10;
	cfg.gomaxprocs = 4;
	if (model__new(&cfg, &m))
		abort();
	if (data[0] & 0x80)
		feed(m, rules, data + 1, size - 1, model__prescan);
	feed(m, rules, data + 1, size - 1, model__event);
	demand(model__finish(m, 1000000), rules);
	model__free(m);
	strtab__free(cfg.strings);
	rules__free(rules);
	free(rules);
	return 0;
}
