/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/frame_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean.h"
#include "base/imap.h"

struct entry {
	struct gobinary_frame *frames;
	size_t cnt;
	uint64_t entry;
};

struct frame_cache {
	const struct gobinary *bin;
	uint64_t bias;
	struct imap by_pc[2]; /* [exact] */
	struct entry *entries;
	size_t cnt, cap;
	struct strtab *cleaned; /* names that may not be shown as the binary has them */
};

int frame_cache__new(const struct gobinary *bin, uint64_t bias, struct frame_cache **out)
{
	struct frame_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	if (strtab__new(&c->cleaned)) {
		free(c);
		return -ENOMEM;
	}
	c->bin = bin;
	c->bias = bias;
	*out = c;
	return 0;
}

void frame_cache__free(struct frame_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->cnt; i++)
		free(c->entries[i].frames);
	free(c->entries);
	strtab__free(c->cleaned);
	imap__free(&c->by_pc[0]);
	imap__free(&c->by_pc[1]);
	free(c);
}

const struct gobinary *frame_cache__binary(const struct frame_cache *c)
{
	return c->bin;
}

uint64_t frame_cache__bias(const struct frame_cache *c)
{
	return c->bias;
}

/* *name as it may be shown: itself, or a clean copy. */
static int clean_name(struct frame_cache *c, const char **name)
{
	size_t len = strlen(*name);
	int64_t id;

	if (clean__is(*name, len, CLEAN_NAME))
		return 0;
	id = clean__intern(c->cleaned, *name, len, CLEAN_NAME);
	if (id < 0)
		return (int)id;
	*name = strtab__get(c->cleaned, (uint32_t)id, NULL);
	return 0;
}

static int look_up(struct frame_cache *c, uint64_t pc, bool exact, struct entry *e)
{
	struct gobinary_frame frames[GOBINARY_FRAMES_MAX];
	struct gobinary_func f;
	uint64_t at = pc - c->bias;
	size_t cnt;

	if (!exact && (gobinary__func_by_pc(c->bin, at, &f) || f.entry != at))
		at--;
	if (gobinary__frames(c->bin, at, frames, &cnt) || !cnt)
		return 0;
	e->frames = calloc(cnt, sizeof(*frames));
	if (!e->frames)
		return -ENOMEM;
	memcpy(e->frames, frames, cnt * sizeof(*frames));
	e->cnt = cnt;
	e->entry = frames[cnt - 1].entry + c->bias;
	for (size_t i = 0; i < cnt; i++) {
		if (clean_name(c, &e->frames[i].func) || clean_name(c, &e->frames[i].file))
			return -ENOMEM;
	}
	return 0;
}

static int add(struct frame_cache *c, uint64_t pc, bool exact, uint64_t *at)
{
	struct entry e = {0};
	int err;

	if (array__reserve(&c->entries, c->cnt, &c->cap, 1, sizeof(e)))
		return -ENOMEM;
	err = look_up(c, pc, exact, &e);
	if (!err)
		err = imap__put(&c->by_pc[exact], pc, c->cnt);
	if (err) {
		free(e.frames);
		return err;
	}
	*at = c->cnt++;
	c->entries[*at] = e;
	return 0;
}

int frame_cache__get(struct frame_cache *c, uint64_t pc, bool exact, struct cached_pc *out)
{
	uint64_t at;

	if (!imap__get(&c->by_pc[exact], pc, &at)) {
		int err = add(c, pc, exact, &at);

		if (err)
			return err;
	}
	*out = (struct cached_pc){c->entries[at].frames, c->entries[at].cnt, c->entries[at].entry};
	return 0;
}
