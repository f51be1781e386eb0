/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_WATCH_EVENTS_H
#define CLI_WATCH_EVENTS_H

#include "cli/watch_options.h"
#include "recorder/watch_writer.h"
#include "watch/triggers.h"

/* What a watch tells while it runs: a line for people, or one of JSON (docs/watch.md). */
void watch_events__begin(const struct watch_args *a, const struct recording *rec);
/* The configuration was read again, or not: it has mistakes. */
void watch_events__reloaded(const struct watch_args *a, bool ok);
/* Nobody is there yet. */
void watch_events__waiting(const struct watch_args *a);
/* One has ended, and the watch goes on. */
void watch_events__gone(const struct watch_args *a, const struct recording *rec,
			enum recording_end end);
/* A trigger that has a capture of its own, or is refused one; then: "capture", or why not. rec
 * NULL: no process is there. */
void watch_events__trigger(const struct watch_args *a, const struct recording *rec,
			   const struct raw_reason *r, const char *then);
void watch_events__result(const struct watch_args *a, const struct watch_result *res);
void watch_events__removed(const struct watch_args *a, const char *dir);

struct watch_totals {
	enum recording_end end; /* of the last process, or RECORDING_STOPPED */
	uint64_t captures;
	uint64_t merged;      /* triggers within a second of another */
	uint64_t passed_over; /* those of a condition that cools down, or below its high-water mark
			       */
	uint64_t window_sz;
	struct recording_misses misses;
};
/* For the service manager, while it goes on. */
void watch_events__status(const struct recording_misses *m, uint64_t captures, char *out,
			  size_t sz);
void watch_events__end(const struct watch_args *a, const struct watch_totals *t);

/* The reason of a firing, without what only the cut knows. */
void watch_reason__of(const struct condition *c, const struct firing *f, struct raw_reason *out);
/* How the process ended, as wait(2) has it. */
void watch_reason__add_exit(int status, struct raw_reason *r);

#endif
