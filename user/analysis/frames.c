/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/frames.h"

#include <string.h>

size_t capture_frames(void *tables, const struct tr_stack *st, struct frame *out, size_t max)
{
	const struct capture_tables *tab = tables;
	struct sym_frame frames[LOGICAL_FRAMES_MAX];
	struct stack_rule rule = {
		.skip = st->skip,
		.leaf_exact = st->leaf_exact,
		.goid = st->goid,
		.cut = st->cut,
	};
	const uint64_t *pcs = st->pcs;
	size_t cnt = st->pcs_cnt, n;
	bool cut = false;

	if (!pcs && st->id) {
		pcs = raw_stacks__get(tab->stacks, st->id, &cnt, &cut);
		rule.cut |= cut;
	}
	if (!pcs && st->pc) {
		/* the entry of a function: exact, no root to be dropped, and often a wrapper
		 * (main.f.gowrap1) that passes the arguments of a go statement */
		pcs = &st->pc;
		cnt = 1;
		rule.leaf_exact = true;
		rule.cut = true;
		rule.keep_wrappers = true;
	}
	if (!pcs)
		return 0;
	n = stack__logical(tab->symtab, pcs, cnt, &rule, frames);
	for (size_t i = 0; i < n && i < max; i++) {
		out[i].func = symtab__string(tab->symtab, frames[i].func);
		out[i].file = symtab__string(tab->symtab, frames[i].file);
		out[i].line = frames[i].line;
	}
	return n < max ? n : max;
}

/* The dot behind the package is the first one after the last slash; generic arguments and method
 * values may hold slashes themselves, but only behind a bracket. */
size_t func_package_len(const char *func)
{
	size_t end = strcspn(func, "[("), at = 0;

	for (size_t i = 0; i < end; i++) {
		if (func[i] == '/')
			at = i + 1;
	}
	for (; at < end; at++) {
		if (func[at] == '.')
			return at;
	}
	return end;
}

/* First elements of the standard library's packages, Go 1.18 to 1.27 (go list std). */
static const char *const std_roots[] = {
	"archive",  "bufio",  "bytes",	 "cmp",	     "compress", "container", "context", "crypto",
	"database", "debug",  "embed",	 "encoding", "errors",	 "expvar",    "flag",	 "fmt",
	"go",	    "hash",   "html",	 "image",    "index",	 "internal",  "io",	 "iter",
	"log",	    "maps",   "math",	 "mime",     "net",	 "os",	      "path",	 "plugin",
	"reflect",  "regexp", "runtime", "simd",     "slices",	 "sort",      "strconv", "strings",
	"structs",  "sync",   "syscall", "testing",  "text",	 "time",      "unicode", "unique",
	"unsafe",   "uuid",   "vendor",	 "weak",
};

bool func_is_std(const char *func)
{
	size_t len = func_package_len(func), first = strcspn(func, "/.");

	if (first > len)
		first = len;
	for (size_t i = 0; i < sizeof(std_roots) / sizeof(std_roots[0]); i++) {
		if (strlen(std_roots[i]) == first && !memcmp(std_roots[i], func, first))
			return true;
	}
	return false;
}

bool func_is_user_root(const char *func)
{
	return strncmp(func, "runtime.", strlen("runtime.")) != 0 || !strcmp(func, "runtime.main");
}
