/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_WINDOW_H
#define WATCH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goruntime/snapshot.h"
#include "raw/raw.h"
#include "watch/defs.h"
#include "watch/gstates.h"

/*
 * The last seconds of a target: raw records in chunks, the oldest of which goes when time or bytes
 * run out, and what a raw stream needs besides: the states of all goroutines and threads when the
 * first chunk begins (the events that go are folded into them, so no state has to be read from
 * the target or stored with each chunk), and the definitions that are referred to.
 *
 * Where a budget takes probes away and puts them back, transitions lie in slices of the time, each
 * with the states of its own begin. Between them only what stays in place tells something.
 *
 * Records come ring by ring and are brought into order of time here. One thread at a time; a cut
 * may be used by another.
 */
struct window;

struct window_config {
	uint64_t keep_ns;
	uint64_t max_sz;   /* bytes of chunks and definitions, these at most a half */
	unsigned go_minor; /* up to 1.21 only the wait reason says what a goroutine waits for */
};

/* What was counted when a chunk began. */
struct window_mark {
	uint64_t time_ns;
	uint64_t counters[GBT_C_MAX];
	uint64_t target_cpu_ns, tool_cpu_ns;
	uint64_t heap_reads_failed;
	uint64_t spent_ns; /* of a budget */
	uint64_t late;	   /* the window's own count */
};

int window__new(const struct window_config *cfg, struct window **out);
void window__free(struct window *w);
/* Another max_sz, from the next chunk on. */
void window__bound(struct window *w, uint64_t max_sz);
/* The states at the begin, before the first settle; what events have told since wins. s is not
 * needed any more then. */
int window__begin(struct window *w, const struct snapshot *s);

/*
 * The slice that began with window__begin, or with resume, is over: everything up to e->end_ns is
 * settled. Then the next one begins at start_ns, with states that were read behind it; s becomes
 * the window's in any case.
 */
int window__pause(struct window *w, const struct raw_slice_end *e, const struct window_mark *mark);
int window__resume(struct window *w, struct snapshot *s, uint64_t start_ns,
		   const struct window_mark *mark);
/* Since when every transition is seen; 0: it is not. */
uint64_t window__sees_since(const struct window *w);

/* A record as a ring had it, len its true length at least. -EBADMSG: malformed, not taken. */
int window__record(struct window *w, const void *rec, size_t len);
/*
 * Every record of a time up to until_ns is there: in order of time they go into the window, and fn
 * sees each with the steps that it means (none between slices). Not 0 from fn ends it.
 */
typedef int (*window_event_fn)(void *ctx, const struct gbt_event *e, const struct gstep *steps,
			       size_t cnt);
int window__settle(struct window *w, uint64_t until_ns, window_event_fn fn, void *ctx);
/* Is it time for another chunk? Then mark says what is counted now, and what is too old goes. */
bool window__is_due(const struct window *w, uint64_t now_ns);
int window__chunk(struct window *w, const struct window_mark *mark);
/* Are definitions about to find no room? */
bool window__is_full_of_definitions(const struct window *w);
/* As defs__drop: definitions that nothing refers to any more. */
void window__forget(struct window *w, defs_forget_fn forget, void *ctx);

/* A cut that is made now shall have the definition of this stack. */
void window__need(struct window *w, uint64_t stack);

/*
 * Each goroutine that has been in its state since from_ns or later, as a step that goes on
 * (GSTEP_LASTS); those whose state began unseen are left out, and those that run. What fn sets in
 * *told is told by the step that ends this state. Between slices there is none.
 */
typedef void (*window_lasting_fn)(void *ctx, const struct gstep *s, uint32_t *told);
void window__each_lasting(struct window *w, uint64_t from_ns, uint64_t now_ns, window_lasting_fn fn,
			  void *ctx);

/* What was set in *told is taken back: the conditions are others. */
void window__untell(struct window *w);

const struct gstates *window__now(const struct window *w);
uint64_t window__bytes(const struct window *w); /* what it holds in all */
uint64_t window__late(const struct window *w);	/* records that came behind their time */

/* ---- cutting a window out ---- */
struct window_cut {
	uint64_t start_ns, end_ns;
	struct window_mark mark; /* counted when it began, or up to a chunk earlier */
	struct snapshot *states; /* at start_ns; of a begin between slices: no goroutines */
	struct window_chunk **chunks;
	size_t *lens, cnt;
	struct window_slice **slices;	  /* that have a part in it, in order */
	struct raw_slice_end *slice_ends; /* of each, as of the cut; end_ns 0: it went on */
	size_t slice_cnt;
	bool sliced;	    /* it has a moment between slices */
	uint64_t sliced_ns; /* all slices together */
	struct buf defs;
	uint64_t late;	  /* since mark: judged out of their order */
	uint64_t refused; /* definitions (stacks, labels) that found no room since the begin of all
			   */
	bool full;	  /* bytes, not time, said how far back it goes */
};

/* What there is of [from_ns, to_ns]. Chunks are shared, not copied. -ENODATA: nothing. */
int window__cut(const struct window *w, uint64_t from_ns, uint64_t to_ns, struct window_cut **out);
/* Definitions, then the events inside of it, in order of time. */
int window_cut__each(const struct window_cut *c, raw_record_fn fn, void *ctx);
/* The same, of a sliced one, with the slices as a raw stream has them: the first begins unsaid, if
 * need be as one without length; the last may go on to the end. */
struct window_sink {
	raw_record_fn record;
	int (*begins)(void *ctx, uint64_t start_ns, const struct snapshot *states);
	int (*ends)(void *ctx, const struct raw_slice_end *e);
	void *ctx;
};
int window_cut__each_slice(const struct window_cut *c, const struct window_sink *to);
void window_cut__free(struct window_cut *c);

#endif
