/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/plan_order.h"

#define BUSY                                                                                       \
	(SITE_BIT(SITE_EXECUTE) | SITE_BIT(SITE_PARK) | SITE_BIT(SITE_READY) |                     \
	 SITE_BIT(SITE_REENTERSYSCALL) | SITE_BIT(SITE_ENTERSYSCALL) |                             \
	 SITE_BIT(SITE_EXITSYSCALL) | SITE_BIT(SITE_GOSCHED_IMPL) | SITE_BIT(SITE_GOYIELD) |       \
	 SITE_BIT(SITE_COROSWITCH) | SITES_CREATE | SITE_BIT(SITE_GOEXIT0) |                       \
	 SITE_BIT(SITE_GOEXIT1))

static bool is_busy(const struct probe_site *s)
{
	return SITE_BIT(s->id) & BUSY;
}

void plan_order__busiest_first(struct probe_plan *plan)
{
	size_t front = 0;

	for (size_t i = 0; i < plan->cnt; i++) {
		struct probe_site site = plan->sites[i];

		if (!is_busy(&site))
			continue;
		for (size_t j = i; j > front; j--)
			plan->sites[j] = plan->sites[j - 1];
		plan->sites[front++] = site;
	}
}
