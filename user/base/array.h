/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Room for n more elements of size sz behind *cnt of a malloc'ed array; the capacity doubles.
 * array is the address of the pointer to its first element, of whatever type. 0 or -ENOMEM (the
 * array stays as it was).
 */
static inline int array__reserve(void *array, size_t cnt, size_t *cap, size_t n, size_t sz)
{
	size_t want = *cap ? *cap : 16;
	void *p, *grown;

	if (n <= *cap - cnt)
		return 0;
	if (n > SIZE_MAX / 4 - cnt)
		return -ENOMEM;
	while (want < cnt + n)
		want *= 2;
	memcpy(&p, array, sizeof(p));
	grown = reallocarray(p, want, sz);
	if (!grown)
		return -ENOMEM;
	memcpy(array, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

#endif
