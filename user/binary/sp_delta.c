/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/sp_delta.h"

#include <errno.h>

#include "binary/gobinary_internal.h"

int gobinary__sp_delta(const struct gobinary *b, uint64_t pc, uint64_t *delta)
{
	struct pcln_func f;
	int32_t val;
	size_t i;
	int err;

	if (!b->has_tab)
		return -ENOENT;
	err = pclntab__find(&b->tab, pc, &i);
	if (!err)
		err = pclntab__func_at(&b->tab, i, &f);
	if (!err && !f.pcsp)
		err = -ENOENT;
	if (!err)
		err = pclntab__value(&b->tab, &f, f.pcsp, pc, &val);
	if (err)
		return err;
	if (val < 0)
		return -ENOENT;
	*delta = (uint64_t)val;
	return 0;
}
