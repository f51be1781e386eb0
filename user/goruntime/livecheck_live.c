/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be true of the runtime's structs in any live Go process. The process runs on while we
 * look, so what seems wrong is read again before it counts.
 */
#include "goruntime/livecheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/imap.h"
#include "process/process.h"

#define G_LOOK_MAX 4096 /* of a big process, the first and last half of so many */
#define TRIES 6		/* readings before a contradiction counts */
#define M_TRIES 20	/* of the list of threads, which come and go */
#define BP_BAD_SHARE 4	/* of so many parked goroutines, less than one may have an odd bp */
#define M_MAX 20000
#define P_MAX 4096
#define M_IMAGE_MAX 8192
#define GOID_MAX (UINT64_C(1) << 50)
#define STACK_MIN 2048 /* stack.go: every stack that stackalloc gives is a power of two */
#define PREEMPT_GUARD_MIN (UINT64_MAX - 4096) /* stackPreempt, stackFork, … */

struct look {
	struct check *c;
	const struct snap_source *src;
	const struct go_layout *lay;
	uint64_t text, etext; /* run-time */
	uint64_t *gs;
	size_t g_cnt;
	struct imap g_known, goids, m_known, p_known, procids, m_ids;
	bool by_procids; /* threads are known */
	/* Frame pointers that lead to a record, and that do not: between two instructions of a
	 * prologue, or in assembly, one may not. bad_goid: whose it was last. */
	size_t bp_good, bp_bad;
	uint64_t bp_bad_goid;
	size_t procid_good;
	uint64_t procid_bad; /* the last one */
	size_t starting_cnt; /* Ms without a thread id yet */
	uint64_t goid_max;
	size_t image_sz;
};

static bool is_cgo(const struct look *l)
{
	return l->src->bin && gobinary__is_cgo(l->src->bin);
}

static void saw(struct look *l, enum check_field f)
{
	l->c->seen[f] |= CHECK_LIVE;
}

static bool in_text(const struct look *l, uint64_t pc)
{
	return pc >= l->text && pc <= l->etext;
}

/* ---- goroutines ---------------------------------------------------------------------------- */

static int list_gs(struct look *l)
{
	const struct snap_reader *rd = &l->src->rd;
	uint64_t total, ptr, half;
	int err = snap_read_u64(rd, l->src->globals->allglen + l->src->bias, &total);

	if (!err)
		err = snap_read_u64(rd, l->src->globals->allgptr + l->src->bias, &ptr);
	if (err)
		return err;
	if (!total || total > (1u << 28) || !snap_is_pointer(ptr))
		return check__wrong(l->c, F_GOID, "allgs has %llu goroutines",
				    (unsigned long long)total);
	l->g_cnt = total < G_LOOK_MAX ? total : G_LOOK_MAX;
	l->gs = calloc(l->g_cnt, sizeof(*l->gs));
	if (!l->gs)
		return -ENOMEM;
	half = l->g_cnt / 2;
	err = snap_read(rd, ptr, l->gs, 8 * (l->g_cnt - half));
	if (!err && half)
		err = snap_read(rd, ptr + 8 * (total - half), l->gs + (l->g_cnt - half), 8 * half);
	for (size_t i = 0; i < l->g_cnt && !err; i++) {
		if (!snap_is_pointer(l->gs[i]))
			return check__wrong(l->c, F_GOID, "allgs holds what is no pointer");
		err = imap__put(&l->g_known, l->gs[i], i);
	}
	return err;
}

static int read_g(const struct look *l, uint64_t addr, struct g_words *w)
{
	uint8_t image[4096];
	int err = snap_read(&l->src->rd, addr, image, l->image_sz);

	if (!err)
		g_words__decode(l->lay, image, w);
	return err;
}

static bool is_dead(uint32_t status)
{
	return status == G_DEAD || status == G_DEADEXTRA;
}

static int check_stack(struct look *l, const struct g_words *w)
{
	uint64_t sz = w->hi - w->lo;

	if (w->lo >= w->hi || sz < STACK_MIN || (sz & (sz - 1)) || (w->lo & 7))
		return check__wrong(l->c, F_STACK_LO, "goroutine %llu's stack is [%#llx, %#llx)",
				    (unsigned long long)w->goid, (unsigned long long)w->lo,
				    (unsigned long long)w->hi);
	saw(l, F_STACK_LO);
	saw(l, F_STACK_HI);
	if (w->guard >= PREEMPT_GUARD_MIN)
		return 0;
	if (w->guard <= w->lo || w->guard - w->lo >= STACK_MIN)
		return check__wrong(l->c, F_STACKGUARD, "goroutine %llu's is %#llx, stack.lo %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->guard,
				    (unsigned long long)w->lo);
	saw(l, F_STACKGUARD);
	return 0;
}

/* Is there a frame record at bp: a frame pointer further up or 0, and a return address? */
static bool is_record(const struct look *l, const struct g_words *w, uint64_t bp)
{
	uint64_t rec[2];

	if (bp < w->lo || bp >= w->hi || w->hi - bp < sizeof(rec) || (bp & 7) ||
	    snap_read(&l->src->rd, bp, rec, sizeof(rec)))
		return false;
	return in_text(l, rec[1]) && (!rec[0] || (rec[0] > bp && rec[0] < w->hi));
}

static int check_parked(struct look *l, uint64_t addr, const struct g_words *w)
{
	if (w->sp < w->lo || w->sp >= w->hi || (w->sp & 7))
		return check__wrong(l->c, F_SCHED_SP, "parked goroutine %llu's is not on its stack",
				    (unsigned long long)w->goid);
	saw(l, F_SCHED_SP);
	if (!in_text(l, w->pc))
		return check__wrong(l->c, F_SCHED_PC, "parked goroutine %llu's is not in the text",
				    (unsigned long long)w->goid);
	saw(l, F_SCHED_PC);
	if (w->bp && w->bp > w->sp && is_record(l, w, w->bp)) {
		saw(l, F_SCHED_BP);
		l->bp_good++;
	} else if (w->bp) {
		l->bp_bad++;
		l->bp_bad_goid = w->goid;
	}
	if (l->lay->g_sched_g >= 0 && w->sched_g != addr)
		return check__wrong(l->c, F_SCHED_G, "goroutine %llu's does not name itself",
				    (unsigned long long)w->goid);
	saw(l, F_SCHED_G);
	return 0;
}

/*
 * reentersyscall saves the same three words twice, in sched and in syscall*. The goroutine of a C
 * thread begins in a syscall that nobody entered: 0 says nothing.
 */
static int check_syscall(struct look *l, const struct g_words *w)
{
	bool has_bp = l->lay->off.g_syscallbp >= 0;

	if (w->syscall_sp && (w->syscall_sp < w->lo || w->syscall_sp > w->hi))
		return check__wrong(l->c, F_SYSCALLSP, "goroutine %llu, in a syscall, has %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->syscall_sp);
	if (w->syscall_pc && !in_text(l, w->syscall_pc))
		return check__wrong(l->c, F_SYSCALLPC, "goroutine %llu, in a syscall, has %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->syscall_pc);
	if (has_bp && w->syscall_bp &&
	    (w->syscall_bp <= w->syscall_sp || !is_record(l, w, w->syscall_bp)))
		return check__wrong(l->c, F_SYSCALLBP, "goroutine %llu, in a syscall, has %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->syscall_bp);
	if (!w->syscall_sp || w->sp != w->syscall_sp || w->pc != w->syscall_pc ||
	    (has_bp && (!w->syscall_bp || w->bp != w->syscall_bp)))
		return 0; /* a callback from C changes sched */
	saw(l, F_SYSCALLSP);
	saw(l, F_SYSCALLPC);
	saw(l, F_SYSCALLBP);
	return 0;
}

static int check_waiting(struct look *l, const struct g_words *w)
{
	uint32_t cnt = l->src->globals->wait_reason_cnt;

	if (!w->wait_reason || (cnt && w->wait_reason >= cnt))
		return check__wrong(l->c, F_WAITREASON, "waiting goroutine %llu's is %u of %u",
				    (unsigned long long)w->goid, w->wait_reason, cnt);
	saw(l, F_WAITREASON);
	return 0;
}

static int check_origin(struct look *l, const struct g_words *w)
{
	/* those of C threads (oneNewExtraM) begin nowhere, and nobody's go statement made them */
	if (w->startpc && !in_text(l, w->startpc))
		return check__wrong(l->c, F_STARTPC, "goroutine %llu's is not in the text",
				    (unsigned long long)w->goid);
	if (w->startpc)
		saw(l, F_STARTPC);
	if (w->goid == 1 || !w->gopc)
		return 0;
	if (!in_text(l, w->gopc))
		return check__wrong(l->c, F_GOPC, "goroutine %llu's is not in the text",
				    (unsigned long long)w->goid);
	saw(l, F_GOPC);
	if (l->lay->g_parent_goid < 0)
		return 0;
	if (w->parent_goid > l->goid_max)
		return check__wrong(l->c, F_PARENT_GOID, "goroutine %llu's is %llu, never given",
				    (unsigned long long)w->goid,
				    (unsigned long long)w->parent_goid);
	if (w->parent_goid && w->parent_goid != w->goid)
		saw(l, F_PARENT_GOID);
	return 0;
}

/* Made after allgs was listed, or in the part of it that is not looked at? */
static bool is_g(const struct look *l, uint64_t addr)
{
	struct g_words w;

	if (imap__get(&l->g_known, addr, NULL))
		return true;
	return snap_is_pointer(addr) && !read_g(l, addr, &w) &&
	       (l->lay->g_sched_g < 0 || w.sched_g == addr);
}

static int check_links(struct look *l, const struct g_words *w)
{
	if (w->schedlink && !is_g(l, w->schedlink))
		return check__wrong(l->c, F_SCHEDLINK, "goroutine %llu's is no goroutine",
				    (unsigned long long)w->goid);
	if (w->waitsince && (w->waitsince > clock__monotonic_ns() || w->waitsince < 1000000))
		return check__wrong(l->c, F_WAITSINCE, "goroutine %llu's is %llu, no time",
				    (unsigned long long)w->goid, (unsigned long long)w->waitsince);
	if (w->lockedm && !snap_is_pointer(w->lockedm))
		return check__wrong(l->c, F_LOCKEDM, "goroutine %llu's is no pointer",
				    (unsigned long long)w->goid);
	if (w->sync_safe_point > 1)
		return check__wrong(l->c, F_SYNC_SAFE_POINT, "goroutine %llu's is %u",
				    (unsigned long long)w->goid, w->sync_safe_point);
	if (w->in_mark_assist > 1)
		return check__wrong(l->c, F_IN_MARK_ASSIST, "goroutine %llu's is %u",
				    (unsigned long long)w->goid, w->in_mark_assist);
	if (w->labels && !snap_is_pointer(w->labels))
		return check__wrong(l->c, F_LABELS, "goroutine %llu's is no pointer",
				    (unsigned long long)w->goid);
	return 0;
}

static int check_g_once(struct look *l, uint64_t addr, const struct g_words *w)
{
	int err;

	if (w->status > G_DEADEXTRA || w->status == G_IDLE || w->status == 5 || w->status == 7)
		return check__wrong(l->c, F_STATUS, "goroutine %llu's is %u",
				    (unsigned long long)w->goid, w->status);
	if (w->status == G_WAITING || w->status == G_RUNNING)
		saw(l, F_STATUS);
	err = check_links(l, w);
	if (err || is_dead(w->status) || w->status == G_COPYSTACK)
		return err;
	if (!w->goid || w->goid > GOID_MAX)
		return check__wrong(l->c, F_GOID, "a live goroutine's is %llu",
				    (unsigned long long)w->goid);
	saw(l, F_GOID);
	err = check_stack(l, w);
	if (!err)
		err = check_origin(l, w);
	if (!err && w->status == G_SYSCALL)
		err = check_syscall(l, w);
	if (!err && w->status == G_WAITING)
		err = check_waiting(l, w);
	if (!err && (w->status == G_WAITING || w->status == G_RUNNABLE) && !w->m)
		err = check_parked(l, addr, w);
	return err;
}

/* Forgets a contradiction that a second reading does not show. */
static int check_g(struct look *l, uint64_t addr)
{
	struct check saved = *l->c;
	struct g_words w;
	int err = 0;

	for (int i = 0; i < TRIES; i++) {
		err = read_g(l, addr, &w);
		if (err)
			return err;
		*l->c = saved;
		err = check_g_once(l, addr, &w);
		if (!err)
			break;
	}
	return err;
}

static int learn_goids(struct look *l)
{
	struct g_words w;
	uint64_t at;
	int err;

	for (size_t i = 0; i < l->g_cnt; i++) {
		err = read_g(l, l->gs[i], &w);
		if (err)
			return err;
		if (is_dead(w.status) || !w.goid)
			continue;
		if (imap__get(&l->goids, w.goid, &at) && at != l->gs[i]) {
			/* one that ended may have left its number behind in a g that lives anew */
			struct g_words other;

			if (!read_g(l, at, &other) && !read_g(l, l->gs[i], &w) &&
			    other.goid == w.goid && !is_dead(other.status) && !is_dead(w.status))
				return check__wrong(l->c, F_GOID, "two goroutines have %llu",
						    (unsigned long long)w.goid);
		}
		err = imap__put(&l->goids, w.goid, l->gs[i]);
		if (err)
			return err;
		if (w.goid > l->goid_max)
			l->goid_max = w.goid;
	}
	/* parents have ended, and every P takes 16 numbers in advance (goidcache) */
	l->goid_max += 16 * P_MAX;
	return 0;
}

/* trackingSeq counts up: a word that is never more than 1 is none. */
static int watch_tracking(struct look *l)
{
	struct g_words w;

	for (size_t i = 0; i < l->g_cnt; i++) {
		if (!read_g(l, l->gs[i], &w) && w.tracking_seq > 1) {
			saw(l, F_TRACKING_SEQ);
			break;
		}
	}
	return 0;
}

static int check_gs(struct look *l)
{
	int err = learn_goids(l);

	if (!err)
		err = watch_tracking(l);
	for (size_t i = 0; i < l->g_cnt && !err; i++)
		err = check_g(l, l->gs[i]);
	if (!err && l->bp_bad * BP_BAD_SHARE > l->bp_good)
		err = check__wrong(l->c, F_SCHED_BP,
				   "%zu of %zu parked goroutines' are no frame's (one is %llu)",
				   l->bp_bad, l->bp_bad + l->bp_good,
				   (unsigned long long)l->bp_bad_goid);
	return err;
}

/* ---- processors ---------------------------------------------------------------------------- */

struct p_words {
	int32_t id;
	uint32_t status, syscalltick;
	uint64_t m;
};

static int read_p(const struct look *l, uint64_t addr, struct p_words *p)
{
	const uint64_t addrs[] = {
		addr + (uint64_t)l->lay->off.p_id, addr + (uint64_t)l->lay->off.p_status,
		addr + (uint64_t)l->lay->off.p_syscalltick, addr + (uint64_t)l->lay->p_m};
	void *const dst[] = {&p->id, &p->status, &p->syscalltick, &p->m};
	const size_t lens[] = {4, 4, 4, 8};

	return l->src->rd.readv(l->src->rd.ctx, addrs, dst, lens, 4);
}

static int check_ps(struct look *l)
{
	uint64_t slice[2], *ps;
	struct p_words p;
	int err =
		snap_read(&l->src->rd, l->src->globals->allp + l->src->bias, slice, sizeof(slice));

	if (err)
		return err;
	if (!snap_is_pointer(slice[0]) || !slice[1] || slice[1] > P_MAX)
		return check__wrong(l->c, F_P_ID, "allp has %llu processors",
				    (unsigned long long)slice[1]);
	ps = calloc(slice[1], sizeof(*ps));
	if (!ps)
		return -ENOMEM;
	err = snap_read(&l->src->rd, slice[0], ps, 8 * slice[1]);
	for (uint64_t i = 0; i < slice[1] && !err; i++) {
		err = snap_is_pointer(ps[i]) ? read_p(l, ps[i], &p) : -EFAULT;
		if (!err && p.id != (int32_t)i)
			err = check__wrong(l->c, F_P_ID, "processor %llu of allp has %d",
					   (unsigned long long)i, p.id);
		else if (!err && p.status > 4)
			err = check__wrong(l->c, F_P_STATUS, "processor %d's is %u", p.id,
					   p.status);
		else if (!err && p.m && !snap_is_pointer(p.m))
			err = check__wrong(l->c, F_P_M, "processor %d's is no pointer", p.id);
		if (!err)
			err = imap__put(&l->p_known, ps[i], i);
	}
	if (!err && slice[1] > 1)
		saw(l, F_P_ID);
	free(ps);
	return err;
}

/* ---- threads ------------------------------------------------------------------------------- */

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

	if (!snap_is_pointer(g) || read_g(l, g, &w))
		return check__wrong(l->c, f, "a thread's is no goroutine");
	if (w.m != m || w.goid)
		return check__wrong(l->c, f, "a thread's does not point back, or has a number");
	saw(l, f);
	saw(l, F_G_M);
	return 0;
}

static int check_curg(struct look *l, uint64_t addr, const struct m_words *m)
{
	struct g_words w;
	struct p_words p;

	if (!m->curg)
		return 0;
	if (!snap_is_pointer(m->curg) || read_g(l, m->curg, &w) || w.m != addr || !w.goid)
		return check__wrong(l->c, F_M_CURG, "a thread's does not point back");
	saw(l, F_M_CURG);
	if (w.status != G_SYSCALL)
		return 0;
	/* the last processor is kept in mind, with its count of syscalls */
	if (m->oldp && !imap__get(&l->p_known, m->oldp, NULL))
		return check__wrong(l->c, F_M_OLDP, "a thread's is no processor");
	if (!m->oldp)
		return 0;
	saw(l, F_M_OLDP);
	if (m->p == m->oldp && !read_p(l, m->oldp, &p) && m->syscalltick &&
	    p.syscalltick == m->syscalltick)
		saw(l, F_M_SYSCALLTICK);
	return 0;
}

static int check_p_of(struct look *l, uint64_t addr, const struct m_words *m)
{
	struct p_words p;

	if (!m->p)
		return 0;
	if (!imap__get(&l->p_known, m->p, NULL) || read_p(l, m->p, &p) || p.m != addr)
		return check__wrong(l->c, F_M_P, "a thread's does not point back");
	if (p.status != 1 && p.status != 2 && p.status != 3)
		return check__wrong(l->c, F_P_STATUS, "a processor that works has %u", p.status);
	saw(l, F_M_P);
	saw(l, F_P_M);
	saw(l, F_P_STATUS);
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
	return is_cgo(l) ? 0
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
		saw(l, F_M_SKIP);
	if (!err)
		err = check_curg(l, addr, m);
	return err ? err : check_p_of(l, addr, m);
}

static int check_m(struct look *l, uint64_t addr, struct m_words *m)
{
	struct check saved = *l->c;
	int err = 0;

	for (int i = 0; i < TRIES; i++) {
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
		saw(l, F_M_ID);
		if (l->procid_good > 1 || !l->by_procids)
			saw(l, F_M_PROCID);
	}
	return err;
}

static int check_ms(struct look *l)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	/* C code may have threads of its own; and only a strict check counts on having seen all */
	bool others = is_cgo(l) || !l->c->strict;
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
			saw(l, F_M_ALLLINK);
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

/* ---- */

static void look_close(struct look *l)
{
	free(l->gs);
	imap__free(&l->g_known);
	imap__free(&l->goids);
	imap__free(&l->m_known);
	imap__free(&l->m_ids);
	imap__free(&l->p_known);
	imap__free(&l->procids);
}

int check_live__look(struct check *c)
{
	struct look l = {
		.c = c,
		.src = c->src,
		.lay = c->src->lay,
		.text = c->src->globals->text + c->src->bias,
		.etext = c->src->globals->etext + c->src->bias,
		.image_sz = g_image__len(c->src->lay),
	};
	int err;

	if (!l.image_sz)
		return check__wrong(c, F_STACK_LO, "the layout has an offset that no g can have");
	err = list_gs(&l);
	if (!err)
		err = check_gs(&l);
	if (!err)
		err = check_ps(&l);
	if (!err)
		err = check_ms(&l);
	look_close(&l);
	/* Only a wrong offset leads out of the process's memory. */
	if (err == -EFAULT)
		err = check__wrong(c, F_G_M, "it leads to memory that is not there");
	return err;
}
