/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_REGIONS_H
#define GORUNTIME_PLAN_REGIONS_H

#include "goruntime/plan_scan.h"

/*
 * Regions by runtime/trace.StartRegion while the runtime's own tracer is off (src/runtime/trace/
 * annotation.go, Go 1.18 to 1.27). StartRegion then gives away one region that stands for none,
 * and Region.End, mostly inlined, compares with it: both do no more, but each passes a branch,
 * which says by its flags that it is so. amd64 only.
 */
struct region_start {
	struct plan_spot spot; /* the branch that leads to or around the work with the tracer on;
				* arguments are still in their registers */
	enum site_when when;   /* the tracer is off */
	uint64_t noop;	       /* address of the pointer to the region that stands for none */
	uint64_t key;	       /* address of the type of the key that a context has a task by */
};

/* -ENOENT: it is not linked, or has another shape. */
int plan_regions__start(const struct plan_scan *s, struct region_start *out);

/* A copy of End: the branch behind its comparison, taken to be equal when the region is none. */
typedef int (*region_end_fn)(void *ctx, const struct gobinary_func *f,
			     const struct plan_spot *spot);
/* All of them, the function itself included. -ENOENT: one has another shape; fn was called for some
 * before. What fn returns else than 0 ends it and is returned. */
int plan_regions__ends(const struct plan_scan *s, uint64_t noop, region_end_fn fn, void *ctx);

#endif
