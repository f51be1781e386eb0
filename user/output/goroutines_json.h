/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_GOROUTINES_JSON_H
#define OUTPUT_GOROUTINES_JSON_H

#include "analysis/goroutine_groups.h"
#include "analysis/goroutine_leaks.h"
#include "goruntime/frame_cache.h"
#include "goruntime/snapshot.h"
#include "output/json.h"

#define GOROUTINES_JSON_SCHEMA 1

/*
 * All goroutines as one JSON object, written as they come:
 * { "schema": 1, "go": "go1.27.4", "goroutines": [ { "id", "state", "system"?, "sampled"?, "torn"?,
 *   "locked"?, "wait_ns"?, "thread"?, "labels"?, "created_by"?, "stack", "stack_cut"? }, … ],
 *   "total", "gomaxprocs", "threads", "heap_live_bytes", "heap_goal_bytes", "heap_goal_estimate",
 *   "gc_phase", "torn", "retried", "unreadable", "begin_ns", "end_ns" }
 * Members with "?" are left out when they say nothing. Frames are leaf first.
 */
struct goroutines_json {
	struct frame_cache *frames; /* borrowed */
	int fd;			    /* borrowed */
	bool system;		    /* the runtime's own too */
	/* the writer's own */
	struct buf out;
	struct json json;
	uint64_t cnt;
};

int goroutines_json__begin(struct goroutines_json *j); /* the first three members are set */
/* A snap_visit_fn: ctx is a struct goroutines_json *. */
int goroutines_json__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			   const uint64_t *pcs, const struct snap_label *labels);
/* head: of the walk; NULL after a failed one: nothing more is written. Frees what was made. */
int goroutines_json__end(struct goroutines_json *j, const struct snapshot *head);

/* { "schema": 1, "group_by": "stack", "total": N, "groups": [ { "count", "key"?, "goroutine",
 *   "wait_ns"?, "running"?, "torn"?, "labels"?, "stack"?, "stack_cut"? }, … ] } */
int goroutines_json__groups(const struct goroutine_groups *groups, struct frame_cache *fc,
			    const struct snapshot *head, int fd);

/* { "schema": 1, "span_ns", "looks", "before", "now", "stack_unknown", "torn", "unreadable",
 *   "leaks": [ { "count", "before", "grown", "per_minute", "oldest_ns", "goroutine", "state",
 *   "created_by"?, "stack", "stack_cut"? }, … ] }: goroutines and nanoseconds. */
int goroutines_json__leaks(const struct goroutine_leaks *leaks, struct frame_cache *fc, int fd);

#endif
