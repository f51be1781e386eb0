/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot as bytes, for the raw file: u32 magic, u32 version, fixed words, then each table as
 * u64 count and its rows. Little endian, no padding. Equal snapshots give equal bytes.
 */
#include "goruntime/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"

#define MAGIC 0x70616e73u /* "snap" */
#define VERSION 1

enum g_flag {
	FLAG_SAMPLED = 1,
	FLAG_TORN = 2,
	FLAG_LOCKED = 4,
	FLAG_ASSIST = 8,
	FLAG_CUT = 16,
	FLAG_ALL = 31,
};

/* smallest bytes of a row: bounds what a count may claim */
#define G_SZ 76
#define M_SZ 44
#define P_SZ 20
#define LABEL_SZ 8
#define REASON_SZ 4

/* ---- out ----------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	buf__u32(out, (uint32_t)len);
	buf__append(out, s, len);
}

static void put_g(struct buf *out, const struct snap_g *g)
{
	buf__u64(out, g->goid);
	buf__u64(out, g->addr);
	buf__u8(out, g->status);
	buf__u8(out, g->wait_reason);
	buf__u8(out, g->block_reason);
	buf__u8(out,
		(uint8_t)((g->sampled ? FLAG_SAMPLED : 0) | (g->torn ? FLAG_TORN : 0) |
			  (g->locked ? FLAG_LOCKED : 0) | (g->in_mark_assist ? FLAG_ASSIST : 0) |
			  (g->stack_cut ? FLAG_CUT : 0)));
	buf__u64(out, g->tid);
	buf__u64(out, (uint64_t)g->waitsince_ns);
	buf__u64(out, g->gopc);
	buf__u64(out, g->startpc);
	buf__u64(out, g->parent_goid);
	buf__u32(out, g->stack_cnt);
	buf__u32(out, g->stack_off);
	buf__u32(out, g->label_cnt);
	buf__u32(out, g->label_off);
}

static void put_ms_ps(struct buf *out, const struct snapshot *s)
{
	buf__u64(out, s->m_cnt);
	for (size_t i = 0; i < s->m_cnt; i++) {
		buf__u64(out, s->m[i].addr);
		buf__u64(out, s->m[i].tid);
		buf__u64(out, s->m[i].procid);
		buf__u64(out, (uint64_t)s->m[i].id);
		buf__u64(out, s->m[i].curg);
		buf__u32(out, (uint32_t)s->m[i].p);
	}
	buf__u64(out, s->p_cnt);
	for (size_t i = 0; i < s->p_cnt; i++) {
		buf__u32(out, (uint32_t)s->p[i].id);
		buf__u32(out, s->p[i].status);
		buf__u64(out, s->p[i].m_tid);
		buf__u32(out, s->p[i].runq_cnt);
	}
}

int snapshot__serialize(const struct snapshot *s, struct buf *out)
{
	buf__u32(out, MAGIC);
	buf__u32(out, VERSION);
	buf__u64(out, s->begin_ns);
	buf__u64(out, s->end_ns);
	buf__u32(out, s->gomaxprocs);
	buf__u32(out, s->gcphase);
	buf__u64(out, s->heap_live);
	buf__u64(out, s->heap_goal);
	buf__u32(out, s->heap_goal_estimate);
	buf__u64(out, s->g_total);
	buf__u64(out, s->torn_cnt);
	buf__u64(out, s->retried_cnt);
	buf__u64(out, s->unreadable_cnt);
	buf__u64(out, s->pcs_cnt);
	for (size_t i = 0; i < s->pcs_cnt; i++)
		buf__u64(out, s->pcs[i]);
	buf__u64(out, s->labels_cnt);
	for (size_t i = 0; i < s->labels_cnt; i++) {
		put_text(out, s->labels[i].key);
		put_text(out, s->labels[i].val);
	}
	buf__u64(out, s->wait_reasons_cnt);
	for (size_t i = 0; i < s->wait_reasons_cnt; i++)
		put_text(out, s->wait_reasons[i]);
	put_ms_ps(out, s);
	buf__u64(out, s->g_cnt);
	for (size_t i = 0; i < s->g_cnt; i++)
		put_g(out, &s->g[i]);
	return out->err;
}

/* ---- in ------------------------------------------------------------------------------------ */

static void get_g(struct cursor *in, const struct snapshot *s, struct snap_g *g)
{
	uint8_t flags;

	g->goid = cursor__u64(in);
	g->addr = cursor__u64(in);
	g->status = cursor__u8(in);
	g->wait_reason = cursor__u8(in);
	g->block_reason = cursor__u8(in);
	flags = cursor__u8(in);
	g->sampled = flags & FLAG_SAMPLED;
	g->torn = flags & FLAG_TORN;
	g->locked = flags & FLAG_LOCKED;
	g->in_mark_assist = flags & FLAG_ASSIST;
	g->stack_cut = flags & FLAG_CUT;
	g->tid = cursor__u64(in);
	g->waitsince_ns = (int64_t)cursor__u64(in);
	g->gopc = cursor__u64(in);
	g->startpc = cursor__u64(in);
	g->parent_goid = cursor__u64(in);
	g->stack_cnt = cursor__u32(in);
	g->stack_off = cursor__u32(in);
	g->label_cnt = cursor__u32(in);
	g->label_off = cursor__u32(in);
	if (g->stack_cnt > s->pcs_cnt || g->stack_off > s->pcs_cnt - g->stack_cnt ||
	    g->label_cnt > s->labels_cnt || g->label_off > s->labels_cnt - g->label_cnt ||
	    flags & ~FLAG_ALL)
		in->err = in->err ? in->err : -EBADMSG;
}

static void get_m(struct cursor *in, struct snap_m *m)
{
	m->addr = cursor__u64(in);
	m->tid = cursor__u64(in);
	m->procid = cursor__u64(in);
	m->id = (int64_t)cursor__u64(in);
	m->curg = cursor__u64(in);
	m->p = (int32_t)cursor__u32(in);
}

static void get_p(struct cursor *in, struct snap_p *p)
{
	p->id = (int32_t)cursor__u32(in);
	p->status = cursor__u32(in);
	p->m_tid = cursor__u64(in);
	p->runq_cnt = cursor__u32(in);
}

static void get_tables(struct cursor *in, struct snapshot *s)
{
	s->pcs_cnt = cursor__table(in, sizeof(*s->pcs), sizeof(*s->pcs), (void **)&s->pcs);
	for (size_t i = 0; i < s->pcs_cnt; i++)
		s->pcs[i] = cursor__u64(in);
	s->labels_cnt = cursor__table(in, LABEL_SZ, sizeof(*s->labels), (void **)&s->labels);
	for (size_t i = 0; i < s->labels_cnt && !in->err; i++) {
		s->labels[i].key = cursor__text(in);
		s->labels[i].val = cursor__text(in);
	}
	s->wait_reasons_cnt =
		cursor__table(in, REASON_SZ, sizeof(*s->wait_reasons), (void **)&s->wait_reasons);
	for (size_t i = 0; i < s->wait_reasons_cnt && !in->err; i++)
		s->wait_reasons[i] = cursor__text(in);
	s->m_cnt = cursor__table(in, M_SZ, sizeof(*s->m), (void **)&s->m);
	for (size_t i = 0; i < s->m_cnt; i++)
		get_m(in, &s->m[i]);
	s->p_cnt = cursor__table(in, P_SZ, sizeof(*s->p), (void **)&s->p);
	for (size_t i = 0; i < s->p_cnt; i++)
		get_p(in, &s->p[i]);
	s->g_cnt = cursor__table(in, G_SZ, sizeof(*s->g), (void **)&s->g);
	for (size_t i = 0; i < s->g_cnt && !in->err; i++)
		get_g(in, s, &s->g[i]);
}

static void get_words(struct cursor *in, struct snapshot *s)
{
	s->begin_ns = cursor__u64(in);
	s->end_ns = cursor__u64(in);
	s->gomaxprocs = cursor__u32(in);
	s->gcphase = cursor__u32(in);
	s->heap_live = cursor__u64(in);
	s->heap_goal = cursor__u64(in);
	s->heap_goal_estimate = cursor__u32(in) != 0;
	s->g_total = cursor__u64(in);
	s->torn_cnt = cursor__u64(in);
	s->retried_cnt = cursor__u64(in);
	s->unreadable_cnt = cursor__u64(in);
}

int snapshot__parse(struct span bytes, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct cursor in = {.s = bytes};
	uint32_t magic, version;

	if (!s)
		return -ENOMEM;
	magic = cursor__u32(&in);
	version = cursor__u32(&in);
	if (!in.err && (magic != MAGIC || version != VERSION))
		in.err = -EBADMSG;
	if (!in.err) {
		get_words(&in, s);
		get_tables(&in, s);
	}
	if (!in.err && in.off != bytes.n)
		in.err = -EBADMSG;
	if (in.err) {
		if (in.err == -EBADMSG)
			log_error("snapshot: malformed at byte %llu of %zu",
				  (unsigned long long)(in.off < bytes.n ? in.off : bytes.n),
				  bytes.n);
		snapshot__free(s);
		return in.err;
	}
	*out = s;
	return 0;
}
