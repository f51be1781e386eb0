/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance: letters to insert, drop or change; a has at most NAME_MAX_LEN. */
static size_t distance(const char *a, size_t a_len, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], b_len = strlen(b);

	for (size_t i = 0; i <= a_len; i++)
		row[i] = i;
	for (size_t k = 0; k < b_len; k++) {
		size_t diagonal = row[0];

		row[0] = k + 1;
		for (size_t i = 0; i < a_len; i++) {
			size_t changed = diagonal + (a[i] != b[k]);

			diagonal = row[i + 1];
			row[i + 1] = min3(changed, row[i] + 1, row[i + 1] + 1);
		}
	}
	return row[a_len];
}

const char *nearest__name(const char *name, size_t len, const char *const *names, size_t cnt)
{
	const char *best = NULL;
	size_t best_distance = 0;

	if (!len || len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < cnt; i++) {
		const char *k = names[i];
		size_t k_len = k ? strlen(k) : 0, shorter = len < k_len ? len : k_len;
		size_t d = k ? distance(name, len, k) : 0;
		bool begins = shorter >= 3 && !strncasecmp(name, k, shorter);

		if (k && (begins || d <= (shorter + 1) / 3) && (!best || d < best_distance)) {
			best = k;
			best_distance = d;
		}
	}
	return best;
}
