/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/strtab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/*
 * Bytes live in blocks that never move, so that strtab__get's pointers stay good; an
 * open-addressing table of ids finds them by hash.
 */
#define BLOCK_SZ 65536

struct block {
	struct block *next;
	size_t used, size;
	char data[];
};

struct entry {
	const char *s;
	size_t len;
	uint64_t hash;
};

struct strtab {
	struct block *blocks;
	struct entry *entries;
	uint32_t cnt, cap;
	uint32_t *slots; /* id + 1; 0 empty */
	size_t slot_cap;
};

static char *alloc_bytes(struct strtab *t, size_t n)
{
	struct block *b = t->blocks;

	if (!b || b->size - b->used < n) {
		size_t size = n > BLOCK_SZ ? n : BLOCK_SZ;

		b = malloc(sizeof(*b) + size);
		if (!b)
			return NULL;
		b->used = 0;
		b->size = size;
		b->next = t->blocks;
		t->blocks = b;
	}
	b->used += n;
	return b->data + b->used - n;
}

static void slot_insert(uint32_t *slots, size_t cap, uint64_t hash, uint32_t id)
{
	size_t i = hash & (cap - 1);

	while (slots[i])
		i = (i + 1) & (cap - 1);
	slots[i] = id + 1;
}

static int grow_slots(struct strtab *t)
{
	size_t cap = t->slot_cap ? t->slot_cap * 2 : 64;
	uint32_t *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t id = 0; id < t->cnt; id++)
		slot_insert(slots, cap, t->entries[id].hash, id);
	free(t->slots);
	t->slots = slots;
	t->slot_cap = cap;
	return 0;
}

static int grow_entries(struct strtab *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : 32;

	if (t->cap > UINT32_MAX / 4)
		return -ENOMEM;

	struct entry *entries = realloc(t->entries, cap * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	t->entries = entries;
	t->cap = cap;
	return 0;
}

int strtab__new(struct strtab **out)
{
	struct strtab *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (strtab__add(t, "", 0) != 0) {
		strtab__free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void strtab__free(struct strtab *t)
{
	if (!t)
		return;
	while (t->blocks) {
		struct block *next = t->blocks->next;

		free(t->blocks);
		t->blocks = next;
	}
	free(t->entries);
	free(t->slots);
	free(t);
}

static bool lookup(const struct strtab *t, const char *s, size_t len, uint64_t hash, uint32_t *id)
{
	if (!t->slot_cap)
		return false;
	for (size_t i = hash & (t->slot_cap - 1); t->slots[i]; i = (i + 1) & (t->slot_cap - 1)) {
		const struct entry *e = &t->entries[t->slots[i] - 1];

		if (e->hash == hash && e->len == len && !memcmp(e->s, s, len)) {
			*id = t->slots[i] - 1;
			return true;
		}
	}
	return false;
}

int64_t strtab__add(struct strtab *t, const char *s, size_t len)
{
	uint64_t hash = hash__bytes(s, len);
	uint32_t id;

	if (lookup(t, s, len, hash, &id))
		return id;
	if (t->cnt == t->cap && grow_entries(t))
		return -ENOMEM;
	if ((t->cnt + 1) * (size_t)2 > t->slot_cap && grow_slots(t))
		return -ENOMEM;

	char *copy = len < SIZE_MAX ? alloc_bytes(t, len + 1) : NULL;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, s, len);
	copy[len] = '\0';
	id = t->cnt++;
	t->entries[id] = (struct entry){copy, len, hash};
	slot_insert(t->slots, t->slot_cap, hash, id);
	return id;
}

const char *strtab__get(const struct strtab *t, uint32_t id, size_t *len)
{
	if (id >= t->cnt)
		id = 0;
	if (len)
		*len = t->entries[id].len;
	return t->entries[id].s;
}

uint32_t strtab__count(const struct strtab *t)
{
	return t->cnt;
}
