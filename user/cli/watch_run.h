/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_WATCH_RUN_H
#define CLI_WATCH_RUN_H

#include "cli/names.h"
#include "cli/watch_candidates.h"
#include "cli/watch_options.h"
#include "recorder/hit_price.h"
#include "recorder/retention.h"
#include "recorder/trigger_socket.h"
#include "recorder/watch_writer.h"

/*
 * A watch while it runs: watch_targets.c has its processes, watch_asking.c what asks for captures,
 * watch_cutting.c makes and keeps them, cmd_watch.c is its life.
 */
#define POLL_NS (10 * 1000 * 1000)
#define WATCHED_MAX WATCH_RECORDINGS_MAX
#define PENDING_MAX 32
#define WAITING_MAX (WATCH_QUEUE_MAX * WATCHED_MAX + WATCHED_MAX)
#define BY_PEOPLE WATCH_CONDITIONS_MAX /* in place of a condition's index */
#define NO_CLIENT UINT_MAX

/* Of one condition in one place, whichever process has it. */
struct memory {
	uint64_t captured_ns;  /* 0: never */
	uint64_t triggered_ns; /* asked for a capture; 0: never */
	uint64_t again_ns;     /* one could not be written: none before this; 0 */
	double value;
};

/* A place for a process. The next one that takes it has the same memory: a service that is started
 * again and again cools down all the same. */
struct watched {
	struct recording *rec; /* NULL: the place is free */
	enum recording_end end;
	unsigned jobs; /* captures of it that are being written */
	struct memory memory[WATCH_CONDITIONS_MAX + 1];
};

/* A capture that is asked for and not cut yet. */
struct pending {
	struct watched *of;
	struct raw_reason reason;
	size_t condition;
	uint64_t key; /* of the condition, as retention__add has it: stays over a reload */
	double badness;
	uint64_t due_ns;
	unsigned client; /* NO_CLIENT */
	char slug[COND_SLUG_SZ];
};

/* Whoever waits for a capture that is being written. */
struct waiting {
	struct watched *of;
	char dir[PATH_MAX];
	uint64_t key;
	double badness;
	unsigned client;
	uint64_t captured_ns; /* as its condition's memory has it */
	struct memory before; /* what that was without this capture */
};

struct following {
	bool on; /* the target is a name or a container, whose processes come and go */
	uint64_t due_ns, lost_ns;
	struct candidates candidates;
};

struct watching {
	int argc; /* for a reload */
	char **argv;
	struct watch_args *args;
	struct price_job *price;
	struct watch_writer *writer;
	struct retention *kept;
	struct trigger_socket *socket;
	struct watched watched[WATCHED_MAX];
	struct following follow;
	struct pending pending[PENDING_MAX];
	size_t pending_cnt;
	struct waiting waiting[WAITING_MAX];
	size_t waiting_cnt;
	uint64_t every_due_ns, file_due_ns;
	bool file_was_there;
	bool failed;		/* a recording did, or one of several was not begun */
	enum recording_end end; /* of the process that ended last */
	uint64_t captures, merged, passed_over, window_sz;
	struct recording_misses misses; /* of those that have ended */
	uint64_t status_due_ns;
};

/* ---- processes (watch_targets.c) ---- */
bool watched__runs(const struct watched *w);
/* Those that are there at the begin: an exit_status. */
int watch_targets__open(struct watching *s);
int watch_targets__start(struct watching *s);
/* What they tell, who has ended, who has come. */
void watch_targets__poll(struct watching *s);
/* Has each been drained within that time? */
bool watch_targets__alive(const struct watching *s, uint64_t within_ns);
/* Is there anything left to watch, or to wait for? */
bool watch_targets__any(const struct watching *s);
/* Ends them all; what was asked for is cut. */
void watch_targets__end(struct watching *s);
/* Triggers that led to no capture: those of conditions that cool down, and what fired too often. */
uint64_t watch_targets__passed_over(const struct watching *s);
/* Of all that were and are watched. */
struct recording_misses watch_targets__misses(const struct watching *s);
void watch_targets__free(struct watching *s);

/* ---- asking (watch_asking.c) ---- */
void watch_asking__firings(struct watching *s, struct watched *w);
/* The conditions that an end fulfils. */
void watch_asking__exit(struct watching *s, struct watched *w);
void watch_asking__people(struct watching *s);
void watch_asking__refuse(struct watching *s, const struct pending *p, const char *why);

/* ---- the configuration read again (watch_reload.c) ---- */
void watch_reload(struct watching *s);

/* ---- cutting (watch_cutting.c) ---- */
/* Those whose moment has come; all of `of` at once, whose window has ended, when it is given. */
void watch_cutting__due(struct watching *s, const struct watched *of);
void watch_cutting__results(struct watching *s);

#endif
