/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/*
 * The name that was probably meant: most of the letters are right, or one begins the other
 * ("goroutines", "sys"). names has cnt of them, NULL ones are passed over; NULL: none is near.
 */
const char *nearest__name(const char *name, size_t len, const char *const *names, size_t cnt);

#endif
