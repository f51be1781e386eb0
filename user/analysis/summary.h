/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_SUMMARY_H
#define ANALYSIS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/frames.h"
#include "analysis/stops.h"
#include "model/model.h"
#include "raw/raw.h"

/*
 * What a capture says, as plain figures: the one source of summary.txt and summary.json.
 * Definitions and thresholds: docs/findings.md. Strings of frames are borrowed from the tables
 * that the analysis was given; all else is owned by the summary.
 *
 * Times are nanoseconds, shares are parts of 1. Intervals are clipped to the window, open ones
 * are counted.
 */

/* Time of all goroutines of one class in one state. */
struct summary_state {
	const char *name; /* "running", "runnable", "syscall", "chan receive" …; static */
	bool blocked;	  /* a block reason, not running, runnable or syscall */
	uint64_t total_ns, cnt, max_ns;
};

#define SUMMARY_STACK_MAX 32
#define SUMMARY_WAKERS 3

struct summary_stack {
	struct frame frames[SUMMARY_STACK_MAX]; /* leaf first */
	size_t cnt;
	bool cut; /* there are more frames */
};

/* Who ended waits at a site; a stack without frames: nobody that has one (timer, network). */
struct summary_waker {
	struct frame op, at; /* as in summary_site */
	uint64_t cnt, total_ns;
	struct summary_stack stack;
};

/*
 * A place where goroutines wait: all stacks that wait for the same reason in the same operation
 * called from the same line.
 */
struct summary_site {
	const char *reason; /* a block reason or "syscall" */
	struct frame op;    /* last function of the standard library before the program's own */
	struct frame at;    /* the program's line; without one the root function */
	uint64_t total_ns, cnt, max_ns;
	uint64_t max_part_ns;	    /* the longest that began or ended inside the window */
	uint64_t open_cnt;	    /* still waiting when the window ended */
	uint64_t whole_cnt;	    /* of those: waiting since before the window began */
	struct summary_stack stack; /* the one with most time */
	struct summary_waker wakers[SUMMARY_WAKERS]; /* most waits first */
	size_t waker_cnt;
	uint64_t waker_other_cnt; /* waits ended by others than those listed */
};

struct summary_creator {
	struct frame entry;	 /* function that the goroutines run */
	struct frame at;	 /* line of the `go` statement */
	uint64_t cnt, alive_cnt; /* created in the window; of those, there at its end */
	struct summary_stack stack;
};

struct summary_latency {
	uint64_t cnt, p50_ns, p99_ns, max_ns, total_ns;
	/* those still waiting when the window ended, which the figures above leave out */
	uint64_t open_cnt, open_max_ns;
};

struct summary_stw {
	const char *kind; /* static */
	uint64_t cnt, total_ns, max_ns;
};

struct summary_gc {
	uint64_t cycles;    /* begun or going on in the window */
	uint64_t active_ns; /* time with a cycle going on */
	uint64_t max_cycle_ns;
	uint64_t assist_cnt, assist_ns, assist_max_ns;
	uint64_t assist_estimated_cnt; /* of them: no probe saw the end, so the times are estimates
					*/
	struct summary_stw *stw;       /* most time first */
	size_t stw_cnt;
	uint64_t stw_total_ns; /* time with the world stopping or stopped, any kind */
	uint64_t stw_max_ns;
};

struct summary_procs {
	uint32_t gomaxprocs;  /* at the window's end */
	bool changed;	      /* GOMAXPROCS changed in the window */
	double running_share; /* of gomaxprocs × window: a P is held by a thread that runs Go */
	double syscall_share; /* … by a thread in a system call */
	double idle_share;
	double all_idle_share;	/* of the window: every P is idle */
	double saturated_share; /* of the window: no P is idle and a goroutine is runnable */
	double runnable_avg;	/* goroutines waiting for a P, mean over the window */
	uint64_t runnable_max;
};

struct summary_goroutines {
	uint64_t start, end, min, max; /* the program's own */
	uint64_t created, exited;
	uint64_t system_end;  /* the runtime's own, at the end */
	uint64_t unknown_end; /* of unknown root function, at the end */
};

struct summary_gauge {
	uint64_t samples, first, min, max, last;
};

/* Bytes. */
struct summary_heap {
	struct summary_gauge live, goal;
	uint64_t allocated; /* in the window: an estimate (heap.h) */
	/* what was left behind collections that ended in the window, and how many of those */
	uint64_t survived_first, survived_last, survived_max, survived_cnt;
};

/* The place of the program that most CPU samples were taken in. */
struct summary_hot {
	struct frame op, at; /* as in summary_site */
	uint64_t cnt;	     /* of the samples; 0: none has a stack */
};

/* A place where one goroutine waited, as in summary_site where that is known (placed). */
struct summary_span_wait {
	const char *reason;
	uint64_t total_ns, cnt, max_ns;
	bool placed, waker_placed;
	struct frame op, at, waker_op, waker_at;
	struct summary_stack stack, waker; /* waker: of who ended the longest, if anybody did */
	uint64_t waker_goid;
};

#define SUMMARY_SPAN_WAITS 5
/* Where the time of what a watch fired for went. */
struct summary_span {
	bool have;
	uint64_t total_ns;
	uint64_t running_ns; /* on a CPU, where off_cpu is known */
	uint64_t runnable_ns, runnable_cnt;
	uint64_t off_cpu_ns, off_cpu_cnt; /* it ran for Go, its thread had no CPU */
	struct summary_span_wait waits[SUMMARY_SPAN_WAITS]; /* most time first */
	size_t wait_cnt;
	uint64_t other_ns;   /* of further waits */
	uint64_t unknown_ns; /* no event or snapshot tells */
	uint64_t assist_ns;  /* of all that: in mark assists */
	bool assist_estimated;
	uint64_t samples; /* CPU samples of it, and the place that has most */
	struct summary_hot hot;
};

struct summary_cost {
	uint64_t hits, price_hit_ns;
	uint64_t estimate_ns;	  /* hits × price, never more than the target's CPU time */
	uint64_t low_ns, high_ns; /* bounds of it; equal: not known */
	uint64_t target_cpu_ns;	  /* 0: not known */
	double share;		  /* estimate_ns / target_cpu_ns; 0 without */
	double share_low, share_high;
	double added;	  /* estimate_ns against what the target used without it; 0 not known */
	const char *from; /* where the price comes from; "" an older recorder; of the summary */
	uint64_t tool_cpu_ns, tool_rss_max; /* 0: not known */
};

/* One class of loss. */
struct summary_loss {
	const char *id;	  /* "ring_full": key in summary.json; static */
	const char *text; /* "records dropped, a ring was full"; static */
	uint64_t cnt;
	bool events; /* each is an event that is missing in the files */
};

enum finding_id {
	FINDING_LOST,
	FINDING_REPAIRED,
	FINDING_COST,
	FINDING_LATENCY,
	FINDING_SATURATED,
	FINDING_CPU,
	FINDING_CONTENTION,
	FINDING_GC_PAUSE,
	FINDING_GC_BUSY,
	FINDING_GC_ASSIST,
	FINDING_ALLOC,
	FINDING_HEAP,
	FINDING_GROWTH,
	FINDING_SPAWN,
	FINDING_STUCK,
	FINDING_SYSCALL,
	FINDING_IDLE,
	FINDING_MAX,
};

struct summary_finding {
	enum finding_id id;
	char text[400];	 /* one sentence with its figure */
	char where[160]; /* where in the files to look */
};

/* Mode light: a place where goroutines stopped (stops.h); the time until they ran again. */
struct summary_stop {
	const char *reason;
	struct frame op, at; /* as in summary_site */
	uint64_t cnt, least_ns, most_ns, longest_ns;
	uint64_t open_cnt;	    /* off when the window ended */
	struct summary_stack stack; /* the one with most time */
	uint64_t place;		    /* equal for equal places */
};

/* What the analysis cannot know from the transitions. All borrowed during the call. */
struct summary_facts {
	const struct raw_meta *meta;
	const struct raw_trailer *trailer; /* NULL: the raw stream was cut */
	const struct model_stats *model;
	const struct raw_reason *reason;    /* why a watch wrote it; NULL: it is not of one */
	uint64_t late_cnt;		    /* of raw_file__each_event */
	uint64_t trace_bytes, trace_events; /* 0: no trace was written */
	unsigned trace_format;		    /* of the trace that was written; 0: as meta says */
};

/* A profile that was asked for. */
struct summary_profile {
	char file[32];	    /* "block.pprof" */
	char why[160];	    /* it could not be had; "": it is there */
	char estimate[160]; /* what is not exact in it; "" */
	bool text;	    /* for people: no file of pprof's */
};
#define SUMMARY_PROFILES 32
#define SUMMARY_TRACES 10

/* A trace file. */
struct summary_trace {
	char file[24];
	uint64_t from_ns, window_ns; /* since the capture began */
	uint64_t events, bytes;
};

struct summary {
	struct raw_meta meta;
	struct raw_trailer trailer;
	bool cut;	 /* no trailer: the capture did not end by itself */
	bool has_reason; /* a watch wrote it */
	struct raw_reason reason;
	struct summary_stack reason_stack; /* added by whoever writes it */
	struct summary_span span;
	struct model_stats model;

	uint64_t window_ns;
	uint64_t transitions;
	uint64_t cpu_samples;

	/* most time first within: running, runnable, syscall, then reasons */
	struct summary_state *states;
	size_t state_cnt;
	uint64_t states_total_ns;
	uint64_t system_running_ns; /* the runtime's own goroutines */
	uint64_t unknown_ns;	    /* goroutines of unknown root, all states */
	uint64_t unknown_cnt;	    /* … and their intervals */

	struct summary_site *sites; /* most time first, at most SUMMARY_SITES */
	size_t site_cnt;
	size_t sites_seen;

	struct summary_latency latency;	    /* the program's own goroutines */
	struct summary_latency latency_all; /* every goroutine */

	struct summary_gc gc;
	struct summary_procs procs;
	struct summary_goroutines goroutines;

	struct summary_creator *creators; /* most goroutines first, at most SUMMARY_CREATORS */
	size_t creator_cnt;
	size_t creators_seen;

	struct summary_heap heap;
	struct summary_hot hot;
	struct summary_cost cost;

	struct summary_loss *losses; /* every class, also those with 0 */
	size_t loss_cnt;
	uint64_t lost_events; /* sum of those that are events */

	struct summary_finding *findings;
	size_t finding_cnt;

	uint64_t trace_bytes, trace_events;
	unsigned trace_format; /* 23, 26: Go 1.N opens it */
	/* added by whoever writes them */
	struct summary_profile profiles[SUMMARY_PROFILES];
	size_t profile_cnt;
	/*
	 * What was had: "full"; "burst": slices of the window, of which the figures above describe
	 * one alone (window_ns is its length); "observe": no transitions, states are what was seen
	 * in looks from outside, and all other figures of transitions mean nothing; "light": the
	 * same, and stops.
	 */
	char had[16];
	struct summary_trace traces[SUMMARY_TRACES]; /* in time order */
	size_t trace_cnt, main_trace;
	uint64_t slices, sliced_ns; /* in all, also those without a file; 0: one whole window */
	uint64_t capture_ns;	    /* the whole window */
	uint64_t looks, look_hz;    /* observe */
	struct summary_stop *stops; /* light: longest at least first, at most SUMMARY_SITES */
	size_t stop_cnt, stops_seen;
	struct stop_totals stop_totals;
	uint64_t viewer_mem_bytes; /* what `go tool trace` will need, an estimate; 0: not worth
				      telling */
};

#define SUMMARY_SITES 40
#define SUMMARY_CREATORS 20

void summary__free(struct summary *s);

#endif
