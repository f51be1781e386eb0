/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/symbolize.h"

#include <string.h>

#include "goruntime/symtab.h"
#include "recorder/library_symbols.h"

struct symbolize {
	struct symtab *symtab;
	const struct go_target *target;
	const struct kallsyms *kernel; /* NULL: samples have no kernel part */
	struct library_symbols *libraries;
};

static int resolve_user(struct symbolize *s, uint64_t pc, bool leaf)
{
	const char *name;
	int err = library_symbols__find(s->libraries, leaf ? pc : pc - 1, &name);

	if (err)
		return err;
	return name ? symtab__add_foreign(s->symtab, pc, leaf, name)
		    : symtab__resolve(s->symtab, s->target->bin, s->target->bias, pc, leaf);
}

static int resolve(struct symbolize *s, uint64_t pc, bool leaf)
{
	if (s->kernel && is_kernel_address(pc))
		return symtab__add_foreign(s->symtab, pc, leaf,
					   kallsyms__find(s->kernel, leaf ? pc : pc - 1));
	return pc ? resolve_user(s, pc, leaf) : 0;
}

static int resolve_start(struct symbolize *s, uint64_t pc)
{
	return pc ? symtab__resolve_start(s->symtab, s->target->bin, s->target->bias, pc) : 0;
}

/* The leaf of a stack is a sample's own PC or a return address: which, only the events that use
 * the stack tell, so both are resolved. */
static int on_stack(void *ctx, uint64_t id, const uint64_t *pcs, size_t cnt)
{
	struct symbolize *s = ctx;
	size_t i;
	int err = cnt ? resolve(s, pcs[0], true) : 0;

	/* behind a kernel part, the exact PC of user code is written as a return address */
	if (!err && cnt && s->kernel && !is_kernel_address(pcs[0]))
		err = resolve(s, pcs[0] + 1, false);
	for (i = 0; !err && i < cnt; i++)
		err = resolve(s, pcs[i], false);
	return err;
}

static int on_record(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;

	if (rec->kind == GBT_CREATE || rec->kind == GBT_RUN)
		return resolve_start(ctx, ev->arg);
	if (rec->kind == GBT_CREATOR)
		return resolve(ctx, ev->arg, false);
	return 0;
}

static int starts_of(struct symbolize *s, const struct snapshot *snap)
{
	int err = 0;

	for (size_t i = 0; !err && i < snap->g_cnt; i++)
		err = resolve_start(s, snap->g[i].startpc);
	return err;
}

static int stacks_of(struct symbolize *s, const struct snapshot *snap)
{
	int err = 0;

	for (size_t i = 0; !err && i < snap->g_cnt; i++) {
		const struct snap_g *g = &snap->g[i];

		err = on_stack(s, 0, snap->pcs + g->stack_off, g->stack_cnt);
		if (!err)
			err = resolve(s, g->gopc, false);
	}
	return err;
}

/* Goroutines as they were when each slice began. */
static int each_slice(struct symbolize *s, const struct raw_file *raw,
		      int (*fn)(struct symbolize *s, const struct snapshot *snap))
{
	int err = 0;

	for (size_t i = 0; !err && i < raw_file__slice_cnt(raw); i++) {
		const struct raw_slice *slice = raw_file__slice(raw, i);
		struct snapshot *snap = NULL;

		if (!slice->snapshot.n)
			continue;
		err = snapshot__parse(slice->snapshot, &snap);
		if (!err)
			err = fn(s, snap);
		snapshot__free(snap);
	}
	return err;
}

/* Entries of goroutines come first: their keys name the function behind a wrapper. */
static int resolve_starts(struct symbolize *s, struct raw_file *raw, const struct snapshot *snap,
			  const struct wall_profile *wall)
{
	int err = raw_file__each_record(raw, on_record, s);
	size_t i;

	if (!err && snap)
		err = starts_of(s, snap);
	if (!err)
		err = each_slice(s, raw, starts_of);
	for (i = 0; !err && wall && i < wall->row_cnt; i++)
		err = resolve_start(s, wall->rows[i].startpc);
	return err;
}

static int resolve_wall(struct symbolize *s, const struct wall_profile *wall)
{
	int err = 0;

	for (size_t i = 0; !err && i < wall->pcs_cnt; i++)
		err = resolve(s, wall->pcs[i], false);
	for (size_t i = 0; !err && i < wall->row_cnt; i++)
		err = resolve(s, wall->rows[i].gopc, false);
	return err;
}

static int resolve_stacks(struct symbolize *s, struct raw_file *raw, const struct snapshot *snap)
{
	struct raw_stacks *stacks = NULL;
	int err = raw_stacks__collect(raw, &stacks);

	if (!err)
		err = raw_stacks__each(stacks, on_stack, s);
	if (!err && snap)
		err = stacks_of(s, snap);
	if (!err)
		err = each_slice(s, raw, stacks_of);
	raw_stacks__free(stacks);
	return err;
}

static int resolve_heap(struct symbolize *s, const struct heap_buckets *heap)
{
	int err = 0;

	for (size_t i = 0; heap && i < heap->cnt; i++) {
		const uint64_t *pcs = heap->pcs + heap->b[i].pcs_off;

		for (size_t k = 0; !err && k < heap->b[i].pcs_cnt; k++)
			err = resolve(s, pcs[k], false);
	}
	return err;
}

static int write_symbols(const struct symbolize *s, struct raw_writer *w)
{
	struct buf b = {0};
	int err = symtab__serialize(s->symtab, &b);

	if (!err)
		err = raw_writer__section(w, RAW_SYMTAB, b.data, b.len);
	buf__reset(&b);
	if (!err)
		err = symtab__serialize_entries(s->symtab, &b);
	if (!err)
		err = raw_writer__section(w, RAW_ENTRIES, b.data, b.len);
	buf__free(&b);
	return err;
}

int symbolize__spool(const struct go_target *t, int spool_fd, const struct symbolize_also *also,
		     struct raw_writer *w, struct raw_trailer *trailer)
{
	struct symbolize s = {.target = t, .kernel = also->kernel};
	struct raw_file *raw = NULL;
	int err = symtab__new(&s.symtab);

	if (!err)
		err = library_symbols__new(t, &s.libraries);
	if (!err)
		err = raw_file__open(spool_fd, "spool", &raw);
	if (!err)
		err = resolve_starts(&s, raw, also->snap, also->wall);
	if (!err && also->end)
		err = starts_of(&s, also->end);
	if (!err)
		err = resolve_stacks(&s, raw, also->snap);
	if (!err && also->end)
		err = stacks_of(&s, also->end);
	if (!err)
		err = resolve_heap(&s, also->heap);
	if (!err && also->wall)
		err = resolve_wall(&s, also->wall);
	if (!err)
		err = gobinary__check_whole(t->bin);
	if (!err)
		err = write_symbols(&s, w);
	if (!err)
		trailer->pcs_unknown = symtab__unknown(s.symtab);
	raw_file__free(raw);
	library_symbols__free(s.libraries);
	symtab__free(s.symtab);
	return err;
}
