/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/goroutines_grouped.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean.h"
#include "base/duration.h"
#include "goruntime/snapshot_text.h"
#include "output/stack_text.h"
#include "output/write_all.h"

#define FRAMES_OLD 32
#define FRAMES_NEW 128
#define FRAMES_NEW_MINOR 23

/* One group as it is printed: Go takes equal key texts for one, and sorts by them. */
struct record {
	char *key; /* "@ 0x… 0x…\n# labels: {…}" */
	uint64_t cnt;
	struct snap_frame *frames; /* those that Go's record has: wrappers left out, cut */
	size_t frame_cnt;
	const struct goroutine_group *group;
};

/* ---- frames as saveg keeps them ------------------------------------------------------------ */

struct collect {
	struct record *r;
	size_t max, cap;
	const char *callee;
	int err;
};

static bool collect_frame(void *ctx, const struct snap_frame *f)
{
	static const char *const panics[] = {"runtime.gopanic", "runtime.sigpanic",
					     "runtime.panicwrap"};
	struct collect *c = ctx;
	bool kept = !f->wrapper;

	for (size_t i = 0; !kept && i < sizeof(panics) / sizeof(panics[0]); i++)
		kept = !strcmp(c->callee, panics[i]);
	c->callee = f->func;
	if (!*f->func)
		return false; /* Go's unwinder stops at what is not Go code */
	if (!kept)
		return true;
	if (array__reserve(&c->r->frames, c->r->frame_cnt, &c->cap, 1, sizeof(*f))) {
		c->err = -ENOMEM;
		return false;
	}
	c->r->frames[c->r->frame_cnt++] = *f;
	return c->r->frame_cnt < c->max;
}

static int put_labels(struct buf *out, const struct goroutine_group *g)
{
	struct text_label *labels = calloc(g->label_cnt + 1, sizeof(*labels));
	int err = labels ? 0 : -ENOMEM;

	for (size_t i = 0; i < g->label_cnt && !err; i++)
		labels[i] = (struct text_label){g->labels[i].key, g->labels[i].val};
	if (!err)
		err = stack_text__labels(out, labels, g->label_cnt);
	free(labels);
	return err;
}

static int make_record(struct record *r, const struct goroutine_group *g, struct frame_cache *fc,
		       size_t frames_max)
{
	struct collect c = {.r = r, .max = frames_max, .callee = ""};
	struct buf key = {0};
	int err;

	*r = (struct record){.cnt = g->cnt, .group = g};
	err = snap_stack__each_frame(fc, g->pcs, g->pc_cnt, collect_frame, &c);
	if (err || c.err)
		return err ? err : c.err;
	buf__str(&key, "@");
	for (size_t i = 0; i < r->frame_cnt; i++)
		stack_text__hex(&key, r->frames[i].pc + 1);
	if (g->label_cnt)
		err = put_labels(&key, g);
	buf__u8(&key, 0);
	r->key = (char *)key.data;
	return err ? err : key.err;
}

static int put_stack(struct buf *out, struct stack_text *text, const struct record *r)
{
	struct text_frame frames[FRAMES_NEW];

	for (size_t i = 0; i < r->frame_cnt; i++) {
		const struct snap_frame *f = &r->frames[i];

		frames[i] = (struct text_frame){f->pc, f->entry, f->func, f->file, f->line};
	}
	return stack_text__put(text, out, frames, r->frame_cnt, false);
}

/* ---- by stack ------------------------------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct record *)a)->key, ((const struct record *)b)->key);
}

static int by_count(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->cnt != y->cnt)
		return x->cnt < y->cnt ? 1 : -1;
	return strcmp(x->key, y->key);
}

static void free_record(struct record *r)
{
	free(r->key);
	free(r->frames);
}

/* Stacks that differ only below the cut are one. */
static size_t merge(struct record *rs, size_t cnt)
{
	size_t kept = 0;

	qsort(rs, cnt, sizeof(*rs), by_key);
	for (size_t i = 0; i < cnt; i++) {
		if (kept && !strcmp(rs[kept - 1].key, rs[i].key) &&
		    rs[kept - 1].group->running == rs[i].group->running &&
		    rs[kept - 1].group->torn == rs[i].group->torn) {
			rs[kept - 1].cnt += rs[i].cnt;
			free_record(&rs[i]);
		} else {
			rs[kept++] = rs[i];
		}
	}
	qsort(rs, kept, sizeof(*rs), by_count);
	return kept;
}

static int put_record(struct buf *out, struct stack_text *text, const struct record *r)
{
	buf__printf(out, "%" PRIu64 " ", r->cnt);
	buf__str(out, r->key);
	buf__u8(out, '\n');
	if (!r->frame_cnt) {
		buf__printf(out, "#\t(%s)\n\n",
			    r->group->running ? "running: stack not known"
					      : "changed while it was read: stack not known");
		return 0;
	}
	return put_stack(out, text, r);
}

static int put_stacks(struct buf *out, const struct goroutine_groups *groups,
		      struct frame_cache *fc)
{
	unsigned minor = gobinary__version(frame_cache__binary(fc))->minor;
	size_t cnt = goroutine_groups__count(groups), done = 0;
	struct record *rs = calloc(cnt + 1, sizeof(*rs));
	struct stack_text *text = NULL;
	int err = rs ? stack_text__new(minor, &text) : -ENOMEM;

	for (; done < cnt && !err; done++)
		err = make_record(&rs[done], goroutine_groups__at(groups, done), fc,
				  minor >= FRAMES_NEW_MINOR ? FRAMES_NEW : FRAMES_OLD);
	buf__printf(out, "goroutine profile: total %" PRIu64 "\n", goroutine_groups__total(groups));
	if (!err && done)
		done = merge(rs, done);
	for (size_t i = 0; i < done && !err; i++)
		err = put_record(out, text, &rs[i]);
	for (size_t i = 0; rs && i < done; i++)
		free_record(&rs[i]);
	free(rs);
	stack_text__free(text);
	return err;
}

/* ---- by anything else ---------------------------------------------------------------------- */

static void put_lines(struct buf *out, const struct goroutine_groups *groups,
		      const struct snapshot *head)
{
	char text[DURATION_STR_SZ];

	buf__printf(out, "%" PRIu64 " goroutines in %zu groups\n", goroutine_groups__total(groups),
		    goroutine_groups__count(groups));
	for (size_t i = 0; i < goroutine_groups__count(groups); i++) {
		const struct goroutine_group *g = goroutine_groups__at(groups, i);

		buf__printf(out, "%10" PRIu64 "  ", g->cnt);
		/* labels are the target's own words */
		clean__put(out, g->key, strlen(g->key), CLEAN_NAME);
		if (g->waitsince_ns && (uint64_t)g->waitsince_ns < head->begin_ns)
			buf__printf(
				out, "  (longest at least %s)",
				duration__format((int64_t)head->begin_ns - g->waitsince_ns, text));
		buf__str(out, "\n");
	}
}

int goroutines_grouped__write(const struct goroutine_groups *groups, struct frame_cache *fc,
			      const struct snapshot *head, int fd)
{
	struct buf out = {0};
	int err = 0;

	if (goroutine_groups__by(groups) == GROUP_BY_STACK)
		err = put_stacks(&out, groups, fc);
	else
		put_lines(&out, groups, head);
	if (!err)
		err = write_all(fd, &out);
	buf__free(&out);
	return err;
}

/* ---- pprof --------------------------------------------------------------------------------- */

static int add_sample(const struct goroutine_group *g, struct frame_cache *fc,
		      struct symtab *symtab, struct pprof_writer *w)
{
	static const char *const running[] = {"[running: stack not known]"};
	static const char *const torn[] = {"[changed while it was read: stack not known]"};
	struct pprof_label *labels = calloc(g->label_cnt + 1, sizeof(*labels));
	const struct pprof_stack stack = {.pcs = g->pcs, .cnt = g->pc_cnt};
	const int64_t value = (int64_t)g->cnt;
	int err = labels ? 0 : -ENOMEM;

	for (size_t i = 0; i < g->label_cnt && !err; i++)
		labels[i] = (struct pprof_label){.key = g->labels[i].key, .str = g->labels[i].val};
	for (size_t i = 0; i < g->pc_cnt && !err; i++)
		err = symtab__resolve(symtab, frame_cache__binary(fc), frame_cache__bias(fc),
				      g->pcs[i], false);
	if (!err && g->pc_cnt)
		err = pprof_writer__sample(w, &stack, &value, labels, g->label_cnt);
	else if (!err)
		err = pprof_writer__pseudo(w, g->running ? running : torn, 1, &value, NULL, 0);
	free(labels);
	return err;
}

int goroutines_grouped__pprof(const struct goroutine_groups *groups, struct frame_cache *fc,
			      struct symtab *symtab, struct pprof_writer *w)
{
	int err = 0;

	for (size_t i = 0; i < goroutine_groups__count(groups) && !err; i++)
		err = add_sample(goroutine_groups__at(groups, i), fc, symtab, w);
	return err;
}
