/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/gobinary.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "binary/gobinary_internal.h"
#include "binary/inline_tree.h"

#define PAGE_MASK 0xfffull

/* ---- what it is ---- */

const char *gobinary__name(const struct gobinary *b)
{
	return b->name;
}

enum gobinary_arch gobinary__arch(const struct gobinary *b)
{
	return b->elf.arch;
}

const struct gobinary_version *gobinary__version(const struct gobinary *b)
{
	return &b->info.version;
}

const char *gobinary__module(const struct gobinary *b)
{
	return b->info.module;
}

bool gobinary__is_pie(const struct gobinary *b)
{
	return b->elf.type == ET_DYN;
}

bool gobinary__is_stripped(const struct gobinary *b)
{
	struct elf_section s;

	return !elf_file__section(&b->elf, ".symtab", &s);
}

bool gobinary__has_dwarf(const struct gobinary *b)
{
	struct elf_section s;

	return elf_file__section(&b->elf, ".debug_info", &s) ||
	       elf_file__section(&b->elf, ".zdebug_info", &s);
}

static bool has_func(const struct gobinary *b, const char *name)
{
	size_t i;

	return b->has_tab && !name_index__lookup(b, name, &i);
}

/* Assembly of runtime/cgo (asm_amd64.s, asm_arm64.s), in pclntab in every way of linking. */
bool gobinary__is_cgo(const struct gobinary *b)
{
	return has_func(b, "crosscall2");
}

/* Assembly of runtime/race_amd64.s, race_arm64.s; the build setting may be missing. */
bool gobinary__is_race(const struct gobinary *b)
{
	return b->info.race || has_func(b, "runtime.racefuncenter");
}

const char *gobinary__build_id(const struct gobinary *b)
{
	return b->build_id;
}

/* ---- functions ---- */

size_t gobinary__func_count(const struct gobinary *b)
{
	return b->has_tab ? b->tab.func_cnt : 0;
}

int gobinary__func_at(const struct gobinary *b, size_t i, struct gobinary_func *out)
{
	struct pcln_func f;
	struct gobinary_func r;
	uint32_t line;

	if (!b->has_tab || i >= b->tab.func_cnt)
		return -ENOENT;
	if (pclntab__func_at(&b->tab, i, &f) || pclntab__name(&b->tab, f.name_off, &r.name, NULL) ||
	    pclntab__file_line(&b->tab, &f, f.entry, &r.file, &line))
		return -EBADMSG;
	r.entry = f.entry;
	r.end = f.end;
	r.start_line = f.start_line;
	r.func_id = f.func_id;
	*out = r;
	return 0;
}

int gobinary__func_by_pc(const struct gobinary *b, uint64_t pc, struct gobinary_func *out)
{
	size_t i;
	int err = b->has_tab ? pclntab__find(&b->tab, pc, &i) : -ENOENT;

	return err ? err : gobinary__func_at(b, i, out);
}

int gobinary__func_by_name(const struct gobinary *b, const char *name, struct gobinary_func *out)
{
	size_t i;
	int err = b->has_tab ? name_index__lookup(b, name, &i) : -ENOENT;

	return err ? err : gobinary__func_at(b, i, out);
}

/* ---- inlining ---- */

static int note_inlined(void *ctx, uint32_t name_off)
{
	const struct gobinary *b = ctx;
	const char *name;
	size_t len;

	if (pclntab__name(&b->tab, name_off, &name, &len))
		return -EBADMSG;
	return imap__put(&b->lazy->inlined, hash__bytes(name, len), name_off);
}

static int collect_inlined(const struct gobinary *b)
{
	struct pcln_func f;
	int err = 0;

	for (size_t i = 0; !err && i < b->tab.func_cnt; i++) {
		err = pclntab__func_at(&b->tab, i, &f);
		if (!err)
			err = inline_tree__each_name(&b->tab, &f, note_inlined, (void *)b);
	}
	return err;
}

int gobinary__is_inlined_somewhere(const struct gobinary *b, const char *name, bool *out)
{
	struct gobinary_lazy *lazy = b->lazy;
	int err = 0;

	if (!b->has_tab)
		return -EBADMSG;
	pthread_mutex_lock(&lazy->lock);
	if (!lazy->has_inlined) {
		err = collect_inlined(b);
		lazy->has_inlined = !err;
	}
	pthread_mutex_unlock(&lazy->lock);
	if (!err)
		*out = imap__get(&lazy->inlined, hash__bytes(name, strlen(name)), NULL);
	return err;
}

struct instances {
	const struct gobinary *b;
	const char *name;
	size_t cnt;
};

static int count_instance(void *ctx, uint32_t name_off)
{
	struct instances *in = ctx;
	const char *name;
	size_t len;

	if (pclntab__name(&in->b->tab, name_off, &name, &len))
		return -EBADMSG;
	in->cnt += len == strlen(in->name) && !memcmp(name, in->name, len);
	return 0;
}

int gobinary__each_inlined(const struct gobinary *b, const char *name, gobinary_copies_fn fn,
			   void *ctx)
{
	struct gobinary_func f;
	struct pcln_func pf;
	int err = b->has_tab ? 0 : -EBADMSG;

	for (size_t i = 0; !err && i < b->tab.func_cnt; i++) {
		struct instances in = {b, name, 0};

		err = pclntab__func_at(&b->tab, i, &pf);
		if (!err)
			err = inline_tree__each_name(&b->tab, &pf, count_instance, &in);
		if (err || !in.cnt)
			continue;
		err = gobinary__func_at(b, i, &f);
		if (!err)
			err = fn(ctx, &f, in.cnt);
	}
	return err;
}

/*
 * FuncIDWrapper is the last funcID and runtime.systemstack_switch has the one before it, in
 * every version from 1.18 to 1.27 (src/runtime/symtab.go, src/internal/abi/symtab.go): so
 * the binary itself tells the number.
 */
static uint8_t wrapper_id(const struct gobinary *b)
{
	struct gobinary_lazy *lazy = b->lazy;
	struct pcln_func f;
	size_t i;

	if (__atomic_load_n(&lazy->has_wrapper, __ATOMIC_ACQUIRE))
		return lazy->wrapper_id;
	/* the lookup takes the lock itself; two threads would store the same value */
	if (!name_index__lookup(b, "runtime.systemstack_switch", &i) &&
	    !pclntab__func_at(&b->tab, i, &f) && f.func_id)
		lazy->wrapper_id = f.func_id + 1;
	/* 1.18 gives systemstack_switch no id of its own, but keeps its place */
	else if (!name_index__lookup(b, "runtime.systemstack", &i) &&
		 !pclntab__func_at(&b->tab, i, &f) && f.func_id)
		lazy->wrapper_id = f.func_id + 2;
	else
		lazy->wrapper_id = UINT8_MAX; /* no function has it: nothing is a wrapper */
	__atomic_store_n(&lazy->has_wrapper, true, __ATOMIC_RELEASE);
	return lazy->wrapper_id;
}

int gobinary__frames(const struct gobinary *b, uint64_t pc,
		     struct gobinary_frame out[GOBINARY_FRAMES_MAX], size_t *cnt)
{
	struct pcln_func f;
	size_t i;
	int err = b->has_tab ? pclntab__find(&b->tab, pc, &i) : -ENOENT;

	*cnt = 0;
	if (err)
		return err == -ENOENT ? 0 : err;
	err = pclntab__func_at(&b->tab, i, &f);
	return err ? err : inline_tree__frames(&b->tab, &f, pc, wrapper_id(b), out, cnt);
}

uint64_t gobinary__start_pc(const struct gobinary *b, uint64_t pc)
{
	struct pcln_func f;
	uint64_t entry;
	size_t i;

	if (!b->has_tab || pclntab__find(&b->tab, pc, &i) || pclntab__func_at(&b->tab, i, &f) ||
	    f.entry != pc || pclntab__wrapped(&b->tab, &f, &entry))
		return pc;
	return entry;
}

/* ---- symbols and bytes ---- */

int gobinary__elf_symbol(const struct gobinary *b, uint64_t pc, const char **name, uint64_t *start)
{
	struct gobinary_lazy *lazy = b->lazy;
	const struct elf_symbol_range *r;
	int err = 0;

	pthread_mutex_lock(&lazy->lock);
	if (!lazy->has_symbols) {
		err = elf_symbols__load_funcs(&b->elf, &lazy->symbols);
		lazy->has_symbols = !err;
	}
	pthread_mutex_unlock(&lazy->lock);
	if (err)
		return err;
	r = elf_symbols__find(&lazy->symbols, pc);
	if (!r)
		return -ENOENT;
	*name = r->name;
	*start = r->start;
	return 0;
}

int gobinary__bytes(const struct gobinary *b, uint64_t vaddr, size_t len, struct span *out)
{
	return elf_file__bytes(&b->elf, vaddr, len, out);
}

int gobinary__file_off(const struct gobinary *b, uint64_t vaddr, uint64_t *off)
{
	const struct elf_load *l = elf_file__load_of(&b->elf, vaddr);

	if (!l || !(l->flags & PF_X) || vaddr - l->vaddr >= l->filesz)
		return -EBADMSG;
	*off = l->off + (vaddr - l->vaddr);
	return 0;
}

void gobinary__first_load(const struct gobinary *b, uint64_t *vaddr, uint64_t *off)
{
	const struct elf_load *first = &b->elf.loads[0];

	for (size_t i = 1; i < b->elf.load_cnt; i++) {
		if (b->elf.loads[i].vaddr < first->vaddr)
			first = &b->elf.loads[i];
	}
	*vaddr = first->vaddr & ~PAGE_MASK;
	*off = first->off & ~PAGE_MASK;
}

bool gobinary__is_writable(const struct gobinary *b, uint64_t vaddr)
{
	return elf_file__is_writable(&b->elf, vaddr);
}
