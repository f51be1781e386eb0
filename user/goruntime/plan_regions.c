/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/plan_regions.h"

#include <errno.h>
#include <string.h>

#include "binary/go_types.h"

#define START "runtime/trace.StartRegion"
#define END "runtime/trace.(*Region).End"

static bool has_bytes(const struct insn *in, const char *bytes, size_t n)
{
	return in->len >= n && !memcmp(in->bytes, bytes, n);
}

static bool is_je(const struct insn *in)
{
	return in->kind == INSN_JCC && (in->bytes[0] == 0x74 || has_bytes(in, "\x0f\x84", 2));
}

static bool is_jne(const struct insn *in)
{
	return in->kind == INSN_JCC && (in->bytes[0] == 0x75 || has_bytes(in, "\x0f\x85", 2));
}

/* ---- StartRegion ---- */

/* What the tracer's state is compared with: off is what equals 0, or what does not equal 1. */
static bool tells_off(const struct insn *in, enum site_when *off)
{
	if (has_bytes(in, "\x85\xd2", 2)) /* test %edx, %edx */
		*off = SITE_IF_EQUAL;
	else if (has_bytes(in, "\x83\xfa\x01", 3)) /* cmp $1, %edx */
		*off = SITE_IF_UNEQUAL;
	else
		return false;
	return true;
}

/* mov enabled(%rip), %edx: the one register that is written, and none of an argument. */
static bool loads_state(const struct insn *in)
{
	return has_bytes(in, "\x8b\x15", 2) && in->ref;
}

/* Frame and spills: what may stand between the entry and the load. */
static bool keeps_arguments(const struct insn *in)
{
	return in->kind == INSN_NOP || in->kind == INSN_PUSH ||
	       has_bytes(in, "\x48\x89\xe5", 3) ||	/* mov %rsp, %rbp */
	       has_bytes(in, "\x48\x83\xec", 3) ||	/* sub $n, %rsp */
	       has_bytes(in, "\x48\x8d\x6c\x24", 4) ||	/* lea n(%rsp), %rbp */
	       (in->len == 5 && in->bytes[0] == 0x48 && /* mov reg, n(%rsp) */
		in->bytes[1] == 0x89 && (in->bytes[2] & 0xc7) == 0x44 && in->bytes[3] == 0x24) ||
	       has_bytes(in, "\x49\x3b\x66\x10", 4) || /* cmp 0x10(%r14), %rsp */
	       (in->kind == INSN_JCC && (in->bytes[0] == 0x76 || has_bytes(in, "\x0f\x86", 2)));
}

static int find_start(struct plan_walk *w, struct region_start *out)
{
	struct insn in, before = {0};
	bool loaded = false;

	while (plan_walk__next(w, &in)) {
		if (loaded && (is_je(&in) || is_jne(&in)) && tells_off(&before, &out->when)) {
			out->spot = (struct plan_spot){.insn = in, .kind = SITE_JCC};
			return 0;
		}
		if (loads_state(&in) && !loaded)
			loaded = true;
		else if (!keeps_arguments(&in) && !(loaded && tells_off(&in, &out->when)))
			return -ENOENT;
		if (in.kind != INSN_NOP)
			before = in;
	}
	return -ENOENT;
}

/*
 * With the tracer on it calls ctx.Value(key): the method at 0x30 in the itab, which the
 * programs rely on, the key's type in RBX. With the tracer off it returns what noop points to.
 */
static int find_rest(struct plan_walk *w, struct region_start *out)
{
	bool method = false, called = false;
	struct insn in;

	while (plan_walk__next(w, &in)) {
		if (in.kind == INSN_CALL_IND) {
			called = true;
		} else if (!called && has_bytes(&in, "\x48\x8b", 2) && in.len == 4 &&
			   (in.bytes[2] & 0xc7) == 0x40) { /* mov n(%rax), reg */
			method = in.bytes[3] == 0x30;
		} else if (!called && has_bytes(&in, "\x48\x8d\x1d", 3)) { /* lea key, %rbx */
			out->key = in.ref;
		} else if (has_bytes(&in, "\x48\x8b\x05", 3)) { /* mov noop(%rip), %rax */
			if (out->noop && out->noop != in.ref)
				return -ENOENT;
			out->noop = in.ref;
		}
	}
	return method && called && out->key && out->noop ? 0 : -ENOENT;
}

int plan_regions__start(const struct plan_scan *s, struct region_start *out)
{
	struct gobinary_func f;
	struct plan_walk w;
	int err = gobinary__arch(s->b) == GOBINARY_AMD64 ? 0 : -ENOENT;

	*out = (struct region_start){0};
	if (!err)
		err = gobinary__func_by_name(s->b, START, &f);
	if (!err)
		err = plan_walk__begin(&w, s, &f);
	if (!err)
		err = find_start(&w, out);
	if (!err)
		err = find_rest(&w, out);
	/* programs take whatever lies behind it for a task */
	return err ? err : go_types__is(s->b, out->key, "trace.traceContextKey");
}

/* ---- End ---- */

struct ends {
	const struct plan_scan *scan;
	uint64_t noop;
	region_end_fn fn;
	void *ctx;
};

/* cmp reg, noop(%rip), either way around */
static bool compares_noop(const struct insn *in, uint64_t noop)
{
	return in->ref == noop && (in->bytes[0] & 0xfb) == 0x48 &&
	       (in->bytes[1] == 0x39 || in->bytes[1] == 0x3b);
}

/* Every use of the region that stands for none must be such a comparison with its branch: as many
 * as there are copies, at least. */
static int ends_in(void *ctx, const struct gobinary_func *f, size_t copies)
{
	const struct ends *e = ctx;
	struct plan_spot spot = {.kind = SITE_JCC};
	bool compared = false;
	size_t found = 0;
	struct plan_walk w;
	int err = plan_walk__begin(&w, e->scan, f);

	while (!err && plan_walk__next(&w, &spot.insn)) {
		if (compared && spot.insn.kind == INSN_NOP)
			continue;
		if (compared) {
			found++;
			err = is_je(&spot.insn) || is_jne(&spot.insn) ? e->fn(e->ctx, f, &spot)
								      : -ENOENT;
		}
		compared = compares_noop(&spot.insn, e->noop);
		if (spot.insn.ref == e->noop && !compared)
			return -ENOENT;
	}
	return err ? err : found >= copies && !compared ? 0 : -ENOENT;
}

int plan_regions__ends(const struct plan_scan *s, uint64_t noop, region_end_fn fn, void *ctx)
{
	struct ends e = {s, noop, fn, ctx};
	struct gobinary_func f;
	int err = gobinary__func_by_name(s->b, END, &f);

	if (!err)
		err = ends_in(&e, &f, 1);
	else if (err == -ENOENT) /* inlined everywhere */
		err = 0;
	return err ? err : gobinary__each_inlined(s->b, END, ends_in, &e);
}
