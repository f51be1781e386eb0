/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_STOPS_PLACES_H
#define ANALYSIS_STOPS_PLACES_H

#include "analysis/frames.h"
#include "analysis/stops.h"
#include "analysis/summary.h"
#include "goruntime/snapshot.h"

/* What a row is called, in the words of a trace where it has any. names: of whom the texts of wait
 * reasons are borrowed; NULL: they are not known. */
const char *stop_row__reason(const struct stop_row *r, const struct snapshot *names);
struct tr_stack stop_row__stack(const struct stop_row *r);

/*
 * The rows of the program's own goroutines by reason and place (stackset__place), those that were
 * off longest first, into summary.stops. frames and names: borrowed as long as the summary is used.
 */
int stops__summarize(const struct stops *s, const struct frame_source *frames,
		     const struct snapshot *names, struct summary *out);

#endif
