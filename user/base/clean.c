/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/clean.h"

#include "base/utf8.h"

/* Bytes of s from its beginning that may stay. */
static size_t clean_run(const unsigned char *s, size_t n, enum clean how)
{
	size_t i = 0;

	while (i < n) {
		size_t len = utf8__len(s + i, n - i);
		bool kept = how == CLEAN_TEXT && (s[i] == '\n' || s[i] == '\t');

		if (!len || (!kept && utf8__is_control(s + i, len)))
			break;
		i += len;
	}
	return i;
}

bool clean__is(const char *s, size_t n, enum clean how)
{
	return clean_run((const unsigned char *)s, n, how) == n;
}

void clean__put(struct buf *out, const char *str, size_t n, enum clean how)
{
	const unsigned char *s = (const unsigned char *)str;

	while (n) {
		size_t run = clean_run(s, n, how), bad;

		buf__append(out, s, run);
		s += run;
		n -= run;
		if (!n)
			break;
		buf__u8(out, '?');
		bad = utf8__len(s, n); /* of a control character; 0: a byte that is none */
		bad += !bad;
		s += bad;
		n -= bad;
	}
}

int64_t clean__intern(struct strtab *t, const char *s, size_t n, enum clean how)
{
	struct buf b = {0};
	int64_t id;

	if (clean__is(s, n, how))
		return strtab__add(t, s, n);
	clean__put(&b, s, n, how);
	id = b.err ? b.err : strtab__add(t, (const char *)b.data, b.len);
	buf__free(&b);
	return id;
}
