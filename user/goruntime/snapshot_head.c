/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot_head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "goruntime/snapshot_read.h"
#include "process/process.h"

#define M_MAX (1u << 20) /* schedt.maxmcount is 10,000 unless the program changes it */
#define P_MAX (1u << 16)
#define LIST_TRIES 5
#define REASON_CNT_MAX 256 /* g.waitreason is a byte */
#define REASON_SZ_MAX 80
#define M_OFFSET_MAX 8000
#define P_OFFSET_MAX 32000
#define WAITING_ON_NOBODY (-1)

void snap_index__free(struct snap_index *ix)
{
	imap__free(&ix->tid_by_procid);
	imap__free(&ix->m_by_addr);
	imap__free(&ix->p_by_addr);
	free(ix->m_curg);
	ix->m_curg = NULL;
}

static int index_threads(const struct snap_source *src, struct snap_index *ix)
{
	struct process_thread *threads;
	size_t cnt;
	int err;

	if (!src->proc)
		return 0;
	err = process__threads(src->proc, &threads, &cnt);
	if (err)
		return err;
	for (size_t i = 0; i < cnt && !err; i++)
		err = imap__put(&ix->tid_by_procid, (uint64_t)threads[i].ns_tid,
				(uint64_t)threads[i].tid);
	free(threads);
	return err;
}

static uint64_t tid_of(const struct snap_source *src, const struct snap_index *ix, uint64_t procid)
{
	uint64_t tid = 0;

	if (!src->proc)
		return procid;
	return imap__get(&ix->tid_by_procid, procid, &tid) ? tid : 0;
}

/* ---- Ps ----------------------------------------------------------------------------------- */

static bool offsets_in(const int32_t *offs, size_t cnt, int32_t max)
{
	for (size_t i = 0; i < cnt; i++) {
		if (offs[i] < 0 || offs[i] > max)
			return false;
	}
	return true;
}

static int read_p(const struct snap_source *src, uint64_t addr, struct snap_p *p, uint64_t *m)
{
	const struct go_layout *lay = src->lay;
	const uint64_t addrs[] = {
		addr + (uint64_t)lay->off.p_id,	  addr + (uint64_t)lay->off.p_status,
		addr + (uint64_t)lay->p_m,	  addr + (uint64_t)lay->p_runqhead,
		addr + (uint64_t)lay->p_runqtail, addr + (uint64_t)lay->p_runnext};
	uint32_t head, tail;
	uint64_t next;
	void *const dst[] = {&p->id, &p->status, m, &head, &tail, &next};
	const size_t lens[] = {4, 4, 8, 4, 4, 8};
	int err = src->rd.readv(src->rd.ctx, addrs, dst, lens, 6);

	if (err)
		return err;
	/* 256 places, runtime.p.runq */
	p->runq_cnt = tail - head <= 256 ? tail - head + (next != 0) : 0;
	return 0;
}

/* allp is a slice that only GOMAXPROCS changes, with the world stopped. */
static int read_ps(const struct snap_source *src, struct snapshot *s, struct snap_index *ix,
		   uint64_t **m_of_p)
{
	const int32_t offs[] = {src->lay->off.p_id,   src->lay->off.p_status, src->lay->p_m,
				src->lay->p_runqhead, src->lay->p_runqtail,   src->lay->p_runnext};
	uint64_t slice[2], *addrs = NULL;
	int err;

	if (!offsets_in(offs, sizeof(offs) / sizeof(offs[0]), P_OFFSET_MAX))
		return -EBADMSG;
	err = snap_read(&src->rd, src->globals->allp + src->bias, slice, sizeof(slice));
	if (err)
		return err;
	if (!snap_is_pointer(slice[0]) || !slice[1] || slice[1] > P_MAX)
		return -EBADMSG;
	if (s->gomaxprocs && s->gomaxprocs < slice[1])
		slice[1] = s->gomaxprocs;
	addrs = calloc(slice[1], sizeof(*addrs));
	s->p = calloc(slice[1], sizeof(*s->p));
	*m_of_p = calloc(slice[1], sizeof(**m_of_p));
	if (!addrs || !s->p || !*m_of_p) {
		err = -ENOMEM;
		goto out;
	}
	err = snap_read(&src->rd, slice[0], addrs, slice[1] * sizeof(*addrs));
	for (size_t i = 0; i < slice[1] && !err; i++) {
		err = snap_is_pointer(addrs[i]) ? 0 : -EBADMSG;
		if (!err)
			err = read_p(src, addrs[i], &s->p[i], &(*m_of_p)[i]);
		if (!err)
			err = imap__put(&ix->p_by_addr, addrs[i], (uint64_t)s->p[i].id);
	}
	s->p_cnt = slice[1];
out:
	free(addrs);
	return err;
}

/* ---- Ms ----------------------------------------------------------------------------------- */

struct m_words {
	uint64_t procid, curg, p, id, next;
};

static int read_m(const struct snap_source *src, uint64_t addr, struct m_words *m)
{
	const struct go_layout *lay = src->lay;
	const uint64_t addrs[] = {addr + (uint64_t)lay->off.m_procid,
				  addr + (uint64_t)lay->off.m_curg, addr + (uint64_t)lay->off.m_p,
				  addr + (uint64_t)lay->off.m_id, addr + (uint64_t)lay->m_alllink};
	void *const dst[] = {&m->procid, &m->curg, &m->p, &m->id, &m->next};
	const size_t lens[] = {8, 8, 8, 8, 8};

	return src->rd.readv(src->rd.ctx, addrs, dst, lens, 5);
}

static int add_m(const struct snap_source *src, struct snapshot *s, struct snap_index *ix,
		 uint64_t addr, const struct m_words *w, size_t caps[2])
{
	struct snap_m *m;
	uint64_t p;

	if (array__reserve(&s->m, s->m_cnt, &caps[0], 1, sizeof(*s->m)) ||
	    array__reserve(&ix->m_curg, s->m_cnt, &caps[1], 1, sizeof(*ix->m_curg)))
		return -ENOMEM;
	m = &s->m[s->m_cnt];
	*m = (struct snap_m){.addr = addr,
			     .procid = w->procid,
			     .tid = tid_of(src, ix, w->procid),
			     .id = (int64_t)w->id,
			     .p = WAITING_ON_NOBODY};
	if (w->p && imap__get(&ix->p_by_addr, w->p, &p))
		m->p = (int32_t)p;
	ix->m_curg[s->m_cnt] = w->curg;
	return imap__put(&ix->m_by_addr, addr, s->m_cnt++);
}

static int walk_ms(const struct snap_source *src, struct snapshot *s, struct snap_index *ix)
{
	struct m_words w;
	uint64_t addr;
	size_t caps[2] = {0};
	int err = snap_read_u64(&src->rd, src->globals->allm + src->bias, &addr);

	s->m_cnt = 0;
	free(s->m);
	s->m = NULL;
	free(ix->m_curg);
	ix->m_curg = NULL;
	imap__free(&ix->m_by_addr);
	while (!err && addr) {
		if (!snap_is_pointer(addr) || s->m_cnt >= M_MAX ||
		    imap__get(&ix->m_by_addr, addr, NULL))
			return -EBADMSG;
		err = read_m(src, addr, &w);
		if (!err)
			err = add_m(src, s, ix, addr, &w, caps);
		addr = w.next;
	}
	return err;
}

static int read_ms(const struct snap_source *src, struct snapshot *s, struct snap_index *ix)
{
	const int32_t offs[] = {src->lay->off.m_procid, src->lay->off.m_curg, src->lay->off.m_p,
				src->lay->off.m_id, src->lay->m_alllink};
	int err = -EBADMSG;

	if (!offsets_in(offs, sizeof(offs) / sizeof(offs[0]), M_OFFSET_MAX))
		return -EBADMSG;
	/* An M that exits while we stand on it leads nowhere: begin again. */
	for (int i = 0; i < LIST_TRIES && err; i++) {
		err = walk_ms(src, s, ix);
		if (err == -ENOMEM || err == -ESRCH)
			break;
	}
	return err;
}

int snapshot__m_cnt(const struct snap_source *src, uint64_t *cnt)
{
	struct snapshot s = {0};
	struct snap_index ix = {0};
	int err = read_ms(src, &s, &ix);

	if (!err)
		*cnt = s.m_cnt;
	free(s.m);
	snap_index__free(&ix);
	return err;
}

/* ---- single words ------------------------------------------------------------------------- */

static int read_wait_reasons(const struct snap_source *src, struct snapshot *s)
{
	uint64_t strings[REASON_CNT_MAX][2];
	size_t cnt = src->globals->wait_reason_cnt;
	int err;

	if (!src->globals->wait_reason_strings || !cnt)
		return 0;
	if (cnt > REASON_CNT_MAX)
		return -EBADMSG;
	err = snap_read(&src->rd, src->globals->wait_reason_strings + src->bias, strings,
			cnt * sizeof(strings[0]));
	if (err)
		return err;
	s->wait_reasons = calloc(cnt, sizeof(*s->wait_reasons));
	if (!s->wait_reasons)
		return -ENOMEM;
	s->wait_reasons_cnt = cnt;
	for (size_t i = 0; i < cnt; i++) {
		if (strings[i][1] > REASON_SZ_MAX)
			return -EBADMSG;
		err = snap_read_string(&src->rd, strings[i][0], strings[i][1], REASON_SZ_MAX,
				       &s->wait_reasons[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Absent globals leave 0 behind: the word is extra, not needed. */
static int read_word32(const struct snap_source *src, uint64_t global, uint32_t *out)
{
	return global ? snap_read_u32(&src->rd, global + src->bias, out) : 0;
}

static int fail(const char *what, int err)
{
	if (err == -EBADMSG)
		log_error("snapshot: the target's %s make no sense with this layout", what);
	else if (err == -ESRCH)
		log_error("snapshot: the target has ended");
	else if (err != -ENOMEM)
		log_error("snapshot: the target's %s: %s", what, strerror(-err));
	return err;
}

int snap_head__read(const struct snap_source *src, struct snapshot *s, struct snap_index *ix)
{
	uint64_t *m_of_p = NULL;
	int err = index_threads(src, ix);

	if (err)
		return fail("threads", err);
	err = read_wait_reasons(src, s);
	if (err)
		return fail("wait reasons", err);
	if ((err = read_word32(src, src->globals->gomaxprocs, &s->gomaxprocs)) ||
	    (err = read_word32(src, src->globals->gcphase, &s->gcphase)) ||
	    (err = snapshot__heap(src, &s->heap_live, &s->heap_goal, &s->heap_goal_estimate)))
		return fail("globals", err);
	err = read_ps(src, s, ix, &m_of_p);
	if (err) {
		free(m_of_p);
		return fail("processors (allp)", err);
	}
	err = read_ms(src, s, ix);
	for (size_t i = 0; i < s->p_cnt && !err; i++) {
		uint64_t m;

		if (m_of_p[i] && imap__get(&ix->m_by_addr, m_of_p[i], &m))
			s->p[i].m_tid = s->m[m].tid;
	}
	free(m_of_p);
	return err ? fail("threads (allm)", err) : 0;
}
