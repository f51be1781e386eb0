/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/alloc_totals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "goruntime/snapshot_read.h"

static const uint16_t class_sizes[ALLOC_CLASSES] = {
	0,     8,     16,    24,    32,	   48,	  64,	 80,	96,    112,   128,   144,
	160,   176,   192,   208,   224,   240,	  256,	 288,	320,   352,   384,   416,
	448,   480,   512,   576,   640,   704,	  768,	 896,	1024,  1152,  1280,  1408,
	1536,  1792,  2048,  2304,  2688,  3072,  3200,	 3456,	4096,  4864,  5376,  6144,
	6528,  6784,  6912,  8192,  9472,  9728,  10240, 10880, 12288, 13568, 14336, 16384,
	18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
};

uint64_t alloc_class__size(unsigned class)
{
	return class < ALLOC_CLASSES ? class_sizes[class] : 0;
}

/*
 * From the DWARF of a release of each minor: mcache.alloc; mspan.allocCount; heapStatsDelta's size,
 * of which memstats begins with three, and where largeAlloc is in it: largeAllocCount and
 * smallAllocCount[68] follow.
 */
static const struct alloc_layout {
	uint8_t minor_lo, minor_hi;
	int16_t mcache_alloc, span_count, delta_sz, large;
} layouts[] = {
	{19, 20, 40, 96, 1176, 56}, {21, 21, 40, 104, 1176, 56}, {22, 23, 40, 96, 1176, 56},
	{24, 24, 48, 96, 1176, 56}, {25, 27, 48, 96, 1168, 48},
};
#define DELTAS 3
#define BEHIND_DELTAS (8 + 8) /* consistentHeapStats: gen, and noPLock's key */
#define SPAN_CLASSES (2 * ALLOC_CLASSES)
#define ELEMSIZE_BEHIND_COUNT 8
#define PS_MAX 1024

static const struct alloc_layout *layout_of(unsigned minor)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (minor >= layouts[i].minor_lo && minor <= layouts[i].minor_hi)
			return &layouts[i];
	}
	return NULL;
}

void alloc_offsets__of(unsigned go_minor, struct alloc_offsets *out)
{
	const struct alloc_layout *l = layout_of(go_minor);

	*out = (struct alloc_offsets){l ? l->mcache_alloc : -1, l ? l->span_count : -1};
}

uint64_t alloc_totals__heap_stats_size(unsigned go_minor)
{
	const struct alloc_layout *l = layout_of(go_minor);

	return l ? (uint64_t)DELTAS * l->delta_sz + BEHIND_DELTAS : 0;
}

/* ---- is the layout right? ---- */

/* A span of class spc has its size; the empty span, which all caches begin with, has 0. */
static int check_span(const struct snap_source *src, const struct alloc_layout *l, uint64_t span,
		      unsigned spc, unsigned *seen)
{
	uint64_t sz;
	int err = snap_is_pointer(span) ? 0 : -EBADMSG;

	if (!err)
		err = snap_read_u64(&src->rd, span + l->span_count + ELEMSIZE_BEHIND_COUNT, &sz);
	if (err)
		return err == -EFAULT ? -EBADMSG : err;
	if (!sz)
		return 0;
	++*seen;
	return sz == class_sizes[spc / 2] ? 0 : -EBADMSG;
}

static int check_cache(const struct snap_source *src, const struct alloc_layout *l, uint64_t p,
		       unsigned *seen)
{
	uint64_t mcache, spans[SPAN_CLASSES];
	int err = snap_read_u64(&src->rd, p + src->lay->p_mcache, &mcache);

	/* a P that is idle has one too; one that is gone has none */
	if (err || !mcache)
		return err;
	if (!snap_is_pointer(mcache))
		return -EBADMSG;
	err = snap_read(&src->rd, mcache + l->mcache_alloc, spans, sizeof(spans));
	/* classes 0 and 1 are of large objects: always empty */
	for (unsigned spc = 2; !err && spc < SPAN_CLASSES; spc++)
		err = check_span(src, l, spans[spc], spc, seen);
	return err;
}

static int check_caches(const struct snap_source *src, const struct alloc_layout *l)
{
	uint64_t ps, p;
	uint32_t cnt;
	unsigned seen = 0;
	int err = snap_read_u64(&src->rd, src->globals->allp + src->bias, &ps);

	if (!err)
		err = snap_read_u32(&src->rd, src->globals->gomaxprocs + src->bias, &cnt);
	for (uint32_t i = 0; !err && i < cnt && i < PS_MAX; i++) {
		err = snap_read_u64(&src->rd, ps + 8 * i, &p);
		if (!err && p)
			err = check_cache(src, l, p, &seen);
	}
	return err || seen ? err : -EBADMSG;
}

/* A span that leaves its cache between two reads may be of another class at once: then the caches
 * are looked at again. In a wrong layout they never fit. */
static int check_layout(const struct snap_source *src, const struct alloc_layout *l)
{
	int err = -EBADMSG;

	for (unsigned i = 0; i < 20 && err == -EBADMSG; i++)
		err = check_caches(src, l);
	return err;
}

/* ---- the totals ---- */

static int read_sums(const struct snap_source *src, const struct alloc_layout *l,
		     struct alloc_totals *out)
{
	uint64_t at = src->globals->memstats + src->bias;
	uint64_t words[ALLOC_CLASSES + 2];
	int err = 0;

	*out = (struct alloc_totals){0};
	for (unsigned d = 0; !err && d < DELTAS; d++) {
		err = snap_read(&src->rd, at + (uint64_t)d * l->delta_sz + l->large, words,
				sizeof(words));
		if (err)
			break;
		out->large_bytes += words[0];
		out->cnt[0] += words[1];
		for (unsigned c = 1; c < ALLOC_CLASSES; c++)
			out->cnt[c] += words[2 + c];
	}
	return err;
}

static bool are_sane(const struct alloc_totals *t)
{
	const uint64_t sane = UINT64_C(1) << 56;

	for (unsigned c = 0; c < ALLOC_CLASSES; c++) {
		if (t->cnt[c] > sane)
			return false;
	}
	return t->large_bytes <= sane && t->large_bytes % ALLOC_PAGE_SZ == 0 &&
	       t->large_bytes / ALLOC_PAGE_SZ >= t->cnt[0];
}

static bool has_grown(const struct alloc_totals *a, const struct alloc_totals *b)
{
	for (unsigned c = 0; c < ALLOC_CLASSES; c++) {
		if (b->cnt[c] < a->cnt[c])
			return false;
	}
	return b->large_bytes >= a->large_bytes;
}

/* Whoever reads them in the program merges the three: what is moved just then is missing for a
 * moment. A number that only grows shows it. */
static int read_totals(const struct snap_source *src, const struct alloc_layout *l,
		       struct alloc_totals *out)
{
	struct alloc_totals again;
	int err = -EBADMSG;

	for (unsigned i = 0; i < 100 && err == -EBADMSG; i++) {
		err = read_sums(src, l, out);
		if (!err)
			err = read_sums(src, l, &again);
		if (!err && (!are_sane(out) || !has_grown(out, &again)))
			err = -EBADMSG;
	}
	return err;
}

int alloc_totals__read(const struct snap_source *src, struct alloc_totals *out, char *why,
		       size_t why_sz)
{
	const struct alloc_layout *l = layout_of(src->go_minor);
	int err = -EOPNOTSUPP;

	if (!l)
		snprintf(why, why_sz, "not known for this version of Go (1.19 to 1.27 are)");
	else if (!src->globals->memstats || !src->globals->allp || src->lay->p_mcache < 0)
		snprintf(why, why_sz, "the runtime's totals were not found in this binary");
	else
		err = check_layout(src, l);
	if (!err)
		err = read_totals(src, l, out);
	if (err == -EBADMSG)
		snprintf(why, why_sz,
			 "the runtime's caches or totals do not look as expected of this version "
			 "of Go");
	return err;
}

/* ---- stored ---- */

#define MAGIC 0x6f6c6c61u /* "allo" */
#define VERSION 1
#define WHY_SZ sizeof(((struct alloc_slices *)0)->why)
#define TOTALS_SZ (8 * (ALLOC_CLASSES + 1))
#define STORED_SZ (8 + WHY_SZ + 4 * 8 + 2 * TOTALS_SZ)

static void put_totals(const struct alloc_totals *t, struct buf *out)
{
	for (unsigned c = 0; c < ALLOC_CLASSES; c++)
		buf__u64(out, t->cnt[c]);
	buf__u64(out, t->large_bytes);
}

int alloc_slices__serialize(const struct alloc_slices *s, struct buf *out)
{
	char why[WHY_SZ] = "";

	snprintf(why, WHY_SZ, "%s", s->why);
	buf__u32(out, MAGIC);
	buf__u32(out, VERSION);
	buf__append(out, why, WHY_SZ);
	buf__u64(out, s->on_ns);
	buf__u64(out, s->window_ns);
	buf__u64(out, s->slices);
	buf__u64(out, s->max_overhead_pct);
	put_totals(&s->begin, out);
	put_totals(&s->end, out);
	return out->err;
}

static int take_totals(struct span in, uint64_t off, struct alloc_totals *t)
{
	int err = span__u64(in, off + 8 * ALLOC_CLASSES, &t->large_bytes);

	for (unsigned c = 0; !err && c < ALLOC_CLASSES; c++)
		err = span__u64(in, off + 8 * c, &t->cnt[c]);
	return err || are_sane(t) ? err : -EBADMSG;
}

int alloc_slices__parse(struct span in, struct alloc_slices *out)
{
	uint64_t off = 8 + WHY_SZ;
	uint32_t magic, version;

	*out = (struct alloc_slices){0};
	if (in.n != STORED_SZ || span__u32(in, 0, &magic) || span__u32(in, 4, &version) ||
	    magic != MAGIC || version != VERSION || span__copy(in, 8, out->why, WHY_SZ) ||
	    out->why[WHY_SZ - 1] || span__u64(in, off, &out->on_ns) ||
	    span__u64(in, off + 8, &out->window_ns) || span__u64(in, off + 16, &out->slices) ||
	    span__u64(in, off + 24, &out->max_overhead_pct) ||
	    take_totals(in, off + 32, &out->begin) ||
	    take_totals(in, off + 32 + TOTALS_SZ, &out->end) ||
	    !has_grown(&out->begin, &out->end)) {
		log_error("totals of allocations in the raw stream: malformed (%zu bytes)", in.n);
		return -EBADMSG;
	}
	return 0;
}
