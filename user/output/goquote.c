/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/goquote.h"

#include <stdint.h>
#include <string.h>

/* Decodes one UTF-8 character; its length, 0 when it is none. */
static size_t decode(const unsigned char *s, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : (s[0] & 0xf0) == 0xe0	 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;
	uint32_t c;

	if (n <= 1) {
		*out = s[0];
		return n;
	}
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

/* strconv.IsPrint, without its table of unassigned characters: what Unicode calls control,
 * format, space, private or noncharacter is not printable. */
static bool is_print(uint32_t c)
{
	if (c < 0xa1 || c == 0xad)
		return c >= 0x20 && c < 0x7f;
	if ((c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	    (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0x1680 || c == 0x180e)
		return false;
	if ((c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	    c >= 0xe0000 || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
		return false;
	return true;
}

/* from, to: short escapes; hex_max: the last character that \x stands for */
static void put_escape(struct buf *out, uint32_t c, const char *from, const char *to,
		       uint32_t hex_max)
{
	const char *at = c && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (at)
		buf__printf(out, "\\%c", to[at - from]);
	else if (c <= hex_max)
		buf__printf(out, "\\x%02x", c);
	else if (c < 0x10000)
		buf__printf(out, "\\u%04x", c);
	else
		buf__printf(out, "\\U%08x", c);
}

static bool is_ascii_print(uint32_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static void quote(struct buf *out, const char *s, bool (*printable)(uint32_t c), const char *from,
		  const char *to, uint32_t hex_max)
{
	const unsigned char *p = (const unsigned char *)s;

	buf__u8(out, '"');
	while (*p) {
		uint32_t c;
		size_t n = decode(p, &c);

		if (!n) {
			buf__printf(out, "\\x%02x", *p++);
			continue;
		}
		if (c != '"' && c != '\\' && printable(c))
			buf__append(out, p, n);
		else
			put_escape(out, c, from, to, hex_max);
		p += n;
	}
	buf__u8(out, '"');
}

void go_quote(struct buf *out, const char *s)
{
	quote(out, s, is_print, "\a\b\f\n\r\t\v\\\"", "abfnrtv\\\"", 0x7f);
}

void go_quote_traceback(struct buf *out, const char *s)
{
	quote(out, s, is_ascii_print, "\n\r\t\\\"", "nrt\\\"", 0x7e);
}
