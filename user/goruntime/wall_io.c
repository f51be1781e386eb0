/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A wall profile as bytes, for the raw file: u32 magic, u32 version, its words, then each table as
 * u64 count and its rows. Little endian, no padding.
 */
#include "goruntime/wall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "goruntime/snapshot_labels.h"

#define MAGIC 0x6c6c6177u /* "wall" */
#define VERSION 1
#define VERSION_GOIDS 2 /* rows have a goroutine's number */

enum row_flag {
	FLAG_RUNNING = 1,
	FLAG_TORN = 2,
	FLAG_CUT = 4,
	FLAG_ALL = 7,
};

/* smallest bytes of a row: bounds what a count may claim */
#define ROW_SZ 48
#define LABEL_SZ 8
#define STATE_SZ 4

void wall_profile__free(struct wall_profile *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->states && i < p->states_cnt; i++)
		free(p->states[i]);
	free(p->states);
	snap_labels__free(p->labels, p->labels_cnt);
	free(p->rows);
	free(p->pcs);
	free(p);
}

static void put_text(struct buf *out, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	buf__u32(out, (uint32_t)len);
	buf__append(out, s, len);
}

static void put_row(struct buf *out, const struct wall_row *r, bool goids)
{
	buf__u64(out, r->ns);
	buf__u64(out, r->startpc);
	buf__u64(out, r->gopc);
	buf__u32(out, r->stack_off);
	buf__u32(out, r->stack_cnt);
	buf__u32(out, r->state);
	buf__u32(out, r->label_off);
	buf__u32(out, r->label_cnt);
	buf__u32(out, (r->running ? FLAG_RUNNING : 0) | (r->torn ? FLAG_TORN : 0) |
			      (r->stack_cut ? FLAG_CUT : 0));
	if (goids)
		buf__u64(out, r->goid);
}

int wall_profile__serialize(const struct wall_profile *p, struct buf *out)
{
	buf__u32(out, MAGIC);
	buf__u32(out, p->goids ? VERSION_GOIDS : VERSION);
	buf__u64(out, p->hz);
	buf__u64(out, p->begin_ns);
	buf__u64(out, p->end_ns);
	buf__u64(out, p->ticks);
	buf__u64(out, p->ticks_late);
	buf__u64(out, p->passes);
	buf__u64(out, p->looks);
	buf__u64(out, p->stacks_torn);
	buf__u64(out, p->unreadable);
	buf__u64(out, p->labels_unread);
	buf__u64(out, p->dropped_ns);
	buf__u64(out, p->pcs_cnt);
	for (size_t i = 0; i < p->pcs_cnt; i++)
		buf__u64(out, p->pcs[i]);
	buf__u64(out, p->labels_cnt);
	for (size_t i = 0; i < p->labels_cnt; i++) {
		put_text(out, p->labels[i].key);
		put_text(out, p->labels[i].val);
	}
	buf__u64(out, p->states_cnt);
	for (size_t i = 0; i < p->states_cnt; i++)
		put_text(out, p->states[i]);
	buf__u64(out, p->row_cnt);
	for (size_t i = 0; i < p->row_cnt; i++)
		put_row(out, &p->rows[i], p->goids);
	return out->err;
}

static void get_row(struct cursor *in, const struct wall_profile *p, struct wall_row *r)
{
	uint32_t flags;

	r->ns = cursor__u64(in);
	r->startpc = cursor__u64(in);
	r->gopc = cursor__u64(in);
	r->stack_off = cursor__u32(in);
	r->stack_cnt = cursor__u32(in);
	r->state = cursor__u32(in);
	r->label_off = cursor__u32(in);
	r->label_cnt = cursor__u32(in);
	flags = cursor__u32(in);
	r->goid = p->goids ? cursor__u64(in) : 0;
	r->running = flags & FLAG_RUNNING;
	r->torn = flags & FLAG_TORN;
	r->stack_cut = flags & FLAG_CUT;
	if (r->stack_cnt > p->pcs_cnt || r->stack_off > p->pcs_cnt - r->stack_cnt ||
	    r->label_cnt > p->labels_cnt || r->label_off > p->labels_cnt - r->label_cnt ||
	    r->state >= p->states_cnt || flags & ~FLAG_ALL || r->ns > INT64_MAX)
		in->err = in->err ? in->err : -EBADMSG;
}

static void get_words(struct cursor *in, struct wall_profile *p)
{
	uint64_t hz = cursor__u64(in);

	if (!in->err && (!hz || hz > WALL_HZ_MAX))
		in->err = -EBADMSG;
	p->hz = (uint32_t)hz;
	p->begin_ns = cursor__u64(in);
	p->end_ns = cursor__u64(in);
	p->ticks = cursor__u64(in);
	p->ticks_late = cursor__u64(in);
	p->passes = cursor__u64(in);
	p->looks = cursor__u64(in);
	p->stacks_torn = cursor__u64(in);
	p->unreadable = cursor__u64(in);
	p->labels_unread = cursor__u64(in);
	p->dropped_ns = cursor__u64(in);
}

static void get_tables(struct cursor *in, struct wall_profile *p)
{
	p->pcs_cnt = cursor__table(in, sizeof(*p->pcs), sizeof(*p->pcs), (void **)&p->pcs);
	for (size_t i = 0; i < p->pcs_cnt; i++)
		p->pcs[i] = cursor__u64(in);
	p->labels_cnt = cursor__table(in, LABEL_SZ, sizeof(*p->labels), (void **)&p->labels);
	for (size_t i = 0; i < p->labels_cnt && !in->err; i++) {
		p->labels[i].key = cursor__text(in);
		p->labels[i].val = cursor__text(in);
	}
	p->states_cnt = cursor__table(in, STATE_SZ, sizeof(*p->states), (void **)&p->states);
	for (size_t i = 0; i < p->states_cnt && !in->err; i++)
		p->states[i] = cursor__text(in);
	p->row_cnt = cursor__table(in, ROW_SZ, sizeof(*p->rows), (void **)&p->rows);
	for (size_t i = 0; i < p->row_cnt && !in->err; i++)
		get_row(in, p, &p->rows[i]);
}

int wall_profile__parse(struct span bytes, struct wall_profile **out)
{
	struct wall_profile *p = calloc(1, sizeof(*p));
	struct cursor in = {.s = bytes};
	uint32_t magic, version;

	if (!p)
		return -ENOMEM;
	magic = cursor__u32(&in);
	version = cursor__u32(&in);
	if (!in.err && (magic != MAGIC || version < VERSION || version > VERSION_GOIDS))
		in.err = -EBADMSG;
	p->goids = version == VERSION_GOIDS;
	get_words(&in, p);
	get_tables(&in, p);
	if (!in.err && in.off != bytes.n)
		in.err = -EBADMSG;
	if (in.err) {
		if (in.err == -EBADMSG)
			log_error("wall profile: malformed at byte %llu of %zu",
				  (unsigned long long)(in.off < bytes.n ? in.off : bytes.n),
				  bytes.n);
		wall_profile__free(p);
		return in.err;
	}
	*out = p;
	return 0;
}
