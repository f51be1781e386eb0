/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory profile as bytes, for the raw file: u32 magic, u32 version, the fixed words, then the
 * PCs and the buckets, each as u64 count and rows, then gc_stats. Little endian. Equal profiles
 * give equal bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "goruntime/heap_buckets.h"

#define MAGIC 0x70616568u /* "heap" */
#define VERSION 3
#define BUCKET_SZ 40
#define BUCKET_SZ_V1 32 /* without the hidden PCs */
#define GC_STATS_VERSION 3
#define WHY_SZ sizeof(((struct heap_buckets *)0)->why)

int heap_buckets__serialize(const struct heap_buckets *h, struct buf *out)
{
	char why[WHY_SZ] = "";

	/* all bytes behind the text are zero, whatever was there */
	snprintf(why, WHY_SZ, "%s", h->why);
	buf__u32(out, MAGIC);
	buf__u32(out, VERSION);
	buf__append(out, why, WHY_SZ);
	buf__u64(out, h->rate);
	buf__u64(out, h->before_gc);
	buf__u64(out, h->pcs_cnt);
	for (size_t i = 0; i < h->pcs_cnt; i++)
		buf__u64(out, h->pcs[i]);
	buf__u64(out, h->cnt);
	for (size_t i = 0; i < h->cnt; i++) {
		buf__u64(out, h->b[i].size);
		buf__u64(out, h->b[i].allocs);
		buf__u64(out, h->b[i].frees);
		buf__u32(out, h->b[i].pcs_off);
		buf__u32(out, h->b[i].pcs_cnt);
		buf__u32(out, h->b[i].hidden_cnt);
		buf__u32(out, 0);
	}
	gc_stats__put(&h->gc, out);
	return out->err;
}

/* A count at *off and the rows behind it; *off moves behind them. */
static int take_rows(struct span in, uint64_t *off, size_t row_sz, size_t *cnt, struct span *rows)
{
	uint64_t n;

	if (span__u64(in, *off, &n) || n > in.n / row_sz ||
	    span__sub(in, *off + 8, n * row_sz, rows))
		return -EBADMSG;
	*off += 8 + n * row_sz;
	*cnt = (size_t)n;
	return 0;
}

static int take_bucket(struct span row, size_t pcs_cnt, struct heap_bucket *b)
{
	if (span__u64(row, 0, &b->size) || span__u64(row, 8, &b->allocs) ||
	    span__u64(row, 16, &b->frees) || span__u32(row, 24, &b->pcs_off) ||
	    span__u32(row, 28, &b->pcs_cnt))
		return -EBADMSG;
	if (row.n >= BUCKET_SZ && span__u32(row, 32, &b->hidden_cnt))
		return -EBADMSG;
	return b->frees > b->allocs || b->pcs_cnt > pcs_cnt || b->pcs_off > pcs_cnt - b->pcs_cnt ||
			       b->hidden_cnt > b->pcs_off
		       ? -EBADMSG
		       : 0;
}

static int take_tables(struct span in, uint64_t *off, size_t row_sz, struct heap_buckets *h)
{
	struct span rows, row;
	int err = take_rows(in, off, 8, &h->pcs_cnt, &rows);

	if (err)
		return err;
	h->pcs = calloc(h->pcs_cnt + 1, sizeof(*h->pcs));
	if (!h->pcs)
		return -ENOMEM;
	for (size_t i = 0; !err && i < h->pcs_cnt; i++)
		err = span__u64(rows, i * 8, &h->pcs[i]);
	if (!err)
		err = take_rows(in, off, row_sz, &h->cnt, &rows);
	if (err)
		return err;
	h->b = calloc(h->cnt + 1, sizeof(*h->b));
	if (!h->b)
		return -ENOMEM;
	for (size_t i = 0; !err && i < h->cnt; i++) {
		err = span__sub(rows, i * row_sz, row_sz, &row);
		if (!err)
			err = take_bucket(row, h->pcs_cnt, &h->b[i]);
	}
	return err;
}

static int take_words(struct span in, uint64_t *off, uint32_t *version, struct heap_buckets *h)
{
	uint32_t magic;
	uint64_t before_gc;

	if (span__u32(in, 0, &magic) || span__u32(in, 4, version) || magic != MAGIC || !*version ||
	    *version > VERSION || span__copy(in, 8, h->why, WHY_SZ) ||
	    span__u64(in, 8 + WHY_SZ, &h->rate) || span__u64(in, 16 + WHY_SZ, &before_gc) ||
	    before_gc > 1 || h->why[WHY_SZ - 1])
		return -EBADMSG;
	h->before_gc = before_gc;
	*off = 24 + WHY_SZ;
	return 0;
}

int heap_buckets__parse(struct span in, struct heap_buckets **out)
{
	struct heap_buckets *h = calloc(1, sizeof(*h));
	uint64_t off = 0;
	uint32_t version;
	int err;

	if (!h)
		return -ENOMEM;
	err = take_words(in, &off, &version, h);
	if (!err)
		err = take_tables(in, &off, version == 1 ? BUCKET_SZ_V1 : BUCKET_SZ, h);
	if (!err && version >= GC_STATS_VERSION)
		err = gc_stats__take(in, &off, &h->gc);
	if (!err && off != in.n)
		err = -EBADMSG;
	if (err == -EBADMSG)
		log_error("memory profile of the raw stream: malformed at byte %llu of %zu",
			  (unsigned long long)off, in.n);
	if (err)
		heap_buckets__free(h);
	else
		*out = h;
	return err;
}
