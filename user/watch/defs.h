/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_DEFS_H
#define WATCH_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/imap.h"
#include "gobpftrace_abi.h"

/*
 * The definitions (stacks, label sets) that the events of a window refer to, each once. The
 * programs send one when they meet it first, which may be long before the window.
 */
struct def {
	struct gbt_hdr *rec; /* owned; NULL: a free place */
	uint64_t id;
	uint32_t len;
	uint32_t used; /* number of the chunk that referred to it last */
};

struct defs {
	struct def *d;
	size_t cnt, cap;
	struct imap stacks, labels; /* id -> index */
	size_t bytes;
	size_t bytes_max; /* 0: no bound */
};

void defs__free(struct defs *d);
/* A GBT_STACK or GBT_LABELS record of len bytes, checked; one that is there already stays. `used`
 * as above. 0, -ENOMEM, or -ENOSPC: beyond bytes_max, not taken. */
int defs__add(struct defs *d, const struct gbt_hdr *rec, size_t len, uint32_t used);
/* The same for the stack of a snapshot, which has no id yet: one by its content. 0: no stack. */
int defs__add_pcs(struct defs *d, const uint64_t *pcs, size_t cnt, bool cut, uint32_t used,
		  uint64_t *id);
/* The id that defs__add_pcs gave such a stack; 0: it is not there. */
uint64_t defs__id_of(const struct defs *d, const uint64_t *pcs, size_t cnt);
/* An event of chunk `used` refers to what it refers to. */
void defs__use(struct defs *d, const struct gbt_event *e, uint32_t used);
void defs__use_stack(struct defs *d, uint64_t id, uint32_t used);
const struct gbt_stack *defs__stack(const struct defs *d, uint64_t id); /* NULL; borrowed */
/* All that were used since that chunk, as records padded to 8. */
int defs__since(const struct defs *d, uint32_t used, struct buf *out);
/*
 * Drops what was used last before chunk `used`. forget, which may be NULL, is asked first: a
 * program that goes on taking it for defined would refer to it again.
 */
typedef bool (*defs_forget_fn)(void *ctx, uint16_t kind, uint64_t id);
size_t defs__drop(struct defs *d, uint32_t used, defs_forget_fn forget, void *ctx);

#endif
