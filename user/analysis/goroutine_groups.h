/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_GOROUTINE_GROUPS_H
#define ANALYSIS_GOROUTINE_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goruntime/frame_cache.h"
#include "goruntime/snapshot.h"

/*
 * Goroutines folded by what they have in common, as a walk meets them: memory grows with the
 * number of groups, not of goroutines.
 */
enum goroutine_group_by {
	GROUP_BY_STACK,	  /* equal stacks and labels, as runtime/pprof's goroutine profile */
	GROUP_BY_STATE,	  /* "chan receive", "runnable", … */
	GROUP_BY_CREATOR, /* the go statement that made it */
	GROUP_BY_LABEL,	  /* value of one pprof label, or all labels */
};
/* "stack", "state", "creator", "label"; false: none of them. */
bool goroutine_group_by__parse(const char *name, enum goroutine_group_by *out);

struct goroutine_group {
	uint64_t cnt;
	char *key;	      /* what they share, for people; "" for stacks */
	uint64_t goid;	      /* of the first that was met */
	int64_t waitsince_ns; /* of the one that waits the longest (CLOCK_MONOTONIC), 0 unknown */
	bool running;	      /* by stack: was running, so there is no stack */
	bool torn, stack_cut; /* by stack */
	/* by stack; leaf first, physical, as the stack has them */
	uint64_t *pcs;
	size_t pc_cnt;
	struct snap_label *labels;
	size_t label_cnt;
};

struct goroutine_groups;

/* label_key: for GROUP_BY_LABEL, NULL all labels. system: count the runtime's own too. fc is
 * borrowed until free. */
int goroutine_groups__new(struct frame_cache *fc, enum goroutine_group_by by, const char *label_key,
			  bool system, struct goroutine_groups **out);
void goroutine_groups__free(struct goroutine_groups *gs);
/* A snap_visit_fn: ctx is a struct goroutine_groups *. */
int goroutine_groups__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			    const uint64_t *pcs, const struct snap_label *labels);
/* Names and sorts them, the largest first, then by key or stack. After the last visit. */
int goroutine_groups__finish(struct goroutine_groups *gs);

size_t goroutine_groups__count(const struct goroutine_groups *gs);
const struct goroutine_group *goroutine_groups__at(const struct goroutine_groups *gs, size_t i);
uint64_t goroutine_groups__total(const struct goroutine_groups *gs); /* goroutines */
enum goroutine_group_by goroutine_groups__by(const struct goroutine_groups *gs);

#endif
