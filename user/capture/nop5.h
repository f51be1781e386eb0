/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_NOP5_H
#define CAPTURE_NOP5_H

#include <stdbool.h>

/*
 * Does the kernel turn a probed 5-byte nop into a call, so that a hit takes no trap (x86-64,
 * Linux 6.18)? Tried on a nop of our own text with an empty program; needs what uprobe_multi
 * needs. False where it cannot be tried.
 */
bool nop5__works(void);

#endif
