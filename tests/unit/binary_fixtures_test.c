/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reader against what the same files say in another way: functions against the symbol
 * table, lines against DWARF, globals found by decoding against their symbols, and all of
 * it against a twin without section headers.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dwarf.h>
#include <elfutils/libdw.h>

#include "base/log.h"
#include "binary/gobinary.h"
#include "go_fixtures.h"

#define MEMSTATS_FROM_CODE 19

/* dwarf_getscopes of elfutils 0.188 leaks */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdw.so";
}

/* The same file as if nobody had told where its sections are. */
static struct gobinary *without_sections(const struct gobinary *b)
{
	static const uint8_t zero[8];
	struct gobinary *twin;

	twin = fixture__patched(b, offsetof(Elf64_Ehdr, e_shoff), zero, sizeof(zero));
	assert_true(gobinary__is_stripped(twin));
	return twin;
}

static void same_functions(const struct gobinary *b, const struct gobinary *twin)
{
	struct gobinary_func f, g;
	size_t cnt = gobinary__func_count(b);

	assert_true(cnt > 1000);
	assert_int_equal(gobinary__func_count(twin), cnt);
	for (size_t i = 0; i < cnt; i++) {
		assert_int_equal(gobinary__func_at(b, i, &f), 0);
		assert_int_equal(gobinary__func_at(twin, i, &g), 0);
		assert_int_equal(f.entry, g.entry);
		assert_int_equal(f.end, g.end);
		assert_string_equal(f.name, g.name);
		/* markers between assembly and Go code have no length */
		if (f.end == f.entry)
			continue;
		assert_int_equal(gobinary__func_by_pc(b, f.end - 1, &g), 0);
		assert_int_equal(f.entry, g.entry);
	}
}

/* Each function starts at a symbol: the symbol table is the linker's, not pclntab's. */
static void functions_have_symbols(const struct gobinary *b)
{
	struct gobinary_func f;
	uint64_t start;
	const char *name;

	if (gobinary__is_stripped(b))
		return;
	for (size_t i = 0; i < gobinary__func_count(b); i++) {
		assert_int_equal(gobinary__func_at(b, i, &f), 0);
		if (gobinary__elf_symbol(b, f.entry, &name, &start) || start != f.entry)
			fail_msg("%s: no symbol at %s 0x%llx", gobinary__name(b), f.name,
				 (unsigned long long)f.entry);
	}
}

/* A PGO build may have inlined more into the functions that are decoded: then they tell nothing, or
 * all. */
static void pgo_hides_the_memory_profile(struct gobinary_globals *h,
					 const struct gobinary_globals *g)
{
	if (h->mbuckets)
		return;
	assert_int_equal(h->mprof_cycle | h->mprof_lock, 0);
	h->mbuckets = g->mbuckets;
	h->mprof_cycle = g->mprof_cycle;
	h->mprof_lock = g->mprof_lock;
}

static void globals_are_the_symbols(const struct gobinary *b, const struct gobinary *twin,
				    const char *name)
{
	bool has_memstats = gobinary__version(b)->minor >= MEMSTATS_FROM_CODE &&
			    gobinary__arch(b) == GOBINARY_AMD64;
	struct gobinary_globals g, h;

	assert_int_equal(gobinary__globals(b, &g), 0);
	assert_int_equal(gobinary__globals(twin, &h), 0);
	if (!has_memstats)
		h.memstats = g.memstats;
	if (strstr(name, "pgo"))
		pgo_hides_the_memory_profile(&h, &g);
	assert_memory_equal(&g, &h, sizeof(g));
	assert_true(g.allglen && g.allgptr && g.allgs && g.allm && g.allp && g.m0 && g.gomaxprocs);
	assert_true(g.sched && g.gc_controller && g.gcphase && g.mheap && g.wait_reason_strings);
	assert_true(!has_memstats || g.memstats);
	assert_true(g.mbuckets && g.mprof_cycle && g.mprof_lock && g.mem_profile_rate);
	assert_in_range(g.sched_midle_ref - g.sched, 32, 64);
	assert_in_range(g.wait_reason_cnt, 27, 60);
}

static void reader_agrees(struct gobinary *b, const char *version, const char *name)
{
	struct gobinary *twin = without_sections(b);
	unsigned minor = gobinary__version(b)->minor;

	assert_int_equal(strtoul(version + 2, NULL, 10), minor);
	assert_int_equal(gobinary__is_race(b), strstr(name, "race") != NULL);
	assert_int_equal(gobinary__is_race(twin), gobinary__is_race(b));
	assert_int_equal(gobinary__is_cgo(twin), gobinary__is_cgo(b));
	if (!strncmp(name, "cgo", 3))
		assert_true(gobinary__is_cgo(b));
	assert_int_equal(gobinary__is_pie(b), strstr(name, "pie") != NULL);
	same_functions(b, twin);
	functions_have_symbols(b);
	globals_are_the_symbols(b, twin, name);
	gobinary__free(twin);
}

static void every_fixture(void **state)
{
	if (!fixture__each(reader_agrees))
		skip();
}

/* ---- lines ---- */

struct line_count {
	const struct gobinary *b;
	size_t compared, wrong;
	size_t chains, inlined, chains_wrong;
};

/* Every so many rows of a unit's line table the inlined functions are compared too. */
#define CHAIN_STEP 397

/* What the two name differently: type arguments, and the ABI of an assembly function. */
static void plain_name(const char *name, char *out, size_t out_sz)
{
	const char *open = strchr(name, '['), *close = strrchr(name, ']');
	const char *abi = strstr(name, ".abi0");

	if (open && close)
		snprintf(out, out_sz, "%.*s%s", (int)(open - name), name, close + 1);
	else
		snprintf(out, out_sz, "%.*s", abi ? (int)(abi - name) : 1000, name);
}

static bool same_name(const char *a, const char *b)
{
	char x[1024], y[1024];

	plain_name(a, x, sizeof(x));
	plain_name(b, y, sizeof(y));
	return !strcmp(x, y);
}

static bool same_chain(const struct gobinary_frame *f, size_t cnt, Dwarf_Die *scopes, int n)
{
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		const char *name = dwarf_diename(&scopes[i]);

		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine &&
		    dwarf_tag(&scopes[i]) != DW_TAG_subprogram)
			continue;
		if (at == cnt || !name || !same_name(f[at++].func, name))
			return false;
	}
	return at == cnt;
}

static void compare_chain(struct line_count *c, Dwarf_Die *cu, Dwarf_Line *line)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	Dwarf_Die *innermost = NULL, *scopes = NULL;
	Dwarf_Addr addr;
	size_t cnt;
	int n;

	if (dwarf_lineaddr(line, &addr))
		return;
	/* the former goes on with where the inlined function was written, the latter with where it
	 * was inlined */
	n = dwarf_getscopes(cu, addr, &innermost);
	if (n > 0)
		n = dwarf_getscopes_die(&innermost[0], &scopes);
	if (n > 0 && !gobinary__frames(c->b, addr, f, &cnt) && cnt) {
		c->chains++;
		c->inlined += cnt > 1;
		c->chains_wrong += !same_chain(f, cnt, scopes, n);
	}
	free(innermost);
	free(scopes);
}

static void compare_line(struct line_count *c, Dwarf_Line *line)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	const char *file = dwarf_linesrc(line, NULL, NULL);
	Dwarf_Addr addr;
	bool end;
	int no;
	size_t cnt;

	if (dwarf_lineendsequence(line, &end) || end || dwarf_lineaddr(line, &addr) ||
	    dwarf_lineno(line, &no) || !file)
		return;
	/* libdw joins what is no absolute path to the unit's directory */
	if (!strncmp(file, "./", 2))
		file += 2;
	assert_int_equal(gobinary__frames(c->b, addr, f, &cnt), 0);
	if (!cnt)
		return;
	c->compared++;
	if (f[0].line != (uint32_t)no || strcmp(f[0].file, file)) {
		if (!c->wrong++)
			print_message("%s: 0x%llx: %s:%u, DWARF has %s:%d\n", gobinary__name(c->b),
				      (unsigned long long)addr, f[0].file, f[0].line, file, no);
	}
}

static void compare_unit(struct line_count *c, Dwarf_Die *cu)
{
	Dwarf_Lines *lines;
	size_t n;

	if (dwarf_srclang(cu) != DW_LANG_Go || dwarf_getsrclines(cu, &lines, &n))
		return;
	/* a row for an address may be followed by another for the same: the last one counts */
	for (size_t i = 0; i < n; i++) {
		Dwarf_Addr here, next = 0;
		Dwarf_Line *line = dwarf_onesrcline(lines, i);

		if (i + 1 < n)
			dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &next);
		if (dwarf_lineaddr(line, &here) || here == next)
			continue;
		compare_line(c, line);
		if (i % CHAIN_STEP == 0)
			compare_chain(c, cu, line);
	}
}

static void lines_of(struct gobinary *b, const char *version, const char *name)
{
	struct line_count c = {.b = b};
	int fd = open(gobinary__name(b), O_RDONLY | O_CLOEXEC);
	Dwarf_Off off = 0, next;
	size_t header;
	Dwarf_Die cu;
	Dwarf *dw = dwarf_begin(fd, DWARF_C_READ);

	assert_true(fd >= 0);
	if (!gobinary__has_dwarf(b) || strncmp(name, "workload", 8))
		goto out;
	assert_non_null(dw);
	for (; !dwarf_nextcu(dw, off, &next, &header, NULL, NULL, NULL); off = next) {
		if (dwarf_offdie(dw, off + header, &cu))
			compare_unit(&c, &cu);
	}
	print_message("%s/%s: %zu lines, %zu differ; %zu chains, %zu inlined, %zu differ\n",
		      version, name, c.compared, c.wrong, c.chains, c.inlined, c.chains_wrong);
	assert_true(c.compared > 10000);
	assert_int_equal(c.wrong, 0);
	/* compiler-made methods around an inlined one are a frame to the runtime only */
	assert_true(c.chains > 200);
	assert_true(c.inlined > 40 || strstr(name, "noopt"));
	assert_true(c.chains_wrong * 200 <= c.chains);
out:
	dwarf_end(dw);
	close(fd);
}

static void every_line(void **state)
{
	if (!fixture__each(lines_of))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture),
		cmocka_unit_test(every_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
