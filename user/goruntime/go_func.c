/* SPDX-License-Identifier: GPL-2.0-only */
/* What the runtime makes of function names when it prints stacks: src/runtime/traceback.go. */
#include <stdio.h>
#include <string.h>

#include "goruntime/frame_cache.h"

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_one_of(const char *s, const char *const *list, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (!strcmp(s, list[i]))
			return true;
	}
	return false;
}

#define IS_ONE_OF(s, list) is_one_of(s, list, sizeof(list) / sizeof((list)[0]))

bool go_func__is_system_root(const char *startfn, bool has_user_frame)
{
	static const char *const user[] = {"runtime.main", "runtime.corostart",
					   "runtime.handleAsyncEvent"};
	/* finalizers (runfinq up to 1.24) and cleanups (1.25) run code of the program */
	static const char *const sometimes[] = {"runtime.runfinq", "runtime.runFinalizers",
						"runtime.runCleanups"};

	if (IS_ONE_OF(startfn, user))
		return false;
	if (IS_ONE_OF(startfn, sometimes))
		return !has_user_frame;
	return has_prefix(startfn, "runtime.");
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* name begins with "runtime." */
static bool is_exported(unsigned go_minor, const char *name)
{
	const char *base = name + strlen("runtime."), *dot;

	/* methods are looked at from 1.23 on */
	if (go_minor < 23)
		return is_upper(base[0]);
	dot = strrchr(base, '.');
	if (!dot)
		return is_upper(base[0]);
	if (has_prefix(base, "(*") && dot[-1] == ')' && dot - base >= 3)
		return is_upper(dot[1]) && (dot - base == 3 || is_upper(base[2]));
	return is_upper(dot[1]) && (dot == base || is_upper(base[0]));
}

bool go_func__is_shown(unsigned go_minor, const char *name, bool wrapper, bool first,
		       const char *callee)
{
	/* elideWrapperCalling: a wrapper that panics is kept */
	static const char *const panics[] = {"runtime.gopanic", "runtime.sigpanic",
					     "runtime.panicwrap"};
	static const char *const context[] = {"runtime.runFinalizers", "runtime.runCleanups"};

	if (wrapper && !IS_ONE_OF(callee, panics))
		return false;
	if (go_minor >= 25 && IS_ONE_OF(name, context))
		return true;
	if (!first && !strcmp(name, "runtime.gopanic"))
		return true;
	return strchr(name, '.') && (!has_prefix(name, "runtime.") || is_exported(go_minor, name));
}

bool go_func__is_trap(const char *name)
{
	static const char *const traps[] = {"runtime.sigpanic", "runtime.asyncPreempt",
					    "runtime.debugCallV2"};

	return IS_ONE_OF(name, traps);
}

bool go_func__is_runtime(unsigned go_minor, const char *name)
{
	/* runtime/pprof hides internal/runtime from 1.24 on */
	return has_prefix(name, "runtime.") ||
	       (go_minor >= 24 && has_prefix(name, "internal/runtime/"));
}

/*
 * A generic method of a generic type (Go 1.27) has two lists: the first ']' at depth 0 that a '['
 * follows at depth 0 parts them. The result is always "[...]" for each.
 */
static bool second_list(const char *open, const char *close, const char **rbr, const char **lbr)
{
	int depth = 1;

	*rbr = *lbr = NULL;
	for (const char *c = open + 1; c < close; c++) {
		if (*c == '[' && ++depth == 1) {
			*lbr = c;
			return *rbr != NULL;
		}
		if (*c == ']' && --depth < 0)
			return false;
		if (*c == ']' && depth == 0)
			*rbr = c;
	}
	return false;
}

const char *go_func__print_name(const char *name, char *out, size_t sz)
{
	const char *open = strchr(name, '['), *close = strrchr(name, ']'), *rbr, *lbr;

	if (!open || !close || close < open)
		snprintf(out, sz, "%s", name);
	else if (second_list(open, close, &rbr, &lbr))
		snprintf(out, sz, "%.*s[...]%.*s[...]%s", (int)(open - name), name,
			 (int)(lbr - rbr - 1), rbr + 1, close + 1);
	else
		snprintf(out, sz, "%.*s[...]%s", (int)(open - name), name, close + 1);
	return out;
}
