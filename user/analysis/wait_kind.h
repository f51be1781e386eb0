/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_WAIT_KIND_H
#define ANALYSIS_WAIT_KIND_H

#include <stddef.h>

#include "analysis/frames.h"

/*
 * What a goroutine that waits with the block reason "sync" waits for, which the reason does not
 * tell: by the functions through which it came to the semaphore (src/runtime/sema.go, the calls of
 * semacquire1 and their profile flags, Go 1.18-1.27).
 */
enum wait_kind {
	WAIT_OTHER, /* a semaphore of the runtime's own, or not known: no profile of Go has it */
	WAIT_BLOCK, /* in Go's block profile: WaitGroup, the locks of internal/poll, … */
	WAIT_MUTEX, /* in its block and its mutex profile: Mutex, RWMutex */
};

/* frames: of the whole stack, nothing skipped; leaf first. */
enum wait_kind wait_kind__of(const struct frame *frames, size_t cnt);

#endif
