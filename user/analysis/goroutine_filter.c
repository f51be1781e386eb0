/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/goroutine_filter.h"

#include "goruntime/snapshot_text.h"

int goroutine_filter__leaves_out(struct goroutine_filter *f, const struct snap_g *g,
				 const uint64_t *pcs, bool *out)
{
	uint64_t kind;
	int err;

	*out = false;
	if (f->system)
		return 0;
	if (!imap__get(&f->roots, g->startpc, &kind)) {
		struct cached_pc c;

		err = frame_cache__get(f->fc, g->startpc, true, &c);
		if (err)
			return err;
		kind = 0;
		if (c.cnt && go_func__is_system_root(c.frames[c.cnt - 1].func, false))
			kind = go_func__is_system_root(c.frames[c.cnt - 1].func, true) ? 1 : 2;
		err = imap__put(&f->roots, g->startpc, kind);
		if (err)
			return err;
	}
	if (kind == 2)
		return snap_g__is_system(f->fc, g, pcs, out);
	*out = kind == 1;
	return 0;
}

void goroutine_filter__free(struct goroutine_filter *f)
{
	imap__free(&f->roots);
}
