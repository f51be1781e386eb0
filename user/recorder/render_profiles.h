/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RENDER_PROFILES_H
#define RECORDER_RENDER_PROFILES_H

#include "analysis/analysis.h"
#include "output/profile_kinds.h"
#include "raw/raw.h"
#include "recorder/tables.h"

/*
 * The profiles of a raw stream: what output/profile_kinds.h lists, filled from its events, its
 * snapshot and the folds over its transitions.
 *
 *   new -> event … (in time order) -> write, each at most once -> free
 */
struct render_profiles;

/* All borrowed; meta: of raw. */
int render_profiles__new(const struct raw_file *raw, const struct tables *tables,
			 const struct profile_choice *choice, struct render_profiles **out);
void render_profiles__free(struct render_profiles *p);
/* What analysis_config.stack_profiles must be. */
uint32_t render_profiles__folds(const struct render_profiles *p);
/* First, once: what tags need of all events. */
int render_profiles__creators(struct render_profiles *p);
int render_profiles__event(struct render_profiles *p, const struct gbt_hdr *rec);
/* Why a profile of the choice cannot be had from this stream; NULL: it can. */
const char *render_profiles__missing(const struct render_profiles *p, enum profile_id id);
/* What is not exact in a profile, in a line; NULL: nothing. a: as for write. Borrowed until free.
 */
const char *render_profiles__estimate(struct render_profiles *p, enum profile_id id,
				      const struct analysis *a);
/*
 * The transitions come from slices of capture_ns, seen_ns in all: profiles that are made of them
 * are scaled to all of it, and say so. analyses: of each slice, finished, borrowed until free.
 * -ENOMEM.
 */
int render_profiles__slices(struct render_profiles *p, const struct analysis *const *analyses,
			    size_t cnt, uint64_t seen_ns, uint64_t capture_ns);
/* Mode light: where goroutines stopped; nothing of other modes. frames: as for stops__summarize. */
int render_profiles__tell_stops(const struct render_profiles *p, const struct frame_source *frames,
				struct summary *out);
/* The rows of analyses tell threads as the events have them, not yet as the target sees them. */
void render_profiles__map_tids(struct render_profiles *p);
/* a: finished; NULL where no profile of the choice needs transitions. No message: the caller
 * knows the file. */
int render_profiles__write(struct render_profiles *p, enum profile_id id, const struct analysis *a,
			   int fd);
/* The same as Go's text of it; for kinds that have one, where text_missing has no reason. */
const char *render_profiles__text_missing(const struct render_profiles *p, enum profile_id id);
int render_profiles__write_text(struct render_profiles *p, enum profile_id id,
				const struct analysis *a, int fd);

#endif
