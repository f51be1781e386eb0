/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_UNIT_SYMTAB_MADE_H
#define TESTS_UNIT_SYMTAB_MADE_H

#include "base/buf.h"
#include "goruntime/symtab.h"

/*
 * A symbol table made by hand: encoded as goruntime/symtab_io.c reads it, since only a
 * binary or bytes can fill one.
 */
struct made_frame {
	const char *func, *file; /* "" none */
	uint32_t line, start_line;
	bool inlined, wrapper;
};

struct made_pc {
	uint64_t pc;
	bool leaf;
	struct made_frame frames[3];
	size_t cnt;
};

/* Strings by number: 2 × frame for the function, one more for the file. */
static struct symtab *made_symtab(const struct made_pc *pcs, size_t cnt)
{
	struct symtab *t = NULL;
	struct buf b = {0};
	uint32_t number = 1;

	buf__uvarint(&b, 1 + 2 * 3 * cnt);
	for (size_t i = 0; i < cnt; i++) {
		for (size_t k = 0; k < 3; k++) {
			const struct made_frame *f = &pcs[i].frames[k];
			const char *func = k < pcs[i].cnt ? f->func : "unused";
			const char *file = k < pcs[i].cnt ? f->file : "unused";

			buf__uvarint(&b, strlen(func));
			buf__str(&b, func);
			buf__uvarint(&b, strlen(file));
			buf__str(&b, file);
		}
	}
	for (int leaf = 0; leaf < 2; leaf++) {
		uint64_t before = 0, n = 0;

		for (size_t i = 0; i < cnt; i++)
			n += pcs[i].leaf == leaf;
		buf__uvarint(&b, n);
		for (size_t i = 0; i < cnt; i++) {
			if (pcs[i].leaf != leaf)
				continue;
			buf__uvarint(&b, pcs[i].pc - before);
			before = pcs[i].pc;
			buf__u8(&b, (uint8_t)pcs[i].cnt);
			for (size_t k = 0; k < pcs[i].cnt; k++) {
				const struct made_frame *f = &pcs[i].frames[k];
				uint32_t at = number + 2 * (uint32_t)(3 * i + k);

				buf__u8(&b, f->inlined | f->wrapper << 1);
				buf__uvarint(&b, f->func[0] ? at : 0);
				buf__uvarint(&b, f->file[0] ? at + 1 : 0);
				buf__uvarint(&b, f->line);
				buf__uvarint(&b, f->start_line);
				buf__uvarint(&b, leaf ? 0 : 1); /* zigzag: 0 or -1 */
			}
		}
	}
	assert_int_equal(b.err, 0);
	assert_int_equal(symtab__parse(span__of(b.data, b.len), &t), 0);
	buf__free(&b);
	return t;
}

#endif
