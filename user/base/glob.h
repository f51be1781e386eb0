/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Does all of the text fit: * stands for any bytes, ? for one, all else for itself. The text may
 * hold any bytes. At most strlen(glob) × len steps. */
bool glob__matches(const char *glob, const char *text, size_t len);

#endif
