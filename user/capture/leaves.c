/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/leaves.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"
#include "binary/frameless.h"

#define LEAVES_MAX (1u << 20) /* as far as the programs' bisection goes */

struct list {
	struct gbt_leaf_range *ranges;
	size_t cnt, cap;
	uint64_t bias;
};

static int add(void *ctx, uint64_t lo, uint64_t hi)
{
	struct list *l = ctx;

	if (l->cnt == LEAVES_MAX || hi - lo > UINT32_MAX)
		return 0;
	if (array__reserve(&l->ranges, l->cnt, &l->cap, 1, sizeof(*l->ranges)))
		return -ENOMEM;
	l->ranges[l->cnt++] = (struct gbt_leaf_range){
		.lo = lo + l->bias,
		.len = (uint32_t)(hi - lo),
	};
	return 0;
}

int leaves__of_binary(const struct gobinary *b, uint64_t bias, struct gbt_leaf_range **out,
		      size_t *cnt)
{
	struct list l = {.bias = bias};
	int err = 0;

	if (gobinary__arch(b) == GOBINARY_AMD64)
		err = gobinary__each_frameless(b, add, &l);
	if (err) {
		log_error("pclntab: '%s': functions without a frame: %s", gobinary__name(b),
			  err == -ENOMEM ? "out of memory" : "malformed table");
		free(l.ranges);
		return err;
	}
	*out = l.ranges;
	*cnt = l.cnt;
	return 0;
}
