/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "base/buf.h"
#include "base/imap.h"
#include "model/model.h"

/*
 * The mirror of the state that a trace reader keeps (internal/trace/order.go): which G and P
 * each thread has, the status and the sequence number of each G and P, open ranges, GC state.
 * Invariants: a Running goroutine has a thread, which has a Running P; only such a one has a
 * stop-the-world range open (but between the Ps that startTheWorld swaps under it).
 */
struct region {
	uint64_t task;
	uint32_t name;
	bool started; /* by StartRegion, whose end says no more than that it is one */
	bool untold;  /* its task is not known: it is not in the file */
};

enum assist_state {
	ASSIST_NONE,
	ASSIST_OPEN,
	/* where ends are not seen: */
	ASSIST_PARKED,	/* blocked in it, waiting for credit: over when it runs again */
	ASSIST_YIELDED, /* Gosched in it: the next hit belongs to the same range */
};

struct mthread;

struct goroutine {
	uint64_t id;
	struct mthread *m; /* NULL: none; set when Running or Syscall */
	uint64_t seq;
	uint8_t status; /* enum tr_g_status */
	uint8_t assist; /* enum assist_state */
	bool stw;	/* a stop-the-world range is open */
	bool ending;	/* it was preempted behind the probe of its end */
	uint16_t region_cnt, region_cap;
	struct region *regions;		   /* innermost last */
	struct region spans[GBT_SPAN_MAX]; /* what it serves or asks; task 0: nothing of the kind */
	struct goroutine *next_free;
};

struct mthread {
	uint64_t tid, file_tid;
	struct goroutine *g;
	int32_t p;	    /* TR_NO_P */
	uint64_t last_g;    /* goid that left last */
	bool entering;	    /* a cgo callback begins: its goroutine is not known yet */
	bool exiting;	    /* its goroutine's syscall is over, but it has no P yet */
	bool world_started; /* startTheWorld was the last it did: may change its P */
};

struct proc {
	uint8_t status; /* enum tr_p_status; 0 not declared yet */
	struct mthread *m;
	uint64_t seq;
};

#define PROC_MAX 65536
#define TOMB_CNT 65536

/* The goroutines that ended last: a late event must not bring one back to life. */
struct tombs {
	uint64_t *ring; /* TOMB_CNT */
	uint32_t next;
	struct imap at; /* goid -> place in the ring */
};

struct prescan;

/* What the first pass found that the second needs to its end; see prescan.c. */
struct scanned {
	/* orders of syscall exits that said that they have their P, and did not keep it: what their
	 * thread did next shows it (the runtime's check races with who takes the P) */
	struct imap lost_p;
	/* orders of ends that were none: the goroutine was preempted in the function whose probe
	 * had told, and does all of it once more */
	struct imap undone;
	bool assist_ends; /* a mark assist was seen to end: so all are */
};

struct model {
	struct model_config cfg;
	struct model_stats stats;
	int err; /* sticks */
	bool begun;
	uint64_t now_ns;
	uint64_t start_ns;

	struct imap gs; /* goid -> struct goroutine * */
	struct goroutine *free_gs;
	struct imap ms;		/* tid -> struct mthread * */
	struct mthread *last_m; /* cache of the last lookup */
	struct proc *ps;
	int32_t p_cap;
	struct tombs tombs;
	struct prescan *pre; /* until the window has begun; ahead: to the end */
	struct scanned scanned;
	uint64_t order; /* of the event, as the first pass counted */

	uint32_t procs;				  /* GOMAXPROCS as the trace tells it; 0: not yet */
	uint32_t procs_want;			  /* as known: told by the next running goroutine */
	struct mthread *runner;			  /* where a goroutine was started last */
	uint64_t heap_alloc, heap_goal;		  /* as told */
	uint64_t heap_alloc_want, heap_goal_want; /* as known; 0 unknown */
	bool gc_on;
	uint64_t gc_seq;
	struct imap tasks;   /* open ones */
	uint64_t request_id; /* of the last request that was told as a task */
	uint32_t str_gc[4];  /* labels of mark workers */
};

/* ---- lookups (state.c) ---- */
struct goroutine *g__get(struct model *m, uint64_t goid);	      /* NULL */
struct goroutine *g__add(struct model *m, uint64_t goid, int status); /* NULL: no memory */
void g__drop(struct model *m, struct goroutine *g);		      /* it has ended */
struct mthread *mthread__get(struct model *m, uint64_t tid);	      /* NULL: no memory */
struct proc *proc__get(struct model *m, int32_t id);		      /* NULL: no such id */
int tombs__add(struct tombs *t, uint64_t goid);
bool tombs__has(const struct tombs *t, uint64_t goid);
void tombs__forget(struct tombs *t, uint64_t goid);
void tombs__free(struct tombs *t);
void count_repair(struct model *m, enum model_repair r);

/* ---- moves (moves.c): each is legal in the state that its name implies, is told to the sink
 * and changes the mirror. t may be NULL where a move needs no thread (batch -1). ---- */
struct transition tr_on(const struct mthread *t, enum tr_type type);
void tell(struct model *m, struct transition *tr);
void move_proc_status(struct model *m, struct mthread *t, int32_t p, int status, bool initial);
void move_proc_start(struct model *m, struct mthread *t, int32_t p, bool repair);
void move_proc_stop(struct model *m, struct mthread *t, bool repair);
void move_proc_steal(struct model *m, struct mthread *thief, int32_t p);
void move_go_status(struct model *m, struct mthread *t, struct goroutine *g,
		    const struct tr_stack *stack, uint16_t reason, bool initial);
void move_go_start(struct model *m, struct mthread *t, struct goroutine *g, bool repair);
void move_go_stop(struct model *m, struct mthread *t, uint16_t reason, const struct tr_stack *s,
		  bool repair);
void move_go_block(struct model *m, struct mthread *t, uint16_t reason, const struct tr_stack *s);
void move_go_destroy(struct model *m, struct mthread *t);
void move_go_unblock(struct model *m, struct mthread *t, struct goroutine *g,
		     const struct tr_stack *s, bool repair);
void move_syscall_begin(struct model *m, struct mthread *t, const struct tr_stack *s);
void move_syscall_end(struct model *m, struct mthread *t, bool repair);
void move_syscall_end_blocked(struct model *m, struct mthread *t, bool repair);
void move_create_syscall(struct model *m, struct mthread *t, uint64_t goid);
void move_destroy_syscall(struct model *m, struct mthread *t);
void move_switch(struct model *m, struct mthread *t, struct goroutine *to, bool destroy,
		 const struct tr_stack *s);
void move_assist_begin(struct model *m, struct mthread *t, const struct tr_stack *s);
void move_assist_end(struct model *m, struct mthread *t, bool estimate);
void move_stw_begin(struct model *m, struct mthread *t, uint16_t kind, const struct tr_stack *s);
void move_stw_end(struct model *m, struct mthread *t, bool repair);
void move_gc_begin(struct model *m, struct mthread *t, const struct tr_stack *s, bool initial);
void move_gc_end(struct model *m, struct mthread *t, bool repair);
void move_value(struct model *m, struct mthread *t, enum tr_type type, uint64_t value);
/* Heap figures and GOMAXPROCS that are known but not told yet, if someone can tell them. */
void tell_pending(struct model *m, struct mthread *t);

/* ---- repairs (repair.c) ---- */
/* The goroutine of this unknown id, declared as waiting. NULL: it has ended, or no memory. */
struct goroutine *repair_known(struct model *m, uint64_t goid);
/* t has no goroutine. */
void repair_free(struct model *m, struct mthread *t);
void repair_leave(struct model *m, struct mthread *t);
/* t holds p, Running. expected: an event said so, nothing is missing. */
bool repair_proc(struct model *m, struct mthread *t, int32_t p, bool expected);
/* g runs on t with p (-1: some P). false: cannot be. */
bool repair_run(struct model *m, struct mthread *t, struct goroutine *g, int32_t p);

/* ---- first pass (prescan.c) and the state at the window's begin (initial.c) ---- */
enum first_kind {
	FIRST_CREATED,	/* not there before */
	FIRST_RUNNABLE, /* started: was runnable, or waiting and made runnable unseen */
	FIRST_WAITING,
	FIRST_RUNNING,
	FIRST_SYSCALL,
	FIRST_SWITCHED, /* a coroutine that another switched to: waiting, or just created */
};

struct first_g {
	uint64_t goid, order, time_ns;
	enum first_kind kind;
};

struct first_m {
	uint64_t exit_order; /* the thread's last event was a syscall exit with P; 0: not */
	uint64_t end_order;  /* it was the end of end_goid; 0: not */
	uint64_t end_goid;
	uint64_t tid, order;
	uint64_t goid; /* 0 none */
	bool syscall;  /* that goroutine is in one */
	int32_t p;     /* -1 none */
};

struct first_p {
	uint64_t order;		       /* 0: never seen */
	bool held;		       /* by the thread of that event */
	uint64_t exit_order, exit_tid; /* the last syscall exit that counted on it */
};

#define CREATED_LATE 0 /* after the snapshot */
#define CREATED_EARLY UINT64_MAX
#define GC_UNKNOWN (-1)
#define GC_NOT_TOLD (-2)

struct prescan {
	struct scanned *out;
	uint64_t order; /* of the event: 1, 2, 3 … */
	bool begun;	/* what was first does not matter any more */
	uint64_t snapshot_ns;
	struct imap gs, ms;	   /* -> index + 1; goroutines of the window: CREATED_… */
	struct buf g_list, m_list; /* struct first_g, first_m */
	struct first_p *ps;
	int32_t p_cap;
	struct imap entering; /* threads whose next syscall exit names a new goroutine */
	int gc;		      /* GC_UNKNOWN, GC_NOT_TOLD, 0 off, 1 on at the begin */
	struct tombs tombs;
};

/* snapshot_ns: when the snapshot was complete, 0 without one. found: borrowed. */
int prescan__new(uint64_t snapshot_ns, struct scanned *found, struct prescan **out);
void prescan__free(struct prescan *p);
/* The second pass has begun, and this one goes on: frees what it alone needed. */
void prescan__begun(struct prescan *p);
int prescan__event(struct prescan *p, const struct gbt_event *e);
void model__begin(struct model *m);

/* ---- events (events.c, events_gc.c, events_user.c, events_request.c) ---- */
/* The stack of e as the tracer would have taken it. */
struct tr_stack event_stack(const struct model *m, const struct gbt_event *e, int skip,
			    uint64_t goid);
/* The event cannot be true: it counts as a repair and changes nothing. */
void event_drop(struct model *m);
/* Known, or declared now; NULL: it has ended or has no id, dropped and counted. */
struct goroutine *event_subject(struct model *m, uint64_t goid);
/* e.goid runs on t, declared and made to if need be; NULL: dropped and counted. */
struct goroutine *event_runner(struct model *m, struct mthread *t, const struct gbt_event *e,
			       uint64_t goid);
/* The goroutine does something that it does not do inside a mark assist. */
void leave_assist(struct model *m, struct mthread *t, const struct goroutine *g);
/* It does something that it may do inside one, but seldom: where ends are not seen it is over. */
void maybe_leave_assist(struct model *m, struct mthread *t, const struct goroutine *g);
void on_syscall(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_syscall_exit(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_syscall_exit_nop(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_needm(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_dropm(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_p_start(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_p_stop(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_p_handoff(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_stw_begin(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_stw_end(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_mark_term(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_gc_sweep(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_gc_assist(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_heap(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_task_begin(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_task_end(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_region(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_log(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_request_begin(struct model *m, struct mthread *t, const struct gbt_event *e);
void on_request_end(struct model *m, struct mthread *t, const struct gbt_event *e);
/* A region begins on the goroutine of t, or ends: as event e says. */
void begin_region(struct model *m, struct mthread *t, const struct region *r,
		  const struct tr_stack *s);
void end_region(struct model *m, struct mthread *t, const struct region *r,
		const struct tr_stack *s);

#endif
