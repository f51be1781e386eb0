/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/stackset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int stackset__init(struct stackset *s, const struct frame_source *source)
{
	memset(s, 0, sizeof(*s));
	s->source = *source;
	if (array__reserve(&s->entries, 0, &s->cap, 1, sizeof(*s->entries)))
		return -ENOMEM;
	s->entries[s->cnt++] = (struct stackset_entry){.root_known = true};
	return 0;
}

void stackset__fini(struct stackset *s)
{
	free(s->entries);
	imap__free(&s->by_key);
	memset(s, 0, sizeof(*s));
}

static uint64_t key_of(const struct tr_stack *st)
{
	uint64_t rule = (uint64_t)(uint16_t)st->skip << 2 | st->leaf_exact << 1 | (st->goid == 1);

	return st->id ^ (st->pc * 0x9e3779b97f4a7c15ull) ^ (rule * 0xff51afd7ed558ccdull);
}

static bool same(const struct tr_stack *a, const struct tr_stack *b)
{
	return a->id == b->id && a->pc == b->pc && a->skip == b->skip &&
	       a->leaf_exact == b->leaf_exact && (a->goid == 1) == (b->goid == 1);
}

int64_t stackset__add(struct stackset *s, const struct tr_stack *st)
{
	uint64_t key, at;

	if (!st->id && !st->pc)
		return 0;
	for (key = key_of(st); imap__get(&s->by_key, key, &at); key++) {
		if (same(&s->entries[at].st, st))
			return (int64_t)at;
	}
	if (array__reserve(&s->entries, s->cnt, &s->cap, 1, sizeof(*s->entries)) ||
	    imap__put(&s->by_key, key, s->cnt))
		return -ENOMEM;
	s->entries[s->cnt] = (struct stackset_entry){.st = *st};
	return (int64_t)s->cnt++;
}

size_t stackset__frames(const struct stackset *s, uint32_t at, struct frame *out, size_t max)
{
	return at ? s->source.frames(s->source.ctx, &s->entries[at].st, out, max) : 0;
}

enum g_class stackset__class(struct stackset *s, uint32_t at)
{
	struct stackset_entry *e = &s->entries[at];
	struct frame frames[LOGICAL_FRAMES_MAX];
	size_t cnt;

	if (e->root_known)
		return e->root_class;
	e->root_known = true;
	cnt = stackset__frames(s, at, frames, LOGICAL_FRAMES_MAX);
	/* the last frame of a stack that was cut is not its root */
	if (cnt && cnt < LOGICAL_FRAMES_MAX && !e->st.cut && frames[cnt - 1].func[0])
		e->root_class = func_is_user_root(frames[cnt - 1].func) ? CLASS_USER : CLASS_SYSTEM;
	return e->root_class;
}

/* Nothing skipped. */
static size_t whole_frames(const struct stackset *s, uint32_t at,
			   struct frame out[LOGICAL_FRAMES_MAX])
{
	struct tr_stack whole = s->entries[at].st;

	whole.skip = 0;
	return at ? s->source.frames(s->source.ctx, &whole, out, LOGICAL_FRAMES_MAX) : 0;
}

enum wait_kind stackset__wait_kind(struct stackset *s, uint32_t at)
{
	struct stackset_entry *e = &s->entries[at];
	struct frame frames[LOGICAL_FRAMES_MAX];

	if (!e->wait_known)
		e->wait_kind = (uint8_t)wait_kind__of(frames, whole_frames(s, at, frames));
	e->wait_known = true;
	return e->wait_kind;
}

bool stackset__has_func(const struct stackset *s, uint32_t at, const char *func)
{
	struct frame frames[LOGICAL_FRAMES_MAX];
	size_t cnt = whole_frames(s, at, frames);

	for (size_t i = 0; i < cnt; i++) {
		if (!strcmp(frames[i].func, func))
			return true;
	}
	return false;
}

void stackset__copy(const struct stackset *s, uint32_t at, struct summary_stack *out)
{
	struct frame frames[LOGICAL_FRAMES_MAX];
	size_t cnt = stackset__frames(s, at, frames, LOGICAL_FRAMES_MAX);

	memset(out, 0, sizeof(*out));
	out->cnt = cnt < SUMMARY_STACK_MAX ? cnt : SUMMARY_STACK_MAX;
	out->cut = cnt > out->cnt || s->entries[at].st.cut;
	memcpy(out->frames, frames, out->cnt * sizeof(*frames));
}

/* Packages that only carry out what others ask for. */
static bool is_machinery(const char *func)
{
	static const char *const packages[] = {"runtime", "sync", "syscall", "time"};
	size_t len = func_package_len(func);

	if (!strncmp(func, "internal/", strlen("internal/")) ||
	    !strncmp(func, "runtime/", strlen("runtime/")))
		return true;
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
		if (strlen(packages[i]) == len && !memcmp(packages[i], func, len))
			return true;
	}
	return false;
}

bool stackset__place(const struct stackset *s, uint32_t at_stack, struct frame *op,
		     struct frame *at)
{
	struct frame frames[LOGICAL_FRAMES_MAX];
	size_t cnt = stackset__frames(s, at_stack, frames, LOGICAL_FRAMES_MAX), i = 0, k = 0;

	if (!cnt) {
		*op = *at = (struct frame){"", "", 0};
		return false;
	}
	while (i < cnt && func_is_std(frames[i].func))
		i++;
	if (i < cnt) {
		*at = frames[i];
		*op = frames[i ? i - 1 : 0];
		return true;
	}
	while (k + 1 < cnt && is_machinery(frames[k].func))
		k++;
	*at = frames[cnt - 1];
	*op = frames[k];
	return true;
}
