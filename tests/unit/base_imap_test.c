/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/imap.h"

static void empty_map_has_nothing(void **state)
{
	struct imap m = {0};
	size_t it = 0;

	assert_false(imap__get(&m, 0, NULL));
	assert_false(imap__del(&m, 0));
	assert_false(imap__next(&m, &it, NULL, NULL));
	imap__free(&m);
	imap__free(NULL);
}

static void every_key_is_allowed(void **state)
{
	const uint64_t keys[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, 1ull << 63};
	struct imap m = {0};
	uint64_t v;

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(imap__put(&m, keys[i], i), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_true(imap__get(&m, keys[i], &v));
		assert_int_equal(v, i);
	}
	assert_int_equal(m.cnt, 5);
	imap__free(&m);
	assert_int_equal(m.cnt, 0);
}

static void put_replaces(void **state)
{
	struct imap m = {0};
	uint64_t v;

	imap__put(&m, 7, 1);
	imap__put(&m, 7, 2);
	assert_int_equal(m.cnt, 1);
	assert_true(imap__get(&m, 7, &v));
	assert_int_equal(v, 2);
	imap__free(&m);
}

/* Against a plain array, with many deletes: the case where tombstones fill a table. */
static void agrees_with_an_array(void **state)
{
	enum {
		KEYS = 500,
		STEPS = 200000
	};
	static uint64_t val[KEYS];
	static int there[KEYS];
	struct imap m = {0};
	size_t want = 0;
	uint64_t rnd = 42, v;

	for (int i = 0; i < STEPS; i++) {
		rnd = rnd * 6364136223846793005ull + 1442695040888963407ull;
		unsigned k = (rnd >> 33) % KEYS;
		uint64_t key = (uint64_t)k << 12; /* like page addresses */

		if (rnd >> 63) {
			assert_int_equal(imap__put(&m, key, i), 0);
			want += !there[k];
			there[k] = 1;
			val[k] = i;
		} else {
			assert_int_equal(imap__del(&m, key), there[k]);
			want -= there[k];
			there[k] = 0;
		}
	}
	assert_int_equal(m.cnt, want);
	for (unsigned k = 0; k < KEYS; k++) {
		assert_int_equal(imap__get(&m, (uint64_t)k << 12, &v), there[k]);
		if (there[k])
			assert_int_equal(v, val[k]);
	}
	/* tombstones must not make it grow for ever */
	assert_in_range(m.cap, 1, 4096);

	size_t it = 0, seen = 0;
	uint64_t key;

	while (imap__next(&m, &it, &key, &v)) {
		assert_true(there[key >> 12]);
		assert_int_equal(v, val[key >> 12]);
		seen++;
	}
	assert_int_equal(seen, want);
	imap__free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_map_has_nothing),
		cmocka_unit_test(every_key_is_allowed),
		cmocka_unit_test(put_replaces),
		cmocka_unit_test(agrees_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
