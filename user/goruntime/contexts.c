/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/contexts.h"

#include <errno.h>
#include <string.h>

#include "goruntime/plan_regions.h"

#define ARRAY_CNT(a) (sizeof(a) / sizeof((a)[0]))
#define METHOD ").Value"

/* src/context/context.go, func value, Go 1.18 to 1.27. An itab has the methods with a pointer
 * receiver; but for one all of these have the context that they wrap at their begin. */
static const struct {
	const char *name;
	uint32_t kind;
} known[] = {
	{"context.(*valueCtx).Value", GBT_CONTEXT_VALUE},
	{"context.(*cancelCtx).Value", GBT_CONTEXT_WRAP},
	{"context.(*timerCtx).Value", GBT_CONTEXT_WRAP},
	{"context.(*withoutCancelCtx).Value", GBT_CONTEXT_WRAP},
	{"context.(*emptyCtx).Value", GBT_CONTEXT_EMPTY}, /* up to 1.20 Background itself */
	{"context.(*backgroundCtx).Value", GBT_CONTEXT_EMPTY},
	{"context.(*todoCtx).Value", GBT_CONTEXT_EMPTY},
};

static uint32_t kind_by_name(const char *name, unsigned minor)
{
	/* Go 1.20 alone embeds a pointer to cancelCtx there */
	if (minor == 20 && !strcmp(name, "context.(*timerCtx).Value"))
		return GBT_CONTEXT_POINT;
	for (size_t i = 0; i < ARRAY_CNT(known); i++) {
		if (!strcmp(name, known[i].name))
			return known[i].kind;
	}
	return GBT_CONTEXT_NONE;
}

/* ---- methods that the compiler made ---- */

static bool is(const struct insn *in, const char *bytes, size_t n)
{
	return in->len >= n && !memcmp(in->bytes, bytes, n);
}

/* Loads of the embedded context, its method, and the call, in this order and with these registers.
 */
static const struct {
	const char *bytes;
	size_t n;
} hand_on[] = {
	{"\x48\x8b\x10", 3},	 /* mov (%rax), %rdx */
	{"\x48\x8b\x40\x08", 4}, /* mov 8(%rax), %rax */
	{"\x48\x8b\x52\x30", 4}, /* mov 0x30(%rdx), %rdx */
};

/* Frame, spills, and the check for a panic that the compiler puts into wrappers up to 1.25. */
static bool is_before(const struct insn *in)
{
	return in->kind == INSN_NOP || in->kind == INSN_PUSH || in->kind == INSN_JCC ||
	       is(in, "\x49\x3b\x66\x10", 4) ||				 /* cmp 0x10(%r14), %rsp */
	       is(in, "\x48\x89\xe5", 3) || is(in, "\x48\x83\xec", 3) || /* frame */
	       is(in, "\x48\x8d\x6c\x24", 4) ||				 /* lea n(%rsp), %rbp */
	       is(in, "\x4d\x8b\x66\x20", 4) || is(in, "\x4d\x85\xe4", 3) || /* g._panic, r12 */
	       is(in, "\x48\x85\xc0", 3) ||				     /* test %rax, %rax */
	       (in->len == 5 && in->bytes[0] == 0x48 && in->bytes[1] == 0x89 &&
		(in->bytes[2] & 0xc7) == 0x44 && in->bytes[3] == 0x24); /* mov reg, n(%rsp) */
}

static bool is_behind(const struct insn *in)
{
	return in->kind == INSN_NOP || is(in, "\x48\x83\xc4", 3) || is(in, "\x5d", 1) ||
	       is(in, "\x48\x8b\x6c\x24", 4); /* add $n, %rsp; pop %rbp; mov n(%rsp), %rbp */
}

static bool hands_on(const struct plan_scan *s, const struct gobinary_func *f)
{
	struct plan_walk w;
	struct insn in;
	size_t step = 0;

	if (plan_walk__begin(&w, s, f))
		return false;
	while (step < ARRAY_CNT(hand_on) && plan_walk__next(&w, &in)) {
		if (is(&in, hand_on[step].bytes, hand_on[step].n))
			step++;
		else if (step || !is_before(&in))
			return false;
	}
	if (step < ARRAY_CNT(hand_on) || !plan_walk__next(&w, &in))
		return false;
	if (is(&in, "\xff\xe2", 2)) /* jmp *%rdx */
		return true;
	if (!is(&in, "\xff\xd2", 2)) /* call *%rdx */
		return false;
	while (plan_walk__next(&w, &in)) {
		if (in.kind == INSN_RET)
			return true;
		if (!is_behind(&in))
			return false;
	}
	return false;
}

/* ---- all of them ---- */

static bool is_method(const char *name)
{
	size_t len = strlen(name), n = sizeof(METHOD) - 1;

	return len > n && !strcmp(name + len - n, METHOD);
}

static int add_methods(const struct plan_scan *s, struct contexts *out)
{
	struct gobinary_func f;
	int err = 0;

	for (size_t i = 0; !err && i < gobinary__func_count(s->b); i++) {
		uint32_t kind;

		err = gobinary__func_at(s->b, i, &f);
		if (err || !is_method(f.name))
			continue;
		kind = kind_by_name(f.name, s->minor);
		if (kind == GBT_CONTEXT_NONE && hands_on(s, &f))
			kind = GBT_CONTEXT_WRAP;
		if (kind == GBT_CONTEXT_NONE || out->cnt == GBT_CONTEXTS_MAX)
			continue; /* regions with such a one are left out, and counted */
		out->methods[out->cnt++] = (struct context_method){f.entry, kind};
	}
	return err;
}

int contexts__of_binary(const struct gobinary *b, struct contexts *out)
{
	struct plan_scan s = {.b = b, .minor = gobinary__version(b)->minor};
	struct region_start start;
	int err = insn_decoder__new(gobinary__arch(b), &s.d);

	memset(out, 0, sizeof(*out));
	if (!err)
		err = plan_regions__start(&s, &start);
	if (!err) {
		out->key = start.key;
		err = add_methods(&s, out);
	}
	insn_decoder__free(s.d);
	return err == -ENOENT ? 0 : err;
}
