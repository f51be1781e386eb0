/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PROFILE_TEXT_H
#define OUTPUT_PROFILE_TEXT_H

#include <stdbool.h>

#include "goruntime/heap_buckets.h"
#include "goruntime/symtab.h"
#include "output/pprof_store.h"

/*
 * Profiles as runtime/pprof writes them with debug=1 (WriteTo in src/runtime/pprof/pprof.go), line
 * by line as the target's own version has them. Of equal rows the order is Go's no more than ours:
 * it sorts them as they come; here they are sorted by their PCs.
 */
struct profile_text {
	const struct symtab *symtab; /* whose entries are known */
	unsigned go_minor;
};

/* name: "contention" (block) or "mutex", of samples with counts and times. Times are told in ns, as
 * of a processor of 1 GHz. Labels are not in it. */
int profile_text__waits(const struct profile_text *t, const char *name,
			const struct pprof_store *samples, struct buf *out);
/* name: "goroutine", of samples with counts. A stack whose leaf is exact is not known: all that is
 * is where the goroutine began. */
int profile_text__counts(const struct profile_text *t, const char *name,
			 const struct pprof_store *samples, struct buf *out);
/* threadcreate: what Go writes of Ms of whose creation it has no stack. */
int profile_text__threads(const struct profile_text *t, uint64_t m_cnt, struct buf *out);
/* heap and allocs: counts as they were sampled. Of runtime.MemStats what struct gc_stats has; what
 * is left out is said. */
int profile_text__heap(const struct profile_text *t, const struct heap_buckets *h, struct buf *out);

#endif
