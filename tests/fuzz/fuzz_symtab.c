/* SPDX-License-Identifier: GPL-2.0-only */
/* The symbol table of a raw file; what is read is written and read again, byte for byte. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/symtab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand(const struct symtab *t)
{
	const uint64_t pcs[] = {0, 1, 0x401000, 0x401001, 0x401002, 0x402000, UINT64_MAX};
	struct sym_frame out[LOGICAL_FRAMES_MAX];

	for (int i = 0; i < 64; i++) {
		struct stack_rule rule = {.skip = i & 3,
					  .leaf_exact = i & 4,
					  .keep_root = i & 8,
					  .keep_wrappers = i & 16,
					  .keep_foreign = i & 32,
					  .goid = 1};
		size_t n = stack__logical(t, pcs, 7, &rule, out);

		if (n > LOGICAL_FRAMES_MAX)
			abort();
		for (size_t k = 0; k < n; k++) {
			symtab__string(t, out[k].func);
			symtab__string(t, out[k].file);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symtab *t = NULL, *u = NULL;
	struct buf a = {0}, b = {0};

	if (symtab__parse(span__of(data, size), &t))
		return 0;
	expand(t);
	if (symtab__serialize(t, &a) || symtab__parse(span__of(a.data, a.len), &u) ||
	    symtab__serialize(u, &b) || a.len != b.len || memcmp(a.data, b.data, a.len) ||
	    symtab__unknown(t) != symtab__unknown(u))
		abort();
	/* the same bytes as entries, and those that were taken, once more */
	(void)symtab__parse_entries(u, span__of(data, size));
	buf__reset(&b);
	if (symtab__serialize_entries(u, &b) || symtab__parse_entries(t, span__of(b.data, b.len)))
		abort();
	buf__free(&a);
	buf__free(&b);
	symtab__free(t);
	symtab__free(u);
	return 0;
}
