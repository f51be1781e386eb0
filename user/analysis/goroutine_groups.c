/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/goroutine_groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/goroutine_filter.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/imap.h"
#include "goruntime/snapshot_text.h"

#define NO_GROUP SIZE_MAX

struct entry {
	struct goroutine_group group;
	uint64_t gopc;
	size_t next; /* of the same hash */
};

struct goroutine_groups {
	struct frame_cache *fc;
	enum goroutine_group_by by;
	char *label_key;
	struct entry *entries;
	size_t cnt, cap;
	uint64_t total;
	struct imap by_hash; /* -> first entry */
	struct goroutine_filter filter;
};

bool goroutine_group_by__parse(const char *name, enum goroutine_group_by *out)
{
	static const char *const names[] = {"stack", "state", "creator", "label"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			*out = (enum goroutine_group_by)i;
			return true;
		}
	}
	return false;
}

int goroutine_groups__new(struct frame_cache *fc, enum goroutine_group_by by, const char *label_key,
			  bool system, struct goroutine_groups **out)
{
	struct goroutine_groups *gs = calloc(1, sizeof(*gs));

	if (!gs)
		return -ENOMEM;
	gs->fc = fc;
	gs->by = by;
	gs->filter = (struct goroutine_filter){.fc = fc, .system = system};
	gs->label_key = label_key ? strdup(label_key) : NULL;
	if (label_key && !gs->label_key) {
		free(gs);
		return -ENOMEM;
	}
	*out = gs;
	return 0;
}

static void free_group(struct goroutine_group *g)
{
	for (size_t i = 0; g->labels && i < g->label_cnt; i++) {
		free(g->labels[i].key);
		free(g->labels[i].val);
	}
	free(g->labels);
	free(g->pcs);
	free(g->key);
}

void goroutine_groups__free(struct goroutine_groups *gs)
{
	if (!gs)
		return;
	for (size_t i = 0; i < gs->cnt; i++)
		free_group(&gs->entries[i].group);
	free(gs->entries);
	free(gs->label_key);
	imap__free(&gs->by_hash);
	goroutine_filter__free(&gs->filter);
	free(gs);
}

/* ---- which group --------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return mix(h, 0xff);
}

static bool counts(const struct goroutine_groups *gs, const struct snap_label *l)
{
	if (gs->by == GROUP_BY_STACK)
		return true;
	return gs->by == GROUP_BY_LABEL && (!gs->label_key || !strcmp(l->key, gs->label_key));
}

static uint64_t hash_of(const struct goroutine_groups *gs, const struct snap_g *g,
			const uint64_t *pcs, const struct snap_label *labels)
{
	uint64_t h = 1;

	if (gs->by == GROUP_BY_STATE)
		return mix(h, (uint64_t)g->status << 8 |
				      (g->status == G_RUNNABLE ? 0 : g->wait_reason));
	if (gs->by == GROUP_BY_CREATOR)
		return mix(h, g->gopc);
	if (gs->by == GROUP_BY_STACK) {
		h = mix(h, (uint64_t)g->sampled << 1 | g->torn);
		for (uint32_t i = 0; i < g->stack_cnt; i++)
			h = mix(h, pcs[i]);
	}
	for (uint32_t i = 0; i < g->label_cnt; i++) {
		if (counts(gs, &labels[i]))
			h = hash_text(hash_text(h, labels[i].key), labels[i].val);
	}
	return h;
}

static bool same_labels(const struct goroutine_groups *gs, const struct goroutine_group *have,
			const struct snap_g *g, const struct snap_label *labels)
{
	size_t k = 0;

	for (uint32_t i = 0; i < g->label_cnt; i++) {
		if (!counts(gs, &labels[i]))
			continue;
		if (k == have->label_cnt || strcmp(have->labels[k].key, labels[i].key) != 0 ||
		    strcmp(have->labels[k].val, labels[i].val) != 0)
			return false;
		k++;
	}
	return k == have->label_cnt;
}

static bool is_of(const struct goroutine_groups *gs, const struct entry *e,
		  const struct snapshot *head, const struct snap_g *g, const uint64_t *pcs,
		  const struct snap_label *labels)
{
	const struct goroutine_group *have = &e->group;

	switch (gs->by) {
	case GROUP_BY_STATE:
		return !strcmp(have->key, snap_g__state(head, g));
	case GROUP_BY_CREATOR:
		return e->gopc == g->gopc;
	case GROUP_BY_LABEL:
		return same_labels(gs, have, g, labels);
	case GROUP_BY_STACK:
		break;
	}
	return have->running == g->sampled && have->torn == g->torn &&
	       have->pc_cnt == g->stack_cnt &&
	       (!g->stack_cnt || !memcmp(have->pcs, pcs, g->stack_cnt * sizeof(*pcs))) &&
	       same_labels(gs, have, g, labels);
}

/* ---- a new one ----------------------------------------------------------------------------- */

static int copy_labels(const struct goroutine_groups *gs, struct goroutine_group *to,
		       const struct snap_g *g, const struct snap_label *labels)
{
	to->labels = calloc((size_t)g->label_cnt + 1, sizeof(*labels));
	if (!to->labels)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->label_cnt; i++) {
		struct snap_label *l = &to->labels[to->label_cnt];

		if (!counts(gs, &labels[i]))
			continue;
		l->key = strdup(labels[i].key);
		l->val = strdup(labels[i].val);
		to->label_cnt++;
		if (!l->key || !l->val)
			return -ENOMEM;
	}
	return 0;
}

static char *creator_text(struct goroutine_groups *gs, const struct snap_g *g)
{
	struct snap_creator c;
	char name[1024];
	char *text;

	if (!snap_g__creator(gs->fc, g, &c))
		return strdup(g->goid == 1 ? "(start of the program)" : "(unknown)");
	if (asprintf(&text, "%s %s:%u", go_func__print_name(c.func, name, sizeof(name)), c.file,
		     c.line) < 0)
		return NULL;
	return text;
}

static char *labels_text(const struct goroutine_groups *gs, const struct goroutine_group *g)
{
	struct buf b = {0};

	if (!g->label_cnt)
		return strdup("(none)");
	for (size_t i = 0; i < g->label_cnt; i++) {
		if (gs->label_key)
			buf__printf(&b, "%s", g->labels[i].val);
		else
			buf__printf(&b, "%s%s=%s", i ? ", " : "", g->labels[i].key,
				    g->labels[i].val);
	}
	buf__u8(&b, 0);
	if (b.err) {
		buf__free(&b);
		return NULL;
	}
	return (char *)b.data;
}

static int fill(struct goroutine_groups *gs, struct entry *e, const struct snapshot *head,
		const struct snap_g *g, const uint64_t *pcs, const struct snap_label *labels)
{
	struct goroutine_group *to = &e->group;
	int err = copy_labels(gs, to, g, labels);

	if (err)
		return err;
	e->gopc = g->gopc;
	to->goid = g->goid;
	if (gs->by == GROUP_BY_STACK) {
		to->running = g->sampled;
		to->torn = g->torn;
		to->stack_cut = g->stack_cut;
		to->pc_cnt = g->stack_cnt;
		to->pcs = malloc((size_t)g->stack_cnt * sizeof(*pcs) + 1);
		to->key = strdup("");
		if (to->pcs && g->stack_cnt)
			memcpy(to->pcs, pcs, (size_t)g->stack_cnt * sizeof(*pcs));
		return to->pcs && to->key ? 0 : -ENOMEM;
	}
	to->key = gs->by == GROUP_BY_STATE     ? strdup(snap_g__state(head, g))
		  : gs->by == GROUP_BY_CREATOR ? creator_text(gs, g)
					       : labels_text(gs, to);
	return to->key ? 0 : -ENOMEM;
}

static int add(struct goroutine_groups *gs, uint64_t hash, size_t first,
	       const struct snapshot *head, const struct snap_g *g, const uint64_t *pcs,
	       const struct snap_label *labels, struct entry **out)
{
	struct entry *e;
	int err;

	if (array__reserve(&gs->entries, gs->cnt, &gs->cap, 1, sizeof(*e)))
		return -ENOMEM;
	e = &gs->entries[gs->cnt++];
	*e = (struct entry){.next = first};
	err = fill(gs, e, head, g, pcs, labels);
	if (!err)
		err = imap__put(&gs->by_hash, hash, gs->cnt - 1);
	*out = e;
	return err;
}

/* ---- visits -------------------------------------------------------------------------------- */

int goroutine_groups__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			    const uint64_t *pcs, const struct snap_label *labels)
{
	struct goroutine_groups *gs = ctx;
	uint64_t hash, at = NO_GROUP;
	struct entry *e = NULL;
	bool left_out;
	int err = goroutine_filter__leaves_out(&gs->filter, g, pcs, &left_out);

	if (err || left_out)
		return err;
	hash = hash_of(gs, g, pcs, labels);
	if (!imap__get(&gs->by_hash, hash, &at))
		at = NO_GROUP;
	for (size_t i = at; i != NO_GROUP && !e; i = gs->entries[i].next) {
		if (is_of(gs, &gs->entries[i], head, g, pcs, labels))
			e = &gs->entries[i];
	}
	if (!e)
		err = add(gs, hash, at, head, g, pcs, labels, &e);
	if (err)
		return err;
	e->group.cnt++;
	gs->total++;
	if (g->waitsince_ns && (!e->group.waitsince_ns || g->waitsince_ns < e->group.waitsince_ns))
		e->group.waitsince_ns = g->waitsince_ns;
	return 0;
}

/* ---- result -------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const struct goroutine_group *x = &((const struct entry *)a)->group;
	const struct goroutine_group *y = &((const struct entry *)b)->group;
	size_t n = x->pc_cnt < y->pc_cnt ? x->pc_cnt : y->pc_cnt;
	int cmp;

	if (x->cnt != y->cnt)
		return x->cnt < y->cnt ? 1 : -1;
	cmp = strcmp(x->key, y->key);
	if (cmp)
		return cmp;
	for (size_t i = 0; i < n; i++) {
		if (x->pcs[i] != y->pcs[i])
			return x->pcs[i] < y->pcs[i] ? -1 : 1;
	}
	if (x->pc_cnt != y->pc_cnt)
		return x->pc_cnt < y->pc_cnt ? -1 : 1;
	return (x->goid > y->goid) - (x->goid < y->goid);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->group.key, ((const struct entry *)b)->group.key);
}

/* Two go statements on one line have two PCs, two wait reasons may have one name. */
static void merge_equal_keys(struct goroutine_groups *gs)
{
	size_t kept = 0;

	qsort(gs->entries, gs->cnt, sizeof(*gs->entries), by_key);
	for (size_t i = 0; i < gs->cnt; i++) {
		struct goroutine_group *to = kept ? &gs->entries[kept - 1].group : NULL;
		struct goroutine_group *from = &gs->entries[i].group;

		if (!to || strcmp(to->key, from->key) != 0) {
			gs->entries[kept++] = gs->entries[i];
			continue;
		}
		to->cnt += from->cnt;
		if (from->waitsince_ns &&
		    (!to->waitsince_ns || from->waitsince_ns < to->waitsince_ns))
			to->waitsince_ns = from->waitsince_ns;
		if (from->goid < to->goid)
			to->goid = from->goid;
		free_group(from);
	}
	gs->cnt = kept;
}

int goroutine_groups__finish(struct goroutine_groups *gs)
{
	imap__free(&gs->by_hash);
	if (!gs->cnt)
		return 0;
	if (gs->by != GROUP_BY_STACK)
		merge_equal_keys(gs);
	qsort(gs->entries, gs->cnt, sizeof(*gs->entries), by_size);
	return 0;
}

size_t goroutine_groups__count(const struct goroutine_groups *gs)
{
	return gs->cnt;
}

const struct goroutine_group *goroutine_groups__at(const struct goroutine_groups *gs, size_t i)
{
	return &gs->entries[i].group;
}

uint64_t goroutine_groups__total(const struct goroutine_groups *gs)
{
	return gs->total;
}

enum goroutine_group_by goroutine_groups__by(const struct goroutine_groups *gs)
{
	return gs->by;
}
