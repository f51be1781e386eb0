/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/func_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ELIDED "[...]"

enum split {
	SPLIT_NONE,
	SPLIT_TWO,
	SPLIT_MALFORMED
};

/*
 * Where "T1]name[T2" (the inside of the outer brackets) parts: *close at the first bracket
 * that closes the outer one, *open at the next opening one.
 */
static enum split split_inside(const char *s, size_t len, size_t *close, size_t *open)
{
	bool has_close = false;
	int depth = 1;

	for (size_t k = 0; k < len; k++) {
		if (s[k] == '[' && ++depth == 1) {
			*open = k;
			return has_close ? SPLIT_TWO : SPLIT_MALFORMED;
		}
		if (s[k] != ']')
			continue;
		if (--depth < 0)
			return SPLIT_MALFORMED;
		if (depth == 0) {
			*close = k;
			has_close = true;
		}
	}
	return depth == 1 && !has_close ? SPLIT_NONE : SPLIT_MALFORMED;
}

void func_name__for_print(unsigned go_minor, const char *name, struct buf *out)
{
	const char *first = strchr(name, '['), *last = strrchr(name, ']');
	enum split split = SPLIT_NONE;
	size_t close = 0, open = 0;

	if (go_minor < 21 || !first || !last || last < first) {
		buf__str(out, name);
		return;
	}
	if (go_minor >= 27)
		split = split_inside(first + 1, (size_t)(last - first - 1), &close, &open);
	if (split == SPLIT_MALFORMED) {
		buf__str(out, name);
		return;
	}
	buf__append(out, name, (size_t)(first - name));
	buf__str(out, ELIDED);
	if (split == SPLIT_TWO) {
		buf__append(out, first + 1 + close + 1, open - close - 1);
		buf__str(out, ELIDED);
	}
	buf__str(out, last + 1);
}
