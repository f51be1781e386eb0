/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_SAMPLE_LABELS_H
#define OUTPUT_SAMPLE_LABELS_H

#include "analysis/owners.h"
#include "output/pprof_writer.h"
#include "output/profile_tags.h"
#include "raw/raw.h"

/* The pprof labels of what comes from events, and room for tags. */
#define SAMPLE_TEXT_SZ 65 /* of gbt_labels.text, and its end */
struct sample_labels {
	struct pprof_label labels[GBT_MAX_LABELS + PROFILE_TAGS_MAX];
	char text[2 * GBT_MAX_LABELS][SAMPLE_TEXT_SZ];
};

/* Those that the stream defines for id; 0: none. How many. */
size_t sample_labels__get(const struct raw_stacks *stacks, uint64_t id, struct sample_labels *out);
/* Those of the owner of a row, with tags (enum profile_tag). A set that is known from the snapshot
 * is cut as one of an event, so that both are the same in one profile. */
size_t sample_labels__of_owner(const struct row_owner *owner, const struct raw_stacks *stacks,
			       const struct symtab *symtab, struct profile_tag_text *tags,
			       struct sample_labels *out);

#endif
