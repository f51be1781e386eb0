/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snap_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "goruntime/snapshot_labels.h"

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return h;
}

static uint64_t hash_pcs(const uint64_t *pcs, size_t cnt)
{
	uint64_t h = cnt;

	for (size_t i = 0; i < cnt; i++)
		h = (h ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ (h >> 29);
	return h;
}

/* offsets into the tables have 32 bits */
static int reserve(void *array, size_t cnt, size_t *cap, size_t n, size_t sz)
{
	return cnt + n > UINT32_MAX ? -E2BIG : array__reserve(array, cnt, cap, n, sz);
}

bool snap_store__find(const struct snap_store *s, const uint64_t *pcs, size_t cnt, uint32_t *off)
{
	uint64_t at = 0;

	/* A hash that stands for another stack only costs that this one is kept once more. */
	if (cnt && (!imap__get(&s->stacks, hash_pcs(pcs, cnt), &at) || at + cnt > s->pcs_cnt ||
		    memcmp(s->pcs + at, pcs, cnt * sizeof(*pcs)) != 0))
		return false;
	*off = (uint32_t)at;
	return true;
}

int snap_store__stack(struct snap_store *s, const uint64_t *pcs, size_t cnt, uint32_t *off)
{
	int err;

	if (snap_store__find(s, pcs, cnt, off))
		return 0;
	err = reserve(&s->pcs, s->pcs_cnt, &s->pcs_cap, cnt, sizeof(*pcs));
	if (err)
		return err;
	memcpy(s->pcs + s->pcs_cnt, pcs, cnt * sizeof(*pcs));
	*off = (uint32_t)s->pcs_cnt;
	s->pcs_cnt += cnt;
	return imap__put(&s->stacks, hash_pcs(pcs, cnt), *off);
}

static bool same_labels(const struct snap_label *a, const struct snap_label *b, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (strcmp(a[i].key, b[i].key) != 0 || strcmp(a[i].val, b[i].val) != 0)
			return false;
	}
	return true;
}

int snap_store__labels(struct snap_store *s, const struct snap_label *labels, size_t cnt,
		       uint32_t *off)
{
	uint64_t hash = cnt, at;
	int err;

	*off = 0;
	if (!cnt)
		return 0;
	for (size_t i = 0; i < cnt; i++) {
		hash = hash_bytes(hash, labels[i].key, strlen(labels[i].key) + 1);
		hash = hash_bytes(hash, labels[i].val, strlen(labels[i].val) + 1);
	}
	if (imap__get(&s->label_sets, hash, &at) && at + cnt <= s->labels_cnt &&
	    same_labels(s->labels + at, labels, cnt)) {
		*off = (uint32_t)at;
		return 0;
	}
	err = reserve(&s->labels, s->labels_cnt, &s->labels_cap, cnt, sizeof(*labels));
	if (err)
		return err;
	*off = (uint32_t)s->labels_cnt;
	for (size_t i = 0; i < cnt; i++) {
		struct snap_label *l = &s->labels[s->labels_cnt];

		*l = (struct snap_label){strdup(labels[i].key), strdup(labels[i].val)};
		s->labels_cnt++;
		if (!l->key || !l->val)
			return -ENOMEM;
	}
	return imap__put(&s->label_sets, hash, *off);
}

void snap_store__free(struct snap_store *s)
{
	free(s->pcs);
	snap_labels__free(s->labels, s->labels_cnt);
	imap__free(&s->stacks);
	imap__free(&s->label_sets);
	*s = (struct snap_store){0};
}
