/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF symbols on a hand-made table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "binary/elf_symbols.h"
#include "go_elf_made.h"

#define SYMTAB 0x3a00
#define STRTAB 0x3c00

static const char names[] =
	"\0sized\0alias\0unsized\0last\0runtime.allgs\0runtime.allm\0other.allgs\0cbrtf64\0"
	"__cbrt\0cbrt";

struct sym {
	unsigned name, type;
	uint64_t value, size;
};

static const struct sym syms[] = {
	{0, STT_NOTYPE, 0, 0},
	{13, STT_FUNC, 0x401100, 0},	/* unsized: up to the next one */
	{21, STT_FUNC, 0x401200, 0x10}, /* last */
	{1, STT_FUNC, 0x401000, 0x40},	/* sized */
	{7, STT_FUNC, 0x401000, 0x20},	/* alias, shorter */
	{26, STT_OBJECT, 0x403010, 8},	/* runtime.allgs */
	{40, STT_FUNC, 0x403020, 8},	/* a function called runtime.allm */
	{53, STT_OBJECT, 0x403030, 8},	/* other.allgs */
	{0x7fffffff, STT_FUNC, 0x401300, 8},
	{1, STT_FUNC, UINT64_MAX, 8},
	{80, STT_FUNC, 0x401280, 0x10}, /* of aliases the plainest */
	{65, STT_FUNC, 0x401280, 0x10},
	{73, STT_FUNC, 0x401280, 0x10},
};
#define SYM_CNT (sizeof(syms) / sizeof(syms[0]))

static void fill(struct made *m, struct elf_file *f)
{
	struct made_options o = {.version = "go1.22.3", .minor = 22, .sections = true};
	Elf64_Shdr sh[2] = {
		{0, SHT_SYMTAB, 0, 0, SYMTAB, sizeof(Elf64_Sym) * SYM_CNT, 5, 0, 8,
		 sizeof(Elf64_Sym)},
		{0, SHT_STRTAB, 0, 0, STRTAB, sizeof(names), 0, 0, 1, 0},
	};
	Elf64_Ehdr eh;

	made__fill(m, &o);
	memcpy(m->bytes + MADE_STRINGS + 0x60, ".symtab", 8);
	memcpy(m->bytes + STRTAB, names, sizeof(names));
	for (size_t i = 0; i < SYM_CNT; i++) {
		Elf64_Sym s = {.st_name = syms[i].name,
			       .st_info = ELF64_ST_INFO(STB_GLOBAL, syms[i].type),
			       .st_value = syms[i].value,
			       .st_size = syms[i].size};

		memcpy(m->bytes + SYMTAB + i * sizeof(s), &s, sizeof(s));
	}
	/* sections 4 and 5: the builder made 4, and its names end before 0x60 */
	sh[0].sh_name = 0x60;
	memcpy(m->bytes + MADE_SECTIONS + 4 * sizeof(sh[0]), sh, sizeof(sh));
	made__u64(m, MADE_SECTIONS + sizeof(sh[0]) + offsetof(Elf64_Shdr, sh_size), 0x80);
	memcpy(&eh, m->bytes, sizeof(eh));
	eh.e_shnum = 6;
	memcpy(m->bytes, &eh, sizeof(eh));
	assert_int_equal(elf_file__open(f, span__of(m->bytes, MADE_SZ), "prog"), 0);
}

static void functions_by_address(void **state)
{
	static const struct {
		uint64_t pc;
		const char *name;
	} want[] = {
		{0x400fff, NULL},   {0x401000, "sized"},   {0x40103f, "sized"},
		{0x401040, NULL},   {0x401100, "unsized"}, {0x4011ff, "unsized"},
		{0x401200, "last"}, {0x40120f, "last"},	   {0x401210, NULL},
		{0x401280, "cbrt"}, {0x40128f, "cbrt"},	   {UINT64_MAX, NULL},
		{0, NULL},
	};
	struct elf_symbols s;
	struct elf_file f;
	struct made m;

	fill(&m, &f);
	assert_int_equal(elf_symbols__load_funcs(&f, &s), 0);
	/* what has no name or ends behind the address space is left out */
	assert_int_equal(s.cnt, 8);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct elf_symbol_range *r = elf_symbols__find(&s, want[i].pc);

		assert_int_equal(!r, !want[i].name);
		if (r)
			assert_string_equal(r->name, want[i].name);
	}
	elf_symbols__free(&s);
	assert_null(elf_symbols__find(&s, 0x401000));
}

static void variables_by_name(void **state)
{
	const char *const asked[] = {"runtime.allm", "runtime.allgs", "runtime.nothing"};
	uint64_t addrs[3] = {9, 9, 9};
	struct elf_file f;
	struct made m;

	fill(&m, &f);
	assert_true(elf_symbols__addresses(&f, asked, 3, addrs));
	assert_int_equal(addrs[0], 0);
	assert_int_equal(addrs[1], 0x403010);
	assert_int_equal(addrs[2], 0);
}

static void without_symbols(void **state)
{
	struct made_options o = {.version = "go1.22.3", .minor = 22, .sections = true};
	const char *const asked[] = {"runtime.allm"};
	struct elf_symbols s;
	struct elf_file f;
	uint64_t addr = 9;
	struct made m;

	made__fill(&m, &o);
	assert_int_equal(elf_file__open(&f, span__of(m.bytes, MADE_SZ), "prog"), 0);
	assert_int_equal(elf_symbols__load_funcs(&f, &s), 0);
	assert_int_equal(s.cnt, 0);
	assert_null(elf_symbols__find(&s, 0x401000));
	assert_false(elf_symbols__addresses(&f, asked, 1, &addr));
	assert_int_equal(addr, 0);
	elf_symbols__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_by_address),
		cmocka_unit_test(variables_by_name),
		cmocka_unit_test(without_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
