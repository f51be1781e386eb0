/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_H
#define GORUNTIME_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "goruntime/layout.h"

/*
 * What a live process's goroutines, threads and processors look like, read from its memory
 * by process_vm_readv without stopping it. Torn records are read again; what stays torn
 * is marked. How and with which limits: docs/snapshot.md.
 */
enum g_status { /* runtime2.go; values of g.atomicstatus & 0xfff */
	G_IDLE = 0,
	G_RUNNABLE = 1,
	G_RUNNING = 2,
	G_SYSCALL = 3,
	G_WAITING = 4,
	G_DEAD = 6,
	G_COPYSTACK = 8,
	G_PREEMPTED = 9,
	G_LEAKED = 10,
	G_DEADEXTRA = 11,
};

struct snap_label {
	char *key, *val;
};

struct snap_g {
	uint64_t goid;
	uint64_t addr;
	uint8_t status;	      /* enum g_status without the scan bit; never dead. G_RUNNING also for
			       * one that waits in name only and goes on on the system stack (mark
			       * workers, assists, who stops the world) */
	uint8_t wait_reason;  /* index into snapshot.wait_reasons; holds for G_WAITING, G_LEAKED */
	uint8_t block_reason; /* trace block reason, 0 unknown: not kept per g by the runtime */
	bool sampled;	      /* was running: the stack is not known */
	bool torn;	      /* changed while it was read, also after the retries: no stack */
	bool locked;	      /* locked to a thread */
	bool in_mark_assist;
	bool stack_cut;	      /* the root is missing: too deep, or memory did not make sense */
	uint64_t tid;	      /* of its M (host's numbering as the tool sees it), 0 none */
	int64_t waitsince_ns; /* CLOCK_MONOTONIC, 0 unknown: the runtime sets it at GC only */
	uint64_t gopc, startpc, parent_goid;
	uint32_t stack_cnt, stack_off; /* pcs[stack_off …] of the snapshot, leaf first; equal stacks
					* share their place */
	uint32_t label_cnt, label_off;
};

struct snap_m {
	uint64_t addr;
	uint64_t tid; /* as the tool sees it; 0 when the thread is not there (yet, or any more) */
	uint64_t procid; /* as the target sees it */
	int64_t id;
	uint64_t curg; /* goid, 0 none */
	int32_t p;     /* id, -1 none */
};

struct snap_p {
	int32_t id;
	uint32_t status; /* 0 idle 1 running 2 syscall 3 gcstop 4 dead */
	uint64_t m_tid;	 /* 0 none */
	uint32_t runq_cnt;
};

struct snapshot {
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
	struct snap_g *g;
	size_t g_cnt; /* in the order of allgs, as Go's own dumps have them */
	struct snap_m *m;
	size_t m_cnt;
	struct snap_p *p;
	size_t p_cnt; /* [0, gomaxprocs) of allp: those in use */
	uint64_t *pcs;
	size_t pcs_cnt;
	struct snap_label *labels;
	size_t labels_cnt;
	char **wait_reasons;
	size_t wait_reasons_cnt;
	uint32_t gomaxprocs;
	uint64_t heap_live, heap_goal; /* bytes; 0 unknown */
	bool heap_goal_estimate; /* goal computed from words that were not read at one instant,
				  * under a memory limit */
	uint64_t g_total;	 /* goroutines that are not dead, also when g was not kept */
	uint64_t torn_cnt, retried_cnt, unreadable_cnt;
	uint32_t gcphase; /* 0 off 1 mark 2 mark termination */
};

/* How to read memory of the target: process_vm_readv live, recorded bytes in tests. Returns
 * 0 when all bytes were read, or -errno. */
struct snap_reader {
	/* cnt ranges; lens[i] bytes of addrs[i] to dst[i] */
	int (*readv)(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		     size_t cnt);
	void *ctx;
};

struct process;

/* Everything that a snapshot is read from; all borrowed. */
struct snap_source {
	struct snap_reader rd;
	const struct gobinary_globals *globals; /* link-time addresses */
	uint64_t bias;
	const struct go_layout *lay;
	unsigned go_minor;
	const struct process *proc; /* NULL: thread ids are taken as the target has them */
	const struct gobinary *bin; /* NULL: the live check goes without the runtime's code */
	/*
	 * Bytes between SP and the return address at a run-time PC (pclntab's pcsp). It tells where
	 * the frame of a goroutine in a syscall begins (Go ≤ 1.22 keeps no frame pointer for it),
	 * and whether the leaf has a frame at all. NULL, or -errno: what depends on it is left out
	 * (the stack is cut, the leaf's caller is found only where the runtime marks it).
	 */
	int (*sp_delta)(void *ctx, uint64_t pc, uint64_t *delta);
	void *sp_delta_ctx;
	/* Run-time ranges of functions that a signal's handler puts on a stack (asyncPreempt,
	 * sigpanic): their callers may have been struck before their frame was set up. 0, 0: none.
	 */
	struct {
		uint64_t lo, hi;
	} traps[2];
};

#define SNAP_FRAMES_DEFAULT 128 /* what the tracer and pprof (≥ 1.23) keep of a stack */
#define SNAP_FRAMES_ALL (1u << 18)

struct snap_options {
	bool stacks, labels;
	uint32_t frames_max; /* physical frames of a stack; 0: SNAP_FRAMES_DEFAULT */
};

/*
 * Dead goroutines are left out, the runtime's own are in. -EBADMSG with one message when
 * the target's memory makes no sense; -ESRCH when it ended.
 */
int snapshot__take(const struct snap_source *src, const struct snap_options *opt,
		   struct snapshot **out);
/*
 * The same goroutine by goroutine, so that memory does not grow with their number: everything
 * but g, pcs and labels is in head, complete but for m[].curg, end_ns and the counters, which
 * are filled when the walk is over. What fn gets is valid during the call; g's stack_off and
 * label_off are 0: pcs and labels are g's own. Not 0 from fn ends the walk with that value.
 */
typedef int (*snap_visit_fn)(void *ctx, const struct snapshot *head, const struct snap_g *g,
			     const uint64_t *pcs, const struct snap_label *labels);
int snapshot__walk(const struct snap_source *src, const struct snap_options *opt, snap_visit_fn fn,
		   void *ctx, struct snapshot **head);
void snapshot__free(struct snapshot *s);

/* The heap words alone, for sampling; 0 for what the layout does not have. */
int snapshot__heap(const struct snap_source *src, uint64_t *live, uint64_t *goal, bool *estimate);

/* How many Ms the runtime has: what runtime/pprof's threadcreate profile counts
 * (src/runtime/mprof.go, ThreadCreateProfile). -errno without a message. */
int snapshot__m_cnt(const struct snap_source *src, uint64_t *cnt);

/* Little endian, versioned by its first word; -EBADMSG from parse. */
int snapshot__serialize(const struct snapshot *s, struct buf *out);
int snapshot__parse(struct span in, struct snapshot **out);

/*
 * The self-check at attach (before the first event counts): allgs distinct and sane, curg and
 * m point at each other, P ids dense, procid is a thread of the process, allm walks to
 * exactly its threads that have an M. 0 borne out; -EBADMSG with one message that names the
 * field that is wrong, -ESRCH the target ended.
 *
 * LIVECHECK_STRICT: every field that we use must have been seen to be right, in the live process
 * or in an instruction of the runtime that uses it (LAYOUT_TRIED needs it); otherwise what
 * a quiet process cannot show passes. A strict check looks for up to LIVECHECK_WAIT_MS for what
 * comes and goes, such as a goroutine in a syscall.
 * LIVECHECK_QUIET: no message: the caller tries several layouts.
 */
#define LIVECHECK_STRICT 1u
#define LIVECHECK_QUIET 2u
#define LIVECHECK_WAIT_MS 500
int livecheck__layout(const struct snap_source *src, unsigned flags);

#endif
