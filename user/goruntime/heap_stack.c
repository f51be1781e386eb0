/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/heap_buckets.h"

#include <string.h>

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/*
 * As runtime.FuncForPC sees the PC: itself, not the call before it, and the innermost function that
 * was inlined there.
 */
static bool is_runtime(const struct gobinary *b, uint64_t pc, unsigned go_minor)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	size_t cnt;

	if (gobinary__frames(b, pc, f, &cnt) || !cnt)
		return false;
	/* runtime/pprof/protomem.go: the second from 1.24 on */
	return has_prefix(f[0].func, "runtime.") ||
	       (go_minor >= 24 && has_prefix(f[0].func, "internal/runtime/"));
}

/* PCs that stand for the callers which pcs[0] was inlined into: runtime.tracebackPCs
 * (gentraceback up to 1.20) adds 1 to the place of the call in its caller. */
static size_t inlined_callers(const struct gobinary *b, uint64_t bias, const uint64_t *pcs,
			      size_t cnt)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	size_t frame_cnt, n = 0;

	if (gobinary__frames(b, pcs[0] - bias - 1, f, &frame_cnt))
		return 0;
	/* frames of wrappers have no PC in the list */
	for (size_t k = 1; k < frame_cnt && n + 1 < cnt; k++) {
		if (pcs[n + 1] == f[k].pc + bias + 1)
			n++;
	}
	return n;
}

size_t heap_stack__physical(const struct gobinary *b, uint64_t bias, unsigned go_minor,
			    uint64_t *pcs, size_t cnt, size_t *hidden)
{
	size_t from = 0, out;

	while (from < cnt && is_runtime(b, pcs[from] - bias, go_minor))
		from++;
	/* nothing else: it is shown as it is */
	if (from == cnt)
		from = 0;
	*hidden = out = from;
	while (from < cnt) {
		size_t skip = inlined_callers(b, bias, pcs + from, cnt - from);

		pcs[out++] = pcs[from];
		from += 1 + skip;
	}
	return out - *hidden;
}
