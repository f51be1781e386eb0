/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef GOBPFTRACE_SITES_H
#define GOBPFTRACE_SITES_H

/*
 * The probe sites by number, in the order of enum site_id of user/goruntime/plan.h, where
 * each one's registers are told; user/capture/sites.c asserts that the two are equal.
 * Numbers are only ever appended.
 */
#define GBT_SITES(X)                                                                               \
	X(CREATE)                                                                                  \
	X(CREATE_AFTER)                                                                            \
	X(EXECUTE)                                                                                 \
	X(PARK)                                                                                    \
	X(READY)                                                                                   \
	X(INJECTGLIST)                                                                             \
	X(GOEXIT0)                                                                                 \
	X(GOSCHED_IMPL)                                                                            \
	X(GOSCHED_M)                                                                               \
	X(GOYIELD)                                                                                 \
	X(PREEMPT_PARK)                                                                            \
	X(REENTERSYSCALL)                                                                          \
	X(ENTERSYSCALL)                                                                            \
	X(ENTERSYSCALLBLOCK)                                                                       \
	X(EXITSYSCALL)                                                                             \
	X(EXITSYSCALL_NOP)                                                                         \
	X(COROSWITCH)                                                                              \
	X(STW)                                                                                     \
	X(START_WORLD)                                                                             \
	X(MARK_TERM)                                                                               \
	X(GC_SWEEP)                                                                                \
	X(GC_ASSIST)                                                                               \
	X(ACQUIREP)                                                                                \
	X(RELEASEP)                                                                                \
	X(HANDOFFP)                                                                                \
	X(NEEDM)                                                                                   \
	X(DROPM)                                                                                   \
	X(USER_TASK_CREATE)                                                                        \
	X(USER_TASK_END)                                                                           \
	X(USER_REGION)                                                                             \
	X(USER_LOG)                                                                                \
	X(GOEXIT1)                                                                                 \
	X(NEWCORO)                                                                                 \
	X(SET_LABELS)                                                                              \
	X(REFILL)                                                                                  \
	X(ALLOC_LARGE)                                                                             \
	X(GC_ASSIST_END)

enum gbt_site {
	GBT_SITE_NONE = 0,
#define X(name) GBT_SITE_##name,
	GBT_SITES(X)
#undef X
	GBT_SITE_MAX,
};

/*
 * What a program is told about the site that it runs for (attach cookie, or the value behind
 * the probe's address where the kernel has no cookies): the site's number and
 */
#define GBT_COOKIE_SITE(c) ((c)&0xff)
/* bits of RFLAGS any of which means that the probed branch is taken: such a hit is dropped,
 * for it comes again after the stack has grown; 0 for other instructions */
#define GBT_COOKIE_TAKEN(c) (((c) >> 8) & 0xff)
/* the function's frame is already set up at the probe (no return address at the stack's top) */
#define GBT_COOKIE_IN_FRAME (1u << 16)

#endif
