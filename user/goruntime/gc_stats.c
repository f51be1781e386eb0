/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/gc_stats.h"

#include <errno.h>
#include <string.h>

#include "goruntime/alloc_totals.h"
#include "goruntime/snapshot_read.h"

/*
 * memstats behind heapStats, by the DWARF of a release of each minor from 1.19 to 1.27: six
 * counters of the system's memory (stacks, spans, mcaches, buckhash, gcMisc, other), then these.
 */
struct words {
	uint64_t buckhash_sys, gc_misc_sys, other_sys;
	uint64_t last_gc_unix, pause_total_ns;
	uint64_t pause_ns[GC_STATS_RING], pause_end[GC_STATS_RING];
	uint32_t numgc, numforcedgc;
	double gc_cpu_fraction;
};
#define BEHIND_HEAP_STATS (3 * 8)
#define TRIES 20
#define SANE_BYTES (UINT64_C(1) << 48)

/* Of a ring that is not full yet the rest is zero. */
static bool ring_fits(const struct words *w)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < GC_STATS_RING; i++) {
		if (i >= w->numgc && (w->pause_ns[i] || w->pause_end[i]))
			return false;
		if (w->pause_ns[i] > w->pause_total_ns - sum)
			return false;
		sum += w->pause_ns[i];
	}
	return w->numgc > GC_STATS_RING || sum == w->pause_total_ns;
}

static bool are_sane(const struct words *w)
{
	uint64_t last = w->numgc ? w->pause_end[(w->numgc - 1) % GC_STATS_RING] : 0;

	return w->buckhash_sys < SANE_BYTES && w->other_sys < SANE_BYTES &&
	       w->numforcedgc <= w->numgc && w->last_gc_unix == last && ring_fits(w) &&
	       w->gc_cpu_fraction >= 0 && w->gc_cpu_fraction <= 1;
}

/* 1: what is there does not fit, now at least. */
static int read_words(const struct snap_source *src, uint64_t at, struct words *w)
{
	struct words again;
	int err = snap_read(&src->rd, at, w, sizeof(*w));

	if (!err)
		err = snap_read(&src->rd, at, &again, sizeof(again));
	if (err)
		return err;
	return memcmp(w, &again, sizeof(again)) || !are_sane(w);
}

static void take_words(const struct words *w, struct gc_stats *out)
{
	out->known = true;
	out->buckhash_sys = w->buckhash_sys;
	out->other_sys = w->other_sys;
	out->last_gc = w->last_gc_unix;
	memcpy(out->pause_ns, w->pause_ns, sizeof(out->pause_ns));
	memcpy(out->pause_end, w->pause_end, sizeof(out->pause_end));
	out->num_gc = w->numgc;
	out->num_forced_gc = w->numforcedgc;
	out->cpu_fraction = w->gc_cpu_fraction;
}

static int read_goal(const struct snap_source *src, uint64_t *out)
{
	bool estimate = false;
	uint64_t live, goal;
	int err;

	*out = 0;
	if (!src->lay || !src->globals->gc_controller)
		return 0;
	err = snapshot__heap(src, &live, &goal, &estimate);
	if (!err && !estimate)
		*out = goal;
	return err;
}

int gc_stats__read(const struct snap_source *src, struct gc_stats *out)
{
	uint64_t heap_stats = alloc_totals__heap_stats_size(src->go_minor);
	struct words w;
	int rc = 1;

	*out = (struct gc_stats){0};
	if (!src->globals->memstats || !heap_stats)
		return 0;
	for (unsigned i = 0; i < TRIES && rc == 1; i++)
		rc = read_words(src,
				src->globals->memstats + src->bias + heap_stats + BEHIND_HEAP_STATS,
				&w);
	/* a struct that is smaller than ours ends the readable memory: not what we know */
	if (rc == 1 || rc == -EFAULT)
		return 0;
	if (rc)
		return rc;
	take_words(&w, out);
	return read_goal(src, &out->next_gc);
}

/* ---- stored ---- */

void gc_stats__put(const struct gc_stats *s, struct buf *out)
{
	uint64_t fraction;

	buf__u64(out, s->known);
	if (!s->known)
		return;
	buf__u64(out, s->buckhash_sys);
	buf__u64(out, s->other_sys);
	buf__u64(out, s->next_gc);
	buf__u64(out, s->last_gc);
	for (size_t i = 0; i < GC_STATS_RING; i++)
		buf__u64(out, s->pause_ns[i]);
	for (size_t i = 0; i < GC_STATS_RING; i++)
		buf__u64(out, s->pause_end[i]);
	buf__u64(out, s->num_gc);
	buf__u64(out, s->num_forced_gc);
	memcpy(&fraction, &s->cpu_fraction, sizeof(fraction));
	buf__u64(out, fraction);
}

static int take(struct span in, uint64_t *off, uint64_t *out, size_t cnt)
{
	int err = 0;

	for (size_t i = 0; !err && i < cnt; i++)
		err = span__u64(in, *off + 8 * i, &out[i]);
	*off += 8 * cnt;
	return err;
}

int gc_stats__take(struct span in, uint64_t *off, struct gc_stats *out)
{
	uint64_t known, head[4], tail[3];

	*out = (struct gc_stats){0};
	if (take(in, off, &known, 1) || known > 1)
		return -EBADMSG;
	if (!known)
		return 0;
	if (take(in, off, head, 4) || take(in, off, out->pause_ns, GC_STATS_RING) ||
	    take(in, off, out->pause_end, GC_STATS_RING) || take(in, off, tail, 3) ||
	    tail[0] > UINT32_MAX || tail[1] > tail[0])
		return -EBADMSG;
	out->known = true;
	out->buckhash_sys = head[0];
	out->other_sys = head[1];
	out->next_gc = head[2];
	out->last_gc = head[3];
	out->num_gc = (uint32_t)tail[0];
	out->num_forced_gc = (uint32_t)tail[1];
	memcpy(&out->cpu_fraction, &tail[2], sizeof(out->cpu_fraction));
	return out->cpu_fraction >= 0 && out->cpu_fraction <= 1 ? 0 : -EBADMSG;
}
