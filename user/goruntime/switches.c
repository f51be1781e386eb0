/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/switches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "goruntime/snapshot_batch.h"
#include "goruntime/snapshot_read.h"

#define P_MAX 4096
#define FAST_SEQ 160 /* so much in one look: the next may have gone round */
#define HITS_A_SWITCH 3
#define HITS_A_SYSCALL 2

struct one {
	uint64_t addr, goid;
	uint8_t seq;
};

/* The words of a g from goid to trackingSeq, or the other way round. */
#define WORDS_SZ 64

struct switches {
	const struct snap_source *src;
	struct one *gs;
	size_t g_cnt, g_cap;
	uint64_t goid_first, goid_max;
	uint64_t *ps;
	uint32_t *ticks;
	size_t p_cnt;
	struct g_batch batch; /* addresses only */
	uint8_t words[G_BATCH][WORDS_SZ];
	void *dst[G_BATCH];
	size_t lens[G_BATCH];
	uint64_t addrs[G_BATCH];
	struct switch_counts counts;
};

int switches__open(const struct snap_source *src, struct switches **out)
{
	struct switches *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->src = src;
	s->batch.src = src;
	*out = s;
	return 0;
}

void switches__free(struct switches *s)
{
	if (!s)
		return;
	free(s->gs);
	free(s->ps);
	free(s->ticks);
	free(s);
}

/* ---- goroutines ---- */

static int find_new(struct switches *s)
{
	uint64_t total;
	int err = g_batch__total(s->src, &total);

	while (!err && s->g_cnt < total) {
		err = g_batch__next(&s->batch, s->g_cnt, total);
		if (!err &&
		    array__reserve(&s->gs, s->g_cnt, &s->g_cap, s->batch.g_cnt, sizeof(*s->gs)))
			err = -ENOMEM;
		for (size_t i = 0; i < s->batch.g_cnt && !err; i++)
			s->gs[s->g_cnt++] = (struct one){.addr = s->batch.g_addr[i]};
	}
	return err;
}

static void take(struct switches *s, size_t i, uint64_t goid, uint8_t seq)
{
	uint8_t delta = (uint8_t)(seq - s->gs[i].seq);

	if (goid == s->gs[i].goid) { /* else another goroutine in the same place */
		s->counts.exits += delta;
		s->counts.at_least |= delta >= FAST_SEQ;
	}
	s->gs[i].goid = goid;
	s->gs[i].seq = seq;
	if (goid > s->goid_max)
		s->goid_max = goid;
}

/* Where the two are in what is read of a g. */
struct range {
	uint64_t off;
	size_t goid_at, seq_at, sz;
};

static int range_of(const struct go_layout *lay, struct range *r)
{
	int32_t goid = lay->off.g_goid, seq = lay->g_tracking_seq;
	int32_t first = goid < seq ? goid : seq;

	if (first < 0)
		return -EBADMSG;
	r->off = (uint64_t)first;
	r->goid_at = (size_t)(goid - first);
	r->seq_at = (size_t)(seq - first);
	r->sz = r->goid_at + 8 > r->seq_at + 1 ? r->goid_at + 8 : r->seq_at + 1;
	return r->sz <= WORDS_SZ ? 0 : -EBADMSG;
}

static int look_at_batch(struct switches *s, const struct range *r, size_t from, size_t n)
{
	int err;

	for (size_t i = 0; i < n; i++) {
		s->addrs[i] = s->gs[from + i].addr + r->off;
		s->dst[i] = s->words[i];
		s->lens[i] = r->sz;
	}
	err = s->src->rd.readv(s->src->rd.ctx, s->addrs, s->dst, s->lens, n);
	for (size_t i = 0; i < n && !err; i++) {
		uint64_t goid;

		memcpy(&goid, s->words[i] + r->goid_at, sizeof(goid));
		take(s, from + i, goid, s->words[i][r->seq_at]);
	}
	return err;
}

static int look_at_gs(struct switches *s)
{
	struct range r = {0};
	int err = range_of(s->src->lay, &r);

	for (size_t from = 0; from < s->g_cnt && !err; from += G_BATCH)
		err = look_at_batch(s, &r, from,
				    s->g_cnt - from < G_BATCH ? s->g_cnt - from : G_BATCH);
	return err;
}

/* ---- processors: what is missing here is left out ---- */

static void find_ps(struct switches *s)
{
	uint64_t slice[2];

	if (!s->src->globals->allp || s->src->lay->off.p_syscalltick < 0 ||
	    snap_read(&s->src->rd, s->src->globals->allp + s->src->bias, slice, sizeof(slice)) ||
	    !snap_is_pointer(slice[0]) || !slice[1] || slice[1] > P_MAX)
		return;
	s->ps = calloc(slice[1], sizeof(*s->ps));
	s->ticks = calloc(slice[1], sizeof(*s->ticks));
	if (s->ps && s->ticks &&
	    !snap_read(&s->src->rd, slice[0], s->ps, slice[1] * sizeof(*s->ps)))
		s->p_cnt = slice[1];
}

static void look_at_ps(struct switches *s)
{
	for (size_t i = 0; i < s->p_cnt; i++) {
		uint32_t tick;

		if (!snap_is_pointer(s->ps[i]) ||
		    snap_read_u32(&s->src->rd, s->ps[i] + (uint64_t)s->src->lay->off.p_syscalltick,
				  &tick))
			continue;
		if (s->counts.looks)
			s->counts.syscalls += (uint32_t)(tick - s->ticks[i]);
		s->ticks[i] = tick;
	}
}

int switches__look(struct switches *s)
{
	int err = find_new(s);

	if (!s->ps)
		find_ps(s);
	if (!err)
		err = look_at_gs(s);
	if (err)
		return err;
	look_at_ps(s);
	if (!s->counts.looks++)
		s->goid_first = s->goid_max;
	return 0;
}

void switches__counts(const struct switches *s, struct switch_counts *out)
{
	*out = s->counts;
	out->goroutines = s->g_cnt;
	out->created = s->goid_max - s->goid_first;
}

uint64_t switch_counts__starts(const struct switch_counts *c, unsigned go_minor)
{
	uint64_t switches = c->exits;

	if (go_minor <= SWITCHES_SYSCALLS_EXIT_MAX_MINOR)
		switches = c->syscalls < switches ? switches - c->syscalls : 0;
	return switches + c->created;
}

uint64_t switch_counts__hits(const struct switch_counts *c, unsigned go_minor)
{
	return switch_counts__starts(c, go_minor) * HITS_A_SWITCH + c->syscalls * HITS_A_SYSCALL;
}
