/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_H
#define GORUNTIME_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binary/gobinary.h"

/*
 * Where the probes of one binary go, and what they find there. A plan is made from
 * the file alone; the live bytes are compared before anything is attached.
 */
enum site_insn {
	SITE_PUSH, /* push %rbp after the stack check: registers of the call are live */
	SITE_JCC,  /* Go ≤ 1.20: the stack check's branch; hits again after morestack */
	SITE_CALL, /* e8 */
	SITE_JMP,
	SITE_NOP,     /* 90 */
	SITE_NOP5,    /* 0f 1f 44 00 00, no trap from kernel 6.18 on */
	SITE_STEPPED, /* single-stepped: only the PGO fallback after CALL newproc1 */
};

/*
 * What the handler reads; one program serves all sites and is told by the address. Registers
 * by amd64's names; arm64's X0, X1, X2, X28 stand for RAX, RBX, RCX, R14. docs/probes.md tells
 * more. The g register is a user goroutine's at the syscall and annotation sites, else g0.
 */
enum site_id {
	SITE_CREATE = 1,	/* CALL runqput in newproc.func1: RBX = newg */
	SITE_CREATE_AFTER,	/* profile-guided builds, behind newproc1: RAX = newg */
	SITE_EXECUTE,		/* RAX = g */
	SITE_PARK,		/* park_m: RAX = g */
	SITE_READY,		/* RAX = g, RBX = traceskip */
	SITE_INJECTGLIST,	/* RAX = *gList */
	SITE_GOEXIT0,		/* RAX = g; where goexit1 cannot be had */
	SITE_GOSCHED_IMPL,	/* RAX = g, BL = preempted (≥ 1.22) */
	SITE_GOSCHED_M,		/* never planned: goschedImpl sees the same, and more */
	SITE_GOYIELD,		/* RAX = g */
	SITE_PREEMPT_PARK,	/* RAX = g */
	SITE_REENTERSYSCALL,	/* RAX = pc, RBX = sp, R14 = user g */
	SITE_ENTERSYSCALL,	/* reentersyscall is inlined here: pc = [RSP], bp = RBP */
	SITE_ENTERSYSCALLBLOCK, /* R14 = user g */
	SITE_EXITSYSCALL,	/* R14 = user g */
	SITE_EXITSYSCALL_NOP,	/* exitsyscall0 or exitsyscallNoP: RAX = g */
	SITE_COROSWITCH,	/* RAX = from */
	SITE_STW,		/* stopTheWorldWithSema: RAX = reason (≥ 1.21) */
	SITE_START_WORLD,	/* startTheWorldWithSema, when the Ps are started; else its entry */
	SITE_MARK_TERM,
	SITE_GC_SWEEP,
	SITE_GC_ASSIST, /* RAX = g, RBX = scan work */
	SITE_ACQUIREP,	/* RAX = p */
	SITE_RELEASEP,
	SITE_HANDOFFP,	       /* RAX = p */
	SITE_NEEDM,	       /* CALL minit in needm: R14 = g0 of the M that the C thread got */
	SITE_DROPM,	       /* R14 = that g0; m.curg is still the callback's goroutine */
	SITE_USER_TASK_CREATE, /* runtime/trace.userTaskCreate */
	SITE_USER_TASK_END,
	SITE_USER_REGION,
	SITE_USER_LOG,
	SITE_GOEXIT1,	    /* R14 = user g, which ends */
	SITE_NEWCORO,	    /* newcoro.func1, behind newproc1: RAX = newg, parked as it is made */
	SITE_SET_LABELS,    /* runtime/pprof.runtime_setProfLabel: RAX = the set, R14 = user g */
	SITE_REFILL,	    /* (*mcache).refill: RAX = mcache, BL = span class, R14 = user g */
	SITE_ALLOC_LARGE,   /* (*mcache).allocLarge: RBX = bytes, R14 = user g */
	SITE_GC_ASSIST_END, /* gcAssistAlloc, from 1.22 on, once for each end: R14 = user g */
	SITE_REGION_START,  /* runtime/trace.StartRegion, where the tracer is off: RAX, RBX = ctx,
			     * RCX, RDI = name; R14 = user g */
	SITE_REGION_END,    /* each copy of (*Region).End, behind its comparison: R14 = user g */
	/* net/http's server, R14 = user g at all of them */
	SITE_REQUEST_BEGIN, /* serverHandler.ServeHTTP: RCX = response writer, RDI = *Request */
	SITE_REQUEST_END,   /* (*conn).serve, behind hijacked: AL = its result */
	SITE_REQUEST_END_DEFERRED, /* the same in its deferred function: after a panic or Goexit */
	SITE_REQUEST_END_H2,	   /* (*responseWriter).handlerDone: RAX = response writer */
	SITE_REQUEST_PANIC_H2, /* CALL writeFrameFromHandler in runHandler's deferred function */
	/* net/http's Transport, inside of its roundTrip, R14 = user g at all of them */
	SITE_CLIENT_BEGIN,   /* CALL alternateRoundTripper: RBX = *Request */
	SITE_CLIENT_END,     /* there is an answer: RAX = *Response */
	SITE_CLIENT_END_ALT, /* behind another RoundTripper: RAX = *Response, RBX = 0 or error */
	SITE_CLIENT_FAIL,    /* it is going to return an error */
	/* database/sql, R14 = user g at all of them */
	SITE_SQL_BEGIN,	     /* (*DB).QueryContext, ExecContext: RDI, RSI = statement */
	SITE_SQL_BEGIN_STMT, /* (*Stmt).QueryContext, ExecContext, from 1.20 on: RAX = *Stmt */
	SITE_SQL_END,	     /* (*DB).retry, from 1.20 on: there is no error */
	SITE_SQL_RESULT,     /* CALL errors.Is in them, up to 1.19: RAX = 0 or error */
	SITE_SQL_FAIL,	     /* behind errors.Is: AL = the connection was bad, and is tried again */
	/* google.golang.org/grpc's server, R14 = user g at both */
	SITE_GRPC_BEGIN, /* (*Server).handleStream: RDI = *ServerStream, up to 1.68 *Stream */
	SITE_GRPC_END,	 /* (*http2Server).writeStatus: RCX = *status.Status */
	/* of a function that was asked for (plan_func.h), R14 = user g at both */
	SITE_FUNC_ENTRY,
	SITE_FUNC_RETURN,
	SITE_MAX,
};

/*
 * A JCC site of the stack check (Go ≤ 1.20, arm64) fires twice when the stack grows: drop the
 * hit with the branch taken (amd64 jbe: flags & 0x41, CF or ZF; exitsyscall's jb: CF, a
 * branch that never comes back).
 */
enum site_when {
	SITE_ALWAYS,
	/* a JCC site that counts only with this outcome of the comparison before it */
	SITE_IF_EQUAL,
	SITE_IF_UNEQUAL,
	/* a JCC site that is no stack check: it counts with either outcome */
	SITE_EITHER,
};

struct probe_site {
	enum site_id id;
	enum site_insn insn;
	enum site_when when;
	const char *func; /* borrowed from the binary */
	uint64_t vaddr;	  /* link-time address of the probed instruction */
	uint64_t file_off;
	uint8_t bytes[16]; /* the instruction as it must be found */
	uint8_t len;
	bool required; /* without it no capture */
	/* SITE_FUNC_*: which function, from 0, and the bytes from the stack pointer to the return
	 * address */
	uint8_t func_no;
	uint32_t sp_delta;
};

#define PLAN_SITES_MAX 192
#define PLAN_FOUND_MAX                                                                             \
	64 /* but for region ends and functions, which come last: capture/site_table.h */

struct probe_plan {
	struct probe_site sites[PLAN_SITES_MAX];
	size_t cnt;
	/* SITE_BITs of those whose function has copies in callers too, which have no probe */
	uint64_t copied;
	/* What is missing and what follows from it, a sentence each; "" ends the list. */
	char notes[16][160];
};

/*
 * use_nop5: take a nop5 in front of a chosen CALL (kernel ≥ 6.18). -EOPNOTSUPP when a
 * required site cannot be had; the message names it. Sites have distinct addresses.
 */
int plan__make(const struct gobinary *b, bool use_nop5, struct probe_plan *out);

/* A set of sites: a profile needs a few of them. */
#define SITE_BIT(id) (UINT64_C(1) << (id))
/* Of allocations: attached apart from the others, for slices of the time. */
#define SITES_ALLOC (SITE_BIT(SITE_REFILL) | SITE_BIT(SITE_ALLOC_LARGE))
/* Where a thread's P and the goroutine behind a g change (bpf/known.h); creation and syscall entry
 * have two each, of which a plan has one. */
#define SITES_CHANGE                                                                               \
	(SITE_BIT(SITE_CREATE) | SITE_BIT(SITE_CREATE_AFTER) | SITE_BIT(SITE_GOEXIT1) |            \
	 SITE_BIT(SITE_GOEXIT0) | SITE_BIT(SITE_COROSWITCH) | SITE_BIT(SITE_NEWCORO) |             \
	 SITE_BIT(SITE_ACQUIREP) | SITE_BIT(SITE_RELEASEP) | SITE_BIT(SITE_REENTERSYSCALL) |       \
	 SITE_BIT(SITE_ENTERSYSCALL) | SITE_BIT(SITE_ENTERSYSCALLBLOCK) |                          \
	 SITE_BIT(SITE_EXITSYSCALL) | SITE_BIT(SITE_EXITSYSCALL_NOP) | SITE_BIT(SITE_NEEDM) |      \
	 SITE_BIT(SITE_DROPM))
/* Regions that begin and end while the runtime's own tracer is off: both or none. */
#define SITES_REGION (SITE_BIT(SITE_REGION_START) | SITE_BIT(SITE_REGION_END))
/* Of net/http's requests: all or none of them are in a plan, where the program has a server. */
#define SITES_REQUEST                                                                              \
	(SITE_BIT(SITE_REQUEST_BEGIN) | SITE_BIT(SITE_REQUEST_END) |                               \
	 SITE_BIT(SITE_REQUEST_END_DEFERRED) | SITE_BIT(SITE_REQUEST_END_H2) |                     \
	 SITE_BIT(SITE_REQUEST_PANIC_H2))
/* Of calls that net/http's Transport makes: the same. */
#define SITES_CLIENT                                                                               \
	(SITE_BIT(SITE_CLIENT_BEGIN) | SITE_BIT(SITE_CLIENT_END) | SITE_BIT(SITE_CLIENT_END_ALT) | \
	 SITE_BIT(SITE_CLIENT_FAIL))
/* Of statements that go to database/sql. */
#define SITES_SQL                                                                                  \
	(SITE_BIT(SITE_SQL_BEGIN) | SITE_BIT(SITE_SQL_BEGIN_STMT) | SITE_BIT(SITE_SQL_END) |       \
	 SITE_BIT(SITE_SQL_RESULT) | SITE_BIT(SITE_SQL_FAIL))
/* Of calls that gRPC serves. */
#define SITES_GRPC (SITE_BIT(SITE_GRPC_BEGIN) | SITE_BIT(SITE_GRPC_END))
#define SITES_SPAN (SITES_REQUEST | SITES_CLIENT | SITES_SQL | SITES_GRPC)
/* What a program tells a tracer: their records have texts. */
#define SITES_ANNOTATION                                                                           \
	(SITE_BIT(SITE_USER_TASK_CREATE) | SITE_BIT(SITE_USER_TASK_END) |                          \
	 SITE_BIT(SITE_USER_REGION) | SITE_BIT(SITE_USER_LOG) | SITES_REGION)
/* All that a trace needs. */
#define SITES_ALL (~(SITES_ALLOC | SITES_SPAN))
/* Where goroutines are started. */
#define SITES_LIGHT (SITE_BIT(SITE_EXECUTE) | SITE_BIT(SITE_COROSWITCH))
/* Where goroutines begin to be. */
#define SITES_CREATE (SITE_BIT(SITE_CREATE) | SITE_BIT(SITE_CREATE_AFTER) | SITE_BIT(SITE_NEWCORO))
_Static_assert(SITE_MAX <= 64, "a set of sites is a word");
/* The same with the sites of a set alone: others are neither looked for nor missed. With
 * SITE_SET_LABELS come those of SITES_CREATE, as goroutines inherit labels, where the program can
 * set any. */
int plan__make_for(const struct gobinary *b, bool use_nop5, uint64_t sites, struct probe_plan *out);
/* Do the sites see all that the programs have to know of to remember things (bpf/known.h,
 * gbt_config.remember)? Not where a site is missing or copies of its function are passed unseen. */
bool plan__sees_changes(const struct probe_plan *plan);
bool plan__has(const struct probe_plan *plan, enum site_id id);
const char *site_insn__name(enum site_insn i);
const char *site_id__name(enum site_id i);

#endif
