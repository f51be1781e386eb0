/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/heap_profile.h"

/* What Go 1.22's scaleHeapSample gave in a program with these samples. */
static void as_go_scales(void **state)
{
	static const struct {
		uint64_t cnt, size, rate;
		int64_t objects, bytes;
	} rows[] = {
		{0, 64, 4096, 0, 0},
		{5, 0, 4096, 0, 0},
		{48, 64, 4096, 3096, 198147},
		{1, 64, 4096, 64, 4128},
		{48, 64, 1, 48, 3072}, /* everything was sampled */
		{48, 64, 0, 48, 3072}, /* not known */
		{3, 64 << 20, 512 << 10, 3, 3 << 26},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t objects = -1, bytes = -1;

		assert_int_equal(heap_profile__scale(rows[i].cnt, rows[i].size, rows[i].rate,
						     &objects, &bytes),
				 0);
		assert_int_equal(objects, rows[i].objects);
		assert_int_equal(bytes, rows[i].bytes);
	}
}

static void more_than_fits(void **state)
{
	int64_t n, b;

	assert_int_equal(heap_profile__scale(UINT64_MAX, 1, 1, &n, &b), -ERANGE);
	assert_int_equal(heap_profile__scale(1u << 31, UINT64_C(1) << 40, 1, &n, &b), -ERANGE);
	assert_int_equal(heap_profile__scale(INT64_MAX, 1, 512 << 10, &n, &b), -ERANGE);
	assert_int_equal(heap_profile__scale(1, 1, UINT64_MAX, &n, &b), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_go_scales),
		cmocka_unit_test(more_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
