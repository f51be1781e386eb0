/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/span.h"

int span__uvarint_long(struct span s, uint64_t *off, uint64_t *out)
{
	uint64_t at = *off, v = 0;

	for (int shift = 0; shift < 70; shift += 7, at++) {
		if (at >= s.n)
			return -EBADMSG;
		uint8_t c = s.p[at];

		/* the tenth byte has room for one bit */
		if (shift == 63 && c > 1)
			return -EBADMSG;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*off = at + 1;
			*out = v;
			return 0;
		}
	}
	return -EBADMSG;
}

int span__cstr(struct span s, uint64_t off, size_t max, const char **out, size_t *len)
{
	if (off >= s.n)
		return -EBADMSG;

	size_t room = s.n - off;
	const uint8_t *p = s.p + off;
	/* max counts the bytes before the NUL */
	const uint8_t *nul = memchr(p, 0, room - 1 < max ? room : max + 1);

	if (!nul)
		return -EBADMSG;
	*out = (const char *)p;
	if (len)
		*len = nul - p;
	return 0;
}
