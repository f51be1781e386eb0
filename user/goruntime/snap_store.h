/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAP_STORE_H
#define GORUNTIME_SNAP_STORE_H

#include "base/imap.h"
#include "goruntime/snapshot.h"

/* Stacks and label sets, equal ones once. Zero-initialised is empty; pcs and labels may be taken
 * over by the caller before free. */
struct snap_store {
	uint64_t *pcs;
	size_t pcs_cnt, pcs_cap;
	struct snap_label *labels;
	size_t labels_cnt, labels_cap;
	struct imap stacks, label_sets; /* hash -> place */
};

/* Place of it in pcs, or labels (copied); 0 for what is empty. -ENOMEM, -E2BIG: beyond 2^32. */
int snap_store__stack(struct snap_store *s, const uint64_t *pcs, size_t cnt, uint32_t *off);
int snap_store__labels(struct snap_store *s, const struct snap_label *labels, size_t cnt,
		       uint32_t *off);
/* Is the stack there? Then its place. */
bool snap_store__find(const struct snap_store *s, const uint64_t *pcs, size_t cnt, uint32_t *off);
void snap_store__free(struct snap_store *s);

#endif
