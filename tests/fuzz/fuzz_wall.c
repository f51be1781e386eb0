/* SPDX-License-Identifier: GPL-2.0-only */
/* The wall profile of a raw file: what parses has every reference inside of its table. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "goruntime/wall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = {0};
	struct wall_profile *p;

	if (wall_profile__parse(span__of(data, size), &p))
		return 0;
	for (size_t i = 0; i < p->row_cnt; i++) {
		const struct wall_row *r = &p->rows[i];

		if ((uint64_t)r->stack_off + r->stack_cnt > p->pcs_cnt ||
		    (uint64_t)r->label_off + r->label_cnt > p->labels_cnt ||
		    r->state >= p->states_cnt)
			abort();
	}
	/* a text with a NUL inside is cut by it, and so are the bytes */
	if (!wall_profile__serialize(p, &out) && out.len > size)
		abort();
	buf__free(&out);
	wall_profile__free(p);
	return 0;
}
