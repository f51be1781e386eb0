/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/span.h"

static void writes_little_endian(void **state)
{
	static const uint8_t want[] = {1, 2, 1, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 'h', 'i'};
	struct buf b = {0};

	buf__u8(&b, 1);
	buf__u16(&b, 0x0102);
	buf__u32(&b, 0x01020304);
	buf__u64(&b, 0x0102030405060708ull);
	buf__str(&b, "hi");
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	buf__free(&b);
	assert_null(b.data);
	buf__free(NULL);
}

static void uvarint_reads_back(void **state)
{
	struct buf b = {0};
	uint64_t off = 0, v;

	for (int i = 0; i < 64; i++) {
		buf__uvarint(&b, 1ull << i);
		buf__uvarint(&b, (1ull << i) - 1);
	}
	buf__uvarint(&b, UINT64_MAX);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(span__uvarint(span__of(b.data, b.len), &off, &v), 0);
		assert_true(v == 1ull << i);
		assert_int_equal(span__uvarint(span__of(b.data, b.len), &off, &v), 0);
		assert_true(v == (1ull << i) - 1);
	}
	assert_int_equal(span__uvarint(span__of(b.data, b.len), &off, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(off, b.len);
	buf__free(&b);
}

static void printf_grows(void **state)
{
	struct buf b = {0};
	char text[300];

	memset(text, 'x', sizeof(text));
	text[299] = '\0';
	buf__printf(&b, "%d-", 42);
	buf__printf(&b, "%s", text);
	buf__printf(&b, "%s", "");
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 3 + 299);
	assert_memory_equal(b.data, "42-xxx", 6);
	assert_memory_equal(b.data + 3, text, 299);
	buf__free(&b);
}

static void errors_stick_until_reset(void **state)
{
	struct buf b = {0};

	buf__u8(&b, 1);
	buf__append(&b, "", SIZE_MAX - 8);
	assert_int_equal(b.err, -ENOMEM);
	buf__u8(&b, 2);
	assert_int_equal(b.len, 1);
	buf__reset(&b);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 0);
	assert_true(b.cap > 0);
	buf__u8(&b, 3);
	assert_int_equal(b.data[0], 3);
	buf__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_little_endian),
		cmocka_unit_test(uvarint_reads_back),
		cmocka_unit_test(printf_grows),
		cmocka_unit_test(errors_stick_until_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
