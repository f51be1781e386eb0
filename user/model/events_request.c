/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "model/request_text.h"
#include "model/state.h"

/*
 * A request of net/http, as if its handler had made a task and a region of it with runtime/trace:
 * both with its method and path for a name, and a log with its status before they end. A call is
 * the same, within the request that its goroutine serves.
 */

/* Ids of tasks are the program's own, from 1 on; those of requests are far above them. */
#define REQUEST_ID_BASE (UINT64_C(1) << 40)

static const struct tr_stack no_stack;

static uint32_t string(struct model *m, const char *text, size_t len)
{
	int64_t id = strtab__add(m->cfg.strings, text, len);

	if (id >= 0)
		return (uint32_t)id;
	m->err = m->err ? m->err : (int)id;
	return 0;
}

static uint32_t name_of(struct model *m, const struct gbt_text *r)
{
	char name[REQUEST_NAME_SZ];
	size_t n = request_text__name(r, name);

	return string(m, name, n);
}

static void tell_begin(struct model *m, struct mthread *t, const struct region *span,
		       uint64_t parent, const struct tr_stack *s)
{
	struct transition tr = tr_on(t, TR_USER_TASK_BEGIN);

	tr.value = span->task;
	tr.value2 = parent;
	tr.str = span->name;
	tr.stack = *s;
	tell(m, &tr);
	begin_region(m, t, span, s);
}

static void tell_ending(struct model *m, struct mthread *t, const struct region *span,
			int32_t ending)
{
	struct transition tr = tr_on(t, TR_USER_LOG);
	char text[REQUEST_ENDING_SZ];

	if (ending & GBT_REQUEST_NO_STATUS &&
	    !(ending & (GBT_REQUEST_PANICKED | GBT_REQUEST_HIJACKED)))
		return;
	request_text__ending(ending, text);
	tr.value = span->task;
	tr.str = string(m, "status", strlen("status"));
	tr.str2 = string(m, text, strlen(text));
	tell(m, &tr);
}

static void end_span(struct model *m, struct mthread *t, struct region *span)
{
	struct transition tr;

	end_region(m, t, span, &no_stack);
	tr = tr_on(t, TR_USER_TASK_END);
	tr.value = span->task;
	tell(m, &tr);
	span->task = 0;
}

/* Those of the kind, and for a request all that are open in it: their ends were lost. */
static void end_lost(struct model *m, struct mthread *t, unsigned kind)
{
	struct region *spans = t->g->spans;

	for (unsigned i = GBT_SPAN_MAX; i-- > 0;) {
		if (!spans[i].task || (i != kind && kind != GBT_SPAN_REQUEST))
			continue;
		count_repair(m, REPAIR_STOP);
		end_span(m, t, &spans[i]);
	}
}

static uint64_t next_id(struct model *m)
{
	do
		m->request_id++;
	while (imap__get(&m->tasks, REQUEST_ID_BASE + m->request_id, NULL));
	return REQUEST_ID_BASE + m->request_id;
}

void on_request_begin(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	unsigned kind = GBT_SPAN_OF(e->arg32);
	struct goroutine *g = event_runner(m, t, e, e->goid);
	struct tr_stack stack;

	if (!g)
		return;
	if (kind >= GBT_SPAN_MAX) {
		event_drop(m);
		return;
	}
	stack = kind == GBT_SPAN_REQUEST ? no_stack : event_stack(m, e, 0, e->goid);
	leave_assist(m, t, g);
	end_lost(m, t, kind);
	g->spans[kind] =
		(struct region){.task = next_id(m), .name = name_of(m, (const struct gbt_text *)e)};
	tell_begin(m, t, &g->spans[kind],
		   kind == GBT_SPAN_REQUEST ? 0 : g->spans[GBT_SPAN_REQUEST].task, &stack);
}

/* Of one that began before the window nothing is told: a reader would not know what ends. */
void on_request_end(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	unsigned kind = GBT_SPAN_OF(e->arg32);
	struct goroutine *g = event_runner(m, t, e, e->goid);
	struct region span;

	if (!g)
		return;
	leave_assist(m, t, g);
	if (kind >= GBT_SPAN_MAX || !g->spans[kind].task)
		return;
	span = g->spans[kind];
	if (kind == GBT_SPAN_REQUEST) {
		g->spans[kind].task = 0;
		end_lost(m, t, kind);
		g->spans[kind] = span;
	}
	tell_ending(m, t, &span, e->arg32);
	end_span(m, t, &g->spans[kind]);
}
