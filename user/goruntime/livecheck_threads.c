/* SPDX-License-Identifier: GPL-2.0-only */
/* What must be true of each m in the list of allm, and of the threads that they are. */
#include "goruntime/livecheck_look.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "process/process.h"

#define M_TRIES 20 /* of the list of threads, which come and go */
#define M_MAX 20000
#define M_IMAGE_MAX 8192

struct m_words {
	uint64_t g0, gsignal, procid, curg, p, oldp, alllink, skip;
	int64_t id;
	uint32_t syscalltick;
	uint8_t block_reason;
};

static int read_m(const struct look *l, uint64_t addr, struct m_words *m)
{
	const struct gbt_offsets *o = &l->lay->off;
	const int32_t offs[] = {o->m_g0, o->m_gsignal,	   o->m_procid,		  o->m_curg,
				o->m_p,	 o->m_oldp,	   l->lay->m_alllink,	  o->m_wait_skip,
				o->m_id, o->m_syscalltick, o->m_wait_block_reason};
	void *const dst[] = {&m->g0, &m->gsignal,     &m->procid,      &m->curg,
			     &m->p,  &m->oldp,	      &m->alllink,     &m->skip,
			     &m->id, &m->syscalltick, &m->block_reason};
	const size_t lens[] = {8, 8, 8, 8, 8, 8, 8, 8, 8, 4, 1};
	uint64_t addrs[11];

	for (size_t i = 0; i < 11; i++) {
		if (offs[i] < 0 || offs[i] > M_IMAGE_MAX)
			return -EFAULT;
		addrs[i] = addr + (uint64_t)offs[i];
	}
	return l->src->rd.readv(l->src->rd.ctx, addrs, dst, lens, 11);
}

/* g0 and gsignal belong to their M for good. */
static int check_own_g(struct look *l, uint64_t m, uint64_t g, enum check_field f)
{
	struct g_words w;

	if (!snap_is_pointer(g) || look__read_g(l, g, &w))
		return check__wrong(l->c, f, "a thread's is no goroutine");
	if (w.m != m || w.goid)
		return check__wrong(l->c, f, "a thread's does not point back, or has a number");
	look__saw(l, f);
	look__saw(l, F_G_M);
	return 0;
}

static int check_curg(struct look *l, uint64_t addr, const struct m_words *m)
{
	struct g_words w;
	struct p_words p;

	if (!m->curg)
		return 0;
	if (!snap_is_pointer(m->curg) || look__read_g(l, m->curg, &w) || w.m != addr || !w.goid)
		return check__wrong(l->c, F_M_CURG, "a thread's does not point back");
	look__saw(l, F_M_CURG);
	if (w.status != G_SYSCALL)
		return 0;
	/* the last processor is kept in mind, with its count of syscalls */
	if (m->oldp && !imap__get(&l->p_known, m->oldp, NULL))
		return check__wrong(l->c, F_M_OLDP, "a thread's is no processor");
	if (!m->oldp)
		return 0;
	look__saw(l, F_M_OLDP);
	if (m->p == m->oldp && !look__read_p(l, m->oldp, &p) && m->syscalltick &&
	    p.syscalltick == m->syscalltick)
		look__saw(l, F_M_SYSCALLTICK);
	return 0;
}

static int check_p_of(struct look *l, uint64_t addr, const struct m_words *m)
{
	struct p_words p;

	if (!m->p)
		return 0;
	if (!imap__get(&l->p_known, m->p, NULL) || look__read_p(l, m->p, &p) || p.m != addr)
		return check__wrong(l->c, F_M_P, "a thread's does not point back");
	if (p.status != 1 && p.status != 2 && p.status != 3)
		return check__wrong(l->c, F_P_STATUS, "a processor that works has %u", p.status);
	look__saw(l, F_M_P);
	look__saw(l, F_P_M);
	look__saw(l, F_P_STATUS);
	return 0;
}

/* An M that a C thread had keeps the id of the last one, which may have ended (dropm). */
static int check_procid(struct look *l, uint64_t procid)
{
	if (imap__get(&l->procids, procid, NULL)) {
		l->procid_good++;
		return 0;
	}
	l->procid_bad = procid;
	return look__is_cgo(l) ? 0
			       : check__wrong(l->c, F_M_PROCID, "%llu is no thread of the process",
					      (unsigned long long)procid);
}

static int check_m_once(struct look *l, uint64_t addr, const struct m_words *m)
{
	int err = check_own_g(l, addr, m->g0, F_M_G0);

	/* gsignal comes with the thread's start, procid too */
	if (!err && m->gsignal)
		err = check_own_g(l, addr, m->gsignal, F_M_GSIGNAL);
	if (!err && m->gsignal == m->g0)
		err = check__wrong(l->c, F_M_GSIGNAL, "a thread's is its g0");
	if (!err && m->procid && l->by_procids)
		err = check_procid(l, m->procid);
	if (!err && (m->id < 0 || m->id > (INT64_C(1) << 32)))
		err = check__wrong(l->c, F_M_ID, "a thread's is %lld", (long long)m->id);
	if (!err && (m->skip > 16 || m->block_reason > 64))
		err = check__wrong(l->c, m->skip > 16 ? F_M_SKIP : F_M_BLOCK_REASON,
				   "a thread's is %llu",
				   (unsigned long long)(m->skip > 16 ? m->skip : m->block_reason));
	if (!err && m->skip)
		look__saw(l, F_M_SKIP);
	if (!err)
		err = check_curg(l, addr, m);
	return err ? err : check_p_of(l, addr, m);
}

static int check_m(struct look *l, uint64_t addr, struct m_words *m)
{
	struct check saved = *l->c;
	int err = 0;

	for (int i = 0; i < LOOK_TRIES; i++) {
		err = read_m(l, addr, m);
		if (err)
			return err;
		*l->c = saved;
		err = check_m_once(l, addr, m);
		if (!err)
			break;
	}
	return err;
}

static int learn_threads(struct look *l)
{
	struct process_thread *threads;
	size_t cnt;
	int err;

	imap__free(&l->procids);
	if (!l->src->proc)
		return 0;
	err = process__threads(l->src->proc, &threads, &cnt);
	for (size_t i = 0; !err && i < cnt; i++)
		err = imap__put(&l->procids, (uint64_t)threads[i].ns_tid, 0);
	if (!err)
		free(threads);
	l->by_procids = !err;
	return err;
}

/*
 * Threads that no M has. In a program without C these are ones that have just been made and have
 * not told their id yet, ones that are about to end, or the kernel's own (io_uring workers).
 */
static size_t threads_without_m(const struct look *l, const struct imap *found)
{
	uint64_t tid, val;
	size_t it = 0, cnt = 0;

	while (imap__next(&l->procids, &it, &tid, &val))
		cnt += !imap__get(found, tid, NULL);
	return cnt > l->starting_cnt ? cnt - l->starting_cnt : 0;
}

static int walk_ms(struct look *l, struct imap *found)
{
	struct m_words m;
	uint64_t addr, other;
	size_t cnt = 0;
	int err = snap_read_u64(&l->src->rd, l->src->globals->allm + l->src->bias, &addr);

	imap__free(&l->m_known);
	imap__free(&l->m_ids);
	l->starting_cnt = 0;
	for (; !err && addr; addr = m.alllink) {
		if (!snap_is_pointer(addr) || cnt++ > M_MAX || imap__get(&l->m_known, addr, NULL))
			return check__wrong(l->c, F_M_ALLLINK, "the list of threads does not end");
		err = check_m(l, addr, &m);
		if (err == -EFAULT)
			err = check__wrong(l->c, F_M_ALLLINK, "the list of threads leads nowhere");
		if (!err && imap__get(&l->m_ids, (uint64_t)m.id, &other))
			err = check__wrong(l->c, F_M_ID, "two threads have %lld", (long long)m.id);
		if (!err)
			err = imap__put(&l->m_ids, (uint64_t)m.id, addr);
		if (!err)
			err = imap__put(&l->m_known, addr, 0);
		if (!err && m.procid)
			err = imap__put(found, m.procid, 0);
		l->starting_cnt += !m.procid;
	}
	if (!err && l->procid_bad && !l->procid_good)
		err = check__wrong(l->c, F_M_PROCID,
				   "%llu is no thread of the process, nor any "
				   "other",
				   (unsigned long long)l->procid_bad);
	if (!err && cnt > 1) {
		look__saw(l, F_M_ID);
		if (l->procid_good > 1 || !l->by_procids)
			look__saw(l, F_M_PROCID);
	}
	return err;
}

int look__threads(struct look *l)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	/* C code may have threads of its own; and only a strict check counts on having seen all */
	bool others = look__is_cgo(l) || !l->c->strict;
	struct check saved = *l->c;
	size_t strays = 0;
	int err = 0;

	for (int i = 0; i < M_TRIES; i++) {
		struct imap found = {0};

		*l->c = saved;
		err = learn_threads(l);
		if (!err)
			err = walk_ms(l, &found);
		strays = threads_without_m(l, &found);
		imap__free(&found);
		if (!err && (others || !strays)) {
			look__saw(l, F_M_ALLLINK);
			return 0;
		}
		if (err == -ENOMEM || err == -ESRCH)
			return err;
		nanosleep(&pause, NULL);
	}
	return err ? err
		   : check__wrong(l->c, F_M_ALLLINK, "%zu threads of the process are not in it",
				  strays);
}
