/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/duration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	/* longer names first: "ms" before "m" */
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000}, /* U+00B5 micro sign */
	{"\xce\xbcs", 1000}, /* U+03BC Greek mu */
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", 60ull * 1000000000},
	{"h", 3600ull * 1000000000},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint64_t take_unit(const char **s)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (!strncmp(*s, units[i].name, n)) {
			*s += n;
			return units[i].ns;
		}
	}
	return 0;
}

/* Digits to value; stops growing (and says so) where the next digit would overflow. */
static int take_digits(const char **s, uint64_t *v, bool *any)
{
	for (*v = 0; is_digit(**s); (*s)++, *any = true) {
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(**s - '0'), v))
			return -ERANGE;
	}
	return 0;
}

/* Digits behind the point, as a fraction frac / scale; more than 18 digits cannot matter. */
static void take_fraction(const char **s, uint64_t *frac, uint64_t *scale, bool *any)
{
	*frac = 0;
	*scale = 1;
	for (; is_digit(**s); (*s)++, *any = true) {
		if (*scale < 1000000000000000000ull) {
			*frac = *frac * 10 + (uint64_t)(**s - '0');
			*scale *= 10;
		}
	}
}

/* One "1.5h"; adds to *sum. */
static int take_term(const char **s, uint64_t *sum)
{
	uint64_t whole, frac = 0, scale = 1, unit;
	bool any = false;
	int err;

	err = take_digits(s, &whole, &any);
	if (err)
		return err;
	if (**s == '.') {
		(*s)++;
		take_fraction(s, &frac, &scale, &any);
	}
	if (!any)
		return -EINVAL;
	unit = take_unit(s);
	if (!unit)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(*sum, whole, sum) ||
	    __builtin_add_overflow(*sum, (uint64_t)((__uint128_t)frac * unit / scale), sum))
		return -ERANGE;
	return 0;
}

int duration__parse(const char *s, int64_t *ns)
{
	uint64_t sum = 0;
	bool negative = *s == '-';

	if (*s == '-' || *s == '+')
		s++;
	if (!strcmp(s, "0")) {
		*ns = 0;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		int err = take_term(&s, &sum);

		if (err)
			return err;
	}
	if (sum > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
	return 0;
}

/* v / unit with at most three fraction digits, trailing zeros dropped. Rounds to nearest. */
static int put_fraction(char *out, size_t n, uint64_t v, uint64_t unit, const char *name)
{
	uint64_t step = unit >= 1000 ? unit / 1000 : 1;
	uint64_t digits = unit / step; /* 1000 or 1 */
	uint64_t thousandths = v / step + (v % step * 2 >= step && step > 1);
	uint64_t frac = thousandths % digits;
	char text[8] = "";

	if (frac) {
		snprintf(text, sizeof(text), ".%03u", (unsigned)(frac % 1000));
		for (size_t len = strlen(text); text[len - 1] == '0'; len--)
			text[len - 1] = '\0';
	}
	return snprintf(out, n, "%llu%s%s", (unsigned long long)(thousandths / digits), text, name);
}

/* Below a minute: one unit. The limit of ms sits where rounding would give "1000ms". */
static void format_short(uint64_t v, char *out, size_t n)
{
	if (v < 1000)
		put_fraction(out, n, v, 1, "ns");
	else if (v < 1000000)
		put_fraction(out, n, v, 1000, "\xc2\xb5s");
	else if (v < 999999500)
		put_fraction(out, n, v, 1000000, "ms");
	else
		put_fraction(out, n, v, 1000000000, "s");
}

const char *duration__format(int64_t ns, char out[DURATION_STR_SZ])
{
	const uint64_t sec = 1000000000, min = 60 * sec, ms = 1000000;
	uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	size_t at = 0;

	if (!v)
		return strcpy(out, "0s");
	if (ns < 0)
		out[at++] = '-';
	if (v < min - ms / 2) {
		format_short(v, out + at, DURATION_STR_SZ - at);
		return out;
	}
	/* round first, so that "1m59.9996s" becomes "2m0s" and not "1m60s" */
	v = (v + ms / 2) / ms * ms;
	if (v >= 60 * min)
		at += snprintf(out + at, DURATION_STR_SZ - at, "%lluh",
			       (unsigned long long)(v / (60 * min)));
	at += snprintf(out + at, DURATION_STR_SZ - at, "%llum", (unsigned long long)(v / min % 60));
	put_fraction(out + at, DURATION_STR_SZ - at, v % min, sec, "s");
	return out;
}
