/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_CONDITION_H
#define WATCH_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * When a capture is written: SUBJECT [QUALIFIER] OP VALUE [for DUR], one string each. The grammar
 * and what each subject measures is told in docs/watch.md.
 */
enum cond_subject {
	COND_GOROUTINES, /* alive, the runtime's own with them */
	COND_GROWTH,	 /* goroutines more, a minute */
	COND_THREADS,
	COND_SCHED,	/* one wait for a processor */
	COND_SCHED_PCT, /* a percentile of those */
	COND_BLOCK,	/* one wait of a kind */
	COND_SYSCALL,	/* one system call */
	COND_STW,	/* one stop of the world */
	COND_GC,	/* one collection */
	COND_ASSIST,	/* time in mark assists, of the target's CPU time */
	COND_CPU,	/* CPU time, of what GOMAXPROCS allows */
	COND_RSS,
	COND_THROTTLED,	   /* periods in which its cgroup was throttled */
	COND_HEAP,	   /* live */
	COND_EXIT,	   /* the process ends, however */
	COND_REQUEST,	   /* one request of net/http's server, or call, by condition.span */
	COND_REQUEST_PCT,  /* a percentile of those */
	COND_REQUEST_RATE, /* how many end a second */
	COND_FUNC,	   /* one call of a function */
	COND_OFF_CPU,	   /* one time that a running goroutine's thread had no CPU */
	COND_SUBJECT_MAX,
};

enum cond_unit {
	UNIT_NONE,
	UNIT_COUNT,
	UNIT_PER_MIN,
	UNIT_PER_SEC,
	UNIT_NS,
	UNIT_PERCENT,
	UNIT_BYTES,
};

#define COND_TEXT_MAX 160
#define COND_SLUG_SZ 32

struct condition {
	enum cond_subject subject;
	char text[COND_TEXT_MAX]; /* as it was written */
	char slug[COND_SLUG_SZ];  /* for the name of a folder: "sched", "block-sync" */
	enum cond_unit unit;
	bool below; /* OP is < */
	double value;
	double percentile;	   /* COND_SCHED_PCT, COND_REQUEST_PCT: 0 to 100 */
	char match[COND_TEXT_MAX]; /* of requests: glob__matches "METHOD PATH", or the path where it
				    * begins with a slash; "": all */
	uint8_t span;		   /* COND_REQUEST and its like: enum gbt_span */
	uint32_t kinds;		   /* COND_BLOCK: 1 << the tracer's block reason */
	uint64_t for_ns;	   /* 0: not said */
};

struct condition_error {
	size_t pos; /* byte of the text, from 0 */
	char what[200];
};

/* -EINVAL with err filled. */
int condition__parse(const char *text, struct condition *out, struct condition_error *err);
/* A value in the unit of the condition, for people: "12.3ms", "1.5 GiB", "92 %". */
#define COND_VALUE_SZ 32
const char *condition__format(const struct condition *c, double value, char out[COND_VALUE_SZ]);
/*
 * Is it judged from every transition, or does it hold without a sign before? Then every probe has
 * to be in place as long as a budget pays for it. Else it is enough that they come when it is half
 * way to its threshold.
 */
bool condition__wants_all(const struct condition *c);
/* Probes by SITE_BIT of goruntime/plan.h that it needs in any case, but for those of requests and
 * calls; 0: it is judged from outside. */
uint64_t condition__sites(const struct condition *c);
/* COND_FUNC: what records tell its function (match) by: a hash of the name, above 0. */
int32_t condition__func_id(const struct condition *c);
/* Does it need, or can its capture tell more by, the times of threads without a CPU? */
bool condition__wants_off_cpu(const struct condition *c);
/* The least that is judged: shorter ones are not told. */
#define COND_OFF_CPU_MIN_NS 100000
/* Is it about requests, or calls? */
bool condition__needs_requests(const struct condition *c);
/* Is it about this one? Texts need not end with a NUL. */
bool condition__matches(const struct condition *c, const char *method, size_t method_len,
			const char *path, size_t path_len);

#endif
