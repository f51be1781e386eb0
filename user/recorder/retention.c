/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct kept {
	struct capture_folder f;
	uint64_t condition;
	double badness;
};

struct retention {
	size_t captures_max;
	uint64_t disk_max, sz;
	struct kept *k; /* oldest first */
	size_t cnt, cap;
};

int retention__new(size_t captures_max, uint64_t disk_max, struct retention **out)
{
	struct retention *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->captures_max = captures_max;
	r->disk_max = disk_max;
	*out = r;
	return 0;
}

void retention__free(struct retention *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->cnt; i++)
		capture_folder__free(&r->k[i].f);
	free(r->k);
	free(r);
}

void retention__bound(struct retention *r, size_t captures_max, uint64_t disk_max)
{
	r->captures_max = captures_max;
	r->disk_max = disk_max;
}

int retention__add(struct retention *r, struct capture_folder *f, uint64_t condition,
		   double badness)
{
	int err = array__reserve(&r->k, r->cnt, &r->cap, 1, sizeof(*r->k));

	if (err) {
		capture_folder__free(f);
		return err;
	}
	r->k[r->cnt++] = (struct kept){*f, condition, badness};
	r->sz += f->sz;
	*f = (struct capture_folder){0};
	return 0;
}

static bool is_worst(const struct retention *r, size_t i)
{
	const struct kept *a = &r->k[i];

	for (size_t k = 0; k < r->cnt; k++) {
		const struct kept *b = &r->k[k];

		if (b->condition == a->condition &&
		    (b->badness > a->badness || (b->badness == a->badness && k > i)))
			return false;
	}
	return true;
}

bool retention__next(struct retention *r, struct capture_folder *out)
{
	bool many = r->captures_max && r->cnt > r->captures_max;
	bool large = r->disk_max && r->sz > r->disk_max;
	size_t i = 0;

	/* the last one is what was just asked for */
	if ((!many && !large) || r->cnt < 2)
		return false;
	while (i + 1 < r->cnt && is_worst(r, i))
		i++;
	if (i + 1 == r->cnt)
		i = 0;
	*out = r->k[i].f;
	r->sz -= out->sz;
	memmove(&r->k[i], &r->k[i + 1], (--r->cnt - i) * sizeof(*r->k));
	return true;
}
