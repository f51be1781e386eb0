/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/defs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"

#define PAD(n) (((n) + 7) & ~(size_t)7)

void defs__free(struct defs *d)
{
	for (size_t i = 0; i < d->cnt; i++)
		free(d->d[i].rec);
	free(d->d);
	imap__free(&d->stacks);
	imap__free(&d->labels);
	*d = (struct defs){0};
}

static struct imap *map_of(struct defs *d, uint16_t kind)
{
	return kind == GBT_STACK ? &d->stacks : &d->labels;
}

/* gbt_stack and gbt_labels have it in the same place */
static uint64_t id_of(const struct gbt_hdr *rec)
{
	_Static_assert(offsetof(struct gbt_stack, id) == offsetof(struct gbt_labels, id), "id");
	return ((const struct gbt_stack *)rec)->id;
}

static void use(struct defs *d, const struct imap *map, uint64_t id, uint32_t used)
{
	uint64_t i;

	if (id && imap__get(map, id, &i) && d->d[i].used < used)
		d->d[i].used = used;
}

int defs__add(struct defs *d, const struct gbt_hdr *rec, size_t len, uint32_t used)
{
	struct imap *map = map_of(d, rec->kind);
	uint64_t id = id_of(rec);
	void *copy;
	int err;

	if (!id)
		return 0;
	if (imap__get(map, id, NULL)) {
		use(d, map, id, used);
		return 0;
	}
	if (d->bytes_max && d->bytes + PAD(len) + sizeof(struct def) > d->bytes_max)
		return -ENOSPC;
	err = array__reserve(&d->d, d->cnt, &d->cap, 1, sizeof(*d->d));
	copy = err ? NULL : malloc(PAD(len));
	if (!copy)
		return -ENOMEM;
	err = imap__put(map, id, d->cnt);
	if (err) {
		free(copy);
		return err;
	}
	memset((char *)copy + PAD(len) - 8, 0, 8);
	memcpy(copy, rec, len);
	d->d[d->cnt++] = (struct def){.rec = copy, .id = id, .len = (uint32_t)len, .used = used};
	d->bytes += PAD(len) + sizeof(struct def);
	return 0;
}

static uint64_t id_of_pcs(const uint64_t *pcs, size_t cnt)
{
	return hash__bytes(pcs, cnt * sizeof(*pcs)) | 1;
}

uint64_t defs__id_of(const struct defs *d, const uint64_t *pcs, size_t cnt)
{
	uint64_t id = cnt ? id_of_pcs(pcs, cnt < GBT_STACK_MAX ? cnt : GBT_STACK_MAX) : 0;

	return imap__get(&d->stacks, id, NULL) ? id : 0;
}

int defs__add_pcs(struct defs *d, const uint64_t *pcs, size_t cnt, bool cut, uint32_t used,
		  uint64_t *id)
{
	struct gbt_stack rec = {.hdr = {.kind = GBT_STACK}};

	*id = 0;
	if (!cnt)
		return 0;
	if (cnt > GBT_STACK_MAX) {
		cnt = GBT_STACK_MAX;
		cut = true;
	}
	rec.cnt = (uint32_t)cnt;
	rec.flags = cut ? GBT_F_STACK_CUT : 0;
	memcpy(rec.pcs, pcs, cnt * sizeof(*pcs));
	*id = rec.id = id_of_pcs(pcs, cnt);
	return defs__add(d, &rec.hdr, offsetof(struct gbt_stack, pcs) + 8 * cnt, used);
}

void defs__use_stack(struct defs *d, uint64_t id, uint32_t used)
{
	use(d, &d->stacks, id, used);
}

void defs__use(struct defs *d, const struct gbt_event *e, uint32_t used)
{
	use(d, &d->stacks, e->stack, used);
	if (e->hdr.kind == GBT_SAMPLE || e->hdr.kind == GBT_SET_LABELS)
		use(d, &d->labels, e->arg, used);
}

const struct gbt_stack *defs__stack(const struct defs *d, uint64_t id)
{
	uint64_t i;

	return id && imap__get(&d->stacks, id, &i) ? (const struct gbt_stack *)d->d[i].rec : NULL;
}

int defs__since(const struct defs *d, uint32_t used, struct buf *out)
{
	for (size_t i = 0; i < d->cnt; i++)
		if (d->d[i].used >= used)
			buf__append(out, d->d[i].rec, PAD(d->d[i].len));
	return out->err;
}

size_t defs__drop(struct defs *d, uint32_t used, defs_forget_fn forget, void *ctx)
{
	size_t kept = 0, dropped;

	for (size_t i = 0; i < d->cnt; i++) {
		struct def *f = &d->d[i];
		uint16_t kind = f->rec->kind;

		if (f->used >= used || (forget && !forget(ctx, kind, f->id))) {
			if (kept != i) {
				d->d[kept] = *f;
				/* the key is there: nothing is allocated */
				(void)imap__put(map_of(d, kind), f->id, kept);
			}
			kept++;
			continue;
		}
		imap__del(map_of(d, kind), f->id);
		d->bytes -= PAD(f->len) + sizeof(*f);
		free(f->rec);
	}
	dropped = d->cnt - kept;
	d->cnt = kept;
	return dropped;
}
