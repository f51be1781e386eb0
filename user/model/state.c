/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void no_memory(struct model *m)
{
	if (!m->err)
		m->err = -ENOMEM;
}

struct goroutine *g__get(struct model *m, uint64_t goid)
{
	uint64_t v;

	return imap__get(&m->gs, goid, &v) ? (struct goroutine *)(uintptr_t)v : NULL;
}

struct goroutine *g__add(struct model *m, uint64_t goid, int status)
{
	struct goroutine *g = m->free_gs;

	if (g)
		m->free_gs = g->next_free;
	else
		g = malloc(sizeof(*g));
	if (!g) {
		no_memory(m);
		return NULL;
	}
	*g = (struct goroutine){.id = goid, .status = status};
	if (imap__put(&m->gs, goid, (uintptr_t)g)) {
		free(g);
		no_memory(m);
		return NULL;
	}
	tombs__forget(&m->tombs, goid);
	return g;
}

void g__drop(struct model *m, struct goroutine *g)
{
	imap__del(&m->gs, g->id);
	if (tombs__add(&m->tombs, g->id))
		no_memory(m);
	free(g->regions);
	g->regions = NULL;
	g->next_free = m->free_gs;
	m->free_gs = g;
}

static struct mthread *add_thread(struct model *m, uint64_t tid)
{
	struct mthread *t = calloc(1, sizeof(*t));
	uint64_t file_tid = tid;

	if (!t || imap__put(&m->ms, tid, (uintptr_t)t)) {
		free(t);
		no_memory(m);
		return NULL;
	}
	if (m->cfg.tid_map)
		imap__get(m->cfg.tid_map, tid, &file_tid);
	t->tid = tid;
	t->file_tid = file_tid;
	t->p = TR_NO_P;
	return t;
}

struct mthread *mthread__get(struct model *m, uint64_t tid)
{
	uint64_t v;

	if (m->last_m && m->last_m->tid == tid)
		return m->last_m;
	if (imap__get(&m->ms, tid, &v))
		m->last_m = (struct mthread *)(uintptr_t)v;
	else
		m->last_m = add_thread(m, tid);
	return m->last_m;
}

struct proc *proc__get(struct model *m, int32_t id)
{
	if (id < 0 || id >= PROC_MAX)
		return NULL;
	if (id >= m->p_cap) {
		int32_t cap = m->p_cap ? m->p_cap : 16;
		struct proc *ps;

		while (cap <= id)
			cap *= 2;
		ps = realloc(m->ps, cap * sizeof(*ps));
		if (!ps) {
			no_memory(m);
			return NULL;
		}
		memset(ps + m->p_cap, 0, (cap - m->p_cap) * sizeof(*ps));
		m->ps = ps;
		m->p_cap = cap;
	}
	return &m->ps[id];
}

int tombs__add(struct tombs *t, uint64_t goid)
{
	uint64_t at;

	if (!t->ring) {
		t->ring = calloc(TOMB_CNT, sizeof(*t->ring));
		if (!t->ring)
			return -ENOMEM;
	}
	if (imap__get(&t->at, t->ring[t->next], &at) && at == t->next)
		imap__del(&t->at, t->ring[t->next]);
	t->ring[t->next] = goid;
	if (imap__put(&t->at, goid, t->next))
		return -ENOMEM;
	t->next = (t->next + 1) % TOMB_CNT;
	return 0;
}

bool tombs__has(const struct tombs *t, uint64_t goid)
{
	return imap__get(&t->at, goid, NULL);
}

void tombs__forget(struct tombs *t, uint64_t goid)
{
	imap__del(&t->at, goid);
}

void tombs__free(struct tombs *t)
{
	free(t->ring);
	t->ring = NULL;
	imap__free(&t->at);
}

void count_repair(struct model *m, enum model_repair r)
{
	m->stats.repairs[r]++;
}
