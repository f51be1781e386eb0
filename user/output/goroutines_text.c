/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/goroutines_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "goruntime/snapshot_text.h"
#include "output/goquote.h"
#include "output/write_all.h"

#define FLUSH_SZ (256u << 10)
#define NAME_SZ 4096
/* traceback.go: from 1.21 on the first and last frames, before only the first */
#define INNER_FRAMES 50
#define OUTER_FRAMES 50
#define OLD_FRAMES 100

int goroutines_text__begin(struct goroutines_text *t)
{
	t->go_minor = gobinary__version(frame_cache__binary(t->frames))->minor;
	t->cnt = 0;
	t->out = (struct buf){0};
	return 0;
}

int goroutines_text__end(struct goroutines_text *t)
{
	int err = write_all(t->fd, &t->out);

	buf__free(&t->out);
	return err;
}

/* ---- header -------------------------------------------------------------------------------- */

static bool is_plain(const char *s)
{
	/* tracebackStringNeedsQuoting, 1.27 */
	for (; *s; s++) {
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr("_/.", *s)))
			return false;
	}
	return true;
}

static void put_label_text(struct goroutines_text *t, const char *s)
{
	if (t->go_minor >= 27 && is_plain(s))
		buf__str(&t->out, s);
	else
		go_quote_traceback(&t->out, s);
}

static void put_labels(struct goroutines_text *t, const struct snap_label *labels, size_t cnt)
{
	buf__str(&t->out, t->go_minor >= 27 ? " {" : " labels:{");
	for (size_t i = 0; i < cnt; i++) {
		if (i)
			buf__str(&t->out, ", ");
		put_label_text(t, labels[i].key);
		buf__str(&t->out, ": ");
		put_label_text(t, labels[i].val);
	}
	buf__str(&t->out, "}");
}

static void put_header(struct goroutines_text *t, const struct snapshot *head,
		       const struct snap_g *g, const struct snap_label *labels)
{
	uint64_t minutes = snap_g__wait_minutes(head, g);
	bool with_labels = t->labels && g->label_cnt;

	buf__printf(&t->out, "goroutine %" PRIu64 " [%s", g->goid, snap_g__state(head, g));
	if (g->status == G_LEAKED)
		buf__str(&t->out, " (leaked)");
	if (minutes)
		buf__printf(&t->out, ", %" PRIu64 " minutes", minutes);
	if (g->locked)
		buf__str(&t->out, ", locked to thread");
	/* 1.26 writes them before the bracket, 1.27 behind it */
	if (with_labels && t->go_minor < 27)
		put_labels(t, labels, g->label_cnt);
	buf__str(&t->out, "]");
	if (with_labels && t->go_minor >= 27)
		put_labels(t, labels, g->label_cnt);
	buf__str(&t->out, ":\n");
}

/* ---- frames -------------------------------------------------------------------------------- */

struct frame_walk {
	struct goroutines_text *t;
	bool show_runtime;
	bool count_only;
	uint64_t from, to; /* of the shown ones, those to print: [from, to) */
	uint64_t shown;
	uint64_t physical, physical_max;
	const char *callee; /* borrowed from the binary */
};

static void put_frame(struct goroutines_text *t, const struct snap_frame *f)
{
	char name[NAME_SZ];

	if (!strcmp(f->func, "runtime.gopanic"))
		buf__str(&t->out, "panic");
	else
		buf__str(&t->out, go_func__print_name(f->func, name, sizeof(name)));
	buf__printf(&t->out, "(...)\n\t%s:%u", f->file, f->line);
	if (!f->inlined && f->ret > f->entry)
		buf__printf(&t->out, " +0x%" PRIx64, f->ret - f->entry);
	buf__str(&t->out, "\n");
}

static bool on_frame(void *ctx, const struct snap_frame *f)
{
	struct frame_walk *w = ctx;
	bool shown;

	/* Go's unwinder stops at what is not Go code. */
	if (!*f->func)
		return false;
	shown = w->show_runtime ||
		go_func__is_shown(w->t->go_minor, f->func, f->wrapper, w->shown == 0, w->callee);
	w->callee = f->func;
	if (shown) {
		if (!w->count_only && w->shown >= w->from && w->shown < w->to)
			put_frame(w->t, f);
		w->shown++;
	}
	if (!f->inlined)
		w->physical++;
	return w->physical < w->physical_max;
}

static int walk_frames(struct frame_walk *w, const uint64_t *pcs, size_t cnt)
{
	w->shown = w->physical = 0;
	w->callee = "";
	return snap_stack__each_frame(w->t->frames, pcs, cnt, on_frame, w);
}

/* Up to 1.20: the frames of the first 100 physical ones. */
static int put_frames_old(struct frame_walk *w, const uint64_t *pcs, size_t cnt, uint64_t *shown)
{
	int err;

	w->to = UINT64_MAX;
	w->physical_max = OLD_FRAMES;
	err = walk_frames(w, pcs, cnt);
	*shown = w->shown;
	if (!err && w->shown == OLD_FRAMES)
		buf__str(&w->t->out, "...additional frames elided...\n");
	return err;
}

static int put_frames(struct frame_walk *w, const uint64_t *pcs, size_t cnt, uint64_t *shown)
{
	uint64_t all;
	int err;

	if (w->t->go_minor < 21)
		return put_frames_old(w, pcs, cnt, shown);
	w->physical_max = UINT64_MAX;
	w->count_only = true;
	err = walk_frames(w, pcs, cnt);
	*shown = all = w->shown;
	w->count_only = false;
	w->from = 0;
	w->to = all <= INNER_FRAMES + OUTER_FRAMES ? all : INNER_FRAMES;
	if (!err)
		err = walk_frames(w, pcs, cnt);
	if (err || w->to == all)
		return err;
	buf__printf(&w->t->out, "...%" PRIu64 " frames elided...\n",
		    all - INNER_FRAMES - OUTER_FRAMES);
	w->from = all - OUTER_FRAMES;
	w->to = all;
	return walk_frames(w, pcs, cnt);
}

int goroutines_text__stack(struct goroutines_text *t, const uint64_t *pcs, size_t cnt)
{
	struct frame_walk w = {.t = t};
	uint64_t shown = 0;
	int err = put_frames(&w, pcs, cnt, &shown);

	/* nothing but the runtime's: then that */
	if (!err && !shown) {
		w.show_runtime = true;
		err = put_frames(&w, pcs, cnt, &shown);
	}
	return err;
}

void goroutines_text__creator(struct goroutines_text *t, const struct snap_g *g)
{
	struct snap_creator c;
	char name[NAME_SZ];

	if (!snap_g__creator(t->frames, g, &c) ||
	    !go_func__is_shown(t->go_minor, c.func, c.wrapper, false, ""))
		return;
	buf__printf(&t->out, "created by %s", go_func__print_name(c.func, name, sizeof(name)));
	if (g->parent_goid)
		buf__printf(&t->out, " in goroutine %" PRIu64, g->parent_goid);
	buf__printf(&t->out, "\n\t%s:%u", c.file, c.line);
	if (c.pc > c.entry)
		buf__printf(&t->out, " +0x%" PRIx64, c.pc - c.entry);
	buf__str(&t->out, "\n");
}

int goroutines_text__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			   const uint64_t *pcs, const struct snap_label *labels)
{
	struct goroutines_text *t = ctx;
	bool is_system;
	int err = snap_g__is_system(t->frames, g, pcs, &is_system);

	if (err || (is_system && !t->system))
		return err;
	if (t->cnt++)
		buf__str(&t->out, "\n");
	put_header(t, head, g, labels);
	if (g->sampled)
		buf__str(&t->out, "\tgoroutine running on other thread; stack unavailable\n");
	else if (!g->stack_cnt)
		buf__str(&t->out, "\tgoroutine changed while it was read; stack unavailable\n");
	else
		err = goroutines_text__stack(t, pcs, g->stack_cnt);
	if (err)
		return err;
	goroutines_text__creator(t, g);
	return t->out.len >= FLUSH_SZ ? write_all(t->fd, &t->out) : t->out.err;
}
