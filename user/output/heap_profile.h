/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_HEAP_PROFILE_H
#define OUTPUT_HEAP_PROFILE_H

#include "goruntime/heap_buckets.h"
#include "output/pprof_writer.h"

/*
 * heap and allocs from the runtime's own buckets: both have the same four values, and differ in
 * which of them pprof shows first. Source: src/runtime/pprof/protomem.go, Go 1.18-1.27.
 */
int heap_profile__add(struct pprof_writer *w, const struct heap_buckets *h);

/*
 * What count objects of size bytes that were sampled stand for: the runtime samples one in rate
 * bytes, so an object of that size with probability 1 - exp(-size/rate). -ERANGE: more than
 * a profile can hold.
 */
int heap_profile__scale(uint64_t cnt, uint64_t size, uint64_t rate, int64_t *objects,
			int64_t *bytes);

#endif
