/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes: a whole number and a unit of 1024 (K, KiB, M, MiB, G, GiB, T, TiB, in any case) or B.
 * -EINVAL malformed or 0, -ERANGE. */
int size__parse(const char *s, uint64_t *sz);
/* Has it a unit? What must not be taken for bytes by accident is asked for one. */
bool size__has_unit(const char *s);

#endif
