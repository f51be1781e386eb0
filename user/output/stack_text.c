/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/stack_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/imap.h"
#include "goruntime/frame_cache.h"
#include "output/goquote.h"

#define NAME_SZ 4096
#define TAB 8

/* thousands of stacks have ten each, and printf would be half of a dump's time */
void stack_text__hex(struct buf *out, uint64_t v)
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

/* ---- labels ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The quoted pairs, sorted. */
int stack_text__labels(struct buf *out, const struct text_label *labels, size_t cnt)
{
	char **pairs = calloc(cnt + 1, sizeof(*pairs));
	int err = pairs ? 0 : -ENOMEM;

	for (size_t i = 0; i < cnt && !err; i++) {
		struct buf b = {0};

		go_quote(&b, labels[i].key);
		buf__u8(&b, ':');
		go_quote(&b, labels[i].val);
		buf__u8(&b, 0);
		pairs[i] = (char *)b.data;
		err = b.err;
	}
	if (!err && cnt) {
		qsort(pairs, cnt, sizeof(*pairs), by_text);
		buf__str(out, "\n# labels: {");
		for (size_t i = 0; i < cnt; i++)
			buf__printf(out, "%s%s", i ? ", " : "", pairs[i]);
		buf__str(out, "}");
	}
	for (size_t i = 0; pairs && i < cnt; i++)
		free(pairs[i]);
	free(pairs);
	return err;
}

/* ---- the cells of one frame's line: the same in every stack that has the frame ---- */

struct row {
	char *addr, *func, *place; /* func NULL: the PC is all */
	size_t addr_len, func_len; /* in characters */
};

/* frame's PC and function -> row; PCs alone do not tell inlined frames of one call apart */
struct stack_text {
	unsigned go_minor;
	struct imap by_key;
	struct row *rows;
	size_t cnt, cap;
	size_t *which; /* of the stack that is being put */
	size_t which_cap;
};

int stack_text__new(unsigned go_minor, struct stack_text **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->go_minor = go_minor;
	return 0;
}

void stack_text__free(struct stack_text *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cnt; i++) {
		free(t->rows[i].addr);
		free(t->rows[i].func);
		free(t->rows[i].place);
	}
	free(t->rows);
	free(t->which);
	imap__free(&t->by_key);
	free(t);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int make_row(const struct text_frame *f, struct row *row)
{
	char name[NAME_SZ];

	*row = (struct row){0};
	if (asprintf(&row->addr, "0x%" PRIx64, f->pc) < 0)
		return -ENOMEM;
	row->addr_len = strlen(row->addr);
	if (!*f->func)
		return 0;
	go_func__print_name(f->func, name, sizeof(name));
	if (asprintf(&row->func, "%s+0x%" PRIx64, name, f->pc - f->entry) < 0 ||
	    asprintf(&row->place, "%s:%u", f->file, f->line) < 0)
		return -ENOMEM;
	row->func_len = characters(row->func);
	return 0;
}

static int row_of(struct stack_text *t, const struct text_frame *f, size_t *out)
{
	uint64_t key = f->pc ^ (uint64_t)(uintptr_t)f->func << 20, at;
	int err;

	if (imap__get(&t->by_key, key, &at)) {
		*out = (size_t)at;
		return 0;
	}
	if (array__reserve(&t->rows, t->cnt, &t->cap, 1, sizeof(*t->rows)))
		return -ENOMEM;
	*out = t->cnt++;
	err = make_row(f, &t->rows[*out]);
	return err ? err : imap__put(&t->by_key, key, *out);
}

/* ---- text/tabwriter with tabs as padding ---- */

static void put_cell(struct buf *out, const char *text, size_t len, size_t column)
{
	size_t width = (column + 1 + TAB - 1) / TAB * TAB;

	buf__str(out, text);
	for (size_t n = (width - len + TAB - 1) / TAB; n > 0; n--)
		buf__u8(out, '\t');
}

/* Lines that have all cells: their columns are as wide as the widest. */
static void put_run(struct buf *out, const struct stack_text *t, const size_t *which, size_t cnt)
{
	size_t addr = 0, func = 0;

	for (size_t i = 0; i < cnt; i++) {
		const struct row *r = &t->rows[which[i]];

		addr = r->addr_len > addr ? r->addr_len : addr;
		func = r->func_len > func ? r->func_len : func;
	}
	for (size_t i = 0; i < cnt; i++) {
		const struct row *r = &t->rows[which[i]];

		buf__str(out, "#\t");
		put_cell(out, r->addr, r->addr_len, addr);
		put_cell(out, r->func, r->func_len, func);
		buf__str(out, r->place);
		buf__u8(out, '\n');
	}
}

/* A line of a PC alone ends the columns of those around it. */
static void put_rows(struct buf *out, const struct stack_text *t, const size_t *which, size_t cnt)
{
	for (size_t i = 0, n; i < cnt; i += n) {
		for (n = 0; i + n < cnt && t->rows[which[i + n]].func;)
			n++;
		put_run(out, t, which + i, n);
		if (!n) {
			buf__printf(out, "#\t%s\n", t->rows[which[i]].addr);
			n = 1;
		}
	}
}

int stack_text__put(struct stack_text *t, struct buf *out, const struct text_frame *frames,
		    size_t cnt, bool all)
{
	size_t shown = 0;

	if (array__reserve(&t->which, 0, &t->which_cap, cnt + 1, sizeof(*t->which)))
		return -ENOMEM;
	for (int tries = 0; tries < 2 && !shown; tries++) {
		bool show = all || tries;

		for (size_t i = 0; i < cnt; i++) {
			const char *name = frames[i].func;
			int err;

			if (!strcmp(name, "runtime.goexit") ||
			    (!show && *name && go_func__is_runtime(t->go_minor, name)))
				continue;
			show = true;
			err = row_of(t, &frames[i], &t->which[shown++]);
			if (err)
				return err;
		}
	}
	put_rows(out, t, t->which, shown);
	buf__str(out, "\n");
	return 0;
}
