/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/alloc_estimate.h"

#define CLASS_48 5 /* objects of 48 bytes */
#define ROWS_MAX 16

struct rows {
	size_t cnt;
	struct {
		uint64_t stack, size;
		double objects, bytes;
	} row[ROWS_MAX];
};

static int keep(void *ctx, uint64_t stack, uint64_t size, double objects, double bytes)
{
	struct rows *r = ctx;

	assert_true(r->cnt < ROWS_MAX);
	r->row[r->cnt].stack = stack;
	r->row[r->cnt].size = size;
	r->row[r->cnt].objects = objects;
	r->row[r->cnt++].bytes = bytes;
	return 0;
}

static void alloc(struct alloc_estimate *e, uint64_t stack, int class, uint64_t used, uint64_t size)
{
	const struct gbt_event ev = {.hdr = {.kind = GBT_ALLOC},
				     .arg32 = class,
				     .arg = used,
				     .cur = size,
				     .stack = stack};

	assert_int_equal(alloc_estimate__event(e, &ev.hdr), 0);
}

static void has(const struct rows *r, uint64_t stack, uint64_t size, double objects, double bytes)
{
	for (size_t i = 0; i < r->cnt; i++) {
		if (r->row[i].stack != stack || r->row[i].size != size)
			continue;
		assert_true(fabs(r->row[i].objects - objects) < 1e-6 * objects);
		assert_true(fabs(r->row[i].bytes - bytes) < 1e-6 * bytes);
		return;
	}
	fail_msg("no row of stack %llu, size %llu", (unsigned long long)stack,
		 (unsigned long long)size);
}

static struct rows rows_of(const struct alloc_estimate *e, const struct alloc_totals *end)
{
	static const struct alloc_totals begin = {.cnt = {[0] = 2, [CLASS_48] = 100},
						  .large_bytes = 2 * ALLOC_PAGE_SZ};
	struct rows r = {0};

	assert_int_equal(alloc_estimate__each(e, &begin, end, keep, &r), 0);
	return r;
}

static void classes_are_scaled_to_their_totals(void **state)
{
	const struct alloc_totals end = {.cnt = {[0] = 2, [CLASS_48] = 100 + 4000, [7] = 5},
					 .large_bytes = 2 * ALLOC_PAGE_SZ};
	struct alloc_estimate *e = NULL;
	struct rows r;

	assert_int_equal(alloc_estimate__new(&e), 0);
	alloc(e, 1, CLASS_48, 100, 48);
	alloc(e, 1, CLASS_48, 50, 48);
	alloc(e, 2, CLASS_48, 50, 48);
	r = rows_of(e, &end);
	assert_int_equal(r.cnt, 3);
	has(&r, 1, 48, 3000, 3000 * 48);
	has(&r, 2, 48, 1000, 1000 * 48);
	/* allocated, but never seen: the total is kept */
	has(&r, 0, 80, 5, 5 * 80);
	assert_int_equal(alloc_estimate__samples(e), 3);
	alloc_estimate__free(e);
}

/* Spans that the GC has taken away count as half the mean of the others. */
static void unknown_spans(void **state)
{
	const struct alloc_totals end = {.cnt = {[0] = 2, [CLASS_48] = 100 + 2500},
					 .large_bytes = 2 * ALLOC_PAGE_SZ};
	struct alloc_estimate *e = NULL;
	struct rows r;

	assert_int_equal(alloc_estimate__new(&e), 0);
	alloc(e, 1, CLASS_48, 100, 48);
	alloc(e, 2, CLASS_48, 0, 0);
	alloc(e, 3, CLASS_48, 100, 64); /* not of this class: not known either */
	alloc(e, 1, CLASS_48, 50, 48);
	r = rows_of(e, &end);
	assert_int_equal(r.cnt, 3);
	has(&r, 1, 48, 1666.6666667, 1666.6666667 * 48); /* 150 : 37.5 : 37.5 */
	has(&r, 2, 48, 416.6666667, 416.6666667 * 48);
	has(&r, 3, 48, 416.6666667, 416.6666667 * 48);
	alloc_estimate__free(e);
	/* and where nothing is known they are alike */
	assert_int_equal(alloc_estimate__new(&e), 0);
	alloc(e, 1, CLASS_48, 0, 0);
	alloc(e, 2, CLASS_48, 0, 0);
	r = rows_of(e, &end);
	has(&r, 1, 48, 1250, 1250 * 48);
	has(&r, 2, 48, 1250, 1250 * 48);
	alloc_estimate__free(e);
}

static void large_objects(void **state)
{
	const struct alloc_totals end = {.cnt = {[0] = 2 + 30, [CLASS_48] = 100},
					 .large_bytes = (2 + 400) * ALLOC_PAGE_SZ};
	struct alloc_estimate *e = NULL;
	struct rows r;

	assert_int_equal(alloc_estimate__new(&e), 0);
	alloc(e, 1, 0, 1, 10 * ALLOC_PAGE_SZ - 5);
	alloc(e, 1, 0, 1, 20 * ALLOC_PAGE_SZ);
	alloc(e, 2, 0, 1, 10 * ALLOC_PAGE_SZ);
	r = rows_of(e, &end);
	assert_int_equal(r.cnt, 2);
	has(&r, 1, 0, 20, 300 * ALLOC_PAGE_SZ);
	has(&r, 2, 0, 10, 100 * ALLOC_PAGE_SZ);
	alloc_estimate__free(e);
}

static void others_are_passed_over(void **state)
{
	const struct gbt_event other = {.hdr = {.kind = GBT_RUN}, .arg32 = CLASS_48, .arg = 1};
	struct alloc_estimate *e = NULL;

	assert_int_equal(alloc_estimate__new(&e), 0);
	assert_int_equal(alloc_estimate__event(e, &other.hdr), 0);
	alloc(e, 1, ALLOC_CLASSES, 1, 48);
	alloc(e, 1, -1, 1, 48);
	alloc(e, 1, CLASS_48, 1 << 16, 48);
	alloc(e, 1, 0, 1, UINT64_MAX);
	assert_int_equal(alloc_estimate__samples(e), 0);
	alloc_estimate__free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_scaled_to_their_totals),
		cmocka_unit_test(unknown_spans),
		cmocka_unit_test(large_objects),
		cmocka_unit_test(others_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
