/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/alloc_profile.h"
#include "symtab_made.h"

enum {
	REFILL = 10,
	MALLOC,
	NEWOBJECT,
	MAKE_NO_ZERO,
	UNSAFE_NEW_ARRAY,
	NEWARRAY,
	USER
};

#define RUNTIME(name) .frames = {{name, "malloc.go", 1, 1, false, false}}, .cnt = 1

static struct symtab *table(void)
{
	static const struct made_pc pcs[] = {
		{.pc = REFILL, RUNTIME("runtime.(*mcache).refill")},
		{.pc = MALLOC, RUNTIME("runtime.mallocgc")},
		{.pc = NEWOBJECT, RUNTIME("runtime.newobject")},
		{.pc = MAKE_NO_ZERO, RUNTIME("internal/bytealg.MakeNoZero")},
		{.pc = UNSAFE_NEW_ARRAY, RUNTIME("reflect.unsafe_NewArray")},
		{.pc = NEWARRAY, RUNTIME("runtime.newarray")},
		{.pc = USER, RUNTIME("main.main")},
	};

	return made_symtab(pcs, sizeof(pcs) / sizeof(pcs[0]));
}

/* MakeNoZero: hidden in the own profile of a program of Go 1.24. */
static void as_the_runtime_skips(void **state)
{
	static const struct {
		uint64_t pcs[5];
		size_t cnt;
		unsigned until_125, since_126;
	} rows[] = {
		{{REFILL, MALLOC, NEWOBJECT, USER}, 4, 3, 3},
		{{REFILL, MALLOC, MAKE_NO_ZERO, USER}, 4, 3, 2},
		/* only the caller of mallocgc is skipped, not the caller's */
		{{REFILL, MALLOC, NEWARRAY, UNSAFE_NEW_ARRAY, USER}, 5, 3, 3},
		{{REFILL, MALLOC, NEWOBJECT}, 3, 0, 0},
		{{REFILL, USER, MALLOC}, 3, 1, 1},
	};
	struct symtab *t = table();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned old[] = {19, 24, 25}, young[] = {26, 27};

		for (size_t k = 0; k < 3; k++)
			assert_int_equal(
				alloc_profile__runtime_frames(t, old[k], rows[i].pcs, rows[i].cnt),
				rows[i].until_125);
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(alloc_profile__runtime_frames(t, young[k], rows[i].pcs,
								       rows[i].cnt),
					 rows[i].since_126);
	}
	symtab__free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_runtime_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
