/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process/maps.h"

static const char TEXT[] = "00400000-0049d000 r-xp 00000000 08:01 262 /opt/my prog (deleted)\n"
			   "0049d000-00550000 r--p 0009d000 08:01 262 /opt/my prog (deleted)\n"
			   "c000000000-c000400000 rw-p 00000000 00:00 0 \n"
			   "7ffd0000-7ffd1000 r-xp 00000000 00:00 0 [vdso]\n"
			   "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]";

static void test_fields(void **state)
{
	struct process_map *m;
	size_t cnt;

	(void)state;
	assert_int_equal(maps__parse(span__of(TEXT, sizeof(TEXT) - 1), &m, &cnt), 0);
	assert_int_equal(cnt, 5);
	assert_int_equal(m[1].start, 0x49d000);
	assert_int_equal(m[1].end, 0x550000);
	assert_int_equal(m[1].off, 0x9d000);
	assert_int_equal(m[1].dev_major, 8);
	assert_int_equal(m[1].inode, 262);
	assert_string_equal(m[1].perms, "r--p");
	assert_string_equal(m[1].path, "/opt/my prog");
	assert_string_equal(m[2].path, "");
	assert_string_equal(m[3].path, "[vdso]");
	assert_true(m[4].start == 0xffffffffff600000u);
	maps__free(m, cnt);
}

static void test_round_trip(void **state)
{
	struct process_map *m, *again;
	size_t cnt, cnt_again;
	struct buf text = {0};

	(void)state;
	assert_int_equal(maps__parse(span__of(TEXT, sizeof(TEXT) - 1), &m, &cnt), 0);
	maps__format(m, cnt, &text);
	assert_int_equal(text.err, 0);
	assert_int_equal(maps__parse(span__of(text.data, text.len), &again, &cnt_again), 0);
	assert_int_equal(cnt_again, cnt);
	for (size_t i = 0; i < cnt; i++) {
		assert_true(m[i].start == again[i].start && m[i].end == again[i].end);
		assert_true(m[i].off == again[i].off && m[i].inode == again[i].inode);
		assert_string_equal(m[i].path, again[i].path);
		assert_string_equal(m[i].perms, again[i].perms);
	}
	maps__free(m, cnt);
	maps__free(again, cnt_again);
	buf__free(&text);
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"x",
		"400000",
		"400000-500000",
		"500000-400000 r-xp 0 08:01 1",
		"400000-500000 r?xp 0 08:01 1",
		"400000-500000 r-xp 0 08:01",
		"10000000000000000-2 r-xp 0 08:01 1",
		"400000-500000 r-xp 0 100000000:01 1",
		"400000-500000 r-xp 00000000 08:01 18446744073709551616 /x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct process_map *m = NULL;
		size_t cnt = 0;

		assert_int_equal(maps__parse(span__of(bad[i], strlen(bad[i])), &m, &cnt), -EBADMSG);
		assert_null(m);
	}
}

static void test_load_bias(void **state)
{
	static const char text[] = "555550000000-555550100000 r--p 00000000 08:01 7 /bin/pie\n"
				   "555550100000-555550200000 r-xp 00100000 08:01 7 /bin/pie\n"
				   "7f0000000000-7f0000001000 r--p 00000000 08:01 8 /lib/libc.so\n";
	struct process_map *m;
	uint64_t bias;
	size_t cnt;

	(void)state;
	assert_int_equal(maps__parse(span__of(text, sizeof(text) - 1), &m, &cnt), 0);
	assert_int_equal(maps__load_bias(m, cnt, "/bin/pie", 0, 0, &bias), 0);
	assert_true(bias == 0x555550000000u);
	/* the first segment need not begin on a page */
	assert_int_equal(maps__load_bias(m, cnt, "/bin/pie", 0x40, 0x40, &bias), 0);
	assert_true(bias == 0x555550000000u);
	assert_int_equal(maps__load_bias(m, cnt, "/bin/pie", 0x100040, 0x100040, &bias), 0);
	assert_true(bias == 0x555550000000u);
	assert_int_equal(maps__load_bias(m, cnt, "/bin/other", 0, 0, &bias), -ENOENT);
	assert_int_equal(maps__load_bias(m, cnt, "/bin/pie", 0, 0x300000, &bias), -ENOENT);
	maps__free(m, cnt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_load_bias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
