/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_FRAMELESS_H
#define BINARY_FRAMELESS_H

#include <stdint.h>

#include "binary/gobinary.h"

/*
 * Calls fn for each function that never has a frame (its pcsp table is 0 throughout): leaf
 * functions and much of Go's assembly. No frame pointer leads to their caller; on amd64 the
 * return address is the word at SP. Link-time addresses [lo, hi), rising, neighbours joined.
 * A negative return of fn ends the walk and is returned. -EBADMSG malformed.
 */
typedef int (*frameless_fn)(void *ctx, uint64_t lo, uint64_t hi);
int gobinary__each_frameless(const struct gobinary *b, frameless_fn fn, void *ctx);

#endif
