/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PROFILE_TAGS_H
#define OUTPUT_PROFILE_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "goruntime/symtab.h"
#include "output/pprof_writer.h"

/*
 * What is known of the goroutine of a sample, as pprof tags beside its own labels. Ids are strings:
 * they are names, not amounts.
 */
enum profile_tag {
	TAG_GOROUTINE = 1, /* "goroutine": its id */
	TAG_CREATOR = 2,   /* "creator": the function with the go statement that made it */
	TAG_THREAD = 4,	   /* "thread": the id of the thread, as the target sees it */
	TAG_STATE = 8,	   /* "state": running, syscall, chan receive … */
};
#define PROFILE_TAGS_MAX 4

struct goroutine_facts {
	uint64_t goid;	   /* 0: none of it is tagged */
	uint64_t gopc;	   /* return address of the go statement, 0 unknown */
	uint64_t tid;	   /* 0 none */
	const char *state; /* NULL unknown */
};

/* "goroutine,state" with commas; -EINVAL: *bad, *bad_len are what is none, within list. */
int profile_tags__parse(const char *list, unsigned *out, const char **bad, size_t *bad_len);

/* The tags, behind labels[cnt]; there must be room for PROFILE_TAGS_MAX. Returns the new count.
 * Texts are borrowed from text, facts and symtab. */
struct profile_tag_text {
	char goid[24], tid[24];
};
size_t profile_tags__add(unsigned tags, const struct goroutine_facts *facts,
			 const struct symtab *symtab, struct profile_tag_text *text,
			 struct pprof_label *labels, size_t cnt);

#endif
