/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binary/go_types.h"
#include "go_elf_made.h"

static const unsigned minors[] = {18, 20, 26, 27};
static const char *const versions[] = {"go1.18.1", "go1.20.1", "go1.26.1", "go1.27.1"};

static struct gobinary *open_made(const struct made *m)
{
	struct gobinary *b = NULL;
	int fd = made__memfd(m->bytes, MADE_SZ);

	assert_true(fd >= 0);
	assert_int_equal(gobinary__open(fd, "made", &b), 0);
	close(fd);
	return b;
}

static struct made *make(size_t i, bool pie)
{
	static struct made m;
	struct made_options o = {.minor = minors[i], .version = versions[i], .pie = pie};

	made__fill(&m, &o);
	return &m;
}

static void fields_are_found_in_every_layout(void **state)
{
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]) * 2; i++) {
		struct gobinary *b = open_made(make(i / 2, i % 2));
		uint64_t type, off, field, elem;

		assert_int_equal(go_types__struct(b, "http.response", "net/http", &type), 0);
		assert_int_equal(go_types__field(b, type, "req", &off, &field), 0);
		assert_int_equal(off, 24);
		assert_int_equal(go_types__elem(b, field, &elem), 0);
		assert_int_equal(elem, type);
		assert_int_equal(go_types__elem(b, type, &elem), -ENOENT);
		assert_int_equal(go_types__is(b, type, "http.response"), 0);
		assert_int_equal(go_types__is(b, type, "http.respons"), -ENOENT);
		assert_int_equal(go_types__is(b, field, "*http.response"), 0);
		assert_int_equal(go_types__is(b, MADE_BASE, "http.response"), -EBADMSG);
		assert_int_equal(go_types__field(b, type, "re", &off, NULL), -ENOENT);
		assert_int_equal(go_types__field(b, field, "req", &off, NULL), -ENOENT);
		gobinary__free(b);
	}
}

static void a_type_is_that_of_its_package(void **state)
{
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		struct gobinary *b = open_made(make(i, false));
		uint64_t type;

		assert_int_equal(go_types__struct(b, "http.response", "my/http", &type), -ENOENT);
		assert_int_equal(go_types__struct(b, "http.responses", "net/http", &type), -ENOENT);
		assert_int_equal(go_types__struct(b, "http.respons", "net/http", &type), -ENOENT);
		gobinary__free(b);
	}
}

/* A pointer out of the types, fields without end, a row that ends inside a descriptor. */
static void what_is_malformed_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		struct made *m = make(i, false);
		uint64_t type, off;
		struct gobinary *b;

		made__u64(m, MADE_TYPES + 8 + 48, 0x10);
		b = open_made(m);
		assert_int_equal(go_types__struct(b, "http.response", "net/http", &type), -EBADMSG);
		gobinary__free(b);

		m = make(i, false);
		made__u64(m, MADE_TYPES + 8 + 56 + 64, UINT64_MAX);
		b = open_made(m);
		assert_int_equal(go_types__struct(b, "http.response", "net/http", &type), 0);
		assert_int_equal(go_types__field(b, type, "req", &off, NULL), -EBADMSG);
		gobinary__free(b);
	}
}

static void a_row_that_does_not_end_is_refused(void **state)
{
	struct made *m = make(3, false);
	struct gobinary *b;
	uint64_t type;

	made__u64(m, MADE_TYPES + 8 + 56 + 64,
		  UINT64_MAX / 8); /* fields of the second descriptor */
	b = open_made(m);
	assert_int_equal(go_types__struct(b, "none.none", "none", &type), -EBADMSG);
	gobinary__free(b);

	m = make(3, false);
	made__u64(m, MADE_MODULE + 8 * 38, MADE_TYPES_SZ + 8);
	b = open_made(m);
	assert_int_equal(go_types__struct(b, "http.response", "net/http", &type), -EBADMSG);
	gobinary__free(b);
}

/* A descriptor so long that the next one is the one before it. */
static void a_row_that_leads_back_is_refused(void **state)
{
	struct made *m = make(3, false);
	struct gobinary *b;
	uint64_t type;

	made__u64(m, MADE_MODULE + 8 * 39, UINT64_MAX);
	made__u64(m, MADE_TYPES + 8 + 56 + 64, ((UINT64_C(1) << 61) - 17) / 3);
	b = open_made(m);
	assert_int_equal(go_types__struct(b, "none.none", "none", &type), -EBADMSG);
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_in_every_layout),
		cmocka_unit_test(a_type_is_that_of_its_package),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(a_row_that_does_not_end_is_refused),
		cmocka_unit_test(a_row_that_leads_back_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
