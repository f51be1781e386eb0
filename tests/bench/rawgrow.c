/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a long raw stream of a short one: its events again and again, later each time, until
 * there are EVENTS of them. Goroutines that were born in the window get new ids each time.
 *
 *	rawgrow IN OUT EVENTS
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "goruntime/snapshot.h"
#include "raw/raw.h"

struct grow {
	struct raw_file *in;
	struct raw_writer *out;
	uint64_t wanted, written;
	uint64_t shift_ns;  /* of the round that goes on */
	uint64_t old_goids; /* ids up to this one are those of the snapshot */
	uint64_t goid_step; /* ids that one round needs */
	uint64_t goid_shift;
	uint64_t last_ns;
};

static bool cur_is_goid(uint16_t kind)
{
	return kind == GBT_CREATE || kind == GBT_UNBLOCK || kind == GBT_COROSWITCH;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int measure(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;
	struct grow *g = ctx;

	if (rec->kind < GBT_STACK)
		g->goid_step = max64(g->goid_step, ev->goid);
	return 0;
}

/* Definitions of stacks and labels: once. */
static int copy_definition(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct grow *g = ctx;

	return rec->kind < GBT_STACK ? 0 : raw_writer__record(g->out, 0, rec, len);
}

static int copy_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	char copy[RAW_RECORD_MAX];
	struct gbt_event *ev = (struct gbt_event *)copy;
	struct grow *g = ctx;

	if (g->written == g->wanted)
		return 0;
	if (len > sizeof(copy))
		return -EBADMSG;
	memcpy(copy, rec, len);
	ev->hdr.time_ns += g->shift_ns;
	if (ev->goid > g->old_goids)
		ev->goid += g->goid_shift;
	if (cur_is_goid(rec->kind) && ev->cur > g->old_goids)
		ev->cur += g->goid_shift;
	g->last_ns = ev->hdr.time_ns;
	g->written++;
	return raw_writer__record(g->out, 0, copy, len);
}

static int find_goids(struct grow *g)
{
	struct snapshot *snap = NULL;
	struct span in;
	size_t i;
	int err = raw_file__section(g->in, RAW_SNAPSHOT, &in);

	if (!err)
		err = snapshot__parse(in, &snap);
	if (err)
		return err;
	for (i = 0; i < snap->g_cnt; i++)
		g->old_goids = max64(g->old_goids, snap->g[i].goid);
	snapshot__free(snap);
	g->goid_step = g->old_goids;
	err = raw_file__each_record(g->in, measure, g);
	g->goid_step -= g->old_goids;
	return err;
}

static int copy_sections(struct grow *g)
{
	static const enum raw_section types[] = {RAW_MAPS, RAW_SNAPSHOT, RAW_SYMTAB, RAW_TIDS};
	size_t i;
	int err = raw_writer__meta(g->out, raw_file__meta(g->in));

	for (i = 0; i < sizeof(types) / sizeof(types[0]) && !err; i++) {
		struct span in;

		if (!raw_file__section(g->in, types[i], &in))
			err = raw_writer__section(g->out, types[i], in.p, in.n);
	}
	return err;
}

static int grow(struct grow *g)
{
	const struct raw_trailer *end = raw_file__trailer(g->in);
	uint64_t window_ns, round;
	struct raw_trailer t;
	int err;

	if (!end)
		return -ENODATA;
	window_ns = end->end_ns - raw_file__meta(g->in)->start_ns;
	err = find_goids(g);
	if (!err)
		err = copy_sections(g);
	if (!err)
		err = raw_file__each_record(g->in, copy_definition, g);
	for (round = 0; !err && g->written < g->wanted; round++) {
		uint64_t before = g->written;

		g->shift_ns = round * window_ns;
		g->goid_shift = round * g->goid_step;
		err = raw_file__each_event(g->in, copy_event, g, NULL);
		if (!err && g->written == before)
			err = -ENODATA;
	}
	t = *end;
	t.end_ns = g->last_ns + 1;
	return err ? err : raw_writer__trailer(g->out, &t);
}

int main(int argc, char **argv)
{
	struct grow g = {0};
	int in, out, err;

	if (argc != 4) {
		fprintf(stderr, "usage: rawgrow IN OUT EVENTS\n");
		return 2;
	}
	g.wanted = strtoull(argv[3], NULL, 10);
	in = open(argv[1], O_RDONLY);
	out = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (in < 0 || out < 0) {
		fprintf(stderr, "rawgrow: %s\n", strerror(errno));
		return 1;
	}
	err = raw_file__open(in, argv[1], &g.in);
	if (!err)
		err = raw_writer__new(out, &g.out);
	if (!err)
		err = grow(&g);
	if (!err)
		err = raw_writer__flush(g.out);
	if (err)
		fprintf(stderr, "rawgrow: %s\n", strerror(-err));
	raw_writer__free(g.out);
	raw_file__free(g.in);
	return err ? 1 : 0;
}
