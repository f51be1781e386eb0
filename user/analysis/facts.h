/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_FACTS_H
#define ANALYSIS_FACTS_H

#include "analysis/summary.h"

/* What the capture itself tells: who and when, every class of loss, what it cost, how large. */
int facts__fill(const struct summary_facts *facts, struct summary *out);

/* Memory that `go tool trace` needs for a file, as measured: 31.6 MB took 1.17 GB. */
#define VIEWER_MEM_FACTOR 37
/* Below this nobody needs to be told. */
#define VIEWER_MEM_FROM_BYTES 200000000ull

#endif
