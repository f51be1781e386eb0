/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/gstates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void gstates__free(struct gstates *s)
{
	if (!s)
		return;
	free(s->g);
	free(s->free);
	free(s->m);
	imap__free(&s->by_id);
	imap__free(&s->by_tid);
	*s = (struct gstates){0};
}

const struct gstate *gstates__get(const struct gstates *s, uint64_t goid)
{
	uint64_t i;

	return imap__get(&s->by_id, goid, &i) ? &s->g[i] : NULL;
}

static int place(struct gstates *s, size_t *out)
{
	int err;

	if (s->free_cnt) {
		*out = s->free[--s->free_cnt];
		return 0;
	}
	err = array__reserve(&s->g, s->g_cnt, &s->g_cap, 1, sizeof(*s->g));
	if (!err)
		*out = s->g_cnt++;
	return err;
}

int gstates__put(struct gstates *s, const struct gstate *g)
{
	uint64_t i;
	size_t at;
	int err;

	if (imap__get(&s->by_id, g->goid, &i)) {
		s->g[i] = *g;
		return 0;
	}
	err = place(s, &at);
	if (err)
		return err;
	s->g[at] = *g;
	err = imap__put(&s->by_id, g->goid, at);
	if (err)
		s->g[at].goid = 0;
	else
		s->alive++;
	return err;
}

int gstates__drop(struct gstates *s, uint64_t goid)
{
	uint64_t i;
	int err;

	if (!imap__get(&s->by_id, goid, &i))
		return 0;
	imap__del(&s->by_id, goid);
	s->g[i].goid = 0;
	s->alive--;
	err = array__reserve(&s->free, s->free_cnt, &s->free_cap, 1, sizeof(*s->free));
	if (!err)
		s->free[s->free_cnt++] = i;
	return err;
}

int gstates__put_m(struct gstates *s, const struct mstate *m)
{
	uint64_t i;
	int err;

	if (imap__get(&s->by_tid, m->tid, &i)) {
		s->m[i] = *m;
		return 0;
	}
	err = array__reserve(&s->m, s->m_cnt, &s->m_cap, 1, sizeof(*s->m));
	if (!err)
		err = imap__put(&s->by_tid, m->tid, s->m_cnt);
	if (!err)
		s->m[s->m_cnt++] = *m;
	return err;
}

/* With free places filled up: ids change places, which only by_id knows. */
int gstates__copy(const struct gstates *s, struct gstates *out)
{
	int err = 0;

	*out = (struct gstates){
		.gomaxprocs = s->gomaxprocs, .gc_on = s->gc_on, .assist_ends = s->assist_ends};
	for (size_t i = 0; !err && i < s->g_cnt; i++)
		err = s->g[i].goid ? gstates__put(out, &s->g[i]) : 0;
	for (size_t i = 0; !err && i < s->m_cnt; i++)
		err = gstates__put_m(out, &s->m[i]);
	if (err)
		gstates__free(out);
	return err;
}
