/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>

#include "model/state.h"

int model__new(const struct model_config *cfg, struct model **out)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->cfg = *cfg;
	m->scanned.assist_ends = cfg->assist_ends;
	*out = m;
	return 0;
}

static void free_goroutines(struct model *m)
{
	uint64_t v;

	for (size_t it = 0; imap__next(&m->gs, &it, NULL, &v);) {
		struct goroutine *g = (struct goroutine *)(uintptr_t)v;

		free(g->regions);
		free(g);
	}
	while (m->free_gs) {
		struct goroutine *g = m->free_gs;

		m->free_gs = g->next_free;
		free(g);
	}
}

void model__free(struct model *m)
{
	uint64_t v;

	if (!m)
		return;
	free_goroutines(m);
	for (size_t it = 0; imap__next(&m->ms, &it, NULL, &v);)
		free((void *)(uintptr_t)v);
	imap__free(&m->gs);
	imap__free(&m->ms);
	imap__free(&m->tasks);
	imap__free(&m->scanned.lost_p);
	imap__free(&m->scanned.undone);
	tombs__free(&m->tombs);
	prescan__free(m->pre);
	free(m->ps);
	free(m);
}

/*
 * A trace ends at its last event, so the window's end needs one that changes nothing: the
 * status of a goroutine or P, repeated. The lowest id, so that equal input gives equal bytes.
 */
static void mark_end(struct model *m)
{
	struct goroutine *best = NULL;
	struct transition tr;
	uint64_t v;

	for (size_t it = 0; imap__next(&m->gs, &it, NULL, &v);) {
		struct goroutine *g = (struct goroutine *)(uintptr_t)v;

		if (g->status == TR_G_WAITING && (!best || g->id < best->id))
			best = g;
	}
	if (best) {
		tr = tr_on(NULL, TR_GO_STATUS);
		tr.subject = best->id;
		tr.value = TR_G_WAITING;
		tr.value2 = UINT64_MAX;
		tr.marker = true;
		tell(m, &tr);
		return;
	}
	for (int32_t i = 0; i < m->p_cap; i++) {
		if (!m->ps[i].status)
			continue;
		tr = tr_on(m->ps[i].m, TR_PROC_STATUS);
		tr.subject = i;
		tr.value = m->ps[i].status;
		tr.marker = true;
		tell(m, &tr);
		return;
	}
}

int model__finish(struct model *m, uint64_t end_ns)
{
	struct transition tr = tr_on(NULL, TR_END);

	if (!m->begun && !m->err)
		model__begin(m);
	if (end_ns > m->now_ns)
		m->now_ns = end_ns;
	mark_end(m);
	tell(m, &tr);
	return m->err;
}

const struct model_stats *model__stats(const struct model *m)
{
	return &m->stats;
}
