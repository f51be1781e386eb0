/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_WALL_H
#define GORUNTIME_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "goruntime/snapshot.h"

/*
 * Where goroutines spend their time, whatever they do: their states and stacks are looked at many
 * times a second from outside, without stopping the target and without probes. How, and what it
 * costs and misses: docs/snapshot.md, "Wall profile".
 */

/* Time of goroutines that had all of this in common. */
struct wall_row {
	uint64_t ns; /* an estimate: each look stands for half of the time to its neighbours */
	uint64_t startpc, gopc;
	uint64_t goid;		       /* 0 where goroutines are not told apart */
	uint32_t stack_off, stack_cnt; /* pcs of the profile, leaf first, physical; running: none */
	uint32_t state;		       /* index into states */
	uint32_t label_off, label_cnt;
	bool running; /* its stack cannot be read from outside */
	bool torn;    /* its stack changed each time that it was read */
	bool stack_cut;
};

struct wall_profile {
	bool goids;		   /* rows tell goroutines apart */
	uint32_t hz;		   /* asked */
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC: first look and last */
	uint64_t ticks;		   /* looks */
	uint64_t ticks_late;	   /* ticks that fell out: they would have cost too much */
	uint64_t passes; /* looks at all goroutines; the others are at those that change */
	uint64_t looks;	 /* goroutines looked at, summed up over all ticks */
	uint64_t stacks_torn, unreadable, labels_unread;
	uint64_t dropped_ns; /* time of stacks for which there was no room */
	struct wall_row *rows;
	size_t row_cnt;
	uint64_t *pcs;
	size_t pcs_cnt;
	struct snap_label *labels;
	size_t labels_cnt;
	char **states; /* "running", "chan receive", … as dumps have them */
	size_t states_cnt;
};
void wall_profile__free(struct wall_profile *p);
/* Little endian, versioned. -EBADMSG with one message from parse: every offset of a row is inside
 * of its table then. */
int wall_profile__serialize(const struct wall_profile *p, struct buf *out);
int wall_profile__parse(struct span in, struct wall_profile **out);

#define WALL_HZ_DEFAULT 100
#define WALL_HZ_MAX 1000

struct wall_options {
	uint32_t hz;
	bool labels;
	bool goids;	 /* each goroutine has rows of its own */
	size_t rows_max; /* 0: 1,000,000 */
};

struct wall_sampler;
/* src is borrowed until free. Reads nothing yet. One message on error. */
int wall__open(const struct snap_source *src, const struct wall_options *opt,
	       struct wall_sampler **out);
/*
 * One look, at now_ns (CLOCK_MONOTONIC, rising): at the goroutines that changed in the last second,
 * and at all when 100 ms have passed since that was done. 0; -ESRCH the target ended; -EBADMSG its
 * memory makes no sense. What was gathered stays good after an error.
 */
int wall__tick(struct wall_sampler *w, uint64_t now_ns);
/* Tells the sampler of n ticks that its caller left out. */
void wall__late(struct wall_sampler *w, uint64_t n);
/* A last look at all, at now_ns, and what was gathered; the sampler is only to be freed then. A
 * target that has ended is no error: the last look before counts. */
int wall__finish(struct wall_sampler *w, uint64_t now_ns, struct wall_profile **out);
void wall__free(struct wall_sampler *w);

#endif
