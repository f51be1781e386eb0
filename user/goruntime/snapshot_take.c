/* SPDX-License-Identifier: GPL-2.0-only */
/* The consumer of a walk that keeps everything. Equal stacks and label sets are kept once. */
#include "goruntime/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "goruntime/snap_store.h"

struct keeper {
	struct snap_g *g;
	size_t g_cnt, g_cap;
	struct snap_store store;
};

static int keep(void *ctx, const struct snapshot *head, const struct snap_g *g, const uint64_t *pcs,
		const struct snap_label *labels)
{
	struct keeper *k = ctx;
	struct snap_g copy = *g;
	int err = array__reserve(&k->g, k->g_cnt, &k->g_cap, 1, sizeof(*g));

	(void)head;
	if (!err)
		err = snap_store__stack(&k->store, pcs, g->stack_cnt, &copy.stack_off);
	if (!err)
		err = snap_store__labels(&k->store, labels, g->label_cnt, &copy.label_off);
	if (!err)
		k->g[k->g_cnt++] = copy;
	return err;
}

int snapshot__take(const struct snap_source *src, const struct snap_options *opt,
		   struct snapshot **out)
{
	struct snapshot *s = NULL;
	struct keeper k = {0};
	int err = snapshot__walk(src, opt, keep, &k, &s);

	if (!err) {
		s->g = k.g;
		s->g_cnt = k.g_cnt;
		s->pcs = k.store.pcs;
		s->pcs_cnt = k.store.pcs_cnt;
		s->labels = k.store.labels;
		s->labels_cnt = k.store.labels_cnt;
		k.g = NULL;
		k.store.pcs = NULL;
		k.store.labels = NULL;
		k.store.labels_cnt = 0;
		*out = s;
	}
	free(k.g);
	snap_store__free(&k.store);
	return err;
}
