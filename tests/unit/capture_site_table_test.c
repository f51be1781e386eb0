/* SPDX-License-Identifier: GPL-2.0-only */
/* How the programs tell the sites of a target apart by address. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/site_table.h"
#include "capture/sites.h"

#define BIAS UINT64_C(0x7f1234560000)
#define GO_MINOR 26

/* cnt sites from the id `first` on, as far apart as functions of a runtime are */
static struct probe_plan plan_of(enum site_id first, size_t cnt, uint64_t vaddr)
{
	struct probe_plan p = {.cnt = cnt};

	for (size_t i = 0; i < cnt; i++)
		p.sites[i] = (struct probe_site){
			.id = first + i % 8,
			.insn = SITE_PUSH,
			.bytes = {0x55},
			.len = 1,
			.vaddr = vaddr + i * (37 + i % 5 * 1024),
		};
	return p;
}

/* As cookie_of in bpf/goroutine.bpf.c has it */
static uint32_t cookie_at(const struct gbt_site_table *t, uint64_t addr)
{
	const struct gbt_site_slot *s = &t->slots[GBT_SITE_SLOT(t->mul, addr)];

	return s->addr == addr ? s->cookie : t->rest;
}

static void check_all(const struct gbt_site_table *t, const struct probe_plan *p)
{
	for (size_t i = 0; i < p->cnt; i++) {
		uint64_t addr = p->sites[i].vaddr + BIAS;

		assert_int_equal(cookie_at(t, addr), site__cookie(&p->sites[i], GO_MINOR));
		assert_int_equal(cookie_at(t, addr + 1), 0);
	}
}

static void test_every_site_is_found(void **state)
{
	struct gbt_site_table t = {0};
	struct probe_plan p = plan_of(SITE_CREATE, 30, 0x401000);
	struct probe_plan more = plan_of(SITE_REFILL, 2, 0x900000);

	(void)state;
	assert_int_equal(site_table__add(&t, &p, BIAS, GO_MINOR), 0);
	check_all(&t, &p);
	assert_int_equal(site_table__add(&t, &more, BIAS, GO_MINOR), 0);
	check_all(&t, &p);
	check_all(&t, &more);
	assert_int_equal(cookie_at(&t, p.sites[0].vaddr), 0); /* not where it runs */
}

static void test_full_plan(void **state)
{
	struct gbt_site_table t = {0};
	struct probe_plan p = plan_of(SITE_CREATE, PLAN_FOUND_MAX, 0x401000);

	(void)state;
	assert_int_equal(site_table__add(&t, &p, BIAS, GO_MINOR), 0);
	check_all(&t, &p);
}

/* Region ends are all alike, and may be too many. */
static void test_what_is_not_in_the_table_is_a_region_end(void **state)
{
	struct gbt_site_table t = {0};
	struct probe_plan p = plan_of(SITE_CREATE, PLAN_SITES_MAX, 0x401000);

	(void)state;
	for (size_t i = PLAN_FOUND_MAX; i < p.cnt; i++) {
		p.sites[i].id = SITE_REGION_END;
		p.sites[i].when = SITE_IF_EQUAL;
	}
	assert_int_equal(site_table__add(&t, &p, BIAS, GO_MINOR), 0);
	for (size_t i = 0; i < p.cnt; i++)
		assert_int_equal(cookie_at(&t, p.sites[i].vaddr + BIAS),
				 site__cookie(&p.sites[i], GO_MINOR));
}

static void test_two_at_one_address(void **state)
{
	struct gbt_site_table t = {0};
	struct probe_plan p = plan_of(SITE_CREATE, 2, 0x401000);

	(void)state;
	p.sites[1].vaddr = p.sites[0].vaddr;
	assert_int_equal(site_table__add(&t, &p, BIAS, GO_MINOR), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_site_is_found),
		cmocka_unit_test(test_full_plan),
		cmocka_unit_test(test_what_is_not_in_the_table_is_a_region_end),
		cmocka_unit_test(test_two_at_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
