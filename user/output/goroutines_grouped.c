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
#include "base/imap.h"
#include "goruntime/snapshot_text.h"
#include "output/goquote.h"
#include "output/write_all.h"

#define NAME_SZ 4096
#define FRAMES_OLD 32
#define FRAMES_NEW 128
#define FRAMES_NEW_MINOR 23
#define TAB 8

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

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* labelMap.String: the quoted pairs, sorted */
static int put_labels(struct buf *out, const struct goroutine_group *g)
{
	char **pairs = calloc(g->label_cnt, sizeof(*pairs));
	int err = pairs ? 0 : -ENOMEM;

	for (size_t i = 0; i < g->label_cnt && !err; i++) {
		struct buf b = {0};

		go_quote(&b, g->labels[i].key);
		buf__u8(&b, ':');
		go_quote(&b, g->labels[i].val);
		buf__u8(&b, 0);
		pairs[i] = (char *)b.data;
		err = b.err;
	}
	if (!err) {
		qsort(pairs, g->label_cnt, sizeof(*pairs), by_text);
		buf__str(out, "\n# labels: {");
		for (size_t i = 0; i < g->label_cnt; i++)
			buf__printf(out, "%s%s", i ? ", " : "", pairs[i]);
		buf__str(out, "}");
	}
	for (size_t i = 0; pairs && i < g->label_cnt; i++)
		free(pairs[i]);
	free(pairs);
	return err;
}

/* " 0x…": thousands of stacks have ten each, and printf would be half of the dump's time */
static void put_hex(struct buf *out, uint64_t v)
{
	char text[20], *at = text + sizeof(text);

	do {
		*--at = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	*--at = 'x';
	*--at = '0';
	*--at = ' ';
	buf__append(out, at, (size_t)(text + sizeof(text) - at));
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
		put_hex(&key, r->frames[i].pc + 1);
	if (g->label_cnt)
		err = put_labels(&key, g);
	buf__u8(&key, 0);
	r->key = (char *)key.data;
	return err ? err : key.err;
}

/* ---- text/tabwriter with tabs as padding, for the lines of one stack ----------------------- */

/* The cells of one frame's line: the same in every stack that has the frame. */
struct row {
	char *addr, *func, *place;
	size_t addr_len, func_len; /* in characters */
};

/* frame's PC and function -> row; PCs alone do not tell inlined frames of one call apart */
struct rows {
	struct imap by_key;
	struct row *all;
	size_t cnt, cap;
};

static void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->cnt; i++) {
		free(rows->all[i].addr);
		free(rows->all[i].func);
		free(rows->all[i].place);
	}
	free(rows->all);
	imap__free(&rows->by_key);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int make_row(const struct snap_frame *f, struct row *row)
{
	char name[NAME_SZ];

	*row = (struct row){0};
	go_func__print_name(f->func, name, sizeof(name));
	if (asprintf(&row->addr, "0x%" PRIx64, f->pc) < 0 ||
	    asprintf(&row->func, "%s+0x%" PRIx64, name, f->pc - f->entry) < 0 ||
	    asprintf(&row->place, "%s:%u", f->file, f->line) < 0)
		return -ENOMEM;
	row->addr_len = strlen(row->addr);
	row->func_len = characters(row->func);
	return 0;
}

static int row_of(struct rows *rows, const struct snap_frame *f, size_t *out)
{
	/* strings are borrowed from the binary, so equal functions have equal addresses */
	uint64_t key = f->pc ^ (uint64_t)(uintptr_t)f->func << 20, at;
	int err;

	if (imap__get(&rows->by_key, key, &at)) {
		*out = (size_t)at;
		return 0;
	}
	if (array__reserve(&rows->all, rows->cnt, &rows->cap, 1, sizeof(*rows->all)))
		return -ENOMEM;
	*out = rows->cnt++;
	err = make_row(f, &rows->all[*out]);
	return err ? err : imap__put(&rows->by_key, key, *out);
}

static void put_cell(struct buf *out, const char *text, size_t len, size_t column)
{
	size_t width = (column + 1 + TAB - 1) / TAB * TAB;

	buf__str(out, text);
	for (size_t n = (width - len + TAB - 1) / TAB; n > 0; n--)
		buf__u8(out, '\t');
}

static void put_rows(struct buf *out, const struct rows *rows, const size_t *which, size_t cnt)
{
	size_t addr = 0, func = 0;

	for (size_t i = 0; i < cnt; i++) {
		const struct row *r = &rows->all[which[i]];

		addr = r->addr_len > addr ? r->addr_len : addr;
		func = r->func_len > func ? r->func_len : func;
	}
	for (size_t i = 0; i < cnt; i++) {
		const struct row *r = &rows->all[which[i]];

		buf__str(out, "#\t");
		put_cell(out, r->addr, r->addr_len, addr);
		put_cell(out, r->func, r->func_len, func);
		buf__str(out, r->place);
		buf__u8(out, '\n');
	}
}

/* printStackRecord: the runtime's frames at the leaf are hidden, unless there are no others. */
static int put_stack(struct buf *out, struct rows *rows, const struct record *r, unsigned go_minor)
{
	size_t which[FRAMES_NEW], cnt = 0;

	for (int all = 0; all < 2 && !cnt; all++) {
		bool show = all;

		for (size_t i = 0; i < r->frame_cnt; i++) {
			const char *name = r->frames[i].func;
			int err;

			if (!strcmp(name, "runtime.goexit") ||
			    (!show && go_func__is_runtime(go_minor, name)))
				continue;
			show = true;
			err = row_of(rows, &r->frames[i], &which[cnt++]);
			if (err)
				return err;
		}
	}
	put_rows(out, rows, which, cnt);
	buf__str(out, "\n");
	return 0;
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

static int put_record(struct buf *out, struct rows *rows, const struct record *r, unsigned go_minor)
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
	return put_stack(out, rows, r, go_minor);
}

static int put_stacks(struct buf *out, const struct goroutine_groups *groups,
		      struct frame_cache *fc)
{
	unsigned minor = gobinary__version(frame_cache__binary(fc))->minor;
	size_t cnt = goroutine_groups__count(groups), done = 0;
	struct record *rs = calloc(cnt + 1, sizeof(*rs));
	struct rows rows = {0};
	int err = rs ? 0 : -ENOMEM;

	for (; done < cnt && !err; done++)
		err = make_record(&rs[done], goroutine_groups__at(groups, done), fc,
				  minor >= FRAMES_NEW_MINOR ? FRAMES_NEW : FRAMES_OLD);
	buf__printf(out, "goroutine profile: total %" PRIu64 "\n", goroutine_groups__total(groups));
	if (!err && done)
		done = merge(rs, done);
	for (size_t i = 0; i < done && !err; i++)
		err = put_record(out, &rows, &rs[i], minor);
	for (size_t i = 0; rs && i < done; i++)
		free_record(&rs[i]);
	free(rs);
	rows_free(&rows);
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
