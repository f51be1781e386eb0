/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/elf_symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOL_NAME_MAX 65536
/* a symbol of no size is trusted this far */
#define UNSIZED_MAX 65536

struct table {
	struct span syms, names;
};

static bool open_table(const struct elf_file *f, const char *name, struct table *out)
{
	struct elf_section sym, str;

	return elf_file__section(f, name, &sym) && !elf_file__section_bytes(f, &sym, &out->syms) &&
	       elf_file__section_at(f, sym.link, &str) &&
	       !elf_file__section_bytes(f, &str, &out->names);
}

/* Of names for one function the last is taken: what a programmer calls it, not cbrtf64 or __cbrt.
 */
static int by_name(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	if ((*a == '_') != (*b == '_'))
		return *a == '_' ? -1 : 1;
	if (la != lb)
		return la > lb ? -1 : 1;
	return strcmp(a, b);
}

static int by_start(const void *a, const void *b)
{
	const struct elf_symbol_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* aliases: the longer one last, for the search takes the last */
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return by_name(x->name, y->name);
}

/* A symbol without size ends at the next one. */
static void close_gaps(struct elf_symbols *s)
{
	uint64_t next = UINT64_MAX, start;

	for (size_t i = s->cnt; i-- > 0; next = start) {
		struct elf_symbol_range *r = &s->funcs[i];

		start = r->start;
		/* aliases: what follows is what follows the last of them */
		if (i + 1 < s->cnt && s->funcs[i + 1].start == start)
			next = s->funcs[i + 1].end;
		if (r->end > start)
			continue;
		if (__builtin_add_overflow(start, UNSIZED_MAX, &r->end) || r->end > next)
			r->end = next;
	}
}

int elf_symbols__load_funcs(const struct elf_file *f, struct elf_symbols *out)
{
	struct table t;
	Elf64_Sym sym;
	size_t max;

	*out = (struct elf_symbols){0};
	if (!open_table(f, ".symtab", &t) && !open_table(f, ".dynsym", &t))
		return 0;
	max = t.syms.n / sizeof(sym);
	if (!max)
		return 0;
	out->funcs = malloc(max * sizeof(*out->funcs));
	if (!out->funcs)
		return -ENOMEM;
	for (size_t i = 0; i < max && !span__copy(t.syms, i * sizeof(sym), &sym, sizeof(sym));
	     i++) {
		struct elf_symbol_range *r = &out->funcs[out->cnt];

		if (ELF64_ST_TYPE(sym.st_info) != STT_FUNC || !sym.st_value ||
		    __builtin_add_overflow(sym.st_value, sym.st_size, &r->end) ||
		    span__cstr(t.names, sym.st_name, SYMBOL_NAME_MAX, &r->name, NULL))
			continue;
		r->start = sym.st_value;
		out->cnt++;
	}
	qsort(out->funcs, out->cnt, sizeof(*out->funcs), by_start);
	close_gaps(out);
	return 0;
}

void elf_symbols__free(struct elf_symbols *s)
{
	free(s->funcs);
	*s = (struct elf_symbols){0};
}

const struct elf_symbol_range *elf_symbols__find(const struct elf_symbols *s, uint64_t pc)
{
	size_t lo = 0, hi = s->cnt;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->funcs[mid].start <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && pc < s->funcs[lo - 1].end ? &s->funcs[lo - 1] : NULL;
}

bool elf_symbols__addresses(const struct elf_file *f, const char *const *names, size_t cnt,
			    uint64_t *addrs)
{
	struct table t;
	Elf64_Sym sym;
	const char *name;

	memset(addrs, 0, cnt * sizeof(*addrs));
	if (!open_table(f, ".symtab", &t))
		return false;
	for (uint64_t off = 0; !span__copy(t.syms, off, &sym, sizeof(sym)); off += sizeof(sym)) {
		unsigned type = ELF64_ST_TYPE(sym.st_info);
		struct span prefix;

		/* all names that are asked for start with "runtime.": sift cheaply */
		if ((type != STT_OBJECT && type != STT_NOTYPE) ||
		    span__sub(t.names, sym.st_name, 8, &prefix) ||
		    memcmp(prefix.p, "runtime.", 8) ||
		    span__cstr(t.names, sym.st_name, SYMBOL_NAME_MAX, &name, NULL))
			continue;
		for (size_t i = 0; i < cnt; i++) {
			if (!strcmp(name, names[i]))
				addrs[i] = sym.st_value;
		}
	}
	return true;
}
