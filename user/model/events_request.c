/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/state.h"

/*
 * A request of net/http, as if its handler had made a task and a region of it with runtime/trace:
 * both with its method and path for a name, and a log with its status before they end.
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

/* "GET /path"; "request" where neither is known. */
static uint32_t name_of(struct model *m, const struct gbt_text *r)
{
	char name[2 * GBT_TEXT_MAX + 1];
	size_t n = r->len[0];

	if (!r->len[0] && !r->len[1])
		return string(m, "request", strlen("request"));
	memcpy(name, r->text, n);
	if (r->len[1])
		name[n++] = ' ';
	memcpy(name + n, r->text + r->len[0], r->len[1]);
	return string(m, name, n + r->len[1]);
}

static void tell_task(struct model *m, struct mthread *t, enum tr_type type,
		      const struct region *request)
{
	struct transition tr = tr_on(t, type);

	tr.value = request->task;
	if (type == TR_USER_TASK_BEGIN)
		tr.str = request->name;
	tell(m, &tr);
}

static void tell_status(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct transition tr = tr_on(t, TR_USER_LOG);
	int status = GBT_REQUEST_STATUS(e->arg32);
	char text[16];

	snprintf(text, sizeof(text), "%d", status ? status : 200);
	if (e->arg32 & GBT_REQUEST_PANICKED)
		strcpy(text, "panic");
	else if (e->arg32 & GBT_REQUEST_HIJACKED)
		strcpy(text, "hijacked");
	else if (e->arg32 & GBT_REQUEST_NO_STATUS)
		return;
	tr.value = t->g->request.task;
	tr.str = string(m, "status", strlen("status"));
	tr.str2 = string(m, text, strlen(text));
	tell(m, &tr);
}

static void end_request(struct model *m, struct mthread *t)
{
	struct goroutine *g = t->g;

	end_region(m, t, &g->request, &no_stack);
	tell_task(m, t, TR_USER_TASK_END, &g->request);
	g->request.task = 0;
}

void on_request_begin(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_runner(m, t, e, e->goid);

	if (!g)
		return;
	leave_assist(m, t, g);
	if (g->request.task) { /* its end was lost */
		count_repair(m, REPAIR_STOP);
		end_request(m, t);
	}
	do
		m->request_id++;
	while (imap__get(&m->tasks, REQUEST_ID_BASE + m->request_id, NULL));
	g->request = (struct region){.task = REQUEST_ID_BASE + m->request_id,
				     .name = name_of(m, (const struct gbt_text *)e)};
	tell_task(m, t, TR_USER_TASK_BEGIN, &g->request);
	begin_region(m, t, &g->request, &no_stack);
}

/* Of one that began before the window nothing is told: a reader would not know what ends. */
void on_request_end(struct model *m, struct mthread *t, const struct gbt_event *e)
{
	struct goroutine *g = event_runner(m, t, e, e->goid);

	if (!g)
		return;
	leave_assist(m, t, g);
	if (!g->request.task)
		return;
	tell_status(m, t, e);
	end_request(m, t);
}
