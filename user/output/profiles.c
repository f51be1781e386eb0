/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/profiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "goruntime/snapshot_text.h"
#include "output/profile_tags.h"
#include "output/sample_labels.h"

/* ---- goroutine ---- */

static bool is_named(const struct symtab *symtab, const struct sym_frame *f, const char *name)
{
	return !strcmp(symtab__string(symtab, f->func), name);
}

/* As runtime.isSystemGoroutine: by the function that the goroutine was started with. */
static bool is_system_func(const struct symtab *symtab, const struct sym_frame *f)
{
	return !strncmp(symtab__string(symtab, f->func), "runtime.", strlen("runtime.")) &&
	       !is_named(symtab, f, "runtime.main");
}

bool profile__is_system_start(const struct symtab *symtab, uint64_t startpc)
{
	size_t cnt;
	const struct sym_frame *f = symtab__frames(symtab, startpc, true, &cnt);

	return cnt && is_system_func(symtab, &f[cnt - 1]); /* the physical function */
}

bool profile__is_system_stack(const struct symtab *symtab, const uint64_t *pcs, size_t cnt)
{
	while (cnt--) {
		size_t n;
		const struct sym_frame *f = symtab__frames(symtab, pcs[cnt], !cnt, &n);

		if (n && !is_named(symtab, &f[n - 1], "runtime.goexit"))
			return is_system_func(symtab, &f[n - 1]);
	}
	return false;
}

static int add_goroutine(struct pprof_writer *w, const struct snapshot *s, const struct snap_g *g,
			 const struct symtab *symtab, unsigned tags)
{
	static const int64_t one[] = {1};
	const struct snap_label *from = s->labels + g->label_off;
	const struct goroutine_facts facts = {
		.goid = g->goid, .gopc = g->gopc, .tid = g->tid, .state = snap_g__state(s, g)};
	struct pprof_label *labels = calloc(g->label_cnt + PROFILE_TAGS_MAX, sizeof(*labels));
	struct profile_tag_text text;
	/* of a running one only the entry function is known */
	struct pprof_stack stack = {.pcs = &g->startpc, .cnt = 1, .leaf_exact = true};
	int err;

	if (!labels)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->label_cnt; i++)
		labels[i] = (struct pprof_label){.key = from[i].key, .str = from[i].val};
	if (g->stack_cnt)
		stack = (struct pprof_stack){.pcs = s->pcs + g->stack_off, .cnt = g->stack_cnt};
	err = pprof_writer__sample(
		w, &stack, one, labels,
		profile_tags__add(tags, &facts, symtab, &text, labels, g->label_cnt));
	free(labels);
	return err;
}

int goroutine_profile__add(struct pprof_writer *w, const struct snapshot *s,
			   const struct symtab *symtab, unsigned tags)
{
	int err = 0;

	for (size_t i = 0; !err && i < s->g_cnt; i++) {
		if (!profile__is_system_start(symtab, s->g[i].startpc))
			err = add_goroutine(w, s, &s->g[i], symtab, tags);
	}
	return err;
}

/* ---- from the folds over transitions ---- */

/* The PCs that st stands for, as model/transition.h says it. */
static struct pprof_stack pcs_of(const struct tr_stack *st, const struct raw_stacks *stacks)
{
	struct pprof_stack out = {
		.pcs = st->pcs,
		.cnt = st->pcs_cnt,
		.leaf_exact = st->leaf_exact,
		.skip = (uint16_t)(st->skip > 0 ? st->skip : 0),
	};
	bool cut;

	if (!out.pcs && st->id)
		out.pcs = raw_stacks__get(stacks, st->id, &out.cnt, &cut);
	if (!out.pcs && st->pc)
		out = (struct pprof_stack){.pcs = &st->pc, .cnt = 1, .leaf_exact = true};
	return out;
}

static int64_t clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* Some transitions have no goroutine whose stack it could be. lost: this one had one. */
static const char *const *row_without_stack(enum stack_profile which, bool lost)
{
	static const char *const woken[] = {"[scheduler: timer, network, end of a system call]"};
	static const char *const created[] = {"[scheduler: time.AfterFunc]"};
	static const char *const unknown[] = {"[stack not known]"};

	if (!lost && which == STACK_SCHED)
		return woken;
	return !lost && which == STACK_CREATE ? created : unknown;
}

int stack_profile__row(struct pprof_writer *w, const struct raw_stacks *stacks,
		       const struct symtab *symtab, enum stack_profile which,
		       const struct stack_profile_row *row)
{
	int64_t values[STACK_PROFILE_VALUES] = {0};
	struct pprof_stack stack = {0};
	struct profile_tag_text tags;
	struct sample_labels labels;
	size_t label_cnt = 0;

	for (size_t i = 0; i < stack_profile__value_cnt(which); i++)
		values[i] = clamp(row->v[i]);
	if (row->st)
		stack = pcs_of(row->st, stacks);
	if (row->owner)
		label_cnt = sample_labels__of_owner(row->owner, stacks, symtab, &tags, &labels);
	if (stack.pcs)
		return pprof_writer__sample(w, &stack, values, labels.labels, label_cnt);
	return pprof_writer__pseudo(w, row_without_stack(which, row->st != NULL), 1, values,
				    labels.labels, label_cnt);
}

int threadcreate_profile__add(struct pprof_writer *w, uint64_t m_cnt)
{
	static const char *const row[] = {"[threads]"};
	const int64_t value = clamp(m_cnt);

	return pprof_writer__pseudo(w, row, 1, &value, NULL, 0);
}

/* ---- mappings ---- */

#define LINE_MAX_SZ 4096 /* PATH_MAX, and what stands before the path */
#define BUILD_ID_SZ 80

struct map_line {
	struct pprof_mapping m;
	char build_id[BUILD_ID_SZ];
	char text[LINE_MAX_SZ + BUILD_ID_SZ];
};

static bool parse_line(const char *p, size_t n, struct map_line *out)
{
	unsigned long long start, limit, off;
	char perms[5];
	int at = 0;

	if (n >= sizeof(out->text) || memchr(p, '\0', n))
		return false;
	memcpy(out->text, p, n);
	out->text[n] = '\0';
	if (sscanf(out->text, "%llx-%llx %4s %llx %79s %n", &start, &limit, perms, &off,
		   out->build_id, &at) != 5 ||
	    !at || start >= limit)
		return false;
	if (!strcmp(out->build_id, "-"))
		out->build_id[0] = '\0';
	out->m = (struct pprof_mapping){start, limit, off, out->text + at, out->build_id};
	return true;
}

static bool is_exe(const char *path, const char *exe)
{
	const char *slash = strrchr(path, '/');

	return slash && !strcmp(slash + 1, exe);
}

/* The lines of the executable, or the others; memory without a name has no symbols to offer. */
static int add_lines(struct pprof_writer *w, const char *text, size_t len, const char *exe,
		     bool of_exe)
{
	struct map_line line;
	int err = 0;

	while (!err && len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		if (!parse_line(text, n, &line)) {
			log_error("mappings of the raw stream: malformed line of %zu bytes", n);
			return -EBADMSG;
		}
		if (line.m.path[0] && is_exe(line.m.path, exe) == of_exe)
			err = pprof_writer__mapping(w, &line.m);
		n += end != NULL;
		text += n;
		len -= n;
	}
	return err;
}

int profile__mappings(struct pprof_writer *w, const char *text, size_t len, const char *exe)
{
	int err = add_lines(w, text, len, exe, true);

	return err ? err : add_lines(w, text, len, exe, false);
}
