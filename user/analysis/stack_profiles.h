/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_STACK_PROFILES_H
#define ANALYSIS_STACK_PROFILES_H

#include "analysis/owners.h"

/*
 * The profiles that come from the stream of transitions: sums by stack and by whose time it is
 * (owners.h), in memory for what is distinct of these only.
 *
 * What counts is what the window saw whole: a wait that began before it is left out, since neither
 * its begin nor (for sure) its stack is known, and so is one that goes on at its end, as in Go's
 * own (runtime/mprof.go records a wait when it ends; cmd/trace/pprof.go forgets open ones).
 * What the model made up counts as in the trace. Goroutines of the runtime count. What lasted no
 * measurable time has 1 ns in those of runtime/pprof (runtime/mprof.go, blockevent), else a unit of
 * the trace.
 *
 * Whose: in a mutex profile the goroutine that unlocked, in one of creation the creator, else the
 * one that waited, ran on or assisted; in sched it waited to run, although the stack is another's.
 *
 * Stacks are those of transitions: with the tracer's skip, which for these events leaves the same
 * leaf as runtime/pprof's own (gopark's traceskip against blockevent's skip, Go 1.18-1.27).
 */
enum stack_profile {
	/* Go's block profile: channels, select, Cond, and the semaphores of sync and internal/poll
	 * (wait_kind.h), by the stack that waits. */
	STACK_BLOCK,
	/* Go's mutex profile: waits for a Mutex or RWMutex, by the stack that unlocked it. Each
	 * wait is charged whole to the unlock that ended it; from Go 1.22 on the runtime divides it
	 * among the unlocks meanwhile, by an estimate: per lock the sums agree. */
	STACK_MUTEX,
	/* As `go tool trace -pprof=sched`: from runnable to running, by the stack that made it
	 * runnable; that of who created it for the first time (which go tool trace leaves out).
	 * Without a stack: woken inside the scheduler, by a timer, the network or the GC. */
	STACK_SCHED,
	STACK_NET,     /* as -pprof=net: the reason "network" */
	STACK_SYNC,    /* as -pprof=sync: every reason with "chan", "select" or "sync" in it */
	STACK_SYSCALL, /* as -pprof=syscall */
	STACK_SLEEP,   /* time.Sleep */
	/* Goroutines created, by the creator's stack, and the time that they lived in the window:
	 * to its end for those alive then. */
	STACK_CREATE,
	/* Mark assists, and stops of the world for the GC, by the stack that assisted or stopped:
	 * each with count and nanoseconds. Where no probe sees an assist's end, what its goroutine
	 * does next ends it (docs/trace.md): an estimate. A stop lasts from its begin to the
	 * world's start; those for other reasons (GOMAXPROCS, runtime.ReadMemStats) are not the
	 * GC's. */
	STACK_GC,
	STACK_PROFILE_MAX,
};
#define STACK_PROFILE_VALUES 4
/* count, nanoseconds; of STACK_GC twice: assists, stops. */
size_t stack_profile__value_cnt(enum stack_profile which);

struct stack_profiles {
	uint32_t wanted; /* 1 << enum stack_profile */
	struct stack_sums {
		struct stack_sum *v;
		size_t cnt, cap;
		uint32_t *of_stack; /* [of_stack_cnt]: its row without an owner + 1 */
		size_t of_stack_cnt, of_stack_cap;
		struct imap of_owner; /* stack << 32 | owner -> row */
	} sums[STACK_PROFILE_MAX];
	/* goroutine -> begin, and stack << 32 | owner, of what it has open */
	struct imap assist_begin, assist_row, stop_begin, stop_row;
};

void stack_profiles__fini(struct stack_profiles *p);

/* A state that the window saw whole has ended. Numbers of stacks (stackset.h) and of owners. */
struct ended_state {
	unsigned slot;	/* states.h */
	uint32_t stack; /* of the transition that began it */
	uint32_t owner; /* the goroutine */
	uint64_t dur_ns;
	uint32_t waker, waker_owner; /* of who ended a wait, 0 none */
};
/* 0 or -ENOMEM, as all of these. */
int stack_profiles__ended(struct stack_profiles *p, struct stackset *stacks,
			  const struct ended_state *st);
/* Begin or end of a range; stack, owner: of t. */
int stack_profiles__range(struct stack_profiles *p, struct stackset *stacks,
			  const struct transition *t, uint32_t stack, uint32_t owner,
			  uint64_t now_ns);
/* A goroutine that was created in the window by stack and owner has ended, or is there at its end.
 */
int stack_profiles__lived(struct stack_profiles *p, uint32_t stack, uint32_t owner,
			  uint64_t dur_ns);

/* The rows of one profile, in no order. All borrowed during the call. */
struct stack_profile_row {
	const struct tr_stack *st;     /* NULL no stack */
	const struct row_owner *owner; /* labels and tags; NULL none */
	const uint64_t *v;	       /* [stack_profile__value_cnt] */
};
typedef int (*stack_profile_fn)(void *ctx, const struct stack_profile_row *row);
int stack_profiles__each(const struct stack_profiles *p, const struct stackset *stacks,
			 const struct owners *owners, enum stack_profile which, stack_profile_fn fn,
			 void *ctx);

#endif
