/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RECORDING_H
#define RECORDER_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/capture.h"
#include "output/profile_kinds.h"
struct condition;
struct firing;
struct raw_reason;

/*
 * One target being captured: probes attached, a thread that only drains the rings into an
 * unnamed spool, and at the end the raw stream from which render.h makes the files. Events of a
 * profile that is folded meanwhile (live_fold.h) go there instead.
 *
 *   open -> start -> (poll …) -> stop -> raw_fd -> free
 *
 * All detach on every path; free waits until the kernel has let go of the probes.
 */
enum recording_attach {
	RECORDING_ATTACH_AUTO,
	RECORDING_ATTACH_MULTI,
	RECORDING_ATTACH_PERF
};

struct price_job;

enum recording_mode {
	RECORDING_FULL,	   /* every transition; a budget ends the capture */
	RECORDING_AUTO,	   /* every transition while the budget pays for it, else slices */
	RECORDING_LIGHT,   /* every start of a goroutine and what it was that ran before; a budget
			    * ends the capture */
	RECORDING_BURST,   /* short slices, however much the budget would pay for */
	RECORDING_OBSERVE, /* no probes */
};

#define RECORDING_BUDGET_DEFAULT 0.05

struct recording_options {
	uint64_t duration_ns;  /* 0: until stopped */
	uint64_t max_sz;       /* bytes of spool that end the capture */
	uint32_t hz;	       /* CPU samples per second and CPU; 0 none */
	unsigned trace_format; /* 23 or 26 */
	enum recording_attach attach;
	const char *profiles; /* --profiles, checked; NULL: the default */
	/* What is observed. A trace needs it all, a profile as little as it can do with. */
	uint64_t sites;	  /* probes by SITE_BIT of goruntime/plan.h; 0: none */
	bool snapshot;	  /* the goroutines at the window's begin */
	bool stacks;	  /* and their stacks */
	uint32_t wall_hz; /* goroutines are looked at so often a second (goruntime/wall.h); 0 not */
	bool wall_goids;  /* and told apart in the wall profile */
	bool heap;	  /* the heap's size, read every 10 ms */
	bool kernel;	  /* CPU samples tell where in the kernel they are */
	bool creators;	  /* goroutines tell who made them */
	bool requests;	  /* requests of net/http are told, where the program has any; set where a
			   * condition needs them */
	/* PROFILE_ALLOCS where the runtime keeps no profile is sampled: at most so much of the
	 * target's CPU time (0: the default); estimate_allocs: sampled in any case; only_buckets:
	 * never */
	unsigned max_overhead_pct;
	bool estimate_allocs, only_buckets;
	enum recording_mode mode;
	double budget;		 /* of what the target uses itself (0.05 is 5 %); 0: none */
	struct price_job *price; /* of hit_price.h, borrowed until free; NULL: it is assumed */
	bool labels;		 /* keep the values of pprof labels */
	bool nop5;		 /* use nop5 sites where kernel and binary have them */
	bool force_layout;
	/* One profile of transitions is all that this is for: fold it meanwhile, where that can be.
	 */
	bool fold_live;
	enum profile_id fold_id;
	unsigned fold_tags; /* enum profile_tag */
	/*
	 * A flight recorder (keep_ns > 0): there is no spool; the last keep_ns are kept, in at most
	 * keep_sz bytes, and recording__cut gives them. The conditions are judged meanwhile.
	 */
	uint64_t keep_ns, keep_sz;
	const struct condition *conditions; /* borrowed */
	size_t condition_cnt;
	bool always; /* people ask as well: all probes while a budget pays, whatever conditions need
		      */
};

enum recording_end {
	RECORDING_RUNNING,
	RECORDING_DURATION,
	RECORDING_TARGET_EXITED,
	RECORDING_TARGET_EXECED,
	RECORDING_MAX_SIZE,
	RECORDING_BUDGET,      /* full, and the budget is used up */
	RECORDING_PROBES_LOST, /* with the process that held them; the message is out */
	RECORDING_STOPPED,     /* by the caller */
	RECORDING_FAILED,      /* spool or ring failed; the message is out */
};

struct recording_progress {
	uint64_t elapsed_ns, spool_sz;
	uint64_t events, lost;
	double cost_pct; /* estimate: hits × price against the target's CPU time */
};

struct recording;

enum capture_attach recording_attach__capture(enum recording_attach a);

const char *recording_mode__name(enum recording_mode m);

/* Opens and checks the target, plans and loads; attaches nothing yet. spool_fd becomes the
 * recording's. command: the child of launch.h that waits before its exec, else NULL. */
struct launch;
int recording__open(pid_t pid, struct launch *command, const struct recording_options *opt,
		    int take_spool_fd, struct recording **out);
/* Attach, arm, snapshot; the window begins. A waiting command is let go. */
int recording__start(struct recording *r);
/* Is anything observed for a time, or does what is read of the target at the end do? */
bool recording__observes(const struct recording *r);
/* Has it ended, and why? Never blocks. */
enum recording_end recording__poll(struct recording *r);
/* How its process ended, as process__exit_status. */
int recording__exit_status(const struct recording *r, int *status);
void recording__progress(struct recording *r, struct recording_progress *out);
/* Ends the window, drains, resolves symbols, completes the raw stream. Detaching goes on in the
 * background. */
int recording__stop(struct recording *r, enum recording_end why);
/* Stopped: what a hit of the window cost, in ns, an estimate. Waits while it is still measured. */
uint64_t recording__hit_price(struct recording *r);
/* Why there are no CPU samples though they were asked for, "" there are; borrowed. */
const char *recording__no_samples(const struct recording *r);
/* The profile that was folded while the window was open; NULL: its events are in the raw stream.
 * Borrowed. */
struct live_fold;
const struct live_fold *recording__folded(const struct recording *r);
/* The complete raw stream; borrowed. */
int recording__raw_fd(const struct recording *r);
pid_t recording__pid(const struct recording *r);
const char *recording__name(const struct recording *r);

/* ---- of a flight recorder ---- */
/* The next condition that held (watch/triggers.h), oldest first. */
bool recording__fired(struct recording *r, struct firing *out);
/*
 * The window up to to_ns, or up to now when that is later, with the definition of this stack even
 * when nothing in it refers to it (0: of none). Recording goes on; a cut keeps its part of the
 * window in memory until it is freed. -ENODATA: there is none (yet).
 */
struct recording_cut;
int recording__cut(struct recording *r, uint64_t to_ns, uint64_t stack, struct recording_cut **out);
uint64_t recording_cut__end_ns(const struct recording_cut *c);
void recording_cut__free(struct recording_cut *c);
/* As a raw stream into fd, an empty file that is borrowed. From one thread at a time, which may be
 * another than the one that polls; one message on error. keep_ns and full of why are filled here.
 */
int recording__write_cut(struct recording *r, struct recording_cut *c, const struct raw_reason *why,
			 int fd);
/* Ends it: after that only what is there can be cut. */
int recording__end_window(struct recording *r);
uint64_t recording__window_sz(struct recording *r);
/* When what had happened was last taken from the rings (CLOCK_MONOTONIC). */
uint64_t recording__drained_ns(struct recording *r);
/*
 * Judges these conditions (borrowed) in place of those before; what lasts is judged anew. What
 * fired and was not taken is dropped. An error leaves it as it was.
 */
int recording__judge(struct recording *r, const struct condition *c, size_t cnt, bool always);
/* From now on it may keep so many bytes. */
void recording__share_memory(struct recording *r, uint64_t keep_sz);
/* Firings that were not kept: more than two of a condition came before they were taken. */
uint64_t recording__unkept(struct recording *r);
/* What conditions were judged without since the begin. */
struct recording_misses {
	uint64_t lost; /* events that were dropped */
	uint64_t late; /* that came behind later ones */
	/* Time, and how much of it probes were away while a condition needed them. */
	uint64_t watched_ns, blind_ns;
	uint64_t slices; /* how often they came back */
};
void recording__misses(struct recording *r, struct recording_misses *out);
void recording__free(struct recording *r);

#endif
