/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/glob.h"

/* Only the last star is ever tried again: what an earlier one took cannot be better taken. */
bool glob__matches(const char *glob, const char *text, size_t len)
{
	const char *star = NULL;
	size_t at = 0, star_at = 0;

	while (at < len) {
		if (*glob == '*') {
			star = glob++;
			star_at = at;
		} else if (*glob && (*glob == '?' || *glob == text[at])) {
			glob++;
			at++;
		} else if (star) {
			glob = star + 1;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
