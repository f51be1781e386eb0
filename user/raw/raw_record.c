/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stddef.h>

#include "raw/raw.h"

static int stack_size(struct span in, size_t *len)
{
	uint32_t cnt;

	if (span__u32(in, offsetof(struct gbt_stack, cnt), &cnt) || cnt > GBT_STACK_MAX)
		return -EBADMSG;
	*len = offsetof(struct gbt_stack, pcs) + 8u * cnt;
	return 0;
}

static int text_size(struct span in, size_t *len)
{
	uint16_t n[2];

	for (int i = 0; i < 2; i++) {
		if (span__u16(in, offsetof(struct gbt_text, len) + 2u * i, &n[i]) ||
		    n[i] > GBT_TEXT_MAX)
			return -EBADMSG;
	}
	*len = offsetof(struct gbt_text, text) + n[0] + n[1];
	return 0;
}

static int labels_size(struct span in, size_t *len)
{
	uint32_t cnt;

	if (span__u32(in, offsetof(struct gbt_labels, cnt), &cnt) || cnt > GBT_MAX_LABELS)
		return -EBADMSG;
	for (uint32_t i = 0; i < 2 * cnt; i++) {
		uint16_t n;

		if (span__u16(in, offsetof(struct gbt_labels, len) + 2u * i, &n) ||
		    n > sizeof(((struct gbt_labels *)0)->text[0]))
			return -EBADMSG;
	}
	*len = offsetof(struct gbt_labels, text) + 2u * cnt * 64;
	return 0;
}

int raw_record__size(struct span in, size_t *len)
{
	uint16_t kind;
	size_t n = sizeof(struct gbt_event);
	int err = 0;

	if (span__u16(in, offsetof(struct gbt_hdr, kind), &kind))
		return -EBADMSG;
	switch (kind) {
	case GBT_STACK:
		err = stack_size(in, &n);
		break;
	case GBT_LABELS:
		err = labels_size(in, &n);
		break;
	default:
		if (gbt_has_text(kind))
			err = text_size(in, &n);
		else if (kind == GBT_NONE || kind > GBT_EVENT_MAX)
			err = -EBADMSG;
	}
	if (err || n > in.n)
		return -EBADMSG;
	*len = n;
	return 0;
}
