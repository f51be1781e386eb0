/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/pclntab.h"

#include <errno.h>
#include <string.h>

/* src/internal/abi/symtab.go */
#define MAGIC_118 0xfffffff0u
#define MAGIC_120 0xfffffff1u

#define FUNC_SZ_118 40
#define FUNC_SZ_120 44
#define FUNCTAB_ENTRY_SZ 8
#define NAME_MAX_SZ 65536 /* names of generic functions grow long */
#define FILE_MAX_SZ 8192

/* ---- header ---- */

static bool offsets_are_sane(const struct pclntab_header *h, struct span rest)
{
	uint64_t functab_sz;

	return h->func_cnt && h->func_cnt < UINT32_MAX / FUNCTAB_ENTRY_SZ && h->names_off >= 72 &&
	       h->names_off <= h->cutab_off && h->cutab_off <= h->files_off &&
	       h->files_off <= h->pctab_off && h->pctab_off <= h->funcs_off &&
	       !__builtin_add_overflow(h->funcs_off, h->func_cnt * FUNCTAB_ENTRY_SZ + 4,
				       &functab_sz) &&
	       functab_sz <= rest.n;
}

bool pclntab__header_at(const struct elf_file *f, uint64_t vaddr, struct pclntab_header *out)
{
	uint8_t quantum = f->arch == GOBINARY_AMD64 ? 1 : 4;
	struct pclntab_header h = {.vaddr = vaddr};
	uint64_t *const words[] = {&h.func_cnt,	 NULL,	       &h.text_start, &h.names_off,
				   &h.cutab_off, &h.files_off, &h.pctab_off,  &h.funcs_off};
	struct span rest;
	uint32_t magic;
	uint8_t pad1, pad2, ptr_sz;

	if (elf_file__bytes_from(f, vaddr, &rest) || span__u32(rest, 0, &magic) ||
	    span__u8(rest, 4, &pad1) || span__u8(rest, 5, &pad2) || span__u8(rest, 6, &h.quantum) ||
	    span__u8(rest, 7, &ptr_sz))
		return false;
	if ((magic != MAGIC_118 && magic != MAGIC_120) || pad1 || pad2 || h.quantum != quantum ||
	    ptr_sz != 8)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i] && span__u64(rest, 8 + 8 * i, words[i]))
			return false;
	}
	h.format = magic == MAGIC_118 ? 118 : 120;
	if (!offsets_are_sane(&h, rest))
		return false;
	*out = h;
	return true;
}

/* Aligned words of a segment that look like the first 8 bytes of a header. */
static bool scan_load(const struct elf_file *f, const struct elf_load *l, pclntab_header_fn fn,
		      void *ctx)
{
	uint64_t tail = (uint64_t)(f->arch == GOBINARY_AMD64 ? 1 : 4) << 48 | 8ull << 56;
	uint64_t want_118 = tail | MAGIC_118, want_120 = tail | MAGIC_120, word;
	struct pclntab_header h;
	struct span data;

	if (span__sub(f->file, l->off, l->filesz, &data))
		return false;
	for (uint64_t off = -l->vaddr & 7; !span__u64(data, off, &word); off += 8) {
		if ((word == want_120 || word == want_118) &&
		    pclntab__header_at(f, l->vaddr + off, &h) && fn(ctx, &h))
			return true;
	}
	return false;
}

bool pclntab__each_header(const struct elf_file *f, pclntab_header_fn fn, void *ctx)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	struct elf_section s;
	struct pclntab_header h;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (elf_file__section(f, names[i], &s) && pclntab__header_at(f, s.addr, &h) &&
		    fn(ctx, &h))
			return true;
	}
	for (size_t i = 0; i < f->load_cnt; i++) {
		if (scan_load(f, &f->loads[i], fn, ctx))
			return true;
	}
	return false;
}

/* ---- text offsets ---- */

static uint64_t text_addr(const struct pclntab *t, uint64_t off)
{
	for (size_t i = 0; i < t->sect_cnt; i++) {
		const struct pclntab_textsect *s = &t->sects[i];

		/* the last one's end is in functab too */
		if (off >= s->off && (off < s->end || (i + 1 == t->sect_cnt && off == s->end)))
			return s->addr + (off - s->off);
	}
	return t->text + off;
}

static bool text_off(const struct pclntab *t, uint64_t pc, uint64_t *off)
{
	if (!t->sect_cnt) {
		if (pc < t->text || pc >= t->etext)
			return false;
		*off = pc - t->text;
		return true;
	}
	for (size_t i = 0; i < t->sect_cnt; i++) {
		const struct pclntab_textsect *s = &t->sects[i];

		if (pc >= s->addr && pc - s->addr < s->end - s->off) {
			*off = s->off + (pc - s->addr);
			return true;
		}
	}
	return false;
}

/* ---- functions ---- */

static int functab(const struct pclntab *t, size_t i, uint32_t *entry_off, uint32_t *func_off)
{
	if (span__u32(t->funcs, (uint64_t)i * FUNCTAB_ENTRY_SZ, entry_off))
		return -EBADMSG;
	return span__u32(t->funcs, (uint64_t)i * FUNCTAB_ENTRY_SZ + 4, func_off);
}

static uint64_t func_sz(const struct pclntab *t)
{
	return t->format == 118 ? FUNC_SZ_118 : FUNC_SZ_120;
}

/* End of function i: where the next one starts. With split text the next one may lie in
 * another section; then the own section's end. */
static uint64_t end_of(const struct pclntab *t, uint64_t entry, uint32_t entry_off,
		       uint32_t next_off)
{
	uint64_t end = text_addr(t, next_off);

	if (end - entry == (uint64_t)next_off - entry_off)
		return end;
	for (size_t i = 0; i < t->sect_cnt; i++) {
		if (entry_off >= t->sects[i].off && entry_off < t->sects[i].end)
			return t->sects[i].addr + (t->sects[i].end - t->sects[i].off);
	}
	return entry;
}

int pclntab__func_at(const struct pclntab *t, size_t i, struct pcln_func *out)
{
	uint32_t entry_off, func_off, next_off;
	uint64_t late = t->format == 118 ? 36 : 40; /* funcID, flag, pad, nfuncdata */
	struct span f;

	if (i >= t->func_cnt || functab(t, i, &entry_off, &func_off) ||
	    span__u32(t->funcs, (uint64_t)(i + 1) * FUNCTAB_ENTRY_SZ, &next_off) ||
	    span__sub(t->funcs, func_off, func_sz(t), &f))
		return -EBADMSG;
	out->entry = text_addr(t, entry_off);
	out->end = end_of(t, out->entry, entry_off, next_off);
	if (next_off < entry_off || out->end < out->entry)
		return -EBADMSG;
	out->start_line = 0;
	/* all inside f, whose length was checked */
	span__u32(f, 4, &out->name_off);
	span__u32(f, 16, &out->pcsp);
	span__u32(f, 20, &out->pcfile);
	span__u32(f, 24, &out->pcln);
	span__u32(f, 28, &out->npcdata);
	span__u32(f, 32, &out->cu_off);
	if (t->format != 118)
		span__u32(f, 36, &out->start_line);
	span__u8(f, late, &out->func_id);
	span__u8(f, late + 1, &out->flag);
	span__u8(f, late + 3, &out->nfuncdata);
	out->tail = func_off + func_sz(t);
	return 0;
}

int pclntab__find(const struct pclntab *t, uint64_t pc, size_t *i)
{
	size_t lo = 0, hi = t->func_cnt;
	uint32_t entry_off;
	uint64_t off;

	if (!text_off(t, pc, &off))
		return -ENOENT;
	/* the last function that starts at or before off */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (span__u32(t->funcs, (uint64_t)mid * FUNCTAB_ENTRY_SZ, &entry_off))
			return -EBADMSG;
		if (entry_off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return -ENOENT;
	/* beyond the last function */
	if (lo == t->func_cnt &&
	    (span__u32(t->funcs, (uint64_t)lo * FUNCTAB_ENTRY_SZ, &entry_off) || off >= entry_off))
		return -ENOENT;
	*i = lo - 1;
	return 0;
}

int pclntab__name(const struct pclntab *t, uint32_t name_off, const char **out, size_t *len)
{
	return span__cstr(t->names, name_off, NAME_MAX_SZ, out, len);
}

int pclntab__name_of(const struct pclntab *t, size_t i, const char **out, size_t *len)
{
	uint32_t entry_off, func_off, name_off;

	if (i >= t->func_cnt || functab(t, i, &entry_off, &func_off) ||
	    span__u32(t->funcs, (uint64_t)func_off + 4, &name_off))
		return -EBADMSG;
	return pclntab__name(t, name_off, out, len);
}

/* ---- pc-value tables ---- */

struct pcvalue_iter {
	struct span tab;
	uint64_t off, pc; /* pc: end of the range that val is good for */
	int32_t val;
	bool first;
};

static int iter_init(struct pcvalue_iter *it, const struct pclntab *t, const struct pcln_func *f,
		     uint32_t table)
{
	*it = (struct pcvalue_iter){.pc = f->entry, .val = -1, .first = true};
	return span__from(t->pctab, table, &it->tab);
}

/* 1: a range; 0: end of table; -EBADMSG. Every range but a malformed one is at least one
 * instruction long, so a table is walked in bounded time. */
static inline int iter_next(struct pcvalue_iter *it, uint8_t quantum)
{
	uint64_t delta, step;
	uint32_t d;

	if (span__uvarint(it->tab, &it->off, &delta))
		return -EBADMSG;
	if (!delta && !it->first)
		return 0;
	it->first = false;
	if (span__uvarint(it->tab, &it->off, &step) || !step || step > UINT32_MAX ||
	    delta > UINT32_MAX)
		return -EBADMSG;
	d = (uint32_t)delta;
	/* zigzag; wraps as the runtime's int32 does */
	it->val = (int32_t)((uint32_t)it->val + ((0 - (d & 1)) ^ (d >> 1)));
	it->pc += step * quantum;
	return 1;
}

int pclntab__value(const struct pclntab *t, const struct pcln_func *f, uint32_t table, uint64_t pc,
		   int32_t *val)
{
	struct pcvalue_iter it;
	int more;

	*val = -1;
	if (!table)
		return 0;
	if (iter_init(&it, t, f, table))
		return -EBADMSG;
	while ((more = iter_next(&it, t->quantum)) > 0) {
		if (pc < it.pc) {
			*val = it.val;
			return 0;
		}
	}
	/* a table that ends early says nothing about pc: padding behind the code */
	return more;
}

int pclntab__each_value(const struct pclntab *t, const struct pcln_func *f, uint32_t table,
			pclntab_range_fn fn, void *ctx)
{
	struct pcvalue_iter it;
	uint64_t lo = f->entry;
	int more;

	if (!table)
		return 0;
	if (iter_init(&it, t, f, table))
		return -EBADMSG;
	while ((more = iter_next(&it, t->quantum)) > 0) {
		if (!fn(ctx, lo, it.pc, it.val))
			return 0;
		lo = it.pc;
		/* however long the table: functions do not overlap, so all walks together are
		 * bounded by the text */
		if (lo >= f->end)
			return 0;
	}
	return more;
}

static int file_name(const struct pclntab *t, const struct pcln_func *f, int32_t no,
		     const char **out)
{
	uint32_t file_off;

	if (span__u32(t->cutab, ((uint64_t)f->cu_off + (uint32_t)no) * 4, &file_off))
		return -EBADMSG;
	if (file_off == UINT32_MAX)
		return 0;
	return span__cstr(t->files, file_off, FILE_MAX_SZ, out, NULL);
}

int pclntab__file_line(const struct pclntab *t, const struct pcln_func *f, uint64_t pc,
		       const char **file, uint32_t *line)
{
	int32_t file_no, line_no;

	*file = "?";
	*line = 0;
	if (pclntab__value(t, f, f->pcfile, pc, &file_no) ||
	    pclntab__value(t, f, f->pcln, pc, &line_no))
		return -EBADMSG;
	if (file_no < 0 || line_no < 0)
		return 0;
	*line = (uint32_t)line_no;
	return file_name(t, f, file_no, file);
}

/* ---- pcdata and funcdata ---- */

uint32_t pclntab__pcdata(const struct pclntab *t, const struct pcln_func *f, unsigned i)
{
	uint32_t off = 0;

	if (i >= f->npcdata || span__u32(t->funcs, f->tail + 4ull * i, &off))
		return 0;
	return off;
}

int pclntab__funcdata(const struct pclntab *t, const struct pcln_func *f, unsigned i,
		      struct span *out)
{
	uint32_t off;

	if (i >= f->nfuncdata)
		return -ENODATA;
	if (span__u32(t->funcs, f->tail + 4ull * f->npcdata + 4ull * i, &off))
		return -EBADMSG;
	if (off == UINT32_MAX)
		return -ENODATA;
	return span__from(t->gofunc, off, out);
}

int pclntab__wrapped(const struct pclntab *t, const struct pcln_func *f, uint64_t *entry)
{
	const unsigned wrap_info = 7; /* internal/abi/symtab.go, Go 1.18 to 1.27 */
	struct span info;
	uint32_t off;
	int err = pclntab__funcdata(t, f, wrap_info, &info);

	if (err)
		return err;
	if (span__u32(info, 0, &off))
		return -EBADMSG;
	*entry = text_addr(t, off);
	return 0;
}
