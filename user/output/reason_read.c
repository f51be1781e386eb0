/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/reason_read.h"

#include <string.h>

/* The next line, without its end; false: there is none that is whole. */
static bool take_line(struct span *rest, struct span *out)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t len = end ? (size_t)(end - rest->p) : 0;

	return end && !span__sub(*rest, 0, len, out) && !span__from(*rest, len + 1, rest);
}

/* Is it `prefix` and something between that and `suffix`? */
static bool take_between(struct span line, const char *prefix, const char *suffix, struct span *out)
{
	size_t before = strlen(prefix), behind = strlen(suffix);

	return line.n >= before + behind && !memcmp(line.p, prefix, before) &&
	       !memcmp(line.p + line.n - behind, suffix, behind) &&
	       !span__sub(line, before, line.n - before - behind, out);
}

/* Of what is escaped only quotes and backslashes: conditions have no control characters. */
static int unescape(struct span in, char *out, size_t sz)
{
	size_t n = 0;
	uint8_t c;

	for (size_t i = 0; i < in.n; i++) {
		(void)span__u8(in, i, &c);
		if (c < ' ' || c == '"' || n + 1 == sz)
			return -EBADMSG;
		if (c == '\\' && (span__u8(in, ++i, &c) || (c != '"' && c != '\\')))
			return -EBADMSG;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return n ? 0 : -EBADMSG;
}

static int number(struct span in, uint64_t *out)
{
	uint64_t v = 0;
	uint8_t c;

	for (size_t i = 0; i < in.n; i++)
		if (span__u8(in, i, &c) || c < '0' || c > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (unsigned)(c - '0'), &v))
			return -EBADMSG;
	*out = v;
	return in.n ? 0 : -EBADMSG;
}

int reason_json__read(struct span text, struct raw_reason *out)
{
	struct span line, part;
	bool condition = false, value = false;

	*out = (struct raw_reason){0};
	if (!take_line(&text, &line) || !take_between(line, "{", "", &part) || part.n ||
	    !take_line(&text, &line) || !take_between(line, "  \"schema\": 1,", "", &part) ||
	    part.n)
		return -EBADMSG;
	/* two blanks: members of the outermost object only */
	while (take_line(&text, &line)) {
		if (!condition && take_between(line, "  \"condition\": \"", "\",", &part)) {
			if (unescape(part, out->condition, sizeof(out->condition)))
				return -EBADMSG;
			condition = true;
		} else if (!value && take_between(line, "  \"value_raw\": ", ",", &part)) {
			if (number(part, &out->value_raw))
				return -EBADMSG;
			value = true;
		}
	}
	return condition && value && !text.n ? 0 : -EBADMSG;
}
