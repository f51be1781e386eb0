/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/sample_labels.h"

#include <string.h>

static void take_text(const char *text, size_t len, char out[SAMPLE_TEXT_SZ])
{
	if (len >= SAMPLE_TEXT_SZ)
		len = SAMPLE_TEXT_SZ - 1;
	memcpy(out, text, len);
	out[len] = '\0';
}

static void name(struct sample_labels *out, size_t i)
{
	out->labels[i] = (struct pprof_label){.key = out->text[2 * i], .str = out->text[2 * i + 1]};
}

size_t sample_labels__get(const struct raw_stacks *stacks, uint64_t id, struct sample_labels *out)
{
	const struct gbt_labels *set = id ? raw_stacks__labels(stacks, id) : NULL;
	uint32_t i;

	for (i = 0; set && i < set->cnt && i < GBT_MAX_LABELS; i++) {
		take_text(set->text[2 * i], set->len[2 * i], out->text[2 * i]);
		take_text(set->text[2 * i + 1], set->len[2 * i + 1], out->text[2 * i + 1]);
		name(out, i);
	}
	return i;
}

size_t sample_labels__of_owner(const struct row_owner *owner, const struct raw_stacks *stacks,
			       const struct symtab *symtab, struct profile_tag_text *tags,
			       struct sample_labels *out)
{
	const struct goroutine_facts facts = {
		.goid = owner->goid,
		.gopc = owner->gopc,
		.creator = owner->creator,
		.tid = owner->tid,
		.state = owner->state,
	};
	size_t cnt = sample_labels__get(stacks, owner->labels_id, out);

	for (uint32_t i = 0; i < owner->label_cnt && cnt < GBT_MAX_LABELS; i++) {
		const struct snap_label *l = &owner->labels[i];

		take_text(l->key, strlen(l->key), out->text[2 * cnt]);
		take_text(l->val, strlen(l->val), out->text[2 * cnt + 1]);
		name(out, cnt++);
	}
	/* what is not told is not there */
	return profile_tags__add(TAG_GOROUTINE | TAG_CREATOR | TAG_THREAD | TAG_STATE, &facts,
				 symtab, tags, out->labels, cnt);
}
