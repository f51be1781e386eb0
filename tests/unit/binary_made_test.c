/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions, lines and inlining of hand-made executables of every shape. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "binary/gobinary.h"
#include "binary/sp_delta.h"
#include "go_elf_made.h"

static struct gobinary *open_made(const struct made_options *o)
{
	static struct made m;
	struct gobinary *b = NULL;
	int fd;

	made__fill(&m, o);
	fd = made__memfd(m.bytes, sizeof(m.bytes));
	assert_true(fd >= 0);
	assert_int_equal(gobinary__open(fd, "made", &b), 0);
	close(fd);
	return b;
}

static void check_frame(const struct gobinary_frame *f, const char *func, uint32_t line,
			uint32_t start_line, uint64_t pc, bool inlined)
{
	assert_string_equal(f->func, func);
	assert_string_equal(f->file, "/src/main.go");
	assert_int_equal(f->line, line);
	assert_int_equal(f->start_line, start_line);
	assert_int_equal(f->pc, pc);
	assert_int_equal(f->inlined, inlined);
}

static void check_frames(const struct gobinary *b, uint64_t text, bool has_start)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	size_t cnt;

	assert_int_equal(gobinary__frames(b, text, f, &cnt), 0);
	assert_int_equal(cnt, 1);
	check_frame(&f[0], "main.outer", 10, has_start ? 5 : 0, text, false);

	assert_int_equal(gobinary__frames(b, text + 0x17, f, &cnt), 0);
	assert_int_equal(cnt, 2);
	check_frame(&f[0], "main.middle", 20, has_start ? 18 : 0, text + 0x17, true);
	check_frame(&f[1], "main.outer", 10, has_start ? 5 : 0, text + 8, false);

	assert_int_equal(gobinary__frames(b, text + 0x18, f, &cnt), 0);
	assert_int_equal(cnt, 3);
	check_frame(&f[0], "main.inner", 30, has_start ? 28 : 0, text + 0x18, true);
	check_frame(&f[1], "main.middle", 20, has_start ? 18 : 0, text + 0x12, true);
	check_frame(&f[2], "main.outer", 10, has_start ? 5 : 0, text + 8, false);
	assert_int_equal(f[0].entry, text);

	assert_int_equal(gobinary__frames(b, text + 0x20, f, &cnt), 0);
	assert_int_equal(cnt, 1);
	assert_int_equal(gobinary__frames(b, text - 1, f, &cnt), 0);
	assert_int_equal(cnt, 0);
	assert_int_equal(gobinary__frames(b, UINT64_MAX, f, &cnt), 0);
	assert_int_equal(cnt, 0);
}

static void check_funcs(const struct gobinary *b, uint64_t text, uint64_t moved)
{
	struct gobinary_func f;
	uint64_t delta;

	assert_int_equal(gobinary__func_count(b), 3);
	assert_int_equal(gobinary__func_at(b, 3, &f), -ENOENT);
	assert_int_equal(gobinary__func_at(b, 0, &f), 0);
	assert_int_equal(f.entry, text);
	assert_int_equal(f.end - f.entry, moved ? 0x840 : 0x40);
	assert_int_equal(gobinary__func_by_name(b, "main.plain", &f), 0);
	assert_int_equal(f.entry, text + 0x40 + moved);
	assert_int_equal(f.end, f.entry + 0x40);
	assert_string_equal(f.file, "/src/main.go");
	assert_int_equal(gobinary__func_by_pc(b, f.entry + 0x3f, &f), 0);
	assert_string_equal(f.name, "main.plain");
	assert_int_equal(gobinary__func_by_pc(b, f.end, &f), 0);
	assert_string_equal(f.name, "runtime.systemstack_switch");
	assert_int_equal(gobinary__func_by_pc(b, f.end, &f), -ENOENT);
	/* only inlined, so it is no function */
	assert_int_equal(gobinary__func_by_name(b, "main.middle", &f), -ENOENT);
	assert_int_equal(gobinary__func_by_name(b, "", &f), -ENOENT);
	assert_int_equal(gobinary__sp_delta(b, text + 3, &delta), 0);
	assert_int_equal(delta, 0);
	assert_int_equal(gobinary__sp_delta(b, text + 4, &delta), 0);
	assert_int_equal(delta, 24);
}

static void check_inlined(const struct gobinary *b)
{
	bool in;

	assert_int_equal(gobinary__is_inlined_somewhere(b, "main.inner", &in), 0);
	assert_true(in);
	assert_int_equal(gobinary__is_inlined_somewhere(b, "main.middle", &in), 0);
	assert_true(in);
	assert_int_equal(gobinary__is_inlined_somewhere(b, "main.outer", &in), 0);
	assert_false(in);
}

/* Every layout, with and without sections, PIE and not, one text section and two. */
static void every_shape(void **state)
{
	static const unsigned minors[] = {18, 19, 20, 25, 26, 27};
	char version[16];

	for (unsigned i = 0; i < 6 * 8; i++) {
		struct made_options o = {.version = version,
					 .minor = minors[i / 8],
					 .pie = i & 1,
					 .split = i & 2,
					 .sections = i & 4};
		uint64_t text = (o.pie ? 0 : MADE_BASE) + MADE_TEXT;
		struct gobinary_globals g;
		struct gobinary *b;

		snprintf(version, sizeof(version), "go1.%u.3", o.minor);
		b = open_made(&o);
		assert_int_equal(gobinary__version(b)->minor, o.minor);
		assert_int_equal(gobinary__is_pie(b), o.pie);
		check_frames(b, text, o.minor >= 20);
		/* the second section holds offsets from 0x840 on at text + 0xf00 */
		check_funcs(b, text, o.split ? 0xf00 - 0x40 : 0);
		check_inlined(b);
		assert_int_equal(gobinary__globals(b, &g), 0);
		assert_int_equal(g.text, text);
		assert_int_equal(g.moduledata, (o.pie ? 0 : MADE_BASE) + MADE_MODULE);
		assert_int_equal(g.allgptr, 0);
		gobinary__free(b);
	}
}

/* The layout is recognised when the file does not say its version. */
static void without_build_information(void **state)
{
	static const unsigned minors[] = {18, 20, 26, 27};

	for (unsigned i = 0; i < 8; i++) {
		struct made_options o = {.minor = minors[i / 2], .pie = i & 1};
		struct gobinary *b = open_made(&o);

		assert_int_equal(gobinary__version(b)->minor, 0);
		assert_string_equal(gobinary__version(b)->text, "");
		check_frames(b, (o.pie ? 0 : MADE_BASE) + MADE_TEXT, o.minor >= 20);
		gobinary__free(b);
	}
}

/* What was built by a version without tables of ours opens, for its version to be named. */
static void foreign_versions(void **state)
{
	static const struct {
		const char *version;
		unsigned minor, tables;
	} v[] = {{"go1.17.13", 17, 0}, {"go1.9", 9, 0}, {"go1.28.1", 28, 3}};

	for (size_t i = 0; i < 3; i++) {
		struct made_options o = {.version = v[i].version, .minor = 27};
		struct gobinary_frame f[GOBINARY_FRAMES_MAX];
		struct gobinary *b = open_made(&o);
		struct gobinary_func fn;
		size_t cnt = 9;

		assert_int_equal(gobinary__version(b)->minor, v[i].minor);
		assert_int_equal(gobinary__func_count(b), v[i].tables);
		assert_int_equal(gobinary__func_by_name(b, "main.plain", &fn),
				 v[i].tables ? 0 : -ENOENT);
		assert_int_equal(gobinary__frames(b, MADE_BASE + MADE_TEXT, f, &cnt), 0);
		assert_int_equal(cnt, v[i].tables ? 1 : 0);
		gobinary__free(b);
	}
}

static void wrappers_are_told(void **state)
{
	for (unsigned minor = 19; minor <= 20; minor++) {
		struct made_options o = {.version = "go1.20", .minor = minor, .wrapper = true};
		struct gobinary_frame f[GOBINARY_FRAMES_MAX];
		struct gobinary *b;
		size_t cnt;

		o.version = minor == 19 ? "go1.19" : "go1.20";
		b = open_made(&o);
		assert_int_equal(gobinary__frames(b, MADE_BASE + MADE_TEXT + 0x18, f, &cnt), 0);
		assert_int_equal(cnt, 3);
		assert_false(f[0].wrapper);
		assert_true(f[1].wrapper);
		assert_false(f[2].wrapper);
		gobinary__free(b);
	}
}

static void addresses_and_offsets(void **state)
{
	struct made_options o = {.version = "go1.22.1", .minor = 22};
	struct gobinary *b = open_made(&o);
	uint64_t off, vaddr;
	struct span s;

	assert_int_equal(gobinary__file_off(b, MADE_BASE + 0x1234, &off), 0);
	assert_int_equal(off, 0x1234);
	/* not executable; not in the file */
	assert_int_equal(gobinary__file_off(b, MADE_BASE + 0x2000, &off), -EBADMSG);
	assert_int_equal(gobinary__file_off(b, MADE_BASE + 0x4000, &off), -EBADMSG);
	gobinary__first_load(b, &vaddr, &off);
	assert_int_equal(vaddr, MADE_BASE + 0x1000);
	assert_int_equal(off, 0x1000);
	assert_true(gobinary__is_writable(b, MADE_BASE + 0x3000));
	assert_true(gobinary__is_writable(b, MADE_BASE + 0x4fff)); /* bss */
	assert_false(gobinary__is_writable(b, MADE_BASE + 0x2fff));
	assert_int_equal(gobinary__bytes(b, MADE_BASE + 0x3ffe, 2, &s), 0);
	assert_int_equal(gobinary__bytes(b, MADE_BASE + 0x3ffe, 3, &s), -EBADMSG);
	assert_int_equal(gobinary__bytes(b, MADE_BASE + 0x4000, 1, &s), -EBADMSG);
	assert_int_equal(gobinary__bytes(b, MADE_BASE + 0x1000, UINT64_MAX, &s), -EBADMSG);
	assert_true(gobinary__is_stripped(b));
	assert_false(gobinary__has_dwarf(b));
	assert_string_equal(gobinary__build_id(b), "");
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape),
		cmocka_unit_test(without_build_information),
		cmocka_unit_test(foreign_versions),
		cmocka_unit_test(wrappers_are_told),
		cmocka_unit_test(addresses_and_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
