/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef GOBPFTRACE_SITES_H
#define GOBPFTRACE_SITES_H

#ifndef __BPF__
#include <linux/types.h>
#endif

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
	X(GC_ASSIST_END)                                                                           \
	X(REGION_START)                                                                            \
	X(REGION_END)                                                                              \
	X(REQUEST_BEGIN)                                                                           \
	X(REQUEST_END)                                                                             \
	X(REQUEST_END_DEFERRED)                                                                    \
	X(REQUEST_END_H2)                                                                          \
	X(REQUEST_PANIC_H2)                                                                        \
	X(CLIENT_BEGIN)                                                                            \
	X(CLIENT_END)                                                                              \
	X(CLIENT_END_ALT)                                                                          \
	X(CLIENT_FAIL)                                                                             \
	X(SQL_BEGIN)                                                                               \
	X(SQL_BEGIN_STMT)                                                                          \
	X(SQL_END)                                                                                 \
	X(SQL_RESULT)                                                                              \
	X(SQL_FAIL)                                                                                \
	X(GRPC_BEGIN)                                                                              \
	X(GRPC_END)                                                                                \
	X(FUNC_ENTRY)                                                                              \
	X(FUNC_RETURN)

enum gbt_site {
	GBT_SITE_NONE = 0,
#define X(name) GBT_SITE_##name,
	GBT_SITES(X)
#undef X
	GBT_SITE_MAX,
};

/*
 * What a program is told about the site that it runs for, by its address (below) or, where
 * that is not known before the probes are placed, by the attach cookie: the site's number and
 */
#define GBT_COOKIE_SITE(c) ((c)&0xff)
/* bits of RFLAGS any of which means that a hit is dropped: the branch of a stack check is taken,
 * and comes again after the stack has grown; or a comparison had the outcome that is not meant */
#define GBT_COOKIE_TAKEN(c) (((c) >> 8) & 0xff)
/* the function's frame is already set up at the probe (no return address at the stack's top) */
#define GBT_COOKIE_IN_FRAME (1u << 16)
/* a hit counts only where the comparison before it found what it compares equal */
#define GBT_COOKIE_IF_EQUAL (1u << 17)

/* which of gbt_config.func_ids, at entries and returns of functions that were asked for */
#define GBT_COOKIE_FUNC(c) (((c) >> 24) & 0xf)

/* Entries and returns of functions are in a map of their own, for there may be many. */
struct gbt_func_site {
	__u32 cookie;
	__u32 sp_delta; /* from the stack pointer to the return address */
};

/*
 * All sites by run-time address, in read-only data of the programs. The multiplier is one by which
 * no two of them share a slot (user/capture/site_table.c); addr 0: free.
 */
#define GBT_SITE_SLOT_BITS 8
#define GBT_SITE_SLOT(mul, addr) (((addr) * (mul)) >> (64 - GBT_SITE_SLOT_BITS))

struct gbt_site_slot {
	__u64 addr;
	__u32 cookie;
	__u32 pad;
};

struct gbt_site_table {
	__u64 mul;
	__u32 by_cookie; /* 1: the addresses are not known, there is nothing in it */
	__u32 rest; /* cookie of all sites that are not in it: region ends, which may be too many;
		     * 0 none */
	struct gbt_site_slot slots[1 << GBT_SITE_SLOT_BITS];
};

#endif
