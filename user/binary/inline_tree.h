/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_INLINE_TREE_H
#define BINARY_INLINE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "binary/gobinary.h"
#include "binary/pclntab.h"

/*
 * The logical frames behind a PC: FUNCDATA_InlTree of a function is an array that PCDATA_
 * InlTreeIndex indexes. Format: type inlinedCall in src/runtime/symtab.go (Go 1.18, 1.19) and
 * src/runtime/symtabinl.go (from 1.20), which also has the order of the walk.
 */

/* As gobinary__frames, for a function that is already found. wrapper_id: FuncIDWrapper. */
int inline_tree__frames(const struct pclntab *t, const struct pcln_func *f, uint64_t pc,
			uint8_t wrapper_id, struct gobinary_frame out[GOBINARY_FRAMES_MAX],
			size_t *cnt);

/* Calls fn with the name offset of each function that is inlined into f. -EBADMSG. */
typedef int (*inline_name_fn)(void *ctx, uint32_t name_off);
int inline_tree__each_name(const struct pclntab *t, const struct pcln_func *f, inline_name_fn fn,
			   void *ctx);

#endif
