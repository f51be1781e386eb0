/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "process/process.h"

static int load_tids(const struct raw_file *raw, struct imap *tids)
{
	struct span s;
	size_t off;
	int err = raw_file__section(raw, RAW_TIDS, &s);

	if (err)
		return err == -ENODATA ? 0 : err;
	if (s.n % 8) {
		log_error("raw: table of thread ids: %zu bytes are no pairs of ids", s.n);
		return -EBADMSG;
	}
	for (off = 0; !err && off < s.n; off += 8) {
		uint32_t from, to;

		err = span__u32(s, off, &from);
		if (!err)
			err = span__u32(s, off + 4, &to);
		if (!err)
			err = imap__put(tids, from, to);
	}
	return err;
}

static int load_snapshot(const struct raw_file *raw, enum raw_section type, struct snapshot **out)
{
	struct span s;
	int err = raw_file__section(raw, type, &s);

	if (err)
		return err == -ENODATA ? 0 : err;
	return snapshot__parse(s, out);
}

static int load_heap(const struct raw_file *raw, struct heap_buckets **out)
{
	struct span s;
	int err = raw_file__section(raw, RAW_HEAP, &s);

	if (err)
		return err == -ENODATA ? 0 : err;
	return heap_buckets__parse(s, out);
}

static int load_wall(const struct raw_file *raw, struct wall_profile **out)
{
	struct span s;
	int err = raw_file__section(raw, RAW_WALL, &s);

	if (err)
		return err == -ENODATA ? 0 : err;
	return wall_profile__parse(s, out);
}

static int load_allocs(const struct raw_file *raw, struct alloc_slices **out)
{
	struct span s;
	int err = raw_file__section(raw, RAW_ALLOCS, &s);

	if (err)
		return err == -ENODATA ? 0 : err;
	*out = calloc(1, sizeof(**out));
	return *out ? alloc_slices__parse(s, *out) : -ENOMEM;
}

static int load_symbols(const struct raw_file *raw, struct symtab **out)
{
	struct span s;
	int err = raw_file__section(raw, RAW_SYMTAB, &s);

	if (err)
		return err == -ENODATA ? symtab__new(out) : err;
	err = symtab__parse(s, out);
	if (!err && !raw_file__section(raw, RAW_ENTRIES, &s))
		err = symtab__parse_entries(*out, s);
	return err;
}

static int load_parts(const struct raw_file *raw, struct tables *t)
{
	int err = load_snapshot(raw, RAW_SNAPSHOT, &t->snapshot);

	if (!err)
		err = load_snapshot(raw, RAW_END_SNAPSHOT, &t->end);
	if (!err)
		err = load_heap(raw, &t->heap);
	if (!err)
		err = load_wall(raw, &t->wall);
	if (!err)
		err = load_allocs(raw, &t->allocs);
	if (!err)
		err = load_symbols(raw, &t->symtab);
	if (!err)
		err = raw_stacks__collect(raw, &t->stacks);
	return err ? err : load_tids(raw, &t->tids);
}

int tables__load(const struct raw_file *raw, const char *name, struct tables **out)
{
	struct tables *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = load_parts(raw, t);
	if (err) {
		if (err != -EBADMSG) /* what is malformed has been told with its place */
			log_error("'%s': tables of the raw stream: %s", name, strerror(-err));
		tables__free(t);
		return err;
	}
	t->frames = (struct capture_tables){.symtab = t->symtab, .stacks = t->stacks};
	*out = t;
	return 0;
}

void tables__free(struct tables *t)
{
	if (!t)
		return;
	snapshot__free(t->snapshot);
	snapshot__free(t->end);
	heap_buckets__free(t->heap);
	wall_profile__free(t->wall);
	free(t->allocs);
	symtab__free(t->symtab);
	raw_stacks__free(t->stacks);
	imap__free(&t->tids);
	free(t);
}

int tids__serialize(const struct process *p, struct buf *out)
{
	struct process_thread *threads = NULL;
	size_t cnt = 0, i;
	int err = process__threads(p, &threads, &cnt);

	for (i = 0; !err && i < cnt; i++) {
		buf__u32(out, threads[i].tid);
		buf__u32(out, threads[i].ns_tid);
	}
	free(threads);
	return err ? err : out->err;
}
