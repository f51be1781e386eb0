/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef GOBPFTRACE_ABI_H
#define GOBPFTRACE_ABI_H

/*
 * The one contract between the BPF programs and user space: what travels through
 * the rings and what the programs are told before they are loaded.
 *
 * Every record in a ring starts with struct gbt_hdr. Times are CLOCK_MONOTONIC
 * nanoseconds. Thread ids are those of the initial pid namespace where the tool is in
 * it, else those of the target's own namespace (which m.procid has). Goroutine id 0 means "none",
 * P id -1 means "none", stack 0 means "no stack".
 *
 * The raw file stores these records as they are, so a change of any layout or
 * number here raises GBT_ABI_VERSION; numbers are only ever appended.
 */

#ifdef __BPF__
/* __u8 … __u64 come from vmlinux/ types */
#else
#include <linux/types.h>
#endif

#define GBT_ABI_VERSION 1

/* PCs of one stack: what Go's tracer keeps, the skipped ones included (runtime/mprof.go from 1.23
 * on: 128 and at most 6; up to 1.22 127 in all, see gbt_config.stack_frames_max). */
#define GBT_STACK_MAX 134
#define GBT_STACK_SLOTS 256 /* a power of two, so that a mask bounds an index for the verifier */
#define GBT_TEXT_MAX 256    /* bytes of the text behind one record */
#define GBT_MAX_LABELS 8    /* pprof labels of a goroutine that one record carries */

/*
 * Kinds of record. For each: the meaning of gbt_event's fields; `goid` is always
 * the goroutine whose state changes. What a probe point sees of registers is told
 * in docs/probes.md.
 */
enum gbt_kind {
	GBT_NONE = 0,
	/* goid=new, cur=creator, arg=entry PC of the new goroutine, stack=creator's; arg32=1: a
	 * coroutine, which is made waiting */
	GBT_CREATE = 1,
	/* goid=started on this thread; arg=its startpc; arg32=p.gcMarkWorkerMode for mark workers
	 */
	GBT_RUN = 2,
	/* goid=parks; arg32=m.waitTraceBlockReason | waitreason << 8; arg=m.waitTraceSkip */
	GBT_BLOCK = 3,
	/* goid=made runnable; cur=waker or 0; arg=traceskip; stack=waker's */
	GBT_UNBLOCK = 4,
	/* goid=exits */
	GBT_EXIT = 5,
	/* goid=back to the run queue; arg32=1 preempted, 0 Gosched (up to 1.21 told by where it
	 * stopped, 0 when config.mcall is not filled) */
	GBT_SCHED = 6,
	/* goid=goyield: to the local run queue */
	GBT_YIELD = 7,
	/* goid=stopped by suspendG: Running -> Waiting "preempted" */
	GBT_PREEMPT_PARK = 8,
	/* goid=enters a syscall; arg32=1 when C frames are on its stack (a cgo callback) */
	GBT_SYSCALL = 9,
	/* goid=enters a syscall that is known to block: its P is handed off at once; arg32 as above
	 */
	GBT_SYSCALL_BLOCK = 10,
	/* goid=comes back from a syscall; arg32=1 when it still has its P */
	GBT_SYSCALL_EXIT = 11,
	/* goid=back from a syscall without a P: to the run queue */
	GBT_SYSCALL_EXIT_NOP = 12,
	/* goid=from, cur=to; arg32=1 when from exits (g.coroexit); stack=from's */
	GBT_COROSWITCH = 13,
	/* goid=who stops the world; arg32=stwReason (-1: version has none); stack=its */
	GBT_STW_BEGIN = 14,
	/* goid=who starts the world again; arg32=gomaxprocs now */
	GBT_STW_END = 15,
	/* goid=who ends the mark phase; arg=heap live bytes, cur=heap goal (0: unknown) */
	GBT_GC_MARK_TERM = 16,
	/* gcSweep: the cycle is over; arg, cur as above */
	GBT_GC_SWEEP = 17,
	/* goid=assists; arg32=g.inMarkAssist (-1: version has none); arg=scan work; stack=its.
	 * arg32=0: its assist is over; neither arg nor stack */
	GBT_GC_ASSIST = 18,
	/* p=acquired by this thread */
	GBT_P_START = 19,
	/* p=released by this thread */
	GBT_P_STOP = 20,
	/* arg=id of the P that is handed off (taken from a thread in a syscall) */
	GBT_P_HANDOFF = 21,
	/* goid=the extra goroutine that a C thread now has (cgo callback begins) */
	GBT_CGO_NEEDM = 22,
	/* goid=given back (cgo callback ends) */
	GBT_CGO_DROPM = 23,
	/* heap sample from user space; arg=heapLive bytes, cur=heap goal bytes,
	 * arg32=gomaxprocs now */
	GBT_HEAP = 24,
	/* on-CPU sample; goid=m.curg or 0; arg32: bit 0 = in the kernel; arg=labels id;
	 * cur=the goroutine's status word (atomicstatus) */
	GBT_SAMPLE = 25,
	/* runtime/trace user annotations; text follows (struct gbt_text) */
	GBT_USER_TASK_BEGIN = 26, /* arg=task id, cur=parent task id; text[0]=name */
	GBT_USER_TASK_END = 27,	  /* arg=task id; no text */
	GBT_USER_REGION = 28,	  /* arg=task id; arg32: enum gbt_region; text[0]=name */
	GBT_USER_LOG = 29,	  /* arg=task id; text[0]=category, text[1]=message */
	/* goid sets its pprof labels; arg=labels id, 0 none */
	GBT_SET_LABELS = 30,
	/* before the sample of the same thread and time: stack=where it is in the kernel */
	GBT_KERNEL = 31,
	/* goid is seen for the first time (or again); arg=PC behind the go statement that made it
	 */
	GBT_CREATOR = 32,
	/* goid needs a new span for a size class: arg32=class, arg=objects that were allocated from
	 * the one before, cur=their size. A large object: arg32=0, arg=1, cur=bytes */
	GBT_ALLOC = 33,
	/* goid begins to serve a request, or calls another: arg32=enum gbt_span << GBT_SPAN_SHIFT.
	 * Texts of a request: method, path (of gRPC: none, full method); of a call of HTTP: method,
	 * host and path; of one of database/sql: the first word of its statement, none (stack=who
	 * calls). Both are empty where they are not wanted or not to be had */
	GBT_REQUEST_BEGIN = 34,
	/* goid has served it, or been answered: arg=time_ns of its begin; arg32=the same | status
	 * (0: none was written) | GBT_REQUEST_* */
	GBT_REQUEST_END = 35,
	/* this thread has a CPU again that it was without since arg, for config.off_cpu_min_ns at
	 * least; goid and p are not told */
	GBT_OFF_CPU = 36,
	/* mode light: goid is started on this thread, which had started cur before (0: not known,
	 * or told by GBT_LEFT); arg32, stack: how that one was left, GBT_LEFT_*; p is not known.
	 * arg=1: by a switch between coroutines */
	GBT_START = 37,
	/* mode light: this thread, without a goroutine, goes off its processor; cur, arg32, stack
	 * as above */
	GBT_LEFT = 38,
	/* goid returns from a probed function: arg=time_ns of its entry; arg32=its name, as
	 * gbt_config.func_ids; stack=the function and its callers */
	GBT_FUNC = 39,
	/* definitions, not events */
	GBT_STACK = 64,	 /* struct gbt_stack */
	GBT_LABELS = 65, /* struct gbt_labels */
	GBT_KIND_MAX = 66,
};
#define GBT_EVENT_MAX GBT_FUNC /* the last kind that is an event */

/* How a goroutine was left that does not run on its thread any more. Where the reads may be of a
 * later moment it has been started elsewhere, by a record before this one. */
#define GBT_LEFT_STATUS(arg32) ((arg32)&0xff)	       /* g.atomicstatus */
#define GBT_LEFT_REASON(arg32) (((arg32) >> 8) & 0xff) /* g.waitreason, of its last wait */
#define GBT_LEFT_PARKED (1 << 16)		       /* in gopark */
#define GBT_LEFT_ENDED (1 << 17)
#define GBT_LEFT_SWITCHED (1 << 18) /* to a coroutine */
#define GBT_LEFT_COPIES                                                                            \
	(1 << 19) /* gopark is inlined somewhere: outside of it may be parked, too */

#define GBT_REQUEST_STATUS(arg32) ((arg32)&0x3ff)
#define GBT_REQUEST_HTTP2 (1 << 16)
#define GBT_REQUEST_HIJACKED (1 << 17)	/* the handler took the connection over */
#define GBT_REQUEST_PANICKED (1 << 18)	/* … panicked, or called Goexit */
#define GBT_REQUEST_NO_STATUS (1 << 19) /* the status could not be read */
#define GBT_REQUEST_FAILED (1 << 20)	/* a call: it returned an error, not an answer */
/* a call of database/sql: its last known connection was bad; what a new one does is not seen */
#define GBT_REQUEST_RETRIED (1 << 21)
#define GBT_REQUEST_GRPC (1 << 22) /* a call that gRPC served: the status is one of its codes */

/* What it is that begins and ends: a goroutine has at most one of each kind open. */
enum gbt_span {
	GBT_SPAN_REQUEST, /* served by net/http, or by gRPC */
	GBT_SPAN_CLIENT,  /* asked by net/http's Transport */
	GBT_SPAN_SQL,	  /* asked by database/sql */
	GBT_SPAN_MAX,
};
#define GBT_SPAN_SHIFT 24
#define GBT_SPAN_OF(arg32) ((arg32) >> GBT_SPAN_SHIFT & 0xf)

enum gbt_region {
	GBT_REGION_BEGIN = 0,
	GBT_REGION_END = 1,
	/* StartRegion while the runtime's own tracer is off; the stack begins with its caller */
	GBT_REGION_START = 2,
	GBT_REGION_START_NO_TASK = 3, /* its context does not tell the task: no region is told */
	/* Region.End of such a one: the innermost of its goroutine, as regions nest; no text */
	GBT_REGION_STOP = 4,
};

struct gbt_hdr {
	__u64 time_ns;
	__u32 tid;
	__u16 kind;  /* enum gbt_kind */
	__u16 flags; /* GBT_F_* */
};

#define GBT_F_STACK_CUT 1u  /* the stack had more frames or memory could not be read */
#define GBT_F_STACK_LOST 2u /* the ring was full when the stack's definition was sent */
#define GBT_F_UNREADABLE 4u /* a word that the record needs could not be read */
#define GBT_F_TEXT_CUT 8u   /* a text was longer than GBT_TEXT_MAX */
#define GBT_F_LIST_CUT 16u  /* injectglist had more goroutines than one hit walks */

struct gbt_event {
	struct gbt_hdr hdr;
	__s32 p; /* id of the thread's P (m.p) at this moment */
	__s32 arg32;
	__u64 goid;
	__u64 cur;
	__u64 arg;
	__u64 stack; /* id of a stack that a GBT_STACK record defines (any ring, any time) */
};

/* The id is a hash of the PCs. A stack may be defined more than once. */
struct gbt_stack {
	struct gbt_hdr hdr; /* tid, time: who sent it first */
	__u64 id;
	__u32 cnt;
	__u32 flags;		    /* GBT_F_STACK_CUT */
	__u64 pcs[GBT_STACK_SLOTS]; /* leaf first, physical PCs as found (return addresses, except
				     * a leaf that is the PC of a sample); the record ends
				     * after cnt of them */
};

/* An event with up to two texts behind it: len[0] bytes, then len[1] bytes. */
struct gbt_text {
	struct gbt_event ev;
	__u16 len[2];
	__u32 pad;
	char text[2 * GBT_TEXT_MAX];
};

/* Of these kinds a record is a struct gbt_text, of all other events a struct gbt_event. */
static inline int gbt_has_text(unsigned int kind)
{
	return kind == GBT_USER_TASK_BEGIN || kind == GBT_USER_REGION || kind == GBT_USER_LOG ||
	       kind == GBT_REQUEST_BEGIN;
}

/* A label set; id is unique for its content (a hash). key, value, key, value … */
struct gbt_labels {
	struct gbt_hdr hdr;
	__u64 id;
	__u32 cnt;	 /* pairs */
	__u32 total_cnt; /* pairs that the goroutine has: more than cnt = cut */
	__u16 len[2 * GBT_MAX_LABELS];
	char text[2 * GBT_MAX_LABELS][64]; /* longer ones are cut, GBT_F_TEXT_CUT */
};

/*
 * Events wait in the memory of the slot that a thread keeps (each value of gbt_scratch begins with
 * a struct gbt_slot) and go into a ring many at a time; user space reads those that still wait.
 * Two batches take turns, so that one can be read while the other is filled. Event number n, as
 * they are counted in a slot from 0 on, is ev[n % GBT_BATCH_CNT] of batch[n / GBT_BATCH_CNT % 2].
 */
#define GBT_BATCH_CNT 16 /* a power of two */
/* Kinds of record that travel in rings only, never in files. */
#define GBT_RING_SLOT 0xfff0  /* struct gbt_hdr; tid=slot: from now on events wait in it */
#define GBT_RING_BATCH 0xfff1 /* struct gbt_batch; tid=slot, time_ns=number of its first event */

struct gbt_batch {
	struct gbt_hdr hdr;
	struct gbt_event ev[GBT_BATCH_CNT];
};

#define GBT_COUNTERS 32 /* places for enum gbt_counter */

struct gbt_slot {
	__u64 users;		 /* 1: taken */
	__u64 cnt[GBT_COUNTERS]; /* enum gbt_counter; only the slot's user writes */
	__u64 sent;		 /* events written so far; the last store of each */
	__u64 limit; /* what sent may come to before a batch must go; 0: no one was told yet */
	__u64 busy;  /* 1: a hit is under way, whose event may still come */
	struct gbt_batch batch[2];
};

/*
 * Offsets in bytes of the runtime's structs as the target's Go version lays them
 * out; -1 = the field does not exist in that version. Filled from goruntime's
 * layout (user/goruntime/layout.h), which is also where they come from.
 */
struct gbt_offsets {
	__s32 g_stack_lo, g_stack_hi;
	__s32 g_m;
	__s32 g_sched_sp, g_sched_pc, g_sched_bp;
	__s32 g_syscallsp, g_syscallpc, g_syscallbp;
	__s32 g_atomicstatus, g_goid, g_schedlink;
	__s32 g_waitreason, g_sync_safe_point, g_in_mark_assist;
	__s32 g_coroexit, g_coroarg;
	__s32 g_startpc, g_labels;
	__s32 m_g0, m_gsignal, m_procid, m_curg, m_p, m_oldp, m_id;
	__s32 m_wait_block_reason, m_wait_skip, m_syscalltick;
	__s32 p_id, p_status, p_syscalltick, p_gc_mark_worker_mode;
};

#define GBT_MARK_WORKER_MAX 4
#define GBT_SCRATCH_PER_CPU 4 /* programs that can be under way on one CPU at once */

struct gbt_range {
	__u64 lo, hi; /* run-time addresses, [lo, hi); both 0 = none */
};

/*
 * How a goroutine's stack goes on below a callback from C (bpf/unwind.h, unwind_bridge): the
 * functions there, and the bytes from the stack pointer to the return address in their
 * bodies (pclntab's pcsp). callback.hi is 0 where that is not known: stacks are cut there.
 */
struct gbt_cgo {
	struct gbt_range callback;     /* runtime.cgocallback */
	struct gbt_range parked;       /* runtime.systemstack_switch */
	struct gbt_range call;	       /* runtime.cgocall */
	struct gbt_range entersyscall; /* runtime.entersyscall: who else calls reentersyscall? */
	__u32 callback_sz;
	__u32 parked_sz; /* 8; 0 up to Go 1.20 */
	__u32 call_sz;
	__u32 pad;
};

/*
 * Requests of net/http: offsets in its structs, -1 not known. open_max: how many may be open at
 * once, 0: they are not looked at.
 */
struct gbt_requests {
	__s32 url_path;		 /* url.URL.Path; Request.Method is at 0, URL at 16 */
	__s32 status;		 /* response.status */
	__s32 h2_rws, h2_status; /* responseWriter.rws, responseWriterState.status */
	__u32 open_max;
	__u32 names;  /* 1: methods and paths are read */
	__u32 steady; /* 1 << each enum gbt_span whose probes stay in place, through all eras */
};

/* gRPC's server: offsets in its structs, -1 not known. */
struct gbt_grpc {
	__s32 stream; /* ServerStream.Stream where that is a pointer; -1: it is not */
	__s32 method; /* of the full method in what that points at, else in the stream itself */
	__s32 status; /* internal status.Status.s, a pointer */
	__s32 code;   /* status.Status.Code in that */
};

/* Calls of net/http's Transport and of database/sql: offsets in their structs, -1 not known. */
struct gbt_calls {
	__s32 url_host;	  /* url.URL.Host, right in front of Path */
	__s32 status;	  /* Response.StatusCode */
	__s32 stmt_query; /* sql.Stmt.query */
};

#define GBT_FUNCS_MAX 16
#define GBT_FUNC_OPEN_MAX 16384 /* goroutines in calls of them at once */

/*
 * What the programs are told before load (read-only data). The caller of the capture room
 * fills what comes from the binary; tgid, pidns_*, ring_mask, leaf_cnt and scratch_mask are
 * the capture room's own.
 */
struct gbt_config {
	struct gbt_offsets off;
	__u32 tgid;	   /* of the target, as the programs see it */
	__u32 pidns_level; /* 0: ids of the initial namespace; 1: of the target's own */
	__u64 pidns_dev, pidns_ino;
	__u32 go_minor;	 /* 18 … 27 */
	__u32 ring_mask; /* number of rings - 1 (a power of two) */
	__u32 labels;	 /* 0 none, 1 map (≤ 1.23), 2 slice (≥ 1.24) */
	__u32 stack_frames_max;
	/* run-time addresses in the target; 0 = not known */
	__u64 addr_gomaxprocs, addr_heap_live, addr_heap_goal;
	/* [lo, hi) ranges of PCs that are entries of GC mark workers */
	__u64 mark_worker_lo[GBT_MARK_WORKER_MAX], mark_worker_hi[GBT_MARK_WORKER_MAX];
	__u64 systemstack_switch_lo, systemstack_switch_hi;
	struct gbt_range morestack; /* runtime.morestack */
	/* runtime.mcall: who yields by a call stands behind a call of it (Gosched itself is
	 * inlined); up to 1.24, which do not mark preemption in a prologue (g.syncSafePoint) */
	struct gbt_range mcall;
	/* runtime.asyncPreempt2: it calls mcall too, but was preempted */
	struct gbt_range async_preempt2;
	struct gbt_cgo cgo;
	__s32 g_tls_off;    /* of the current g from the thread pointer: -8 on amd64 */
	__u32 leaf_cnt;	    /* entries of the map of leaf ranges */
	__u32 scratch_mask; /* shared slots of scratch memory - 1 (a power of two) */
	__u32 own_mask;	    /* slots that threads keep - 1; they come first */
	__u32 kernel;	    /* 1: samples tell where they are in the kernel (GBT_KERNEL) */
	__u32 creators;	    /* 1: goroutines tell who made them (GBT_CREATOR) */
	__s32 g_gopc;	    /* offset in g; -1 not known */
	/* of allocations; -1 not known */
	__s32 mcache_alloc; /* mcache.alloc: pointers to spans */
	__s32 span_count;   /* mspan.allocCount; allocCountBeforeCache is 6, elemsize 8 behind it */
	__u32 remember;	    /* 1: hits remember what others told (bpf/known.h): the sites that this
			     * needs are all probed, and nothing in the program speaks against it */
	/* syscall.Syscall and Syscall6 where they have no frame (assembly, 1.18): their return
	 * address is at the stack pointer that they enter the system call with */
	struct gbt_range frameless_syscall[2];
	__u64 trace_key; /* run-time address of the type of the key that a context has a task by */
	struct gbt_requests requests;
	struct gbt_calls calls;
	struct gbt_grpc grpc;
	__u32 off_cpu_min_ns;	       /* threads without a CPU for so long are told; 0: none are */
	__u32 func_cnt;		       /* functions whose calls are told; 0: none */
	__u32 func_steady;	       /* 1: their probes stay in place between slices */
	__s32 func_ids[GBT_FUNCS_MAX]; /* hashes of their names, all different */
	struct gbt_range gopark;
	__u32 gopark_copies;  /* 1: it is inlined into callers too */
	__s32 g_tracking_seq; /* offset in g: how often it stopped running, 8 bits */
	__u32 light;	      /* 1: of goroutines starts alone are told (bpf/light.h) */
};

/*
 * What a context's Value method does with the key of a task (map gbt_contexts, by the method's
 * entry): a chain of contexts is known by these methods, which its itabs hold. Each has the context
 * that it wraps at its begin, if it has one.
 */
enum gbt_context {
	GBT_CONTEXT_NONE,  /* not in the map: not known */
	GBT_CONTEXT_EMPTY, /* nothing in it: Background, TODO */
	GBT_CONTEXT_WRAP,  /* asks the one that it wraps */
	GBT_CONTEXT_VALUE, /* a key and a value behind it */
	GBT_CONTEXT_POINT, /* as WRAP, but it has a pointer to what has the context at its begin */
};
#define GBT_CONTEXTS_MAX 256

/*
 * How much the programs read of a g and of an m at once; offsets must lie inside, which the
 * capture room checks before it loads them.
 */
#define GBT_READ_G_SZ 224    /* all but startpc and labels (syncSafePoint: 219 in 1.26) */
#define GBT_READ_WALK_SZ 112 /* of a g, what a walk begins with: its stack, m and sched */
#define GBT_READ_MARK_SZ 144 /* from sched.sp to trackingSeq (199 in 1.23) */
#define GBT_READ_GOID_SZ 168 /* from goid to startpc */
#define GBT_READ_M_SZ 232    /* g0 … oldp (224 in 1.26) */

/*
 * Where a return address is not to be had through the frame pointer: at these PCs the
 * function's frame is not set up (prologue, epilogue, functions without a frame) and its
 * return address is ret_off bytes above the stack pointer. Sorted, not overlapping.
 */
struct gbt_leaf_range {
	__u64 lo;  /* run-time address */
	__u32 len; /* [lo, lo + len) */
	__u32 ret_off;
};

/* Threads of the target whose times without a CPU are kept, those that ended included at times. */
#define GBT_OFF_CPU_THREADS 16384

/* Counters that the programs keep (struct gbt_slot). */
enum gbt_counter {
	GBT_C_HITS,	    /* probe hits in the target */
	GBT_C_EVENTS,	    /* records sent */
	GBT_C_RING_FULL,    /* records dropped because a ring was full */
	GBT_C_STACKS,	    /* stack definitions sent */
	GBT_C_STACK_LOST,   /* stack definitions dropped */
	GBT_C_STACK_CUT,    /* stacks cut */
	GBT_C_UNREADABLE,   /* reads of the target's memory that failed */
	GBT_C_SAMPLES,	    /* CPU samples taken */
	GBT_C_SAMPLE_LOST,  /* CPU samples dropped */
	GBT_C_NO_SCRATCH,   /* no scratch memory for this thread */
	GBT_C_LIST_CUT,	    /* goroutines beyond the walk of one injectglist */
	GBT_C_FOREIGN,	    /* hits of other processes that share the file */
	GBT_C_NO_TASK,	    /* regions whose context does not tell their task */
	GBT_C_REQUESTS,	    /* requests beyond what can be open at once */
	GBT_C_OFF_CPU,	    /* how often a thread of the target left its CPU; 0: not looked at */
	GBT_C_FUNC_LOST,    /* calls of probed functions beyond what can be open at once */
	GBT_C_FUNC_UNWOUND, /* … that ended without a return: a panic or Goexit */
	GBT_C_UNFINISHED,   /* hits still under way when nobody waited for them any more */
	GBT_C_MAX,
};

#ifndef __BPF__
_Static_assert(sizeof(struct gbt_hdr) == 16, "gbt_hdr");
_Static_assert(sizeof(struct gbt_event) == 56, "gbt_event");
_Static_assert(sizeof(struct gbt_stack) == 32 + 8 * GBT_STACK_SLOTS, "gbt_stack");
_Static_assert(sizeof(struct gbt_text) == 64 + 2 * GBT_TEXT_MAX, "gbt_text");
_Static_assert(sizeof(struct gbt_labels) == 64 + 1024, "gbt_labels");
_Static_assert(sizeof(struct gbt_leaf_range) == 16, "gbt_leaf_range");
_Static_assert(GBT_C_MAX <= GBT_COUNTERS, "more counters");
#endif

#endif
