/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/alloc_profile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct adder {
	struct pprof_writer *w;
	const struct raw_stacks *stacks;
	const struct symtab *symtab;
	unsigned go_minor;
};

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_runtime(const char *func)
{
	return has_prefix(func, "runtime.") || has_prefix(func, "internal/runtime/") ||
	       has_prefix(func, "runtime/internal/");
}

/*
 * Up to Go 1.25 mProf_Malloc (src/runtime/mprof.go) skips a fixed number of frames, mallocgc's
 * caller the last of them. That is the runtime's own even where it has the name of another package:
 * internal/bytealg.MakeNoZero, reflect.unsafe_New.
 */
#define HIDES_CALLERS_UNTIL_MINOR 25

uint16_t alloc_profile__runtime_frames(const struct symtab *symtab, unsigned go_minor,
				       const uint64_t *pcs, size_t cnt)
{
	bool behind_malloc = false;
	uint16_t n = 0;

	for (size_t i = 0; i < cnt; i++) {
		size_t frame_cnt;
		const struct sym_frame *f = symtab__frames(symtab, pcs[i], false, &frame_cnt);

		for (size_t k = 0; k < frame_cnt; k++) {
			const char *func = symtab__string(symtab, f[k].func);

			if (!is_runtime(func) && !behind_malloc)
				return n;
			behind_malloc = go_minor <= HIDES_CALLERS_UNTIL_MINOR &&
					!strcmp(func, "runtime.mallocgc");
			n += !f[k].wrapper && n < UINT16_MAX;
		}
	}
	return 0;
}

static int add_row(void *ctx, uint64_t stack, uint64_t size, double objects, double bytes)
{
	static const char *const no_stack[] = {"[stack not known]"};
	static const char *const no_sample[] = {"[allocated, not sampled]"};
	const struct adder *a = ctx;
	const struct pprof_label label = {.key = "bytes", .num = (int64_t)size};
	const int64_t values[] = {llround(objects), llround(bytes)};
	struct pprof_stack st = {0};

	if (!values[0] && !values[1])
		return 0;
	if (!stack)
		return pprof_writer__pseudo(a->w, no_sample, 1, values, NULL, 0);
	st.pcs = raw_stacks__get(a->stacks, stack, &st.cnt, NULL);
	if (!st.pcs || !st.cnt)
		return pprof_writer__pseudo(a->w, no_stack, 1, values, NULL, 0);
	st.skip = alloc_profile__runtime_frames(a->symtab, a->go_minor, st.pcs, st.cnt);
	return pprof_writer__sample(a->w, &st, values, &label, size ? 1 : 0);
}

int alloc_profile__add(struct pprof_writer *w, const struct alloc_estimate *e,
		       const struct alloc_slices *slices, const struct raw_stacks *stacks,
		       const struct symtab *symtab, unsigned go_minor)
{
	struct adder a = {w, stacks, symtab, go_minor};

	return alloc_estimate__each(e, &slices->begin, &slices->end, add_row, &a);
}

void alloc_profile__estimate(const struct alloc_estimate *e, const struct alloc_slices *slices,
			     char *out, size_t sz)
{
	double on =
		slices->window_ns ? 100.0 * (double)slices->on_ns / (double)slices->window_ns : 0;

	snprintf(out, sz,
		 "estimate: %llu samples in %.0f %% of the window, scaled to the runtime's totals "
		 "by "
		 "size class; the split within a class is not exact",
		 (unsigned long long)alloc_estimate__samples(e), on > 100 ? 100 : on);
}
