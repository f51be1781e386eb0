/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_STRTAB_H
#define BASE_STRTAB_H

#include <stddef.h>
#include <stdint.h>

/* Interned strings: the same bytes always give the same dense id; id 0 is "". */
struct strtab;

int strtab__new(struct strtab **out);
void strtab__free(struct strtab *t);
/* Returns the id, or -ENOMEM. Copies the bytes, which may contain NULs. */
int64_t strtab__add(struct strtab *t, const char *s, size_t len);
/* Borrowed until strtab__free (never moves); NUL-terminated; "" for an unknown id. */
const char *strtab__get(const struct strtab *t, uint32_t id, size_t *len);
uint32_t strtab__count(const struct strtab *t);

#endif
