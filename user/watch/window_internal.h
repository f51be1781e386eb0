/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_WINDOW_INTERNAL_H
#define WATCH_WINDOW_INTERNAL_H

#include <stdatomic.h>

#include "watch/window.h"

/* A stretch of time in which every transition was seen. */
struct window_slice {
	atomic_uint users;
	uint64_t start_ns;
	bool ended;
	struct raw_slice_end end; /* then */
	struct snapshot *taken;	  /* at its begin; NULL: window__begin's, which is in `then` */
	size_t taken_sz;
};

/* Records, each padded to 8, in memory of a fixed place: a cut reads what is there while more is
 * appended behind it. */
struct window_chunk {
	atomic_uint users;
	uint32_t no; /* 1, 2, 3 … */
	uint8_t *data;
	size_t len, sz;
	uint64_t begin_ns, end_ns; /* times of its first and last event; 0: none */
	struct window_mark mark;
	struct window_slice *slice; /* that it is a part of; NULL: between two */
};

/* A record that waits for its turn. */
struct window_pending {
	uint64_t time_ns;
	size_t off, len;
};

struct window {
	struct window_config cfg;
	struct window_chunk **chunks; /* oldest first */
	size_t cnt, cap;
	uint32_t next_no;
	uint64_t chunks_sz; /* bytes in them */
	uint64_t settled_ns;
	uint64_t late;
	uint64_t refused; /* definitions for which there was no room */
	bool full;	  /* the last that went did so for its bytes */
	struct buf pending;
	struct window_pending *order;
	size_t order_cnt, order_cap;
	struct defs defs;
	struct gstates then, now; /* when the first chunk begins, and as of the last event */
	const struct window_slice *then_of;
	struct window_slice *slice; /* that goes on; NULL */
	char **wait_reasons;	    /* as snapshots have them */
	size_t wait_reasons_cnt;
	uint8_t block_of_wait[256]; /* the tracer's reason for each of them */
};

void window_chunk__put(struct window_chunk *c);
struct window_slice *window_slice__get(struct window_slice *s);
void window_slice__put(struct window_slice *s); /* NULL is legal */
/* The states at its begin, or at that of its part which is still there. */
int window__states_of(const struct window *w, const struct window_slice *s, struct gstates *out);
/* Each record of [0, len); end when fn is not 0. */
int window_chunk__each(const struct window_chunk *c, size_t len, raw_record_fn fn, void *ctx);

#endif
