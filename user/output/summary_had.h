/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_SUMMARY_HAD_H
#define OUTPUT_SUMMARY_HAD_H

#include <stdbool.h>
#include <string.h>

#include "analysis/summary.h"

/* Exact slices of the window only. */
static inline bool summary__is_sliced(const struct summary *s)
{
	return !strcmp(s->had, "burst");
}

/* No transitions: what is not from looks, samples or readings is not known. */
static inline bool summary__is_sampled(const struct summary *s)
{
	return !strcmp(s->had, "observe") || !strcmp(s->had, "light");
}

/* Of these, the one with probes: starts are exact, stops have bounds. */
static inline bool summary__is_light(const struct summary *s)
{
	return !strcmp(s->had, "light");
}

/* "full", "burst", "light", "observe": what was had, whatever was asked for. */
static inline const char *summary__mode(const struct summary *s)
{
	return s->had[0] ? s->had : s->meta.mode;
}

#endif
