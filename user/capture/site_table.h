/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_SITE_TABLE_H
#define CAPTURE_SITE_TABLE_H

#include <stdint.h>

#include "gobpftrace_sites.h"
#include "goruntime/plan.h"

/*
 * Adds a plan's sites, at the addresses where they run, to what is in the table (at first all
 * zeroes), and finds a new multiplier if need be. -E2BIG: no multiplier keeps so many apart, or
 * two of them have one address.
 */
int site_table__add(struct gbt_site_table *t, const struct probe_plan *plan, uint64_t bias,
		    unsigned go_minor);

#endif
