/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_PCLNTAB_H
#define BINARY_PCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "binary/elf_file.h"

/*
 * The table by which the runtime itself finds functions, files and lines. It is in every Go
 * program, stripped or not. Format: src/runtime/symtab.go (pcHeader, functab, _func, step),
 * src/cmd/link/internal/ld/pcln.go; Go 1.18/1.19 and 1.20-1.27 are read.
 */
struct pclntab_textsect {  /* runtime.textsect */
	uint64_t off, end; /* offsets as functab has them */
	uint64_t addr;
};
#define PCLNTAB_TEXTSECT_MAX 256

struct pclntab {
	uint64_t vaddr;	 /* of the header */
	unsigned format; /* 118: magic fffffff0, _func of 40 bytes; 120: fffffff1, 44 bytes */
	uint8_t quantum; /* smallest instruction: 1 or 4 */
	uint32_t func_cnt;
	/* names, compilation units' files, file names, pc-value tables, functions */
	struct span names, cutab, files, pctab, funcs;
	/* from moduledata */
	uint64_t text, etext;
	struct span gofunc;		/* funcdata lies here */
	struct pclntab_textsect *sects; /* more than one: split text; NULL otherwise */
	size_t sect_cnt;
};

/* One runtime._func, decoded. */
struct pcln_func {
	uint64_t entry, end;
	uint32_t name_off;
	uint32_t pcsp, pcfile, pcln;
	uint32_t npcdata, cu_off, start_line;
	uint8_t func_id, flag, nfuncdata;
	uint64_t tail; /* offset in funcs of the pcdata array */
};

struct pclntab_header {
	uint64_t vaddr;
	unsigned format;
	uint8_t quantum;
	uint64_t func_cnt;
	uint64_t text_start;						/* 0 from Go 1.26 on */
	uint64_t names_off, cutab_off, files_off, pctab_off, funcs_off; /* from vaddr */
};

/* Is there a header of a known format at vaddr? */
bool pclntab__header_at(const struct elf_file *f, uint64_t vaddr, struct pclntab_header *out);
/* Calls fn for each header in the file, those in a section of that name first; fn returns
 * true to stop. Returns whether it was stopped. */
typedef bool (*pclntab_header_fn)(void *ctx, const struct pclntab_header *h);
bool pclntab__each_header(const struct elf_file *f, pclntab_header_fn fn, void *ctx);

/* -EBADMSG malformed. */
int pclntab__func_at(const struct pclntab *t, size_t i, struct pcln_func *out);
/* Index of the function that contains pc; -ENOENT none. */
int pclntab__find(const struct pclntab *t, uint64_t pc, size_t *i);
int pclntab__name(const struct pclntab *t, uint32_t name_off, const char **out, size_t *len);
/* Just the name of function i, cheaper than func_at. */
int pclntab__name_of(const struct pclntab *t, size_t i, const char **out, size_t *len);

/* Value at pc of the pc-value table at offset `table` of pctab; -1 when the function has no
 * such table (offset 0). */
int pclntab__value(const struct pclntab *t, const struct pcln_func *f, uint32_t table, uint64_t pc,
		   int32_t *val);
/* Walks a whole table: one call for each range [lo, hi) of the same value; fn returns false
 * to stop. */
typedef bool (*pclntab_range_fn)(void *ctx, uint64_t lo, uint64_t hi, int32_t val);
int pclntab__each_value(const struct pclntab *t, const struct pcln_func *f, uint32_t table,
			pclntab_range_fn fn, void *ctx);
/* "?" and 0 where the table says nothing, as the runtime does. */
int pclntab__file_line(const struct pclntab *t, const struct pcln_func *f, uint64_t pc,
		       const char **file, uint32_t *line);

/* Offset of PCDATA table i, 0 none. */
uint32_t pclntab__pcdata(const struct pclntab *t, const struct pcln_func *f, unsigned i);
/* Bytes of FUNCDATA i up to the end of gofunc; -ENODATA none. */
int pclntab__funcdata(const struct pclntab *t, const struct pcln_func *f, unsigned i,
		      struct span *out);
/* Entry of the function that a compiler-made wrapper (`go f(x)`) calls: FUNCDATA_WrapInfo, a u32
 * offset in the text; -ENODATA when f is none. */
int pclntab__wrapped(const struct pclntab *t, const struct pcln_func *f, uint64_t *entry);

#endif
