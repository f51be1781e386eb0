/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_ELF_SYMBOLS_H
#define BINARY_ELF_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "binary/elf_file.h"

/*
 * ELF symbols (.symtab, else .dynsym). They serve what Go's own tables do not have: C
 * functions, and addresses of globals in files that are not stripped. Format: elf(5).
 */
struct elf_symbol_range {
	uint64_t start, end;
	const char *name; /* borrowed from the file */
};

/* Functions sorted by start; sizes of 0 (assembly) reach to the next one. */
struct elf_symbols {
	struct elf_symbol_range *funcs;
	size_t cnt;
};

/* 0 also when there are no symbols; -ENOMEM. */
int elf_symbols__load_funcs(const struct elf_file *f, struct elf_symbols *out);
void elf_symbols__free(struct elf_symbols *s);
/* NULL none. */
const struct elf_symbol_range *elf_symbols__find(const struct elf_symbols *s, uint64_t pc);

/* Addresses of the symbols called names[i], all of which start with "runtime." (STT_OBJECT or
 * untyped) to addrs[i], 0 where there is none; one pass. false when there is no .symtab. */
bool elf_symbols__addresses(const struct elf_file *f, const char *const *names, size_t cnt,
			    uint64_t *addrs);

#endif
