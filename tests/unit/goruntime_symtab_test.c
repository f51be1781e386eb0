/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "go_elf_made.h"
#include "goruntime/frame_cache.h"
#include "goruntime/func_name.h"
#include "goruntime/symtab.h"

#define BIAS 0x555500000000ull
#define TEXT (MADE_TEXT + BIAS)

static struct gobinary *open_made(void)
{
	struct made_options o = {.version = "go1.22.3", .minor = 22, .pie = true};
	struct gobinary *b = NULL;
	struct made m;
	int fd;

	made__fill(&m, &o);
	fd = made__memfd(m.bytes, MADE_SZ);
	assert_int_equal(gobinary__open(fd, "made", &b), 0);
	close(fd);
	return b;
}

static const struct sym_frame *frames_of(const struct symtab *t, uint64_t pc, bool leaf,
					 size_t want)
{
	size_t cnt;
	const struct sym_frame *f = symtab__frames(t, pc, leaf, &cnt);

	assert_int_equal(cnt, want);
	assert_true(!want == !f);
	return f;
}

static void return_addresses_mean_the_call(void **state)
{
	struct gobinary *b = open_made();
	const struct sym_frame *f;
	struct symtab *t;

	assert_int_equal(symtab__new(&t), 0);
	frames_of(t, TEXT + 0x18, false, 0);
	assert_int_equal(symtab__resolve(t, b, BIAS, TEXT + 0x18, false), 0);
	assert_int_equal(symtab__resolve(t, b, BIAS, TEXT + 0x18, true), 0);
	/* behind the call: still in middle; the PC itself: in inner */
	f = frames_of(t, TEXT + 0x18, false, 2);
	assert_string_equal(symtab__string(t, f[0].func), "main.middle");
	assert_int_equal(f[0].pc, TEXT + 0x17);
	assert_true(f[0].inlined);
	assert_string_equal(symtab__string(t, f[1].func), "main.outer");
	assert_int_equal(f[1].pc, TEXT + 8);
	assert_false(f[1].inlined);
	f = frames_of(t, TEXT + 0x18, true, 3);
	assert_string_equal(symtab__string(t, f[0].func), "main.inner");
	assert_string_equal(symtab__string(t, f[0].file), "/src/main.go");
	assert_int_equal(f[0].line, 30);
	assert_int_equal(f[0].start_line, 28);
	assert_int_equal(f[0].pc, TEXT + 0x18);
	assert_int_equal(symtab__unknown(t), 0);
	symtab__free(t);
	symtab__free(NULL);
	gobinary__free(b);
}

/* A goroutine that has not run has its function's entry where a return address would be. */
static void an_entry_is_taken_as_it_is(void **state)
{
	struct gobinary *b = open_made();
	const struct sym_frame *f;
	struct symtab *t;

	assert_int_equal(symtab__new(&t), 0);
	assert_int_equal(symtab__resolve(t, b, BIAS, TEXT + 0x40, false), 0);
	f = frames_of(t, TEXT + 0x40, false, 1);
	assert_string_equal(symtab__string(t, f->func), "main.plain");
	assert_int_equal(f->pc, TEXT + 0x40);
	symtab__free(t);
	gobinary__free(b);
}

static void unknown_pcs_are_counted_once(void **state)
{
	static const uint64_t pcs[] = {0, 1, TEXT - 1, TEXT + 0x1000, UINT64_MAX};
	struct gobinary *b = open_made();
	const struct sym_frame *f;
	struct symtab *t;

	assert_int_equal(symtab__new(&t), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(symtab__resolve(t, b, BIAS, pcs[i % 5], false), 0);
	assert_int_equal(symtab__unknown(t), 5);
	f = frames_of(t, TEXT - 1, false, 1);
	assert_int_equal(f->func, 0);
	assert_int_equal(f->file, 0);
	assert_int_equal(f->line, 0);
	symtab__free(t);
	gobinary__free(b);
}

static void resolve_all(struct symtab *t, const struct gobinary *b, int step)
{
	for (int i = 0; i < 0xb0; i++) {
		/* 0xb0 and 61 have no common divisor: every PC once, in another order */
		uint64_t pc = TEXT + (uint64_t)(i * step) % 0xb0;

		assert_int_equal(symtab__resolve(t, b, BIAS, pc, false), 0);
		assert_int_equal(symtab__resolve(t, b, BIAS, pc, true), 0);
	}
}

/* As the runtime prints them, and as runtime/pprof writes them; also through bytes and back. */
static void generic_functions_have_two_names(void **state)
{
	struct made_options o = {.version = "go1.22.3", .minor = 22, .pie = true};
	struct gobinary *b = NULL;
	struct buf bytes = {0};
	struct symtab *t, *u;
	struct made m;
	char *at;
	int fd;

	made__fill(&m, &o);
	at = memmem(m.bytes, MADE_SZ, "main.plain", 10);
	assert_non_null(at);
	memcpy(at, "m.f[a.B].g", 10);
	fd = made__memfd(m.bytes, MADE_SZ);
	assert_int_equal(gobinary__open(fd, "made", &b), 0);
	close(fd);
	assert_int_equal(symtab__new(&t), 0);
	assert_int_equal(symtab__resolve(t, b, BIAS, TEXT + 0x48, true), 0);
	assert_int_equal(symtab__serialize(t, &bytes), 0);
	assert_int_equal(symtab__parse(span__of(bytes.data, bytes.len), &u), 0);
	for (int i = 0; i < 2; i++) {
		const struct symtab *x = i ? u : t;
		const struct sym_frame *f = frames_of(x, TEXT + 0x48, true, 1);

		assert_string_equal(symtab__string(x, f->func), "m.f[...].g");
		assert_string_equal(symtab__string(x, f->symbol), "m.f[a.B].g");
	}
	buf__free(&bytes);
	symtab__free(t);
	symtab__free(u);
	gobinary__free(b);
}

/* A hostile binary names its functions; no terminal may obey them. */
static void names_are_clean(void **state)
{
	struct made_options o = {.version = "go1.22.3", .minor = 22, .pie = true};
	struct frame_cache *fc = NULL;
	struct gobinary *b = NULL;
	struct symtab *t = NULL;
	struct cached_pc c;
	struct made m;
	char *at;
	int fd;

	made__fill(&m, &o);
	at = memmem(m.bytes, MADE_SZ, "main.plain", 10);
	assert_non_null(at);
	memcpy(at, "a\x1b[m\xc2\x9b\n\xff", 8);
	at = memmem(m.bytes, MADE_SZ, "/src/main.go", 12);
	assert_non_null(at);
	at[4] = '\x07';
	fd = made__memfd(m.bytes, MADE_SZ);
	assert_int_equal(gobinary__open(fd, "made", &b), 0);
	close(fd);
	assert_int_equal(symtab__new(&t), 0);
	assert_int_equal(symtab__resolve(t, b, BIAS, TEXT + 0x48, true), 0);
	assert_string_equal(symtab__string(t, frames_of(t, TEXT + 0x48, true, 1)->func),
			    "a?[m???in");
	assert_string_equal(symtab__string(t, frames_of(t, TEXT + 0x48, true, 1)->file),
			    "/src?main.go");
	assert_int_equal(frame_cache__new(b, BIAS, &fc), 0);
	assert_int_equal(frame_cache__get(fc, TEXT + 0x48, true, &c), 0);
	assert_int_equal(c.cnt, 1);
	assert_string_equal(c.frames[0].func, "a?[m???in");
	assert_string_equal(c.frames[0].file, "/src?main.go");
	/* a clean one stays the binary's own */
	assert_int_equal(frame_cache__get(fc, TEXT + 0x98, true, &c), 0);
	assert_string_equal(c.frames[0].func, "runtime.systemstack_switch");
	frame_cache__free(fc);
	symtab__free(t);
	gobinary__free(b);
}

static void bytes_and_back(void **state)
{
	struct buf one = {0}, two = {0}, three = {0};
	struct symtab *t, *u, *v;
	struct gobinary *b = open_made();

	assert_int_equal(symtab__new(&t), 0);
	assert_int_equal(symtab__new(&u), 0);
	resolve_all(t, b, 1);
	resolve_all(u, b, 61);
	assert_true(symtab__intern(t, "nobody uses this") > 0);
	assert_int_equal(symtab__serialize(t, &one), 0);
	assert_int_equal(symtab__serialize(u, &two), 0);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);

	assert_int_equal(symtab__parse(span__of(one.data, one.len), &v), 0);
	assert_int_equal(symtab__unknown(v), symtab__unknown(t));
	assert_true(symtab__unknown(v) > 0);
	for (uint64_t pc = TEXT; pc < TEXT + 0xb0; pc++) {
		for (int leaf = 0; leaf < 2; leaf++) {
			size_t cnt;
			const struct sym_frame *x = symtab__frames(t, pc, leaf, &cnt), *y;

			y = frames_of(v, pc, leaf, cnt);
			for (size_t i = 0; i < cnt; i++) {
				assert_string_equal(symtab__string(v, y[i].func),
						    symtab__string(t, x[i].func));
				assert_string_equal(symtab__string(v, y[i].symbol),
						    symtab__string(t, x[i].symbol));
				assert_string_equal(symtab__string(v, y[i].file),
						    symtab__string(t, x[i].file));
				assert_int_equal(y[i].line, x[i].line);
				assert_int_equal(y[i].start_line, x[i].start_line);
				assert_int_equal(y[i].pc, x[i].pc);
				assert_int_equal(y[i].inlined, x[i].inlined);
				assert_int_equal(y[i].wrapper, x[i].wrapper);
			}
		}
	}
	assert_int_equal(symtab__serialize(v, &three), 0);
	assert_int_equal(three.len, one.len);
	assert_memory_equal(three.data, one.data, one.len);
	buf__free(&one);
	buf__free(&two);
	buf__free(&three);
	symtab__free(t);
	symtab__free(u);
	symtab__free(v);
	gobinary__free(b);
}

/* Where functions begin travels beside the table. */
static void entries_and_back(void **state)
{
	struct gobinary *b = open_made();
	struct buf table = {0}, bytes = {0};
	struct symtab *t, *u;

	assert_int_equal(symtab__new(&t), 0);
	resolve_all(t, b, 1);
	assert_true(symtab__has_entries(t));
	assert_int_equal(symtab__serialize(t, &table), 0);
	assert_int_equal(symtab__serialize_entries(t, &bytes), 0);
	assert_int_equal(symtab__parse(span__of(table.data, table.len), &u), 0);
	assert_false(symtab__has_entries(u));
	assert_int_equal(frames_of(u, TEXT + 0x18, true, 3)->entry, 0);
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_equal(symtab__parse_entries(u, span__of(bytes.data, n)), -EBADMSG);
	assert_false(symtab__has_entries(u));
	assert_int_equal(symtab__parse_entries(u, span__of(bytes.data, bytes.len)), 0);
	assert_true(symtab__has_entries(u));
	for (uint64_t pc = TEXT; pc < TEXT + 0xb0; pc++) {
		for (int leaf = 0; leaf < 2; leaf++) {
			size_t cnt;
			const struct sym_frame *x = symtab__frames(t, pc, leaf, &cnt);
			const struct sym_frame *y = frames_of(u, pc, leaf, cnt);

			for (size_t i = 0; i < cnt; i++)
				assert_int_equal(y[i].entry, x[i].entry);
		}
	}
	assert_int_equal(frames_of(u, TEXT + 0x18, true, 3)[0].entry, TEXT);
	assert_int_equal(frames_of(u, TEXT + 0x48, true, 1)->entry, TEXT + 0x40);
	buf__u8(&bytes, 0);
	assert_int_equal(symtab__parse_entries(u, span__of(bytes.data, bytes.len)), -EBADMSG);
	/* no function begins in front of address 0 */
	buf__reset(&bytes);
	for (int i = 0; i < 9; i++)
		buf__u8(&bytes, 0xff);
	buf__u8(&bytes, 1);
	assert_int_equal(symtab__parse_entries(u, span__of(bytes.data, bytes.len)), -EBADMSG);
	symtab__free(u);
	buf__free(&table);
	buf__free(&bytes);
	symtab__free(t);
	gobinary__free(b);
}

static void damaged_bytes(void **state)
{
	struct gobinary *b = open_made();
	struct buf bytes = {0};
	struct symtab *t, *u = NULL;

	assert_int_equal(symtab__new(&t), 0);
	resolve_all(t, b, 1);
	assert_int_equal(symtab__serialize(t, &bytes), 0);
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_equal(symtab__parse(span__of(bytes.data, n), &u), -EBADMSG);
	buf__u8(&bytes, 0);
	assert_int_equal(symtab__parse(span__of(bytes.data, bytes.len), &u), -EBADMSG);
	assert_null(u);
	for (size_t i = 0; i + 1 < bytes.len; i++) {
		bytes.data[i] ^= 0x55;
		if (!symtab__parse(span__of(bytes.data, bytes.len - 1), &u))
			symtab__free(u);
		bytes.data[i] ^= 0x55;
	}
	buf__free(&bytes);
	symtab__free(t);
	gobinary__free(b);
}

static void empty_table(void **state)
{
	struct buf bytes = {0};
	struct symtab *t, *u;

	assert_int_equal(symtab__new(&t), 0);
	assert_int_equal(symtab__serialize(t, &bytes), 0);
	assert_int_equal(symtab__parse(span__of(bytes.data, bytes.len), &u), 0);
	assert_int_equal(symtab__unknown(u), 0);
	assert_string_equal(symtab__string(u, 0), "");
	buf__free(&bytes);
	symtab__free(t);
	symtab__free(u);
}

static void names_as_each_version_prints_them(void **state)
{
	static const struct {
		unsigned minor;
		const char *name, *want;
	} v[] = {
		{20, "main.f[go.shape.int_0]", "main.f[go.shape.int_0]"},
		{21, "main.f[go.shape.int]", "main.f[...]"},
		{27, "main.f[go.shape.int]", "main.f[...]"},
		{22, "main.(*T[go.shape.int]).m", "main.(*T[...]).m"},
		{22, "main.f[go.shape.[]int].func1", "main.f[...].func1"},
		{27, "main.f[go.shape.[]int].func1", "main.f[...].func1"},
		/* a generic method of a generic type, possible from 1.27 on */
		{26, "main.(*T[int]).m[string].func1", "main.(*T[...].func1"},
		{27, "main.(*T[int]).m[string].func1", "main.(*T[...]).m[...].func1"},
		{27, "main.(*T[go.shape.[]int]).m[go.shape.map[string]int]",
		 "main.(*T[...]).m[...]"},
		{27, "main.f[a[b]", "main.f[a[b]"},
		{22, "main.f", "main.f"},
		{22, "main.f]x[", "main.f]x["},
		{22, "main.f[", "main.f["},
		{22, "", ""},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct buf out = {0};

		func_name__for_print(v[i].minor, v[i].name, &out);
		buf__u8(&out, 0);
		assert_int_equal(out.err, 0);
		assert_string_equal((char *)out.data, v[i].want);
		buf__free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(return_addresses_mean_the_call),
		cmocka_unit_test(an_entry_is_taken_as_it_is),
		cmocka_unit_test(unknown_pcs_are_counted_once),
		cmocka_unit_test(generic_functions_have_two_names),
		cmocka_unit_test(names_are_clean),
		cmocka_unit_test(bytes_and_back),
		cmocka_unit_test(entries_and_back),
		cmocka_unit_test(damaged_bytes),
		cmocka_unit_test(empty_table),
		cmocka_unit_test(names_as_each_version_prints_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
