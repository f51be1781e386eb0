/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/symtab.h"

#include <string.h>

/*
 * src/runtime/tracestack.go: traceStack drops the root, fpunwindExpand expands inlining,
 * leaves out wrappers and skips logical frames, makeTraceFrames drops what is not Go
 * (Frames.Next in src/runtime/symtab.go passes over PCs of no Go function).
 */
struct expansion {
	const struct symtab *t;
	const struct stack_rule *rule;
	struct sym_frame *out;
	size_t cnt;
	int skip;
	const char *below; /* the function that the next frame called, "" none */
};

/* elideWrapperCalling in src/runtime/traceback.go: a wrapper that panicked is shown. */
static bool is_panic(const char *func)
{
	return !strcmp(func, "runtime.gopanic") || !strcmp(func, "runtime.sigpanic") ||
	       !strcmp(func, "runtime.panicwrap");
}

static void skip_or_add(struct expansion *x, const struct sym_frame *f)
{
	if (x->skip > 0)
		x->skip--;
	else if (x->cnt < LOGICAL_FRAMES_MAX)
		x->out[x->cnt++] = *f;
}

static void expand_pc(struct expansion *x, uint64_t pc, bool exact)
{
	size_t cnt;
	const struct sym_frame *f = symtab__frames(x->t, pc, exact, &cnt);

	/* the runtime keeps such a PC until after it has skipped */
	if (!cnt || !f[0].file) {
		if (x->skip > 0)
			x->skip--;
		else if (cnt && x->rule->keep_foreign)
			skip_or_add(x, &f[0]);
		return;
	}
	for (size_t i = 0; i < cnt; i++) {
		if (!f[i].wrapper || x->rule->keep_wrappers || is_panic(x->below))
			skip_or_add(x, &f[i]);
		x->below = symtab__string(x->t, f[i].func);
	}
}

size_t stack__logical(const struct symtab *t, const uint64_t *pcs, size_t cnt,
		      const struct stack_rule *rule, struct sym_frame out[LOGICAL_FRAMES_MAX])
{
	struct expansion x = {.t = t, .rule = rule, .out = out, .skip = rule->skip, .below = ""};

	if (!rule->keep_root && !rule->cut) {
		/* runtime.goexit, whatever it is; then runtime.main */
		size_t roots = rule->goid == 1 ? 2 : 1;

		cnt -= cnt < roots ? cnt : roots;
	}
	for (size_t i = 0; i < cnt; i++)
		expand_pc(&x, pcs[i], rule->leaf_exact && i == 0);
	return x.cnt;
}
