/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/reason_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct raw_reason r;
	int err = reason_json__read(span__of(data, size), &r);

	if (err && err != -EBADMSG)
		abort();
	/* what is taken is a text that ends, without control characters */
	if (!err && (!r.condition[0] || !memchr(r.condition, 0, sizeof(r.condition))))
		abort();
	for (const char *c = r.condition; !err && *c; c++)
		if ((unsigned char)*c < ' ')
			abort();
	return 0;
}
