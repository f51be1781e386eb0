/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/recording_options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/size.h"

#define PLACE_MAX (PATH_MAX - 256)
#define YEAR_NS (365ull * 24 * 3600 * 1000000000)

int parse_duration_option(const char *opt, const char *s, uint64_t *ns)
{
	int64_t v;

	if (duration__parse(s, &v))
		return usage_error("%s '%s': not a duration; write it as 3s, 250ms or 1m30s", opt,
				   s);
	if (v <= 0)
		return usage_error("%s '%s': must be longer than nothing", opt, s);
	if ((uint64_t)v > YEAR_NS)
		return usage_error("%s '%s': longer than a year", opt, s);
	*ns = v;
	return 0;
}

int parse_uint_option(const char *opt, const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || v < min || v > max)
		return usage_error("%s '%s': must be a number from %llu to %llu", opt, s,
				   (unsigned long long)min, (unsigned long long)max);
	*out = v;
	return 0;
}

int parse_size_option(const char *opt, const char *s, uint64_t *sz)
{
	if (!size__parse(s, sz))
		return 0;
	return usage_error("%s '%s': not a size; write it as 512MiB or 1GiB", opt, s);
}

int parse_place_option(const char *opt, const char *s, const char *what, const char **out)
{
	if (!*s)
		return usage_error("%s: needs the name of %s", opt, what);
	if (strlen(s) > PLACE_MAX)
		return usage_error("%s: longer than the name of %s may be", opt, what);
	*out = s;
	return 0;
}

static int parse_attach(const char *s, enum recording_attach *out)
{
	if (!strcmp(s, "auto"))
		*out = RECORDING_ATTACH_AUTO;
	else if (!strcmp(s, "multi"))
		*out = RECORDING_ATTACH_MULTI;
	else if (!strcmp(s, "perf"))
		*out = RECORDING_ATTACH_PERF;
	else
		return usage_error("--attach '%s': must be auto, multi or perf", s);
	return 0;
}

int parse_overhead_option(const char *s, double *out)
{
	char *end;
	double v;

	*out = 0;
	if (!strcmp(s, "off"))
		return 0;
	v = strtod(s, &end);
	if (*s < '0' || *s > '9' || strspn(s, "0123456789.") != (size_t)(end - s) ||
	    (*end && strcmp(end, "%")))
		return usage_error("--max-overhead '%s': must be a number of per cent, or off", s);
	if (v < 0.1 || v > 1000)
		return usage_error("--max-overhead '%s': must be from 0.1 to 1000 %%, or off", s);
	*out = v / 100;
	return 0;
}

unsigned overhead_of_allocs(double budget)
{
	return !budget || budget >= 1 ? 100 : (unsigned)(budget * 100 + 0.999);
}

int parse_recording_option(int c, struct recording_options *rec)
{
	uint64_t v = 0;
	int rc;

	switch (c) {
	case 'd':
		return parse_duration_option("-d", optarg, &rec->duration_ns);
	case OPT_NO_LABELS:
		rec->labels = false;
		return 0;
	case OPT_MAX_SIZE:
		return parse_size_option("--max-size", optarg, &rec->max_sz);
	case OPT_ATTACH:
		return parse_attach(optarg, &rec->attach);
	case OPT_NO_NOP5:
		rec->nop5 = false;
		return 0;
	case OPT_FORCE_LAYOUT:
		rec->force_layout = true;
		return 0;
	case OPT_MAX_OVERHEAD:
		rc = parse_uint_option("--max-overhead", optarg, 1, 100, &v);
		rec->max_overhead_pct = (unsigned)v;
		return rc;
	case OPT_ESTIMATE_ALLOCS:
		rec->estimate_allocs = true;
		return 0;
	}
	return EXIT_USAGE;
}

int split_command(int *argc, char **argv, char ***command)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		if (i + 1 == *argc)
			return usage_error("--: needs a command behind it");
		*command = argv + i + 1;
		*argc = i;
	}
	return 0;
}
