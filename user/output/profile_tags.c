/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/profile_tags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum profile_tag tag;
} names[] = {
	{"goroutine", TAG_GOROUTINE},
	{"creator", TAG_CREATOR},
	{"thread", TAG_THREAD},
	{"state", TAG_STATE},
};

int profile_tags__parse(const char *list, unsigned *out, const char **bad, size_t *bad_len)
{
	for (*out = 0;; list++) {
		size_t len = strcspn(list, ","), i;

		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strlen(names[i].name) == len && !memcmp(list, names[i].name, len))
				break;
		}
		if (i == sizeof(names) / sizeof(names[0])) {
			*bad = list;
			*bad_len = len;
			return -EINVAL;
		}
		*out |= names[i].tag;
		list += len;
		if (!*list)
			return 0;
	}
}

const char *profile_tags__name(unsigned tags)
{
	size_t i = 0;

	while (i + 1 < sizeof(names) / sizeof(names[0]) && !(tags & names[i].tag))
		i++;
	return names[i].name;
}

void profile_tags__list(unsigned tags, char *out, size_t sz)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && n < sz; i++) {
		if (tags & names[i].tag)
			n += snprintf(out + n, sz - n, "%s%s", n ? ", " : "", names[i].name);
	}
}

static const char *function_at(const struct symtab *symtab, uint64_t pc)
{
	size_t cnt;
	const struct sym_frame *f = pc ? symtab__frames(symtab, pc, false, &cnt) : NULL;

	return f && cnt && f[0].func ? symtab__string(symtab, f[0].func) : NULL;
}

size_t profile_tags__add(unsigned tags, const struct goroutine_facts *facts,
			 const struct symtab *symtab, struct profile_tag_text *text,
			 struct pprof_label *labels, size_t cnt)
{
	const char *creator = NULL;

	if (tags & TAG_CREATOR)
		creator = facts->creator ? facts->creator : function_at(symtab, facts->gopc);
	snprintf(text->goid, sizeof(text->goid), "%" PRIu64, facts->goid);
	snprintf(text->tid, sizeof(text->tid), "%" PRIu64, facts->tid);
	if (tags & TAG_GOROUTINE && facts->goid)
		labels[cnt++] = (struct pprof_label){.key = "goroutine", .str = text->goid};
	if (creator)
		labels[cnt++] = (struct pprof_label){.key = "creator", .str = creator};
	if (tags & TAG_THREAD && facts->tid)
		labels[cnt++] = (struct pprof_label){.key = "thread", .str = text->tid};
	if (tags & TAG_STATE && facts->state)
		labels[cnt++] = (struct pprof_label){.key = "state", .str = facts->state};
	return cnt;
}
