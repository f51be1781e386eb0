/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SYMTAB_INTERNAL_H
#define GORUNTIME_SYMTAB_INTERNAL_H

#include "base/imap.h"
#include "base/strtab.h"
#include "goruntime/symtab.h"

struct symtab {
	struct strtab *strings;
	struct imap by_pc[2]; /* [leaf]: pc -> first frame << 8 | count */
	struct sym_frame *frames;
	size_t frame_cnt, frame_cap;
	uint64_t unknown;
	bool entries;	 /* of Go's functions are known */
	struct buf name; /* scratch */
};

/* Room for cnt more frames behind frame_cnt; NULL on -ENOMEM. */
struct sym_frame *symtab__reserve(struct symtab *t, size_t cnt);
/* The keys of one kind, sorted; to be freed. NULL: -ENOMEM. */
uint64_t *symtab__keys(const struct symtab *t, bool leaf, size_t *cnt);
/* The cnt reserved frames are those of pc. */
int symtab__commit(struct symtab *t, uint64_t pc, bool leaf, size_t cnt);

#endif
