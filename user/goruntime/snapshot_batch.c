/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot_batch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

#define GAP_MAX 256 /* of addresses between two g's that is read along with them */
#define TRIES 8	    /* readings of one goroutine that keeps changing */

int g_batch__open(struct g_batch *b, const struct snap_source *src, size_t frames_max)
{
	b->src = src;
	b->frames_max = frames_max;
	b->image_sz = g_image__len(src->lay);
	if (!b->image_sz) {
		log_error("snapshot: the layout has an offset that no runtime.g can have");
		return -EBADMSG;
	}
	b->images = malloc(G_BATCH * (b->image_sz + GAP_MAX));
	b->stacks = malloc((size_t)G_BATCH * SNAP_STACK_CHUNK);
	return b->images && b->stacks ? 0 : -ENOMEM;
}

void g_batch__close(struct g_batch *b)
{
	free(b->images);
	free(b->stacks);
	free(b->unwind.pcs);
}

/* ---- allgs --------------------------------------------------------------------------------- */

int g_batch__total(const struct snap_source *src, uint64_t *total)
{
	int err = snap_read_u64(&src->rd, src->globals->allglen + src->bias, total);

	if (!err && (!*total || *total > G_TOTAL_MAX))
		return -EBADMSG;
	return err;
}

/*
 * allglen and allgptr are what the runtime's own lock-free walks use (forEachGRace): the
 * length grows after the pointer, so the array is at least that long. The old array may be
 * freed once the pointer has moved: it is read again for every batch.
 */
int g_batch__next(struct g_batch *b, uint64_t from, uint64_t total)
{
	const struct snap_reader *rd = &b->src->rd;
	uint64_t ptr_at = b->src->globals->allgptr + b->src->bias, ptr, again;
	int err;

	b->g_cnt = total - from < G_BATCH ? (size_t)(total - from) : G_BATCH;
	for (int i = 0; i < TRIES; i++) {
		err = snap_read_u64(rd, ptr_at, &ptr);
		if (err)
			return err;
		if (!snap_is_pointer(ptr))
			return -EBADMSG;
		err = snap_read(rd, ptr + 8 * from, b->g_addr, 8 * b->g_cnt);
		if (err && err != -EFAULT)
			return err;
		if (err || snap_read_u64(rd, ptr_at, &again) || again != ptr)
			continue;
		for (size_t k = 0; k < b->g_cnt; k++) {
			if (!snap_is_pointer(b->g_addr[k]))
				return -EBADMSG;
		}
		return 0;
	}
	return -EBADMSG;
}

/* ---- words, stacks, words again ------------------------------------------------------------ */

/* Neighbours in allgs are mostly neighbours in memory: one range reads several. */
static void coalesce(struct g_batch *b)
{
	size_t off = 0;

	b->range_cnt = 0;
	for (size_t i = 0; i < b->g_cnt; i++) {
		uint64_t addr = b->g_addr[i];
		size_t r = b->range_cnt - 1;

		if (b->range_cnt && addr >= b->range_addr[r] + b->range_len[r] &&
		    addr - (b->range_addr[r] + b->range_len[r]) <= GAP_MAX) {
			size_t grow = addr - (b->range_addr[r] + b->range_len[r]) + b->image_sz;

			b->range_len[r] += grow;
			off += grow;
		} else {
			r = b->range_cnt++;
			b->range_addr[r] = addr;
			b->range_off[r] = off;
			b->range_len[r] = b->image_sz;
			off += b->image_sz;
		}
		b->image_off[i] = b->range_off[r] + (addr - b->range_addr[r]);
	}
	for (size_t r = 0; r < b->range_cnt; r++)
		b->range_dst[r] = b->images + b->range_off[r];
}

static int read_ranges(struct g_batch *b, size_t cnt)
{
	return b->src->rd.readv(b->src->rd.ctx, b->range_addr, b->range_dst, b->range_len, cnt);
}

int g_batch__words(struct g_batch *b)
{
	size_t cnt;
	int err;

	coalesce(b);
	cnt = b->range_cnt;
	if (b->along_addr) {
		b->range_addr[cnt] = b->along_addr;
		b->range_dst[cnt] = &b->along;
		b->range_len[cnt++] = sizeof(b->along);
		b->along_addr = 0;
	}
	err = read_ranges(b, cnt);

	for (size_t i = 0; i < b->g_cnt && !err; i++)
		g_words__decode(b->src->lay, b->images + b->image_off[i], &b->words[i]);
	return err;
}

int g_batch__stacks(struct g_batch *b)
{
	const struct snap_reader *rd = &b->src->rd;
	uint64_t addr[G_BATCH];
	void *dst[G_BATCH];
	size_t len[G_BATCH], who[G_BATCH], cnt = 0, off = 0;
	int err;

	for (size_t i = 0; i < b->g_cnt; i++) {
		b->stack_len[i] = 0;
		if (!snap_stack__first(&b->words[i], &addr[cnt], &len[cnt]))
			continue;
		b->stack_len[i] = len[cnt];
		b->stack_off[i] = off; /* packed: fewer pages, fewer iovecs */
		dst[cnt] = b->stacks + off;
		off += len[cnt];
		who[cnt++] = i;
	}
	err = cnt ? rd->readv(rd->ctx, addr, dst, len, cnt) : 0;
	if (err != -EFAULT)
		return err;
	for (size_t i = 0; i < cnt; i++) {
		if (rd->readv(rd->ctx, &addr[i], &dst[i], &len[i], 1))
			b->stack_len[who[i]] = 0;
	}
	return 0;
}

int g_batch__recheck(struct g_batch *b)
{
	struct g_words after;
	int err;

	coalesce(b);
	err = read_ranges(b, b->range_cnt);
	for (size_t i = 0; i < b->g_cnt && !err; i++) {
		g_words__decode(b->src->lay, b->images + b->image_off[i], &after);
		if (!g_words__same(&b->words[i], &after))
			b->words[i].status = G_COPYSTACK;
	}
	return err;
}

int g_batch__unwind(struct g_batch *b, size_t i)
{
	int err;

	if (!b->stack_len[i])
		return -EAGAIN;
	err = snap_stack__unwind(b->src, &b->words[i], b->stacks + b->stack_off[i], b->stack_len[i],
				 b->frames_max, &b->unwind);
	/* A deep stack was read on after the words were compared: it gets a check of its own. */
	return err == -EFAULT || (!err && b->unwind.again) ? -EAGAIN : err;
}

/* ---- alone --------------------------------------------------------------------------------- */

bool g_words__is_dead(const struct g_words *words)
{
	return words->status == G_DEAD || words->status == G_DEADEXTRA || words->status == G_IDLE;
}

static int read_words(struct g_batch *b, uint64_t addr, struct g_words *out)
{
	uint8_t *image = b->images; /* decoded by now */
	int err = snap_read(&b->src->rd, addr, image, b->image_sz);

	if (!err)
		g_words__decode(b->src->lay, image, out);
	return err;
}

/* G_ALONE_TORN: it changed meanwhile, or there is nothing to be had now. */
static int try_alone(struct g_batch *b, uint64_t addr, bool stacks, struct g_words *words)
{
	uint8_t chunk[SNAP_STACK_CHUNK];
	struct g_words after;
	uint64_t sp;
	size_t len;
	int err = read_words(b, addr, words);

	if (err)
		return err == -EFAULT ? G_ALONE_UNREADABLE : err;
	if (g_words__is_dead(words))
		return G_ALONE_DEAD;
	if (!stacks || !snap_stack__first(words, &sp, &len))
		return words->status == G_COPYSTACK ||
				       (stacks && snap_stack__is_parked(words->status))
			       ? G_ALONE_TORN
			       : G_ALONE_NO_STACK;
	err = snap_read(&b->src->rd, sp, chunk, len);
	if (!err)
		err = snap_stack__unwind(b->src, words, chunk, len, b->frames_max, &b->unwind);
	if (err == -EFAULT)
		return G_ALONE_TORN;
	if (!err)
		err = read_words(b, addr, &after);
	if (err)
		return err == -EFAULT ? G_ALONE_UNREADABLE : err;
	return g_words__same(words, &after) ? G_ALONE_STACK : G_ALONE_TORN;
}

int g_batch__alone(struct g_batch *b, uint64_t addr, bool stacks, struct g_words *words,
		   uint64_t *retried)
{
	int got = G_ALONE_TORN;

	for (int i = 0; i < TRIES && got == G_ALONE_TORN; i++) {
		(*retried)++;
		got = try_alone(b, addr, stacks, words);
	}
	return got;
}
