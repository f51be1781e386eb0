/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/imap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum slot_state {
	SLOT_EMPTY,
	SLOT_FULL,
	SLOT_DELETED
};

struct imap_slot {
	uint64_t key, val;
	uint8_t state;
};

#define IMAP_MIN_CAP 16

/* Keys are addresses and small numbers: spread both over all bits (splitmix64's finaliser). */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

void imap__free(struct imap *m)
{
	if (!m)
		return;
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

static struct imap_slot *find(const struct imap *m, uint64_t key)
{
	if (!m->cap)
		return NULL;

	size_t mask = m->cap - 1;

	/* ends: put keeps at least a quarter of the slots empty */
	for (size_t i = mix(key) & mask;; i = (i + 1) & mask) {
		struct imap_slot *s = &m->slots[i];

		if (s->state == SLOT_EMPTY)
			return NULL;
		if (s->state == SLOT_FULL && s->key == key)
			return s;
	}
}

bool imap__get(const struct imap *m, uint64_t key, uint64_t *val)
{
	const struct imap_slot *s = find(m, key);

	if (!s)
		return false;
	if (val)
		*val = s->val;
	return true;
}

/* The key is known not to be there. Says whether an empty (not a deleted) slot was taken. */
static bool insert(struct imap_slot *slots, size_t cap, uint64_t key, uint64_t val)
{
	size_t i = mix(key) & (cap - 1);

	while (slots[i].state == SLOT_FULL)
		i = (i + 1) & (cap - 1);

	bool was_empty = slots[i].state == SLOT_EMPTY;

	slots[i] = (struct imap_slot){key, val, SLOT_FULL};
	return was_empty;
}

static int rehash(struct imap *m)
{
	size_t cap = IMAP_MIN_CAP;

	while (cap < (m->cnt + 1) * 2)
		cap *= 2;

	struct imap_slot *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].state == SLOT_FULL)
			insert(slots, cap, m->slots[i].key, m->slots[i].val);
	}
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	m->used = m->cnt;
	return 0;
}

int imap__put(struct imap *m, uint64_t key, uint64_t val)
{
	struct imap_slot *s = find(m, key);

	if (s) {
		s->val = val;
		return 0;
	}
	/* used counts deleted slots too: they lengthen searches as full ones do */
	if ((m->used + 1) * 4 > m->cap * 3) {
		int err = rehash(m);

		if (err)
			return err;
	}

	if (insert(m->slots, m->cap, key, val))
		m->used++;
	m->cnt++;
	return 0;
}

bool imap__del(struct imap *m, uint64_t key)
{
	struct imap_slot *s = find(m, key);

	if (!s)
		return false;
	s->state = SLOT_DELETED;
	m->cnt--;
	return true;
}

bool imap__next(const struct imap *m, size_t *it, uint64_t *key, uint64_t *val)
{
	while (*it < m->cap) {
		const struct imap_slot *s = &m->slots[(*it)++];

		if (s->state != SLOT_FULL)
			continue;
		if (key)
			*key = s->key;
		if (val)
			*val = s->val;
		return true;
	}
	return false;
}
