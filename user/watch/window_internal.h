/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_WINDOW_INTERNAL_H
#define WATCH_WINDOW_INTERNAL_H

#include <stdatomic.h>

#include "watch/window.h"

/* Records, each padded to 8, in memory of a fixed place: a cut reads what is there while more is
 * appended behind it. */
struct window_chunk {
	atomic_uint users;
	uint32_t no; /* 1, 2, 3 … */
	uint8_t *data;
	size_t len, sz;
	uint64_t begin_ns, end_ns; /* times of its first and last event; 0: none */
	struct window_mark mark;
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
	char **wait_reasons;	  /* as snapshots have them */
	size_t wait_reasons_cnt;
	uint8_t block_of_wait[256]; /* the tracer's reason for each of them */
};

void window_chunk__put(struct window_chunk *c);
/* Each record of [0, len); end when fn is not 0. */
int window_chunk__each(const struct window_chunk *c, size_t len, raw_record_fn fn, void *ctx);

#endif
