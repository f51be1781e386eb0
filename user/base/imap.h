/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_IMAP_H
#define BASE_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A map from u64 to u64 (open addressing). Zero-initialised is empty and valid.
 * Any key is allowed. Iteration is in no stable order: sort before output.
 */
struct imap {
	struct imap_slot *slots;
	size_t cap, cnt, used;
};

void imap__free(struct imap *m);
bool imap__get(const struct imap *m, uint64_t key, uint64_t *val); /* val may be NULL */
int imap__put(struct imap *m, uint64_t key, uint64_t val);	   /* 0 or -ENOMEM */
bool imap__del(struct imap *m, uint64_t key);
/* *it starts at 0; false at the end. */
bool imap__next(const struct imap *m, size_t *it, uint64_t *key, uint64_t *val);

#endif
