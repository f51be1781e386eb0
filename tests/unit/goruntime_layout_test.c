/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "goruntime/layout.h"
#include "go_fixtures.h"

#define LAYOUT_WORDS (offsetof(struct go_layout, source) / sizeof(int32_t))
#define NEWEST "1.27.4"

/* ---- the table ---- */

static void every_member_has_one_field(void **state)
{
	uint8_t seen[LAYOUT_WORDS] = {0};

	assert_int_equal(layout_fields_cnt, LAYOUT_WORDS);
	for (unsigned i = 0; i < layout_fields_cnt; i++) {
		unsigned word = layout_fields[i].member_off / sizeof(int32_t);

		assert_true(word < LAYOUT_WORDS);
		assert_int_equal(seen[word]++, 0);
	}
}

static void each_minor_release_has_candidates(void **state)
{
	struct go_layout l[LAYOUT_CANDIDATES_MAX];
	int cnt;

	assert_int_equal(layout__oldest_minor(), 18);
	assert_int_equal(layout__newest_minor(), 27);
	for (unsigned minor = 18; minor <= 27; minor++) {
		assert_int_equal(layout__candidates(minor, l, LAYOUT_CANDIDATES_MAX, &cnt), 0);
		assert_in_range(cnt, 1, LAYOUT_CANDIDATES_MAX);
		for (int i = 0; i < cnt; i++) {
			assert_int_equal(l[i].source, LAYOUT_TRIED);
			assert_int_equal(l[i].off.g_stack_hi, 8);
			assert_int_equal(l[i].off.g_m, 48);
			for (int j = 0; j < i; j++)
				assert_memory_not_equal(&l[i], &l[j],
							offsetof(struct go_layout, source));
		}
		assert_null(strstr(l[0].origin, "X:"));
	}
	assert_int_equal(layout__candidates(17, l, LAYOUT_CANDIDATES_MAX, &cnt), -EOPNOTSUPP);
	assert_int_equal(layout__candidates(28, l, LAYOUT_CANDIDATES_MAX, &cnt), -EOPNOTSUPP);
	assert_int_equal(layout__candidates(24, l, 1, &cnt), -ENOSPC);
}

/* Figures of the runtime's sources, where patch releases moved m (m.allpSnapshot). */
static void newer_patch_releases_come_first(void **state)
{
	struct go_layout l[LAYOUT_CANDIDATES_MAX];
	int cnt;

	assert_int_equal(layout__candidates(24, l, LAYOUT_CANDIDATES_MAX, &cnt), 0);
	assert_true(cnt >= 2);
	assert_int_equal(l[0].m_alllink, 352);
	assert_int_equal(l[1].m_alllink, 328);
	assert_int_equal(layout__candidates(23, l, LAYOUT_CANDIDATES_MAX, &cnt), 0);
	assert_int_equal(l[0].off.m_wait_block_reason, 760);
	assert_int_equal(l[1].off.m_wait_block_reason, 736);
}

/* ---- versions ---- */

static int layout_as(struct gobinary *b, const char *version, bool force, struct go_layout *l)
{
	fixture__pretend(b, version);
	last_error[0] = '\0';
	return layout__for_binary(b, force, l);
}

static void a_known_release_is_in_the_table(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "demo-stripped");
	struct go_layout l;

	assert_int_equal(layout__for_binary(b, false, &l), 0);
	assert_int_equal(l.source, LAYOUT_TABLE);
	assert_string_equal(l.origin, "table 1.27.0-1.27.4");
	/* experiments that move nothing, and one that only changes the size of p */
	assert_int_equal(layout_as(b, "go1.27.2-X:simd,nojsonv2", false, &l), 0);
	assert_string_equal(l.origin, "table 1.27.0-1.27.4");
	assert_int_equal(layout_as(b, "go1.27.2-X:nogreenteagc,simd", false, &l), 0);
	assert_non_null(strstr(l.origin, "X:nogreenteagc"));
	gobinary__free(b);
}

static void what_is_not_in_the_table_wants_dwarf_or_candidates(void **state)
{
	static const char *const unknown[] = {
		"go1.27.99",
		"go1.27rc1",
		"go1.27.4 X:nosuchflag",
		"go1.27.4-X:nogreenteagc,staticlockranking",
	};
	struct gobinary *stripped = fixture__need(NEWEST, "demo-stripped");
	struct gobinary *b = fixture__need(NEWEST, "bench");
	struct go_layout l;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_int_equal(layout_as(stripped, unknown[i], false, &l), -ENODATA);
		assert_int_equal(layout_as(stripped, unknown[i], true, &l), -ENODATA);
		assert_string_equal(last_error, "");
		assert_int_equal(layout_as(b, unknown[i], false, &l), 0);
		assert_int_equal(l.source, LAYOUT_DWARF);
		assert_string_equal(l.origin, "DWARF of the target");
	}
	gobinary__free(stripped);
	gobinary__free(b);
}

static void an_unknown_minor_release_is_refused_unless_forced(void **state)
{
	static const char *const unknown[] = {"go1.28.0", "go1.17.13",
					      "devel go1.28-0123456789 Mon"};
	struct gobinary *stripped = fixture__need(NEWEST, "demo-stripped");
	struct gobinary *b = fixture__need(NEWEST, "bench");
	struct go_layout l;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_int_equal(layout_as(b, unknown[i], false, &l), -EOPNOTSUPP);
		assert_non_null(strstr(last_error, "known are 1.18 to 1.27; --force-layout"));
		assert_int_equal(layout_as(b, unknown[i], true, &l), 0);
		assert_int_equal(l.source, LAYOUT_FORCED);
		assert_non_null(strstr(l.origin, "forced"));
		assert_int_equal(layout_as(stripped, unknown[i], false, &l), -EOPNOTSUPP);
		assert_int_equal(layout_as(stripped, unknown[i], true, &l), -EOPNOTSUPP);
		assert_non_null(strstr(last_error, "no DWARF"));
	}
	gobinary__free(stripped);
	gobinary__free(b);
}

/* g.sched.bp moved in 1.25: a binary whose code differs from what its version says is refused,
 * and the wrong layouts of the table are told apart without a process. */
static void code_that_contradicts_the_version_is_malformed(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "demo-stripped");
	struct go_layout l[LAYOUT_CANDIDATES_MAX], out;
	unsigned checked;
	int cnt;

	assert_int_equal(layout_as(b, "go1.24.4", false, &out), -EBADMSG);
	assert_non_null(strstr(last_error, "g.sched.bp"));
	assert_int_equal(layout__candidates(24, l, LAYOUT_CANDIDATES_MAX, &cnt), 0);
	for (int i = 0; i < cnt; i++)
		assert_int_equal(layout__crosscheck(b, &l[i], false, NULL), -EBADMSG);
	fixture__pretend(b, "go" NEWEST);
	assert_int_equal(layout__for_binary(b, false, &out), 0);
	assert_int_equal(layout__crosscheck(b, &out, true, &checked), 0);
	assert_int_equal(checked, 4);
	out.off.g_atomicstatus += 8;
	assert_int_equal(layout__crosscheck(b, &out, true, NULL), -EBADMSG);
	assert_non_null(strstr(last_error, "g.atomicstatus"));
	gobinary__free(b);
}

/* ---- every fixture ---- */

static int with_dwarf;

static void check_fixture(struct gobinary *b, const char *version, const char *name)
{
	struct go_layout table, dwarf;
	struct span image = gobinary__image(b);
	unsigned checked;

	assert_int_equal(layout__for_binary(b, false, &table), 0);
	assert_int_equal(table.source, LAYOUT_TABLE);
	assert_int_equal(layout__crosscheck(b, &table, true, &checked), 0);
	/* three stores of mcall; casgstatus may be built without its cmpxchg (-N) */
	assert_true(checked >= 3);
	if (!gobinary__has_dwarf(b))
		return;
	assert_int_equal(layout_dwarf__read(image.p, image.n, name, &dwarf), 0);
	with_dwarf++;
	for (unsigned i = 0; i < layout_fields_cnt; i++) {
		const struct layout_field *f = &layout_fields[i];

		if (!*f->path && gobinary__arch(b) == GOBINARY_ARM64)
			continue;
		if (layout__value(&table, f) != layout__value(&dwarf, f))
			fail_msg("%s/%s: %s: table %d, DWARF %d", version, name, f->member,
				 layout__value(&table, f), layout__value(&dwarf, f));
	}
}

static void table_code_and_dwarf_agree(void **state)
{
	with_dwarf = 0;
	if (!fixture__each(check_fixture))
		skip();
	assert_true(with_dwarf > 0);
}

/* ---- hostile DWARF ---- */

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

/* The fixture's image with its DWARF decompressed, so that damage gets past zlib's checksum. */
static uint8_t *plain_dwarf(size_t *sz)
{
	char in[FIXTURE_PATH_SZ], cmd[FIXTURE_PATH_SZ + 100], out[] = "/tmp/layout-test-XXXXXX";
	int fd = mkstemp(out);
	struct stat st;
	uint8_t *image;

	assert_true(fd >= 0);
	fixture__path(in, NEWEST, "bench");
	snprintf(cmd, sizeof(cmd), "objcopy --decompress-debug-sections '%s' '%s'", in, out);
	assert_int_equal(system(cmd), 0);
	close(fd);
	fd = open(out, O_RDONLY | O_CLOEXEC);
	unlink(out);
	assert_int_equal(fstat(fd, &st), 0);
	image = malloc((size_t)st.st_size);
	assert_non_null(image);
	assert_int_equal(read(fd, image, (size_t)st.st_size), st.st_size);
	close(fd);
	*sz = (size_t)st.st_size;
	return image;
}

static struct elf_section find_section(const uint8_t *image, size_t sz, const char *name)
{
	struct elf_section s;
	struct elf_file f;

	assert_int_equal(elf_file__open(&f, span__of(image, sz), "plain"), 0);
	assert_true(elf_file__section(&f, name, &s));
	return s;
}

/* Any answer is good but a crash, a hang, or numbers out of range. */
static int expect_an_answer(const uint8_t *image, size_t sz)
{
	struct go_layout l;
	int err = layout_dwarf__read(image, sz, "damaged", &l);

	assert_true(!err || err == -ENODATA || err == -EBADMSG);
	for (unsigned i = 0; !err && i < layout_fields_cnt; i++)
		assert_true(layout__value(&l, &layout_fields[i]) >= -1);
	return err;
}

static void damaged_dwarf_is_an_error_not_a_crash(void **state)
{
	static const char *const names[] = {".debug_info", ".debug_abbrev"};
	struct gobinary *b = fixture__need(NEWEST, "bench");
	uint8_t *image, *copy;
	struct go_layout l;
	int errors = 0;
	size_t sz;

	gobinary__free(b);
	image = plain_dwarf(&sz);
	assert_int_equal(layout_dwarf__read(image, sz, "plain", &l), 0);
	copy = malloc(sz);
	assert_non_null(copy);
	for (size_t i = 0; i < 40; i++) {
		struct elf_section s = find_section(image, sz, names[i % 2]);

		memcpy(copy, image, sz);
		for (unsigned n = 1u << (i % 10); n; n--)
			copy[s.off + next_random() % s.size] = (uint8_t)next_random();
		errors += expect_an_answer(copy, sz) != 0;
	}
	assert_true(errors > 0);
	free(copy);
	free(image);
}

static void truncated_and_foreign_images_are_an_error(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "bench");
	struct span image = gobinary__image(b);
	static const uint8_t zeros[4096];
	struct go_layout l;

	for (size_t i = 0; i < 16; i++)
		expect_an_answer(image.p, image.n * i / 16);
	assert_int_equal(layout_dwarf__read(zeros, sizeof(zeros), "zeros", &l), -ENODATA);
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_has_one_field),
		cmocka_unit_test(each_minor_release_has_candidates),
		cmocka_unit_test(newer_patch_releases_come_first),
		cmocka_unit_test(a_known_release_is_in_the_table),
		cmocka_unit_test(what_is_not_in_the_table_wants_dwarf_or_candidates),
		cmocka_unit_test(an_unknown_minor_release_is_refused_unless_forced),
		cmocka_unit_test(code_that_contradicts_the_version_is_malformed),
		cmocka_unit_test(table_code_and_dwarf_agree),
		cmocka_unit_test(damaged_dwarf_is_an_error_not_a_crash),
		cmocka_unit_test(truncated_and_foreign_images_are_an_error),
	};

	log__set_sink(keep_error, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
