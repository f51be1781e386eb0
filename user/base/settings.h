/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * A configuration file: one YAML 1.1 document, a mapping of names to texts or lists of texts. No
 * anchors, aliases, tags or deeper nesting. Everything comes with its place; so does each mistake,
 * and reading goes on behind those that are not YAML's own.
 */
#define SETTINGS_SZ_MAX (64u << 10)
#define SETTINGS_MAX 64	       /* names, and texts of each */
#define SETTINGS_TEXT_MAX 1024 /* bytes of a text */
#define SETTINGS_MISTAKES_MAX 16

struct settings_place {
	size_t line, column; /* from 1 */
};

struct setting_text {
	char *text;
	struct settings_place at;
};

struct setting {
	char *name;
	struct settings_place at;
	bool is_list;
	struct setting_text *texts; /* one where it is no list */
	size_t cnt;
};

struct settings_mistake {
	struct settings_place at;
	char what[160];
};

struct settings {
	struct setting s[SETTINGS_MAX];
	size_t cnt;
	struct settings_mistake mistakes[SETTINGS_MISTAKES_MAX];
	size_t mistake_cnt; /* those beyond the last place are not kept */
};

/* 0 when there is no mistake, else -EBADMSG; -ENOMEM. What was read is there in any case, free it.
 */
int settings__parse(struct span in, struct settings *out);
void settings__free(struct settings *s);

#endif
