/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* ---- figures ---- */

/* Three digits of v / unit: "1.23", "12.3", "123". */
static void put_three(struct cell *c, double v, const char *unit)
{
	int decimals = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;

	snprintf(c->s, sizeof(c->s), "%.*f%s", decimals, v, unit);
}

struct cell cell__dur(uint64_t ns)
{
	unsigned long long s = (ns + 500000000) / 1000000000;
	struct cell c = {""};

	if (!ns)
		snprintf(c.s, sizeof(c.s), "0");
	else if (ns < 1000)
		snprintf(c.s, sizeof(c.s), "%lluns", (unsigned long long)ns);
	else if (ns < 999500)
		put_three(&c, (double)ns / 1e3, "µs");
	else if (ns < 999500000)
		put_three(&c, (double)ns / 1e6, "ms");
	else if (ns < 59950000000)
		put_three(&c, (double)ns / 1e9, "s");
	else if (s < 3600)
		snprintf(c.s, sizeof(c.s), "%llum%02llus", s / 60, s % 60);
	else
		snprintf(c.s, sizeof(c.s), "%lluh%02llum", s / 3600, s / 60 % 60);
	return c;
}

struct cell cell__count(uint64_t v)
{
	char digits[24];
	struct cell c = {""};
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v), k = 0;

	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			c.s[k++] = ',';
		c.s[k++] = digits[i];
	}
	c.s[k] = '\0';
	return c;
}

struct cell cell__percent(double share)
{
	struct cell c = {""};

	if (share <= 0)
		snprintf(c.s, sizeof(c.s), "0 %%");
	else if (share < 0.0005)
		snprintf(c.s, sizeof(c.s), "<0.1 %%");
	else if (share >= 0.995 && share < 1)
		snprintf(c.s, sizeof(c.s), ">99 %%");
	else
		snprintf(c.s, sizeof(c.s), "%.*f %%", share < 0.0995 ? 1 : 0, share * 100);
	return c;
}

struct cell cell__bytes(uint64_t v)
{
	static const char *const units[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	double d = (double)v / 1024;
	size_t i = 0;
	struct cell c = {""};

	if (v < 1000) {
		snprintf(c.s, sizeof(c.s), "%llu B", (unsigned long long)v);
		return c;
	}
	for (; d >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		d /= 1024;
	put_three(&c, d, units[i]);
	return c;
}

/* ---- characters ---- */

/* Control characters, and those that turn the direction of what follows. */
static bool is_harmful(const unsigned char *s, size_t len)
{
	if (utf8__is_control(s, len))
		return true;
	if (len != 3 || s[0] != 0xe2)
		return false;
	return (s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||   /* U+2028 … U+202E */
	       (s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f)) || /* U+200E, U+200F */
	       (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);	   /* U+2066 … U+2069 */
}

size_t text__columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Length of the next character of s and whether it may be shown. */
static size_t next_char(const char *s, size_t n, bool *ok)
{
	size_t len = utf8__len((const unsigned char *)s, n);

	*ok = len && !is_harmful((const unsigned char *)s, len);
	return len ? len : 1;
}

void text__clean(struct buf *out, const char *s, size_t max)
{
	size_t n = strlen(s), cols = 0, skip;
	bool ok;

	for (size_t i = 0; i < n; cols++)
		i += next_char(s + i, n - i, &ok);
	skip = cols > max ? cols - max + 1 : 0;
	if (skip)
		buf__str(out, "…");
	for (size_t i = 0, col = 0; i < n; col++) {
		size_t len = next_char(s + i, n - i, &ok);

		if (col >= skip) {
			if (ok)
				buf__append(out, s + i, len);
			else
				buf__u8(out, '?');
		}
		i += len;
	}
}

void text__blanks(struct buf *out, size_t n)
{
	while (n--)
		buf__u8(out, ' ');
}

void text__right(struct buf *out, const char *s, size_t width)
{
	size_t cols = text__columns(s);

	text__blanks(out, cols < width ? width - cols : 0);
	buf__str(out, s);
}

void text__left(struct buf *out, const char *s, size_t width)
{
	size_t cols = text__columns(s);

	buf__str(out, s);
	text__blanks(out, cols < width ? width - cols : 0);
}

void text__bar(struct buf *out, double share, size_t width)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	size_t n;

	if (!(share > 0))
		return;
	if (share > 1)
		share = 1;
	n = (size_t)(share * (double)width * 8 + 0.5);
	if (!n)
		n = 1; /* something is there */
	for (size_t i = 0; i < n / 8; i++)
		buf__str(out, "█");
	buf__str(out, eighths[n % 8]);
}

void text__wrap(struct buf *out, const char *s, size_t at, size_t indent, size_t width)
{
	bool first = true;

	while (*s) {
		size_t len = strcspn(s, " "), cols = 0;

		for (size_t i = 0; i < len; i++)
			cols += ((unsigned char)s[i] & 0xc0) != 0x80;
		if (!first && at + 1 + cols > width) {
			buf__u8(out, '\n');
			text__blanks(out, indent);
			at = indent;
		} else if (!first) {
			buf__u8(out, ' ');
			at++;
		}
		buf__append(out, s, len);
		at += cols;
		first = false;
		s += len;
		while (*s == ' ')
			s++;
	}
}
