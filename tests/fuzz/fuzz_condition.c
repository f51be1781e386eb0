/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch/condition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct condition_error bad;
	struct condition c, again;
	char text[256], out[COND_VALUE_SZ];
	int err;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err = condition__parse(text, &c, &bad);
	if (err) {
		/* the place is in the text, and there is something to say */
		if (err != -EINVAL || bad.pos > strlen(text) || !bad.what[0])
			abort();
		return 0;
	}
	if (strlen(condition__format(&c, c.value, out)) >= sizeof(out))
		abort();
	if (!c.slug[0] || strpbrk(c.slug, "/ \t") || c.value < 0)
		abort();
	/* what it keeps of the text means the same */
	if (condition__parse(c.text, &again, &bad) || again.value != c.value ||
	    again.subject != c.subject || again.kinds != c.kinds || again.for_ns != c.for_ns)
		abort();
	return 0;
}
