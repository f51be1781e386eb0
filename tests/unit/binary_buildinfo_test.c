/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "binary/buildinfo.h"
#include "go_elf_made.h"

static void versions(void **state)
{
	static const struct {
		const char *text;
		unsigned minor, patch;
		bool prerelease;
		const char *experiment;
	} v[] = {
		{"go1.18", 18, 0, false, ""},
		{"go1.24.6", 24, 6, false, ""},
		{"go1.19.8", 19, 8, false, ""},
		{"go1.24.4 X:nospinbitmutex,synctest", 24, 4, false, "nospinbitmutex,synctest"},
		{"go1.26.3-X:nogreenteagc", 26, 3, false, "nogreenteagc"},
		{"go1.25rc2", 25, 0, true, ""},
		{"go1.27beta1", 27, 0, true, ""},
		{"devel go1.28-0123abcd Fri Nov 20 10:00:00 2026 +0000", 28, 0, true, ""},
		{"devel +0123abcd Fri Nov 20 10:00:00 2026 +0000", 0, 0, true, ""},
		{"go1.22.5-vendor", 22, 5, false, ""},
		{"go1.21.3 (Red Hat 1.21.3-1.el9)", 21, 3, false, ""},
		{"", 0, 0, false, ""},
		{"go2.1", 0, 0, false, ""},
		{"go1.", 0, 0, false, ""},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct gobinary_version got;

		buildinfo__parse_version(v[i].text, strlen(v[i].text), &got);
		assert_string_equal(got.text, v[i].text);
		assert_int_equal(got.minor, v[i].minor);
		assert_int_equal(got.patch, v[i].patch);
		assert_int_equal(got.prerelease, v[i].prerelease);
		assert_string_equal(got.experiment, v[i].experiment);
	}
}

static void long_versions_are_cut(void **state)
{
	struct gobinary_version got;
	char text[300];

	memset(text, 'x', sizeof(text));
	memcpy(text, "go1.23.123456 X:", 16);
	buildinfo__parse_version(text, sizeof(text), &got);
	assert_int_equal(got.minor, 23);
	assert_int_equal(got.patch, 1234);
	assert_int_equal(strlen(got.text), sizeof(got.text) - 1);
	assert_int_equal(strlen(got.experiment), sizeof(got.text) - 1 - 16);
}

static int read_made(struct made *m, struct buildinfo *info)
{
	struct elf_file f;

	assert_int_equal(elf_file__open(&f, span__of(m->bytes, MADE_SZ), "prog"), 0);
	return buildinfo__read(&f, info);
}

static void module_text(void **state)
{
	struct made_options o = {.version = "go1.22.3", .minor = 22};
	struct buildinfo info;
	struct made m;

	o.mod = "path\texample.com/m/cmd/x\nmod\texample.com/m\tv1.2.3\th1:abc\n"
		"dep\tmod\tv1\nbuild\t-buildmode=pie\nbuild\t-race=true";
	made__fill(&m, &o);
	assert_int_equal(read_made(&m, &info), 0);
	assert_string_equal(info.version.text, "go1.22.3");
	assert_string_equal(info.module, "example.com/m");
	assert_string_equal(info.buildmode, "pie");
	assert_true(info.race);

	/* built outside of a module: the package is all there is */
	o.mod = "path\tcommand-line-arguments";
	made__fill(&m, &o);
	assert_int_equal(read_made(&m, &info), 0);
	assert_string_equal(info.module, "command-line-arguments");
	assert_string_equal(info.buildmode, "");
	assert_false(info.race);

	o.mod = NULL;
	made__fill(&m, &o);
	assert_int_equal(read_made(&m, &info), 0);
	assert_string_equal(info.module, "");
}

/* Up to Go 1.17 the blob points at two Go strings. */
static void pointer_form(void **state)
{
	struct made_options o = {.version = "-", .minor = 22};
	uint64_t at = MADE_BUILDINFO;
	struct buildinfo info;
	struct made m;

	made__fill(&m, &o);
	m.bytes[at + 15] = 0;
	made__u64(&m, at + 16, MADE_BASE + at + 0x100);
	made__u64(&m, at + 0x100, MADE_BASE + at + 0x120);
	made__u64(&m, at + 0x108, 9);
	made__text("go1.17.13", &m, at + 0x120);
	assert_int_equal(read_made(&m, &info), 0);
	assert_string_equal(info.version.text, "go1.17.13");
	assert_int_equal(info.version.minor, 17);

	/* big-endian or 4-byte pointers cannot be in a file of ours */
	m.bytes[at + 15] = 1;
	assert_int_equal(read_made(&m, &info), -EBADMSG);
	m.bytes[at + 15] = 0;
	m.bytes[at + 14] = 4;
	assert_int_equal(read_made(&m, &info), -EBADMSG);
	m.bytes[at + 14] = 8;
	made__u64(&m, at + 0x108, UINT64_MAX);
	assert_int_equal(read_made(&m, &info), -EBADMSG);
}

static void where_it_is_looked_for(void **state)
{
	struct made_options o = {.minor = 22};
	struct buildinfo info;
	struct made m;

	made__fill(&m, &o);
	assert_int_equal(read_made(&m, &info), -ENODATA);
	/* a blob that is not aligned to 16 is text that looks like one */
	o.version = "go1.22.3";
	made__fill(&m, &o);
	memmove(m.bytes + MADE_BUILDINFO + 8, m.bytes + MADE_BUILDINFO, 64);
	memset(m.bytes + MADE_BUILDINFO, 0, 8);
	assert_int_equal(read_made(&m, &info), -ENODATA);
	/* in a read-only segment, as from Go 1.26 on */
	made__fill(&m, &o);
	memcpy(m.bytes + MADE_GOFUNC + 0x100, m.bytes + MADE_BUILDINFO, 64);
	memset(m.bytes + MADE_BUILDINFO, 0, 64);
	assert_int_equal(read_made(&m, &info), 0);
	assert_int_equal(info.version.patch, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(long_versions_are_cut),
		cmocka_unit_test(module_text),
		cmocka_unit_test(pointer_form),
		cmocka_unit_test(where_it_is_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
