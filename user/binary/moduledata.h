/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_MODULEDATA_H
#define BINARY_MODULEDATA_H

#include <stdint.h>

#include "binary/elf_file.h"
#include "binary/pclntab.h"

/*
 * runtime.firstmoduledata: where text and funcdata are. It has no symbol in a stripped file
 * but can be recognised: it points at the pclntab and at each of its parts.
 * Format: src/runtime/symtab.go, type moduledata, Go 1.18-1.27; section .go.module from 1.26.
 */

/*
 * Finds pclntab and moduledata, which prove each other, and fills t and *moduledata (its
 * address). minor: of the Go version, 0 unknown (then every known layout is tried).
 * t->sects is allocated: free with moduledata__release. -EBADMSG with one message, without
 * one when quiet.
 */
int moduledata__find(const struct elf_file *f, unsigned minor, bool quiet, struct pclntab *t,
		     uint64_t *moduledata);
void moduledata__release(struct pclntab *t);

#endif
