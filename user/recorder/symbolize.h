/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_SYMBOLIZE_H
#define RECORDER_SYMBOLIZE_H

#include "goruntime/heap_buckets.h"
#include "goruntime/snapshot.h"
#include "goruntime/target.h"
#include "goruntime/wall.h"
#include "process/kallsyms.h"
#include "raw/raw.h"

/*
 * When the window has ended: resolves every PC that the spooled records and what is named here
 * mention and appends the RAW_SYMTAB section, so that the stream can be read without the binary.
 * Counts what could not be resolved in the trailer. Each may be NULL.
 */
struct symbolize_also {
	const struct snapshot *snap, *end;
	const struct heap_buckets *heap;
	const struct wall_profile *wall;
	const struct kallsyms *kernel;
};

int symbolize__spool(const struct go_target *t, int spool_fd, const struct symbolize_also *also,
		     struct raw_writer *w, struct raw_trailer *trailer);

#endif
