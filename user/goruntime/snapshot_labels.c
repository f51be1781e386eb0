/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot_labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "goruntime/snapshot_read.h"

#define SLICE_MINOR 24

/* runtime.hmap and runtime.bmap of map[string]string, Go 1.18-1.23 */
#define HMAP_SZ 48
#define HMAP_COUNT 0
#define HMAP_FLAGS 8
#define HMAP_B 9
#define HMAP_BUCKETS 16
#define HMAP_OLDBUCKETS 24
#define HMAP_SAME_SIZE_GROW 8 /* bit of flags */
#define BMAP_SLOTS 8
#define BMAP_KEYS BMAP_SLOTS
#define BMAP_VALUES (BMAP_KEYS + 16 * BMAP_SLOTS)
#define BMAP_OVERFLOW (BMAP_VALUES + 16 * BMAP_SLOTS)
#define BMAP_SZ (BMAP_OVERFLOW + 8)
#define TOPHASH_MIN 5 /* lower: empty or evacuated */

struct reading {
	const struct snap_reader *rd;
	struct snap_label *labels;
	size_t cnt, cap;
	unsigned buckets; /* still allowed: a torn chain may be a ring */
	bool cut;
};

void snap_labels__free(struct snap_label *labels, size_t cnt)
{
	for (size_t i = 0; labels && i < cnt; i++) {
		free(labels[i].key);
		free(labels[i].val);
	}
	free(labels);
}

static int read_text(struct reading *r, const uint64_t str[2], char **out)
{
	if (str[1] > SNAP_LABEL_SZ_MAX)
		r->cut = true;
	return snap_read_string(r->rd, str[0], str[1], SNAP_LABEL_SZ_MAX, out);
}

static int add(struct reading *r, const uint64_t key[2], const uint64_t val[2])
{
	struct snap_label l = {0};
	int err;

	if (r->cnt == SNAP_LABELS_MAX) {
		r->cut = true;
		return 0;
	}
	if (array__reserve(&r->labels, r->cnt, &r->cap, 1, sizeof(l)))
		return -ENOMEM;
	err = read_text(r, key, &l.key);
	if (!err)
		err = read_text(r, val, &l.val);
	if (err) {
		free(l.key);
		return err;
	}
	r->labels[r->cnt++] = l;
	return 0;
}

static int read_slice(struct reading *r, uint64_t addr)
{
	uint64_t slice[3], pair[4];
	int err = snap_read(r->rd, addr, slice, sizeof(slice));

	if (err)
		return err;
	if (slice[1] > slice[2] || (slice[1] && !snap_is_pointer(slice[0])))
		return -EBADMSG;
	for (uint64_t i = 0; i < slice[1] && !r->cut; i++) {
		err = snap_read(r->rd, slice[0] + i * sizeof(pair), pair, sizeof(pair));
		if (!err)
			err = add(r, pair, pair + 2);
		if (err)
			return err;
	}
	return 0;
}

static int read_bucket(struct reading *r, const uint8_t *b)
{
	uint64_t key[2], val[2];
	int err;

	for (size_t i = 0; i < BMAP_SLOTS; i++) {
		if (b[i] < TOPHASH_MIN)
			continue;
		memcpy(key, b + BMAP_KEYS + 16 * i, sizeof(key));
		memcpy(val, b + BMAP_VALUES + 16 * i, sizeof(val));
		err = add(r, key, val);
		if (err)
			return err;
	}
	return 0;
}

static int read_buckets(struct reading *r, uint64_t addr, uint64_t cnt)
{
	uint8_t b[BMAP_SZ];
	int err;

	for (uint64_t i = 0; i < cnt && !r->cut; i++) {
		uint64_t at = addr + i * BMAP_SZ;

		while (at && !r->cut) {
			if (!snap_is_pointer(at) || !r->buckets)
				return -EBADMSG;
			r->buckets--;
			err = snap_read(r->rd, at, b, sizeof(b));
			if (!err)
				err = read_bucket(r, b);
			if (err)
				return err;
			memcpy(&at, b + BMAP_OVERFLOW, sizeof(at));
		}
	}
	return 0;
}

static int read_map(struct reading *r, uint64_t addr)
{
	uint64_t hmap, count, buckets, old;
	uint8_t h[HMAP_SZ];
	int err = snap_read_u64(r->rd, addr, &hmap);

	if (err || !hmap)
		return err;
	err = snap_read(r->rd, hmap, h, sizeof(h));
	if (err)
		return err;
	memcpy(&count, h + HMAP_COUNT, sizeof(count));
	memcpy(&buckets, h + HMAP_BUCKETS, sizeof(buckets));
	memcpy(&old, h + HMAP_OLDBUCKETS, sizeof(old));
	if (!count)
		return 0;
	if (h[HMAP_B] > 16 || count > (UINT64_C(1) << 20))
		return -EBADMSG;
	err = read_buckets(r, buckets, UINT64_C(1) << h[HMAP_B]);
	/* A map that grew while it was filled keeps what was not moved yet in the old half. */
	if (!err && old)
		err = read_buckets(r, old,
				   h[HMAP_FLAGS] & HMAP_SAME_SIZE_GROW
					   ? UINT64_C(1) << h[HMAP_B]
					   : (UINT64_C(1) << h[HMAP_B]) / 2);
	return err;
}

static int by_key(const void *a, const void *b)
{
	const struct snap_label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

int snap_labels__read(const struct snap_reader *rd, unsigned go_minor, uint64_t addr,
		      struct snap_label **out, size_t *cnt, bool *cut)
{
	struct reading r = {.rd = rd, .buckets = 4 * SNAP_LABELS_MAX};
	int err;

	if (!snap_is_pointer(addr))
		return -EBADMSG;
	err = go_minor >= SLICE_MINOR ? read_slice(&r, addr) : read_map(&r, addr);
	if (err) {
		snap_labels__free(r.labels, r.cnt);
		return err;
	}
	if (r.cnt)
		qsort(r.labels, r.cnt, sizeof(*r.labels), by_key);
	*out = r.labels;
	*cnt = r.cnt;
	*cut = r.cut;
	return 0;
}

/* ---- of a goroutine that goes on ---- */

#define HELD_TRIES 4

static int held_now(const struct snap_source *src, uint64_t g, uint64_t *labels, uint64_t *goid)
{
	const uint64_t addrs[] = {g + (uint64_t)src->lay->off.g_labels,
				  g + (uint64_t)src->lay->off.g_goid};
	void *const dst[] = {labels, goid};
	const size_t lens[] = {8, 8};

	return src->rd.readv(src->rd.ctx, addrs, dst, lens, 2);
}

/* 1: it holds another set now, at *addr. */
static int read_held(const struct snap_source *src, uint64_t g, uint64_t goid, uint64_t *addr,
		     struct snap_label **out, size_t *cnt, bool *cut)
{
	uint64_t labels = 0, id = 0;
	int read = snap_labels__read(&src->rd, src->go_minor, *addr, out, cnt, cut);
	int err = read == -ENOMEM || read == -ESRCH ? read : held_now(src, g, &labels, &id);

	if (!err && id != goid)
		err = -EAGAIN;
	if (!err && labels == *addr)
		return read;
	if (!read)
		snap_labels__free(*out, *cnt);
	*addr = labels;
	return err ? err : 1;
}

int snap_labels__held(const struct snap_source *src, uint64_t g, uint64_t goid, uint64_t *addr,
		      struct snap_label **out, size_t *cnt, bool *cut)
{
	int rc = *addr ? 1 : 0;

	*cut = false;
	for (int i = 0; i < HELD_TRIES && rc == 1 && *addr; i++)
		rc = read_held(src, g, goid, addr, out, cnt, cut);
	if (rc || !*addr) {
		*out = NULL;
		*cnt = 0;
	}
	if (rc == 1)
		rc = *addr ? -EAGAIN : 0;
	return rc;
}
