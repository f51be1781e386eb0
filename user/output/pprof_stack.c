/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/pprof_stack.h"

#include <string.h>

static bool is_panic(const char *func)
{
	return !strcmp(func, "runtime.gopanic") || !strcmp(func, "runtime.sigpanic") ||
	       !strcmp(func, "runtime.panicwrap");
}

struct walk {
	const struct symtab *symtab;
	const struct pprof_stack_rule *rule;
	size_t skip;	   /* logical frames to go */
	const char *below; /* the function that the frames called */
};

static bool is_left_out(const struct walk *w, const struct pprof_place *p)
{
	if (p->cnt != 1)
		return false;
	if (p->frames[0].wrapper)
		return !(w->rule->keep_wrappers && !w->skip) && !is_panic(w->below);
	return !w->rule->keep_goexit &&
	       !strcmp(symtab__string(w->symtab, p->frames[0].func), "runtime.goexit");
}

/* How many of the frames of one PC are skipped. */
static size_t skipped(struct walk *w, const struct pprof_place *p)
{
	const char *below = w->below;
	size_t i = 0;

	if (w->skip && (!p->cnt || !p->frames[0].file)) { /* not Go: one, whatever it is */
		w->skip--;
		return p->cnt ? p->cnt : 1;
	}
	for (; w->skip && i < p->cnt; i++) {
		if (!p->frames[i].wrapper || is_panic(below))
			w->skip--;
		below = symtab__string(w->symtab, p->frames[i].func);
	}
	while (i < p->cnt && p->frames[i].wrapper && !is_panic(below))
		i++;
	return i;
}

int pprof_stack__each(const struct symtab *t, const struct pprof_stack *stack,
		      const struct pprof_stack_rule *rule, pprof_place_fn fn, void *ctx)
{
	struct walk w = {.symtab = t, .rule = rule, .skip = stack->skip, .below = ""};
	int err = 0;

	for (size_t i = 0; !err && i < stack->cnt; i++) {
		struct pprof_place p = {.pc = stack->pcs[i], .exact = stack->leaf_exact && i == 0};
		bool gone;

		p.frames = symtab__frames(t, p.pc, p.exact, &p.cnt);
		if (is_left_out(&w, &p) || !p.pc)
			continue;
		if (w.skip)
			p.from = skipped(&w, &p);
		gone = p.from && p.from >= p.cnt;
		w.below = p.cnt ? symtab__string(t, p.frames[p.cnt - 1].func) : "";
		if (!gone)
			err = fn(ctx, &p);
	}
	return err;
}

bool pprof_place__shows(const struct pprof_place *p, const struct pprof_stack_rule *rule, size_t i)
{
	/* A wrapper with the function inlined into it is left out even where wrappers are kept: by
	 * who expands the frame (Frames.Next in src/runtime/symtab.go). */
	return !p->frames[i].wrapper || p->cnt == 1 || !(p->from || i || !rule->keep_wrappers);
}
