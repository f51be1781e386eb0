/* SPDX-License-Identifier: GPL-2.0-only */
/* What must be true of each g, by its own words. */
#include "goruntime/livecheck_look.h"

#include <errno.h>
#include <stdlib.h>

#include "base/duration.h"

#define G_LOOK_MAX 4096 /* of a big process, the first and last half of so many */
#define BP_BAD_SHARE 4	/* of so many parked goroutines, less than one may have an odd bp */
#define GOID_MAX (UINT64_C(1) << 50)
#define STACK_MIN 2048 /* stack.go: every stack that stackalloc gives is a power of two */
#define PREEMPT_GUARD_MIN (UINT64_MAX - 4096) /* stackPreempt, stackFork, … */

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
	look__saw(l, F_STACK_LO);
	look__saw(l, F_STACK_HI);
	if (w->guard >= PREEMPT_GUARD_MIN)
		return 0;
	if (w->guard <= w->lo || w->guard - w->lo >= STACK_MIN)
		return check__wrong(l->c, F_STACKGUARD, "goroutine %llu's is %#llx, stack.lo %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->guard,
				    (unsigned long long)w->lo);
	look__saw(l, F_STACKGUARD);
	return 0;
}

/* Is there a frame record at bp: a frame pointer further up or 0, and a return address? */
static bool is_record(const struct look *l, const struct g_words *w, uint64_t bp)
{
	uint64_t rec[2];

	if (bp < w->lo || bp >= w->hi || w->hi - bp < sizeof(rec) || (bp & 7) ||
	    snap_read(&l->src->rd, bp, rec, sizeof(rec)))
		return false;
	return look__in_text(l, rec[1]) && (!rec[0] || (rec[0] > bp && rec[0] < w->hi));
}

static int check_parked(struct look *l, uint64_t addr, const struct g_words *w)
{
	if (w->sp < w->lo || w->sp >= w->hi || (w->sp & 7))
		return check__wrong(l->c, F_SCHED_SP, "parked goroutine %llu's is not on its stack",
				    (unsigned long long)w->goid);
	look__saw(l, F_SCHED_SP);
	if (!look__in_text(l, w->pc))
		return check__wrong(l->c, F_SCHED_PC, "parked goroutine %llu's is not in the text",
				    (unsigned long long)w->goid);
	look__saw(l, F_SCHED_PC);
	if (w->bp && w->bp > w->sp && is_record(l, w, w->bp)) {
		look__saw(l, F_SCHED_BP);
		l->bp_good++;
	} else if (w->bp) {
		l->bp_bad++;
		l->bp_bad_goid = w->goid;
	}
	if (l->lay->g_sched_g >= 0 && w->sched_g != addr)
		return check__wrong(l->c, F_SCHED_G, "goroutine %llu's does not name itself",
				    (unsigned long long)w->goid);
	look__saw(l, F_SCHED_G);
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
	if (w->syscall_pc && !look__in_text(l, w->syscall_pc))
		return check__wrong(l->c, F_SYSCALLPC, "goroutine %llu, in a syscall, has %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->syscall_pc);
	if (has_bp && w->syscall_bp &&
	    (w->syscall_bp <= w->syscall_sp || !is_record(l, w, w->syscall_bp)))
		return check__wrong(l->c, F_SYSCALLBP, "goroutine %llu, in a syscall, has %#llx",
				    (unsigned long long)w->goid, (unsigned long long)w->syscall_bp);
	if (!w->syscall_sp || w->sp != w->syscall_sp || w->pc != w->syscall_pc ||
	    (has_bp && (!w->syscall_bp || w->bp != w->syscall_bp)))
		return 0; /* a callback from C changes sched */
	look__saw(l, F_SYSCALLSP);
	look__saw(l, F_SYSCALLPC);
	look__saw(l, F_SYSCALLBP);
	return 0;
}

static int check_waiting(struct look *l, const struct g_words *w)
{
	uint32_t cnt = l->src->globals->wait_reason_cnt;

	if (!w->wait_reason || (cnt && w->wait_reason >= cnt))
		return check__wrong(l->c, F_WAITREASON, "waiting goroutine %llu's is %u of %u",
				    (unsigned long long)w->goid, w->wait_reason, cnt);
	look__saw(l, F_WAITREASON);
	return 0;
}

static int check_origin(struct look *l, const struct g_words *w)
{
	/* those of C threads (oneNewExtraM) begin nowhere, and nobody's go statement made them */
	if (w->startpc && !look__in_text(l, w->startpc))
		return check__wrong(l->c, F_STARTPC, "goroutine %llu's is not in the text",
				    (unsigned long long)w->goid);
	if (w->startpc)
		look__saw(l, F_STARTPC);
	if (w->goid == 1 || !w->gopc)
		return 0;
	if (!look__in_text(l, w->gopc))
		return check__wrong(l->c, F_GOPC, "goroutine %llu's is not in the text",
				    (unsigned long long)w->goid);
	look__saw(l, F_GOPC);
	if (l->lay->g_parent_goid < 0)
		return 0;
	if (w->parent_goid > l->goid_max)
		return check__wrong(l->c, F_PARENT_GOID, "goroutine %llu's is %llu, never given",
				    (unsigned long long)w->goid,
				    (unsigned long long)w->parent_goid);
	if (w->parent_goid && w->parent_goid != w->goid)
		look__saw(l, F_PARENT_GOID);
	return 0;
}

/* Made after allgs was listed, or in the part of it that is not looked at? */
static bool is_g(const struct look *l, uint64_t addr)
{
	struct g_words w;

	if (imap__get(&l->g_known, addr, NULL))
		return true;
	return snap_is_pointer(addr) && !look__read_g(l, addr, &w) &&
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
		look__saw(l, F_STATUS);
	err = check_links(l, w);
	if (err || is_dead(w->status) || w->status == G_COPYSTACK)
		return err;
	if (!w->goid || w->goid > GOID_MAX)
		return check__wrong(l->c, F_GOID, "a live goroutine's is %llu",
				    (unsigned long long)w->goid);
	look__saw(l, F_GOID);
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

	for (int i = 0; i < LOOK_TRIES; i++) {
		err = look__read_g(l, addr, &w);
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
		err = look__read_g(l, l->gs[i], &w);
		if (err)
			return err;
		if (is_dead(w.status) || !w.goid)
			continue;
		if (imap__get(&l->goids, w.goid, &at) && at != l->gs[i]) {
			/* one that ended may have left its number behind in a g that lives anew */
			struct g_words other;

			if (!look__read_g(l, at, &other) && !look__read_g(l, l->gs[i], &w) &&
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
	l->goid_max += 16 * LOOK_P_MAX;
	return 0;
}

/* trackingSeq counts up: a word that is never more than 1 is none. */
static int watch_tracking(struct look *l)
{
	struct g_words w;

	for (size_t i = 0; i < l->g_cnt; i++) {
		if (!look__read_g(l, l->gs[i], &w) && w.tracking_seq > 1) {
			look__saw(l, F_TRACKING_SEQ);
			break;
		}
	}
	return 0;
}

int look__goroutines(struct look *l)
{
	int err = list_gs(l);

	if (!err)
		err = learn_goids(l);
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
