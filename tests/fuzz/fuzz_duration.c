/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256], again[DURATION_STR_SZ];
	int64_t ns, back, off;
	int err;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err = duration__parse(text, &ns);
	if (err && err != -EINVAL && err != -ERANGE)
		abort();
	if (err)
		return 0;
	/* what we print is what we read, but for the digits that are not printed: half a
	 * thousandth of the unit, at most half a millisecond */
	duration__format(ns, again);
	if (strlen(again) >= DURATION_STR_SZ)
		abort();
	err = duration__parse(again, &back);
	/* rounding may leave the range at its very end */
	if (err == -ERANGE && (ns > INT64_MAX - 500000 || ns < INT64_MIN + 500000))
		return 0;
	if (err)
		abort();
	off = back > ns ? back - ns : ns - back;
	if (off > 500000 || (ns > -1000000 && ns < 1000000 && off))
		abort();
	return 0;
}
