/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/livecheck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/log.h"

#define LOOK_AGAIN_NS 2000000
#define LOOKS 4

/*
 * What a field needs to count as borne out. ANY: either witness. BOTH: each alone would also
 * pass with a neighbour's offset. LINKED: an instruction, unless the program has no function that
 * would use the field.
 */
enum need {
	ANY,
	LIVE,
	BOTH,
	LINKED
};

static const struct {
	const char *name;
	enum need need;
} fields[F_MAX] = {
	[F_STACK_LO] = {"g.stack.lo", LIVE},
	[F_STACK_HI] = {"g.stack.hi", LIVE},
	[F_STACKGUARD] = {"g.stackguard0", LIVE},
	[F_G_M] = {"g.m", LIVE},
	[F_SCHED_SP] = {"g.sched.sp", LIVE},
	[F_SCHED_PC] = {"g.sched.pc", LIVE},
	[F_SCHED_BP] = {"g.sched.bp", LIVE},
	[F_SCHED_G] = {"g.sched.g", LIVE},
	[F_SYSCALLSP] = {"g.syscallsp", LIVE},
	[F_SYSCALLPC] = {"g.syscallpc", LIVE},
	[F_SYSCALLBP] = {"g.syscallbp", LIVE},
	[F_STATUS] = {"g.atomicstatus", LIVE},
	[F_GOID] = {"g.goid", LIVE},
	[F_SCHEDLINK] = {"g.schedlink", ANY},
	[F_WAITREASON] = {"g.waitreason", LIVE},
	[F_SYNC_SAFE_POINT] = {"g.syncSafePoint", ANY},
	[F_IN_MARK_ASSIST] = {"g.inMarkAssist", ANY},
	[F_COROEXIT] = {"g.coroexit", LINKED},
	[F_COROARG] = {"g.coroarg", LINKED},
	[F_STARTPC] = {"g.startpc", LIVE},
	[F_LABELS] = {"g.labels", LINKED},
	[F_GOPC] = {"g.gopc", LIVE},
	[F_PARENT_GOID] = {"g.parentGoid", LIVE},
	[F_WAITSINCE] = {"g.waitsince", ANY},
	[F_LOCKEDM] = {"g.lockedm", ANY},
	[F_TRACKING_SEQ] = {"g.trackingSeq", BOTH},
	[F_M_G0] = {"m.g0", LIVE},
	[F_M_GSIGNAL] = {"m.gsignal", LIVE},
	[F_M_PROCID] = {"m.procid", LIVE},
	[F_M_CURG] = {"m.curg", ANY},
	[F_M_P] = {"m.p", ANY},
	[F_M_OLDP] = {"m.oldp", ANY},
	[F_M_ID] = {"m.id", LIVE},
	[F_M_ALLLINK] = {"m.alllink", LIVE},
	[F_M_BLOCK_REASON] = {"m.waitTraceBlockReason", ANY},
	[F_M_SKIP] = {"m.waitTraceSkip", BOTH},
	[F_M_SYSCALLTICK] = {"m.syscalltick", ANY},
	[F_P_ID] = {"p.id", LIVE},
	[F_P_STATUS] = {"p.status", ANY},
	[F_P_SYSCALLTICK] = {"p.syscalltick", ANY},
	[F_P_MARK_WORKER] = {"p.gcMarkWorkerMode", ANY},
	[F_P_M] = {"p.m", ANY},
	[F_P_RUNQHEAD] = {"p.runqhead", ANY},
	[F_P_RUNQTAIL] = {"p.runqtail", ANY},
	[F_P_RUNNEXT] = {"p.runnext", ANY},
};

int check__wrong(struct check *c, enum check_field f, const char *fmt, ...)
{
	va_list ap;

	if (c->why[0])
		return -EBADMSG;
	c->wrong = f;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

int32_t check__offset(const struct go_layout *l, enum check_field f)
{
	const struct gbt_offsets *o = &l->off;
	const int32_t offs[F_MAX] = {
		[F_STACK_LO] = o->g_stack_lo,
		[F_STACK_HI] = o->g_stack_hi,
		[F_STACKGUARD] = l->g_stackguard0,
		[F_G_M] = o->g_m,
		[F_SCHED_SP] = o->g_sched_sp,
		[F_SCHED_PC] = o->g_sched_pc,
		[F_SCHED_BP] = o->g_sched_bp,
		[F_SCHED_G] = l->g_sched_g,
		[F_SYSCALLSP] = o->g_syscallsp,
		[F_SYSCALLPC] = o->g_syscallpc,
		[F_SYSCALLBP] = o->g_syscallbp,
		[F_STATUS] = o->g_atomicstatus,
		[F_GOID] = o->g_goid,
		[F_SCHEDLINK] = o->g_schedlink,
		[F_WAITREASON] = o->g_waitreason,
		[F_SYNC_SAFE_POINT] = o->g_sync_safe_point,
		[F_IN_MARK_ASSIST] = o->g_in_mark_assist,
		[F_COROEXIT] = o->g_coroexit,
		[F_COROARG] = o->g_coroarg,
		[F_STARTPC] = o->g_startpc,
		[F_LABELS] = o->g_labels,
		[F_GOPC] = l->g_gopc,
		[F_PARENT_GOID] = l->g_parent_goid,
		[F_WAITSINCE] = l->g_waitsince,
		[F_LOCKEDM] = l->g_lockedm,
		[F_TRACKING_SEQ] = l->g_tracking_seq,
		[F_M_G0] = o->m_g0,
		[F_M_GSIGNAL] = o->m_gsignal,
		[F_M_PROCID] = o->m_procid,
		[F_M_CURG] = o->m_curg,
		[F_M_P] = o->m_p,
		[F_M_OLDP] = o->m_oldp,
		[F_M_ID] = o->m_id,
		[F_M_ALLLINK] = l->m_alllink,
		[F_M_BLOCK_REASON] = o->m_wait_block_reason,
		[F_M_SKIP] = o->m_wait_skip,
		[F_M_SYSCALLTICK] = o->m_syscalltick,
		[F_P_ID] = o->p_id,
		[F_P_STATUS] = o->p_status,
		[F_P_SYSCALLTICK] = o->p_syscalltick,
		[F_P_MARK_WORKER] = o->p_gc_mark_worker_mode,
		[F_P_M] = l->p_m,
		[F_P_RUNQHEAD] = l->p_runqhead,
		[F_P_RUNQTAIL] = l->p_runqtail,
		[F_P_RUNNEXT] = l->p_runnext,
	};

	return offs[f];
}

/* The first field that has not been borne out; F_MAX when all are. */
static enum check_field unseen(const struct check *c)
{
	for (unsigned f = 0; f < F_MAX; f++) {
		uint8_t seen = c->seen[f];
		enum need need = fields[f].need;

		if (check__offset(c->src->lay, f) < 0)
			continue;
		if ((need == LIVE && !(seen & CHECK_LIVE)) ||
		    (need == ANY && !(seen & (CHECK_LIVE | CHECK_CODE))) ||
		    (need == BOTH && (!(seen & CHECK_LIVE) || !(seen & CHECK_CODE))) ||
		    (need == LINKED && !(seen & (CHECK_CODE | CHECK_UNUSED))))
			return f;
	}
	return F_MAX;
}

static int report(const struct check *c, int err, unsigned flags)
{
	if (err == -EBADMSG && !(flags & LIVECHECK_QUIET))
		log_error("live check: %s is not at offset %d of this process's runtime: %s "
			  "(layout: %s)",
			  fields[c->wrong].name, check__offset(c->src->lay, c->wrong), c->why,
			  c->src->lay->origin);
	else if (err != -EBADMSG && err != -ENOMEM && !(flags & LIVECHECK_QUIET))
		log_error("live check: the process's memory could not be read: %s", strerror(-err));
	return err;
}

/*
 * The process runs on while we look, and a busy one can fool every single look in turn. What is
 * wrong with a layout is wrong each time.
 */
static int look(struct check *c)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	int err = 0;

	for (int i = 0; i < LOOKS; i++) {
		c->why[0] = '\0';
		err = check_live__look(c);
		if (err != -EBADMSG)
			break;
		nanosleep(&pause, NULL);
	}
	return err;
}

int livecheck__layout(const struct snap_source *src, unsigned flags)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	uint64_t until = clock__monotonic_ns() + LIVECHECK_WAIT_MS * UINT64_C(1000000);
	struct check c = {.src = src, .strict = flags & LIVECHECK_STRICT};
	enum check_field missing;
	int err;

	err = look(&c);
	if (err || !(flags & LIVECHECK_STRICT))
		return err ? report(&c, err, flags) : 0;
	err = check_code__look(&c);
	while (!err && (missing = unseen(&c)) != F_MAX) {
		if (clock__monotonic_ns() > until) {
			err = check__wrong(&c, missing,
					   "the process shows nothing that would bear it out");
			break;
		}
		nanosleep(&pause, NULL);
		err = look(&c);
	}
	return err ? report(&c, err, flags) : 0;
}
