/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_LAYOUT_FIT_H
#define CAPTURE_LAYOUT_FIT_H

#include "gobpftrace_abi.h"

/*
 * Can the programs work with this layout: is every offset that they cannot do without there, and
 * does each lie in what they read at once? The name of the first field that does not fit, NULL
 * when all do. (The verifier would refuse them too, but not say why.)
 */
const char *layout_fit__misfit(const struct gbt_offsets *o);

#endif
