/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_STOPS_PROFILE_H
#define OUTPUT_STOPS_PROFILE_H

#include "analysis/stops.h"
#include "goruntime/snapshot.h"
#include "output/pprof_writer.h"
#include "raw/raw.h"

/* The profile of mode light: stops by stack, and by what they were (tag "reason"). names: as for
 * stops__summarize. */
int stops_profile__add(struct pprof_writer *w, const struct stops *s,
		       const struct raw_stacks *stacks, const struct snapshot *names);

/* What is not exact in it. */
void stops_profile__estimate(const struct stops *s, uint64_t lost, char *out, size_t sz);

#endif
