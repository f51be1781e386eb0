/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MODEL_TRANSITION_H
#define MODEL_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the model tells: a legal sequence of the events of Go's trace format v2, in time
 * order over all threads, with the full context of each. The trace writer encodes them; the
 * folds of analysis/ add them up. "Legal" means: a trace reader that follows
 * internal/trace/order.go accepts the sequence as it is.
 */
enum tr_type { /* numbers are those of the format (Go 1.23 internal/trace/event/go122) */
	TR_PROCS_CHANGE = 9,
	TR_PROC_START = 10,
	TR_PROC_STOP = 11,
	TR_PROC_STEAL = 12,
	TR_PROC_STATUS = 13,
	TR_GO_CREATE = 14,
	TR_GO_CREATE_SYSCALL = 15,
	TR_GO_START = 16,
	TR_GO_DESTROY = 17,
	TR_GO_DESTROY_SYSCALL = 18,
	TR_GO_STOP = 19,
	TR_GO_BLOCK = 20,
	TR_GO_UNBLOCK = 21,
	TR_GO_SYSCALL_BEGIN = 22,
	TR_GO_SYSCALL_END = 23,
	TR_GO_SYSCALL_END_BLOCKED = 24,
	TR_STW_BEGIN = 26,
	TR_STW_END = 27,
	TR_GC_BEGIN = 29,
	TR_GC_END = 30,
	TR_GC_MARK_ASSIST_BEGIN = 35,
	TR_GC_MARK_ASSIST_END = 36,
	TR_HEAP_ALLOC = 37,
	TR_HEAP_GOAL = 38,
	TR_GO_LABEL = 39,
	TR_USER_TASK_BEGIN = 40,
	TR_USER_TASK_END = 41,
	TR_USER_REGION_BEGIN = 42,
	TR_USER_REGION_END = 43,
	TR_USER_LOG = 44,
	TR_GO_SWITCH = 45,
	TR_GO_SWITCH_DESTROY = 46,
	TR_GO_CREATE_BLOCKED = 47,
	TR_GO_STATUS = 48,   /* GoStatusStack */
	TR_CPU_SAMPLE = 200, /* not an event of the format: goes to CPU sample batches */
	TR_END = 201,	     /* the window's end; time_ns only */
	TR_OFF_CPU = 202, /* not of the format either: the thread of g, which runs, has a CPU again
			   * that it was without since value */
};

enum tr_g_status {
	TR_G_RUNNABLE = 1,
	TR_G_RUNNING = 2,
	TR_G_SYSCALL = 3,
	TR_G_WAITING = 4
};
enum tr_p_status {
	TR_P_RUNNING = 1,
	TR_P_IDLE = 2,
	TR_P_SYSCALL = 3,
	TR_P_ABANDONED = 4
};
enum tr_stop_reason {
	TR_STOP_UNSPECIFIED = 0,
	TR_STOP_GOSCHED = 1,
	TR_STOP_PREEMPTED = 2
};

#define TR_NO_P (-1)

/*
 * A stack: physical PCs and the rule that makes the tracer's frames of them. The PCs are, in
 * this order: pcs (of the snapshot; borrowed as long as that lives), those that raw_stacks has
 * for id, or the single exact PC pc (a goroutine's entry). All three empty: no stack. id is
 * never 0 where pcs is set: a hash of them, so (id, pc, skip, leaf_exact, goid == 1) names the
 * logical stack.
 */
struct tr_stack {
	uint64_t id;
	uint64_t pc;
	const uint64_t *pcs;
	uint32_t pcs_cnt;
	int16_t skip;
	uint8_t pcs_max; /* the tracer keeps no more PCs of a deeper stack; 0: no limit but its own
			  */
	bool leaf_exact;
	bool cut;
	uint64_t goid; /* whose stack it is: goroutine 1 has one more root frame */
};

struct transition {
	uint64_t time_ns; /* CLOCK_MONOTONIC; never falls */
	enum tr_type type;
	uint64_t m;	  /* thread id as written to the file; UINT64_MAX: none (batch -1) */
	int32_t p;	  /* P of m before the event, TR_NO_P */
	uint64_t g;	  /* goroutine bound to m before the event, 0 none */
	uint64_t subject; /* goroutine or P that the event tells of: the created, started,
			   * unblocked, switched-to … goroutine; the P of Proc*; otherwise g */
	uint64_t seq;	  /* for types that carry one */
	uint64_t value;	  /* status, bytes, gomaxprocs, scan work, task id; CPU sample: labels id */
	uint64_t value2;  /* parent task id; for a goroutine's status: its thread, UINT64_MAX none;
			   * ProcSteal: the thread that had the P; CPU sample: bit 0 = in the kernel
			   */
	uint16_t reason;  /* block reason (traceBlockReason index; for the status of a waiting
			   * goroutine too, 0 unknown), stop reason, STW kind */
	uint32_t str, str2;	   /* ids of the capture's string table: label, task name … */
	struct tr_stack stack;	   /* of the acting goroutine; status: of the subject */
	struct tr_stack new_stack; /* GoCreate: entry of the new goroutine */
	bool repair;		   /* made up by the model so that the sequence stays legal */
	bool initial;		   /* part of the state at the window's begin */
	bool estimate;		   /* of a mark assist's end: no probe saw it, but what came next */
	bool marker; /* a status that is true already, written to mark the window's end */
};

/* 0, or -errno, which ends the run. */
typedef int (*tr_sink_fn)(void *ctx, const struct transition *t);

/* Of the tracer's block reasons and kinds of stops of the world, those that mean something here. */
#define TR_BLOCK_SYNC 5
#define TR_BLOCK_ASSIST_WAIT 8
#define TR_BLOCK_PREEMPTED 11
#define TR_BLOCK_REASON_MAX 17
#define TR_STW_MARK_TERM 1
#define TR_STW_SWEEP_TERM 2
#define TR_STW_KIND_MAX 17
const char *tr_block_reason__name(uint16_t reason); /* "chan receive" …; NULL unknown */
const char *tr_stw_kind__name(uint16_t kind);
const char *tr_stop_reason__name(uint16_t reason);
const char *tr_type__name(enum tr_type t);
/* The block reason that Go's tracer gives for a wait reason's text; 0 ("unspecified") for
 * texts without one. Go ≥ 1.22: the gopark calls of runtime; synctest's are 16. */
uint16_t tr_block_reason__of_wait(const char *wait_reason);
/* Is this a wait reason of a goroutine that really runs, on the system stack
 * (waitReason.isWaitingForSuspendG)? */
bool tr_wait_reason__runs(const char *wait_reason);

#endif
