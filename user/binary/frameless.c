/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/frameless.h"

#include <errno.h>

#include "binary/gobinary_internal.h"

static bool is_zero(void *ctx, uint64_t lo, uint64_t hi, int32_t val)
{
	bool *frame = ctx;

	(void)lo;
	(void)hi;
	*frame = val != 0;
	return !*frame;
}

int gobinary__each_frameless(const struct gobinary *b, frameless_fn fn, void *ctx)
{
	uint64_t lo = 0, hi = 0;
	struct pcln_func f;
	size_t i;
	int err;

	for (i = 0; b->has_tab && i < b->tab.func_cnt; i++) {
		bool frame = false;

		err = pclntab__func_at(&b->tab, i, &f);
		if (err)
			return err;
		if (!f.pcsp || f.end <= f.entry)
			continue;
		err = pclntab__each_value(&b->tab, &f, f.pcsp, is_zero, &frame);
		if (err)
			return err;
		if (frame || f.entry < hi)
			continue;
		if (f.entry == hi) {
			hi = f.end;
			continue;
		}
		err = hi > lo ? fn(ctx, lo, hi) : 0;
		if (err < 0)
			return err;
		lo = f.entry;
		hi = f.end;
	}
	err = hi > lo ? fn(ctx, lo, hi) : 0;
	return err < 0 ? err : 0;
}
