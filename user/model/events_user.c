/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "model/state.h"

/* runtime/trace's annotations. The first PC of their stacks is inside runtime/trace; the skips
 * drop what the tracer drops (trace_userTaskCreate and its like). */
static uint32_t text(struct model *m, const struct gbt_event *e, int i)
{
	const struct gbt_text *r = (const struct gbt_text *)e;
	const char *at = r->text + (i ? r->len[0] : 0);
	int64_t id = strtab__add(m->cfg.strings, at, r->len[i]);

	if (id < 0) {
		m->err = m->err ? m->err : (int)id;
		return 0;
	}
	return id;
}

static bool runs(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	const struct goroutine *g = event_runner(m, t, e, e->goid);

	if (g)
		leave_assist(m, t, g);
	return g;
}

void on_task_begin(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct transition tr;

	if (imap__get(&m->tasks, e->arg, NULL)) {
		event_drop(m); /* a reader takes no second one of that id */
		return;
	}
	if (!runs(m, t, e))
		return;
	if (imap__put(&m->tasks, e->arg, 1)) {
		m->err = -ENOMEM;
		return;
	}
	tr = tr_on(t, TR_USER_TASK_BEGIN);
	tr.value = e->arg;
	tr.value2 = e->cur;
	tr.str = text(m, e, 0);
	tr.stack = event_stack(m, e, 1, e->goid);
	tell(m, &tr);
}

void on_task_end(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct transition tr;

	if (!runs(m, t, e))
		return;
	imap__del(&m->tasks, e->arg);
	tr = tr_on(t, TR_USER_TASK_END);
	tr.value = e->arg;
	tr.stack = event_stack(m, e, 0, e->goid);
	tell(m, &tr);
}

void on_log(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct transition tr;

	if (!runs(m, t, e))
		return;
	tr = tr_on(t, TR_USER_LOG);
	tr.value = e->arg;
	tr.str = text(m, e, 0);
	tr.str2 = text(m, e, 1);
	tr.stack = event_stack(m, e, 1, e->goid);
	tell(m, &tr);
}

static void tell_region(struct model *m, struct mthread *t, enum tr_type type,
			const struct region *r, const struct tr_stack *s, bool repair)
{
	struct transition tr = tr_on(t, type);

	if (r->untold)
		return;
	tr.value = r->task;
	tr.str = r->name;
	tr.stack = *s;
	tr.repair = repair;
	tell(m, &tr);
}

static int push_region(struct goroutine *g, const struct region *r)
{
	if (g->region_cnt == g->region_cap) {
		size_t cap = g->region_cap ? g->region_cap * 2u : 4;
		struct region *rs;

		if (cap > UINT16_MAX)
			return -E2BIG;
		rs = realloc(g->regions, cap * sizeof(*rs));
		if (!rs)
			return -ENOMEM;
		g->regions = rs;
		g->region_cap = cap;
	}
	g->regions[g->region_cnt++] = *r;
	return 0;
}

/* A reader wants ends to fit the innermost begin: those inside of the i-th, whose ends were lost,
 * end first. */
static void end_inner(struct model *m, struct mthread *t, int i)
{
	static const struct tr_stack none;
	struct goroutine *g = t->g;

	while (g->region_cnt > i + 1) {
		count_repair(m, REPAIR_STOP);
		tell_region(m, t, TR_USER_REGION_END, &g->regions[--g->region_cnt], &none, true);
	}
}

/* One without any begin began before. */
void end_region(struct model *m, struct mthread *t, const struct region *r,
		const struct tr_stack *s)
{
	struct goroutine *g = t->g;
	int i = g->region_cnt - 1;

	while (i >= 0 && (g->regions[i].started || g->regions[i].task != r->task ||
			  g->regions[i].name != r->name))
		i--;
	if (i < 0 && g->region_cnt) {
		event_drop(m);
		return;
	}
	end_inner(m, t, i);
	if (g->region_cnt)
		g->region_cnt--;
	tell_region(m, t, TR_USER_REGION_END, r, s, false);
}

/* The end of one that StartRegion began. What began before the window has none: so the tracer has
 * it, for the region that was given away while it was off tells it nothing. */
static void stop_region(struct model *m, struct mthread *t, const struct tr_stack *s)
{
	struct goroutine *g = t->g;
	int i = g->region_cnt - 1;

	while (i >= 0 && !g->regions[i].started)
		i--;
	if (i < 0)
		return;
	end_inner(m, t, i);
	tell_region(m, t, TR_USER_REGION_END, &g->regions[--g->region_cnt], s, false);
}

void begin_region(struct model *m, struct mthread *t, const struct region *r,
		  const struct tr_stack *s)
{
	switch (push_region(t->g, r)) {
	case 0:
		tell_region(m, t, TR_USER_REGION_BEGIN, r, s, false);
		break;
	case -E2BIG:
		event_drop(m);
		break;
	default:
		m->err = -ENOMEM;
	}
}

void on_region(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	bool started = e->arg32 == GBT_REGION_START || e->arg32 == GBT_REGION_START_NO_TASK;
	struct tr_stack s = event_stack(m, e, started ? 0 : 1, e->goid);
	struct region r = {
		.task = e->arg, .started = started, .untold = e->arg32 == GBT_REGION_START_NO_TASK};

	if (!runs(m, t, e))
		return;
	if (e->arg32 == GBT_REGION_STOP) {
		stop_region(m, t, &s);
		return;
	}
	r.name = text(m, e, 0);
	if (e->arg32 == GBT_REGION_END)
		end_region(m, t, &r, &s);
	else
		begin_region(m, t, &r, &s);
}
