/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/site_table.h"

#include <errno.h>
#include <string.h>

#include "capture/sites.h"

#define SLOTS (1u << GBT_SITE_SLOT_BITS)
/* Thirty sites take about six, twice as many some three thousand. */
#define TRIES (1u << 18)

/* Steele, Lea, Flood: splitmix64. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool place(const struct gbt_site_slot *sites, size_t cnt, uint64_t mul,
		  struct gbt_site_slot slots[SLOTS])
{
	memset(slots, 0, SLOTS * sizeof(*slots));
	for (size_t i = 0; i < cnt; i++) {
		struct gbt_site_slot *s = &slots[GBT_SITE_SLOT(mul, sites[i].addr)];

		if (s->addr)
			return false;
		*s = sites[i];
	}
	return true;
}

int site_table__add(struct gbt_site_table *t, const struct probe_plan *plan, uint64_t bias,
		    unsigned go_minor)
{
	struct gbt_site_slot sites[SLOTS];
	uint64_t state = 0;
	size_t cnt = 0;

	for (size_t i = 0; i < SLOTS; i++)
		if (t->slots[i].addr)
			sites[cnt++] = t->slots[i];
	if (cnt + plan->cnt > SLOTS)
		return -E2BIG;
	for (size_t i = 0; i < plan->cnt; i++) {
		if (plan->sites[i].id == SITE_FUNC_ENTRY || plan->sites[i].id == SITE_FUNC_RETURN)
			continue;
		uint32_t cookie = site__cookie(&plan->sites[i], go_minor);

		if (plan->sites[i].id == SITE_REGION_END)
			t->rest = cookie;
		else
			sites[cnt++] = (struct gbt_site_slot){
				.addr = plan->sites[i].vaddr + bias,
				.cookie = cookie,
			};
	}
	for (unsigned i = 0; i < TRIES; i++) {
		t->mul = next_random(&state) | 1;
		if (place(sites, cnt, t->mul, t->slots))
			return 0;
	}
	return -E2BIG;
}
