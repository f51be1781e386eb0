/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int size__parse(const char *s, uint64_t *sz)
{
	static const struct {
		const char *suffix;
		unsigned shift;
	} units[] = {{"", 0},	  {"B", 0},  {"K", 10},	  {"KiB", 10}, {"M", 20},
		     {"MiB", 20}, {"G", 30}, {"GiB", 30}, {"T", 40},   {"TiB", 40}};
	unsigned long long v;
	char *end;
	size_t i;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno)
		return -ERANGE;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].suffix))
			continue;
		if (!v)
			return -EINVAL;
		if (v > UINT64_MAX >> units[i].shift)
			return -ERANGE;
		*sz = v << units[i].shift;
		return 0;
	}
	return -EINVAL;
}

bool size__has_unit(const char *s)
{
	return s[strspn(s, "0123456789")] != 0;
}
