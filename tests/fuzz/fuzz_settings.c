/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings s;
	int err = settings__parse(span__of(data, size), &s);

	if (err && err != -EBADMSG)
		abort();
	if (!err != !s.mistake_cnt || s.cnt > SETTINGS_MAX)
		abort();
	for (size_t i = 0; i < s.mistake_cnt; i++)
		if (!s.mistakes[i].what[0] || !s.mistakes[i].at.line || !s.mistakes[i].at.column)
			abort();
	for (size_t i = 0; i < s.cnt; i++) {
		const struct setting *x = &s.s[i];

		if (!x->name || !x->at.line || x->cnt > SETTINGS_MAX || (!x->is_list && x->cnt > 1))
			abort();
		for (size_t k = 0; k < x->cnt; k++)
			if (strlen(x->texts[k].text) > SETTINGS_TEXT_MAX || !x->texts[k].at.line)
				abort();
	}
	settings__free(&s);
	return 0;
}
