/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PROFILE_TAGS_H
#define OUTPUT_PROFILE_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/owners.h"
#include "goruntime/symtab.h"
#include "output/pprof_writer.h"

/*
 * What is known of the goroutine of a sample, as pprof tags beside its own labels, under the names
 * that --tag takes. Ids are strings: they are names, not amounts.
 */
enum profile_tag {
	TAG_GOROUTINE = OWNER_GOROUTINE,
	TAG_CREATOR = OWNER_CREATOR,
	TAG_THREAD = OWNER_THREAD,
	TAG_STATE = OWNER_STATE,
};
#define PROFILE_TAGS_MAX 4

struct goroutine_facts {
	uint64_t goid;	     /* 0: none of it is tagged */
	uint64_t gopc;	     /* return address of the go statement, 0 unknown */
	const char *creator; /* its function; NULL: by gopc */
	uint64_t tid;	     /* 0 none */
	const char *state;   /* NULL unknown */
};

/* "goroutine,state" with commas; -EINVAL: *bad, *bad_len are what is none, within list. */
int profile_tags__parse(const char *list, unsigned *out, const char **bad, size_t *bad_len);

/* The name of the lowest of tags, which are not none. */
const char *profile_tags__name(unsigned tags);
/* "goroutine, state": all of tags. */
void profile_tags__list(unsigned tags, char *out, size_t sz);

/* The tags, behind labels[cnt]; there must be room for PROFILE_TAGS_MAX. Returns the new count.
 * Texts are borrowed from text, facts and symtab. */
struct profile_tag_text {
	char goid[24], tid[24];
};
size_t profile_tags__add(unsigned tags, const struct goroutine_facts *facts,
			 const struct symtab *symtab, struct profile_tag_text *text,
			 struct pprof_label *labels, size_t cnt);

#endif
