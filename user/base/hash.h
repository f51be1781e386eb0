/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A fast hash of bytes for tables in memory; not the same on other machines, never stored. */
static inline uint64_t hash__bytes(const void *p, size_t len)
{
	uint64_t h = len * 0x9e3779b97f4a7c15ull, word;
	const uint8_t *s = p;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	word = 0;
	if (len)
		memcpy(&word, s, len);
	h = (h ^ word) * 0xff51afd7ed558ccdull;
	return h ^ (h >> 32);
}

#endif
