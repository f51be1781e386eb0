/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/watch_candidates.h"

#include <stdlib.h>

#include "base/array.h"

struct candidate *candidates__meet(struct candidates *s, const struct candidate *is,
				   uint64_t first_ns)
{
	struct candidate *c;

	for (size_t i = 0; i < s->cnt; i++) {
		c = &s->c[i];
		if (c->pid == is->pid && c->start_ticks == is->start_ticks && c->dev == is->dev &&
		    c->ino == is->ino) {
			c->met = true;
			return c;
		}
	}
	if (array__reserve(&s->c, s->cnt, &s->cap, 1, sizeof(*s->c)))
		return NULL;
	c = &s->c[s->cnt++];
	*c = *is;
	c->next_ns = first_ns;
	c->tries = 0;
	c->met = true;
	return c;
}

void candidates__forget(struct candidates *s, struct candidate *c)
{
	*c = s->c[--s->cnt];
}

void candidates__looked(struct candidates *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->cnt; i++) {
		if (!s->c[i].met)
			continue;
		s->c[kept] = s->c[i];
		s->c[kept++].met = false;
	}
	s->cnt = kept;
}

void candidates__free(struct candidates *s)
{
	free(s->c);
	*s = (struct candidates){0};
}
