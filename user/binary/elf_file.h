/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_ELF_FILE_H
#define BINARY_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "binary/gobinary.h"

/*
 * The parts of an ELF64 little-endian file that the kernel goes by (program headers), and
 * the section headers where they are there and sane: they can be stripped or lie, so
 * whatever is found through them is checked again. Format: elf(5).
 */
#define ELF_LOADS_MAX 64

struct elf_load {
	uint64_t vaddr, memsz, off, filesz;
	uint32_t flags; /* PF_* */
};

struct elf_section {
	const char *name; /* borrowed from the file; "" unknown */
	uint32_t type;
	uint64_t flags, addr, off, size, entsize;
	uint32_t link;
};

struct elf_file {
	struct span file;
	const char *name; /* for messages */
	enum gobinary_arch arch;
	uint16_t type; /* ET_EXEC or ET_DYN */
	uint64_t entry;
	struct elf_load loads[ELF_LOADS_MAX]; /* as the file has them */
	size_t load_cnt;
	uint64_t relro_start, relro_end; /* both 0: none */
	bool has_interp;
	struct span dynamic;  /* PT_DYNAMIC, empty none */
	struct span sections; /* header table, empty none */
	uint32_t section_cnt;
	struct span section_names;
};

/* One message on error; name must outlive f. -EBADMSG malformed, -ENODATA not an ELF file,
 * -EOPNOTSUPP 32-bit, big-endian, foreign machine, not a program. */
int elf_file__open(struct elf_file *f, struct span file, const char *name);

/* Are there section headers with names? Where there are, what toolchains put into a section of
 * its own need not be searched for in all of the file: that matters for `list`, which opens
 * every program that runs. */
bool elf_file__has_sections(const struct elf_file *f);
/* Section i; false when there is none or it is malformed. */
bool elf_file__section_at(const struct elf_file *f, uint32_t i, struct elf_section *out);
bool elf_file__section(const struct elf_file *f, const char *name, struct elf_section *out);
/* The bytes of a section in the file; -EBADMSG outside of it, -ENODATA for SHT_NOBITS or
 * a compressed section. */
int elf_file__section_bytes(const struct elf_file *f, const struct elf_section *s,
			    struct span *out);

/* len bytes mapped from the file at vaddr; -EBADMSG when not all of them are. */
int elf_file__bytes(const struct elf_file *f, uint64_t vaddr, uint64_t len, struct span *out);
/* All file-backed bytes from vaddr to the end of its segment. */
int elf_file__bytes_from(const struct elf_file *f, uint64_t vaddr, struct span *out);
/* The segment that holds vaddr in memory (also beyond filesz: bss); NULL none. */
const struct elf_load *elf_file__load_of(const struct elf_file *f, uint64_t vaddr);
/* Writable after start-up: in a writable segment and not in PT_GNU_RELRO. */
bool elf_file__is_writable(const struct elf_file *f, uint64_t vaddr);
bool elf_file__is_executable(const struct elf_file *f, uint64_t vaddr);

/* First value of a dynamic tag (DT_*); false when absent. */
bool elf_file__dynamic_value(const struct elf_file *f, uint64_t tag, uint64_t *val);
/* Is a library with this name or prefix ("libgo.so") needed (DT_NEEDED)? */
bool elf_file__needs_library(const struct elf_file *f, const char *prefix);

/*
 * RELATIVE relocations of a position-independent file (DT_RELA): the word at `off` becomes
 * load bias + addend. fn returns false to stop. DT_RELR words need none of this: their
 * addends stand in the file's data.
 */
typedef bool (*elf_relative_fn)(void *ctx, uint64_t off, uint64_t addend);
void elf_file__each_relative(const struct elf_file *f, elf_relative_fn fn, void *ctx);

/* Words of the file as they will be after relocation (load bias 0). Missing bytes at the end (a
 * segment that ends early) read as 0. -EBADMSG: vaddr is nowhere in the file. */
int elf_file__words(const struct elf_file *f, uint64_t vaddr, uint64_t *words, size_t cnt);

/* A note by owner and type from PT_NOTE; -ENODATA none. */
int elf_file__note(const struct elf_file *f, const char *owner, uint32_t type, struct span *out);

#endif
