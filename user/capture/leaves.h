/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_LEAVES_H
#define CAPTURE_LEAVES_H

#include <stddef.h>
#include <stdint.h>

#include "binary/gobinary.h"
#include "gobpftrace_abi.h"

/*
 * The PCs of a binary at which a sample finds its caller at SP, not through the frame pointer;
 * for capture_config. The caller frees *out. Nothing (0, *cnt 0) for arm64, which keeps the
 * return address in a register.
 */
int leaves__of_binary(const struct gobinary *b, uint64_t bias, struct gbt_leaf_range **out,
		      size_t *cnt);

#endif
