/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/strtab.h"

static void same_bytes_same_id(void **state)
{
	struct strtab *t;
	size_t len;

	assert_int_equal(strtab__new(&t), 0);
	assert_int_equal(strtab__count(t), 1);
	assert_int_equal(strtab__add(t, "", 0), 0);
	assert_int_equal(strtab__add(t, "main.main", 9), 1);
	assert_int_equal(strtab__add(t, "main.main!", 9), 1);
	assert_int_equal(strtab__add(t, "a\0b", 3), 2);
	assert_int_equal(strtab__add(t, "a\0c", 3), 3);
	assert_int_equal(strtab__add(t, "a", 1), 4);
	assert_int_equal(strtab__count(t), 5);
	assert_memory_equal(strtab__get(t, 2, &len), "a\0b", 4);
	assert_int_equal(len, 3);
	assert_string_equal(strtab__get(t, 1, NULL), "main.main");
	assert_string_equal(strtab__get(t, 5, &len), "");
	assert_int_equal(len, 0);
	strtab__free(t);
	strtab__free(NULL);
}

static void pointers_never_move(void **state)
{
	enum {
		N = 20000
	};
	static const char *first[N];
	struct strtab *t;
	char s[64];

	assert_int_equal(strtab__new(&t), 0);
	for (int i = 0; i < N; i++) {
		int n = snprintf(s, sizeof(s), "example.com/pkg.function%d", i);
		int64_t id = strtab__add(t, s, n);

		assert_int_equal(id, i + 1);
		first[i] = strtab__get(t, id, NULL);
	}
	for (int i = 0; i < N; i++) {
		snprintf(s, sizeof(s), "example.com/pkg.function%d", i);
		assert_ptr_equal(strtab__get(t, i + 1, NULL), first[i]);
		assert_string_equal(first[i], s);
	}
	strtab__free(t);
}

static void long_strings_fit(void **state)
{
	size_t n = 200000, len;
	char *big = malloc(n);
	struct strtab *t;

	memset(big, 'y', n);
	assert_int_equal(strtab__new(&t), 0);
	assert_int_equal(strtab__add(t, big, n), 1);
	assert_int_equal(strtab__add(t, "after", 5), 2);
	assert_memory_equal(strtab__get(t, 1, &len), big, n);
	assert_int_equal(len, n);
	assert_string_equal(strtab__get(t, 2, NULL), "after");
	strtab__free(t);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes_same_id),
		cmocka_unit_test(pointers_never_move),
		cmocka_unit_test(long_strings_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
