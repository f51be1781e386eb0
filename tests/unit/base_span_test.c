/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/span.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void reads_little_endian(void **state)
{
	struct span s = span__of(bytes, sizeof(bytes));
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;

	assert_int_equal(span__u8(s, 8, &a), 0);
	assert_int_equal(a, 9);
	assert_int_equal(span__u16(s, 7, &b), 0);
	assert_int_equal(b, 0x0908);
	assert_int_equal(span__u32(s, 5, &c), 0);
	assert_int_equal(c, 0x09080706);
	assert_int_equal(span__u64(s, 1, &d), 0);
	assert_true(d == 0x0908070605040302ull);
}

static void never_leaves_the_span(void **state)
{
	struct span s = span__of(bytes, sizeof(bytes)), sub = {0};
	uint8_t a = 77;
	uint64_t d = 77;

	assert_int_equal(span__u8(s, 9, &a), -EBADMSG);
	assert_int_equal(span__u64(s, 2, &d), -EBADMSG);
	assert_int_equal(span__u64(s, UINT64_MAX - 3, &d), -EBADMSG);
	assert_int_equal(a, 77);
	assert_int_equal(d, 77);
	assert_int_equal(span__sub(s, 4, UINT64_MAX - 2, &sub), -EBADMSG);
	assert_int_equal(span__sub(s, 10, 0, &sub), -EBADMSG);
	assert_int_equal(span__from(s, 10, &sub), -EBADMSG);
	assert_null(sub.p);
	assert_int_equal(span__sub(s, 9, 0, &sub), 0);
	assert_int_equal(sub.n, 0);
	assert_int_equal(span__from(s, 3, &sub), 0);
	assert_int_equal(sub.n, 6);
	assert_ptr_equal(sub.p, bytes + 3);
	assert_int_equal(span__sub((struct span){0}, 0, 0, &sub), 0);
}

static void uvarint(void **state)
{
	static const uint8_t max[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
	static const uint8_t over[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
	static const uint8_t longer[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					 0x80, 0x80, 0x80, 0x80, 0};
	static const uint8_t two[] = {0xac, 2, 5};
	uint64_t off = 0, v = 77;

	assert_int_equal(span__uvarint(span__of(two, 3), &off, &v), 0);
	assert_int_equal(v, 300);
	assert_int_equal(off, 2);
	assert_int_equal(span__uvarint(span__of(two, 3), &off, &v), 0);
	assert_int_equal(v, 5);
	off = 0;
	assert_int_equal(span__uvarint(span__of(max, 10), &off, &v), 0);
	assert_true(v == UINT64_MAX);
	off = 0;
	v = 77;
	assert_int_equal(span__uvarint(span__of(over, 10), &off, &v), -EBADMSG);
	assert_int_equal(span__uvarint(span__of(longer, 11), &off, &v), -EBADMSG);
	assert_int_equal(span__uvarint(span__of(two, 1), &off, &v), -EBADMSG);
	assert_int_equal(off, 0);
	assert_int_equal(v, 77);
}

static void cstr(void **state)
{
	struct span s = span__of("abc\0de", 6); /* "de" has no NUL inside */
	const char *p = NULL;
	size_t len = 77;

	assert_int_equal(span__cstr(s, 1, 10, &p, &len), 0);
	assert_string_equal(p, "bc");
	assert_int_equal(len, 2);
	assert_int_equal(span__cstr(s, 0, 3, &p, &len), 0);
	assert_int_equal(len, 3);
	assert_int_equal(span__cstr(s, 3, 0, &p, NULL), 0);
	assert_string_equal(p, "");
	assert_int_equal(span__cstr(s, 0, 2, &p, &len), -EBADMSG);
	assert_int_equal(span__cstr(s, 4, SIZE_MAX, &p, &len), -EBADMSG);
	assert_int_equal(span__cstr(s, 6, 10, &p, &len), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_little_endian),
		cmocka_unit_test(never_leaves_the_span),
		cmocka_unit_test(uvarint),
		cmocka_unit_test(cstr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
