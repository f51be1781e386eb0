/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_LIVECHECK_H
#define GORUNTIME_LIVECHECK_H

#include "goruntime/snapshot.h"
#include "goruntime/snapshot_read.h"

/*
 * The parts of livecheck__layout. A field is contradicted (an error), seen to be right, or has
 * not been seen: its value was one that says nothing, such as 0.
 */
enum check_field {
	F_STACK_LO,
	F_STACK_HI,
	F_STACKGUARD,
	F_G_M,
	F_SCHED_SP,
	F_SCHED_PC,
	F_SCHED_BP,
	F_SCHED_G,
	F_SYSCALLSP,
	F_SYSCALLPC,
	F_SYSCALLBP,
	F_STATUS,
	F_GOID,
	F_SCHEDLINK,
	F_WAITREASON,
	F_SYNC_SAFE_POINT,
	F_IN_MARK_ASSIST,
	F_COROEXIT,
	F_COROARG,
	F_STARTPC,
	F_LABELS,
	F_GOPC,
	F_PARENT_GOID,
	F_WAITSINCE,
	F_LOCKEDM,
	F_TRACKING_SEQ,
	F_M_G0,
	F_M_GSIGNAL,
	F_M_PROCID,
	F_M_CURG,
	F_M_P,
	F_M_OLDP,
	F_M_ID,
	F_M_ALLLINK,
	F_M_BLOCK_REASON,
	F_M_SKIP,
	F_M_SYSCALLTICK,
	F_P_ID,
	F_P_STATUS,
	F_P_SYSCALLTICK,
	F_P_MARK_WORKER,
	F_P_M,
	F_P_RUNQHEAD,
	F_P_RUNQTAIL,
	F_P_RUNNEXT,
	F_MAX,
};

#define CHECK_LIVE 1u	/* its value in the live process makes sense, and no other's would */
#define CHECK_CODE 2u	/* an instruction of the runtime uses it */
#define CHECK_UNUSED 4u /* the functions that would use it are not in this program */

struct check {
	const struct snap_source *src;
	bool strict;
	uint8_t seen[F_MAX]; /* CHECK_* */
	enum check_field wrong;
	char why[120]; /* of the first contradiction; "" none */
};

/* What the layout says of a field; -1 its version has none. */
int32_t check__offset(const struct go_layout *l, enum check_field f);
/* Contradiction: remembers the first one; returns -EBADMSG. */
int check__wrong(struct check *c, enum check_field f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One look at the live process. */
int check_live__look(struct check *c);
/* The runtime's instructions (src->bin); nothing is seen without a binary. */
int check_code__look(struct check *c);

#endif
