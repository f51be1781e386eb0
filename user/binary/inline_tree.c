/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/inline_tree.h"

#include <errno.h>

/* src/internal/abi/symtab.go */
#define PCDATA_INL_TREE_INDEX 2
#define FUNCDATA_INL_TREE 3

struct inlined_call {
	uint32_t name_off;
	uint32_t parent_pc; /* offset from the physical function's entry */
	uint32_t start_line;
	uint8_t func_id;
};

static int call_at(const struct pclntab *t, struct span tree, uint32_t i, struct inlined_call *out)
{
	struct span e;

	*out = (struct inlined_call){0};
	if (t->format == 118) {
		/* parent i16, funcID u8, pad, file, line, func, parentPc: 20 bytes */
		if (span__sub(tree, 20ull * i, 20, &e) || span__u8(e, 2, &out->func_id) ||
		    span__u32(e, 12, &out->name_off) || span__u32(e, 16, &out->parent_pc))
			return -EBADMSG;
		return 0;
	}
	/* funcID u8, pad, nameOff, parentPc, startLine: 16 bytes */
	if (span__sub(tree, 16ull * i, 16, &e) || span__u8(e, 0, &out->func_id) ||
	    span__u32(e, 4, &out->name_off) || span__u32(e, 8, &out->parent_pc) ||
	    span__u32(e, 12, &out->start_line))
		return -EBADMSG;
	return 0;
}

/* *index < 0: pc belongs to f itself. */
static int index_at(const struct pclntab *t, const struct pcln_func *f, uint64_t pc, int32_t *index)
{
	return pclntab__value(t, f, pclntab__pcdata(t, f, PCDATA_INL_TREE_INDEX), pc, index);
}

static int add_frame(const struct pclntab *t, const struct pcln_func *f, uint64_t pc,
		     uint32_t name_off, struct gobinary_frame *out)
{
	out->pc = pc;
	out->entry = f->entry;
	if (pclntab__name(t, name_off, &out->func, NULL))
		return -EBADMSG;
	return pclntab__file_line(t, f, pc, &out->file, &out->line);
}

int inline_tree__frames(const struct pclntab *t, const struct pcln_func *f, uint64_t pc,
			uint8_t wrapper_id, struct gobinary_frame out[GOBINARY_FRAMES_MAX],
			size_t *cnt)
{
	struct inlined_call call;
	struct gobinary_frame *fr;
	struct span tree;
	int32_t index;
	int err = pclntab__funcdata(t, f, FUNCDATA_INL_TREE, &tree);

	if (err && err != -ENODATA)
		return err;
	*cnt = 0;
	for (bool has_tree = !err;;) {
		if (*cnt == GOBINARY_FRAMES_MAX)
			return -EBADMSG;
		index = -1;
		if (has_tree && index_at(t, f, pc, &index))
			return -EBADMSG;
		fr = &out[*cnt];
		if (index < 0) {
			fr->inlined = false;
			fr->start_line = f->start_line;
			fr->wrapper = f->func_id == wrapper_id;
			err = add_frame(t, f, pc, f->name_off, fr);
			*cnt += !err;
			return err;
		}
		if (call_at(t, tree, (uint32_t)index, &call) ||
		    add_frame(t, f, pc, call.name_off, fr))
			return -EBADMSG;
		fr->inlined = true;
		fr->start_line = call.start_line;
		fr->wrapper = call.func_id == wrapper_id;
		(*cnt)++;
		pc = f->entry + call.parent_pc;
		if (pc >= f->end)
			return -EBADMSG;
	}
}

/* The tree's length is nowhere written: it is the largest index + 1. */
static bool max_index(void *ctx, uint64_t lo, uint64_t hi, int32_t val)
{
	int32_t *max = ctx;

	if (val > *max)
		*max = val;
	return true;
}

int inline_tree__each_name(const struct pclntab *t, const struct pcln_func *f, inline_name_fn fn,
			   void *ctx)
{
	struct inlined_call call;
	struct span tree;
	int32_t max = -1;
	int err = pclntab__funcdata(t, f, FUNCDATA_INL_TREE, &tree);

	if (err)
		return err == -ENODATA ? 0 : err;
	if (pclntab__each_value(t, f, pclntab__pcdata(t, f, PCDATA_INL_TREE_INDEX), max_index,
				&max))
		return -EBADMSG;
	/* real ones have at most one call in four bytes of code; without a bound a damaged file
	 * could keep us here for hours */
	if (max >= 0 && (uint64_t)max > 64 + 4 * (f->end - f->entry))
		return -EBADMSG;
	for (int32_t i = 0; i <= max; i++) {
		err = call_at(t, tree, (uint32_t)i, &call);
		if (!err)
			err = fn(ctx, call.name_off);
		if (err)
			return err;
	}
	return 0;
}
