/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_SP_DELTA_H
#define BINARY_SP_DELTA_H

#include <stdint.h>

#include "binary/gobinary.h"

/*
 * Bytes between SP and the return address at a link-time PC, as the runtime's own unwinder takes
 * it (pclntab's pcsp table; funcspdelta in src/runtime/symtab.go). 0: the function's frame is
 * not set up there, the return address is at SP itself. pc is looked up as it is: for a
 * return address that is the instruction behind the call. -ENOENT no Go function, or one
 * whose table says nothing; -EBADMSG malformed.
 */
int gobinary__sp_delta(const struct gobinary *b, uint64_t pc, uint64_t *delta);

#endif
