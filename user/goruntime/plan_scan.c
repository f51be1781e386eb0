/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/plan_scan.h"

#include <errno.h>
#include <string.h>

#define PROLOGUE_INSNS_MAX 6
#define STRAIGHT_INSNS_MAX 40
#define RBP 5

/* ---- walking over a function ---- */

int plan_walk__begin(struct plan_walk *w, const struct plan_scan *s, const struct gobinary_func *f)
{
	*w = (struct plan_walk){.scan = s, .entry = f->entry};
	insn_decoder__reset(s->d);
	if (f->end <= f->entry)
		return -ENOENT;
	return gobinary__bytes(s->b, f->entry, f->end - f->entry, &w->code);
}

bool plan_walk__next(struct plan_walk *w, struct insn *out)
{
	struct span rest;

	if (w->off >= w->code.n || span__from(w->code, w->off, &rest) ||
	    insn_decoder__next(w->scan->d, rest, w->entry + w->off, out))
		return false;
	w->off += out->len;
	return out->kind != INSN_TRAP;
}

static enum site_insn branch_kind(const struct insn *in)
{
	return in->kind == INSN_CALL ? SITE_CALL : SITE_JCC;
}

/* ---- prologues ---- */

static bool has_bytes(const struct insn *in, const char *bytes, size_t n)
{
	return in->len >= n && !memcmp(in->bytes, bytes, n);
}

/* cmp 0x10(%r14), %rsp or %r12; //go:systemstack functions compare 0x18(%r14). */
static bool is_amd64_limit_cmp(const struct insn *in)
{
	return in->len == 4 &&
	       (has_bytes(in, "\x49\x3b\x66", 3) || has_bytes(in, "\x4d\x3b\x66", 3)) &&
	       (in->bytes[3] == 0x10 || in->bytes[3] == 0x18);
}

/* lea -N(%rsp), %r12: what is compared in functions with large frames */
static bool is_amd64_lea_r12(const struct insn *in)
{
	return has_bytes(in, "\x4c\x8d\x64\x24", 4) || has_bytes(in, "\x4c\x8d\xa4\x24", 4);
}

static bool is_amd64_jbe(const struct insn *in)
{
	return in->kind == INSN_JCC && (in->bytes[0] == 0x76 || has_bytes(in, "\x0f\x86", 2));
}

/* push %rbp, then mov %rsp, %rbp; before them nothing but the stack check. */
static int amd64_push(struct plan_walk *w, struct plan_spot *out)
{
	struct insn next;

	for (int i = 0; i < PROLOGUE_INSNS_MAX && plan_walk__next(w, &out->insn); i++) {
		const struct insn *in = &out->insn;

		if (in->kind == INSN_PUSH && in->push_reg == RBP && in->len == 1) {
			out->kind = SITE_PUSH;
			return plan_walk__next(w, &next) && has_bytes(&next, "\x48\x89\xe5", 3)
				       ? 0
				       : -ENOENT;
		}
		if (!is_amd64_limit_cmp(in) && !is_amd64_lea_r12(in) && !is_amd64_jbe(in))
			return -ENOENT;
	}
	return -ENOENT;
}

/* The jbe of the stack check, which leads to the call of morestack at the function's end. */
static int amd64_jbe(struct plan_walk *w, const struct gobinary_func *f, struct plan_spot *out)
{
	bool compared = false;

	for (int i = 0; i < PROLOGUE_INSNS_MAX && plan_walk__next(w, &out->insn); i++) {
		const struct insn *in = &out->insn;

		if (is_amd64_jbe(in)) {
			out->kind = SITE_JCC;
			return compared && in->target > in->addr && in->target < f->end ? 0
											: -ENOENT;
		}
		compared |= is_amd64_limit_cmp(in);
		if (!is_amd64_limit_cmp(in) && !is_amd64_lea_r12(in))
			return -ENOENT;
	}
	return -ENOENT;
}

static uint32_t arm64_word(const struct insn *in)
{
	uint32_t w;

	memcpy(&w, in->bytes, sizeof(w));
	return w;
}

/* ldr x16, [x28, #16 or #24]; cmp sp, x16 (or sub x17, sp, #N; cmp x17, x16); b.ls */
static int arm64_bls(struct plan_walk *w, const struct gobinary_func *f, struct plan_spot *out)
{
	bool loaded = false;

	for (int i = 0; i < PROLOGUE_INSNS_MAX && plan_walk__next(w, &out->insn); i++) {
		const struct insn *in = &out->insn;
		uint32_t word = arm64_word(in);

		if ((word & 0xff00001f) == 0x54000009) { /* b.ls */
			out->kind = SITE_JCC;
			return loaded && in->target > in->addr && in->target < f->end ? 0 : -ENOENT;
		}
		if (word == 0xf9400b90 || word == 0xf9400f90) /* ldr x16, [x28, …] */
			loaded = true;
		else if (!loaded || in->kind == INSN_JCC || in->kind == INSN_CALL ||
			 in->kind == INSN_JMP || in->kind == INSN_RET)
			return -ENOENT;
	}
	return -ENOENT;
}

int plan_scan__prologue(const struct plan_scan *s, const struct gobinary_func *f,
			struct plan_spot *out)
{
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	if (gobinary__arch(s->b) == GOBINARY_ARM64)
		return arm64_bls(&w, f, out);
	return s->minor >= 21 ? amd64_push(&w, out) : amd64_jbe(&w, f, out);
}

int plan_scan__first_branch(const struct plan_scan *s, const struct gobinary_func *f,
			    struct plan_spot *out)
{
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	for (int i = 0; i < STRAIGHT_INSNS_MAX && plan_walk__next(&w, &out->insn); i++) {
		switch (out->insn.kind) {
		case INSN_JCC:
		case INSN_CALL:
			out->kind = branch_kind(&out->insn);
			return 0;
		case INSN_CALL_IND:
		case INSN_JMP:
		case INSN_JMP_IND:
		case INSN_RET:
			return -ENOENT;
		default:
			break;
		}
	}
	return -ENOENT;
}

/* ---- calls ---- */

static bool calls(const struct plan_scan *s, const struct insn *in, const char *callee)
{
	struct gobinary_func f;

	return in->kind == INSN_CALL && !gobinary__func_by_pc(s->b, in->target, &f) &&
	       f.entry == in->target && !strcmp(f.name, callee);
}

static bool is_nop5(const struct insn *in)
{
	return in->len == 5 && has_bytes(in, "\x0f\x1f\x44\x00\x00", 5);
}

static bool is_branched_to(const struct plan_scan *s, const struct gobinary_func *f, uint64_t addr)
{
	struct insn in;
	struct plan_walk w;

	if (plan_walk__begin(&w, s, f))
		return true;
	while (plan_walk__next(&w, &in)) {
		if ((in.kind == INSN_JCC || in.kind == INSN_JMP) && in.target == addr)
			return true;
	}
	return false;
}

struct found_call {
	struct insn call, before, after;
};

/* The one call of callee, and its neighbours (len 0: there is none). */
static int find_call(const struct plan_scan *s, const struct gobinary_func *f, const char *callee,
		     struct found_call *out)
{
	struct insn in, before = {0};
	bool found = false;
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	memset(out, 0, sizeof(*out));
	while (plan_walk__next(&w, &in)) {
		if (found && !out->after.len)
			out->after = in;
		if (calls(s, &in, callee)) {
			if (found)
				return -ENOENT;
			found = true;
			out->call = in;
			out->before = before;
		}
		before = in;
	}
	return found ? 0 : -ENOENT;
}

int plan_scan__call(const struct plan_scan *s, const struct gobinary_func *f, const char *callee,
		    bool with_nop5, struct plan_spot *out)
{
	struct found_call c;
	int err = find_call(s, f, callee, &c);

	if (err)
		return err;
	out->insn = c.call;
	out->kind = SITE_CALL;
	if (with_nop5 && is_nop5(&c.before) && !is_branched_to(s, f, c.call.addr)) {
		out->insn = c.before;
		out->kind = SITE_NOP5;
	}
	return 0;
}

int plan_scan__first_call(const struct plan_scan *s, const struct gobinary_func *f,
			  const char *callee, struct plan_spot *out)
{
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	while (plan_walk__next(&w, &out->insn)) {
		if (calls(s, &out->insn, callee)) {
			out->kind = SITE_CALL;
			return 0;
		}
	}
	return -ENOENT;
}

int plan_scan__after_call(const struct plan_scan *s, const struct gobinary_func *f,
			  const char *callee, struct plan_spot *out)
{
	struct found_call c;
	int err = find_call(s, f, callee, &c);

	if (err)
		return err;
	if (!c.after.len)
		return -ENOENT;
	out->insn = c.after;
	switch (c.after.kind) {
	case INSN_CALL:
		out->kind = SITE_CALL;
		break;
	case INSN_JCC:
		/* Never a stack check here: nothing about its flags may drop a hit. */
		out->kind = SITE_STEPPED;
		break;
	case INSN_NOP:
		out->kind = is_nop5(&c.after) ? SITE_NOP5 : SITE_NOP;
		break;
	default:
		out->kind = SITE_STEPPED;
	}
	return 0;
}

int plan_scan__branch_after_call(const struct plan_scan *s, const struct gobinary_func *f,
				 const char *callee, struct plan_spot *out)
{
	bool returned = false;
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	while (plan_walk__next(&w, &out->insn)) {
		if (returned && out->insn.kind == INSN_JCC) {
			out->kind = SITE_JCC;
			return 0;
		}
		if (returned && out->insn.kind != INSN_CMP && out->insn.kind != INSN_NOP)
			return -ENOENT;
		returned |= calls(s, &out->insn, callee);
	}
	return -ENOENT;
}

static bool is_jne(const struct insn *in)
{
	return in->kind == INSN_JCC && (in->bytes[0] == 0x75 || has_bytes(in, "\x0f\x85", 2));
}

/* What may stand between a call and the test of its bool: test al, al; its store into the frame. */
static bool is_about_result(const struct insn *in)
{
	return in->kind == INSN_NOP || (in->len == 2 && has_bytes(in, "\x84\xc0", 2)) ||
	       (in->len == 4 && has_bytes(in, "\x88\x44\x24", 3)) ||
	       (in->len == 7 && has_bytes(in, "\x88\x84\x24", 3));
}

int plan_scan__branch_on_bool(const struct plan_scan *s, const struct gobinary_func *f,
			      const char *callee, struct plan_spot *out)
{
	struct insn in = {0}, before = in;
	struct found_call c;
	struct plan_walk w;
	int err = find_call(s, f, callee, &c);

	if (err)
		return err;
	if (gobinary__arch(s->b) == GOBINARY_ARM64)
		return plan_scan__branch_after_call(s, f, callee, out);
	err = plan_walk__begin(&w, s, f);
	if (err)
		return err;
	w.off = c.after.addr - f->entry;
	while (plan_walk__next(&w, &in) && is_about_result(&in))
		before = in;
	if (!is_jne(&in) || !has_bytes(&before, "\x84\xc0", 2))
		return -ENOENT;
	*out = (struct plan_spot){.insn = in, .kind = SITE_JCC};
	return 0;
}

static bool is_test_of(const struct insn *in, enum scan_test test)
{
	static const char *const tests[] = {
		[TEST_AL] = "\x84\xc0", [TEST_RAX] = "\x48\x85\xc0", [TEST_RBX] = "\x48\x85\xdb"};

	return in->len == strlen(tests[test]) && has_bytes(in, tests[test], in->len);
}

static bool is_je(const struct insn *in)
{
	return in->kind == INSN_JCC && (in->bytes[0] == 0x74 || has_bytes(in, "\x0f\x84", 2));
}

int plan_scan__branch_on_result(const struct plan_scan *s, const struct gobinary_func *f,
				const char *callee, uint64_t from, enum scan_test test,
				struct plan_spot *out)
{
	bool returned = false, tested = false;
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (!err && gobinary__arch(s->b) != GOBINARY_AMD64)
		err = -ENOENT;
	out->kind = SITE_JCC;
	while (!err && plan_walk__next(&w, &out->insn)) {
		if (out->insn.kind == INSN_NOP)
			continue;
		if (tested)
			return is_je(&out->insn) || is_jne(&out->insn) ? 0 : -ENOENT;
		if (returned && !is_test_of(&out->insn, test))
			return -ENOENT;
		tested = returned;
		returned |= out->insn.addr >= from && (callee ? calls(s, &out->insn, callee)
							      : out->insn.kind == INSN_CALL_IND);
	}
	return err ? err : -ENOENT;
}

int plan_scan__compares_with(const struct plan_scan *s, const struct gobinary_func *f,
			     uint8_t number)
{
	struct insn in;
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (!err && gobinary__arch(s->b) != GOBINARY_AMD64)
		err = -ENOENT;
	while (!err && plan_walk__next(&w, &in)) {
		if (in.len == 4 && has_bytes(&in, "\x48\x83", 2) && (in.bytes[2] & 0xf8) == 0xf8 &&
		    in.bytes[3] == number)
			return 0;
	}
	return err ? err : -ENOENT;
}

/* cmp var(%rip), %rbx */
static bool compares_rbx(const struct insn *in)
{
	return in->ref && in->len == 7 &&
	       (has_bytes(in, "\x48\x39\x1d", 3) || has_bytes(in, "\x48\x3b\x1d", 3));
}

int plan_scan__branch_on_variable(const struct plan_scan *s, const struct gobinary_func *f,
				  struct plan_spot *out)
{
	bool returned = false, compared = false, found = false;
	struct insn in;
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (!err && gobinary__arch(s->b) != GOBINARY_AMD64)
		err = -ENOENT;
	while (!err && plan_walk__next(&w, &in)) {
		if (in.kind == INSN_NOP)
			continue;
		if (compared && (found || !is_jne(&in)))
			return -ENOENT;
		if (compared)
			*out = (struct plan_spot){.insn = in, .kind = SITE_JCC};
		found |= compared;
		compared = returned && compares_rbx(&in);
		/* mov var+8(%rip), %rdx */
		returned = in.kind == INSN_CALL_IND ||
			   (returned && in.ref && has_bytes(&in, "\x48\x8b\x15", 3));
	}
	return err ? err : found ? 0 : -ENOENT;
}

int plan_scan__call_make_runnable(const struct plan_scan *s, const struct gobinary_func *f,
				  struct plan_spot *out)
{
	struct insn in, before = {0};
	bool found = false;
	struct plan_walk w;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	if (gobinary__arch(s->b) != GOBINARY_AMD64)
		return -ENOENT;
	while (plan_walk__next(&w, &in)) {
		/* mov $1, %ecx */
		if (has_bytes(&before, "\xb9\x01\x00\x00\x00", 5) &&
		    calls(s, &in, "runtime.casgstatus")) {
			if (found)
				return -ENOENT;
			found = true;
			out->insn = in;
			out->kind = SITE_CALL;
		}
		if (in.kind != INSN_NOP)
			before = in;
	}
	return found ? 0 : -ENOENT;
}

/* ---- where the tracer would be called ---- */

#define AROUND_INSNS_MAX 2 /* between the branch and the call: the lock is saved */

/* test reg, reg */
static bool is_test(const struct insn *in)
{
	return in->len == 3 && in->bytes[0] == 0x48 && in->bytes[1] == 0x85 && in->bytes[2] >= 0xc0;
}

int plan_scan__branch_around(const struct plan_scan *s, const struct gobinary_func *f,
			     const char *callee, struct plan_spot *out)
{
	struct insn in, before = {0}, test = {0};
	struct found_call c;
	int behind = AROUND_INSNS_MAX + 1;
	struct plan_walk w;
	int err = find_call(s, f, callee, &c);

	if (err)
		return err;
	if (gobinary__arch(s->b) != GOBINARY_AMD64)
		return -ENOENT;
	err = plan_walk__begin(&w, s, f);
	while (!err && plan_walk__next(&w, &in) && in.addr < c.call.addr) {
		behind = in.kind == INSN_OTHER ? behind + 1 : AROUND_INSNS_MAX + 1;
		if (in.kind == INSN_JCC && (in.bytes[0] == 0x74 || has_bytes(&in, "\x0f\x84", 2))) {
			*out = (struct plan_spot){.insn = in, .kind = SITE_JCC};
			test = before;
			behind = 0;
		}
		before = in;
	}
	if (err)
		return err;
	return behind <= AROUND_INSNS_MAX && is_test(&test) && out->insn.target > c.call.addr &&
			       is_branched_to(s, f, test.addr)
		       ? 0
		       : -ENOENT;
}

/* ---- the ends of a mark assist ---- */

#define FLAG_INSNS_MAX 2  /* between a jne and its store: a load of gp, without optimisation */
#define DONE_BYTES_MAX 24 /* from where a jne leads to the call, likewise */

/* movb $imm, disp32(reg) */
static bool is_flag_store(const struct insn *in, uint8_t imm, int32_t *disp)
{
	if (in->len != 7 || in->bytes[0] != 0xc6 || (in->bytes[1] & 0xf8) != 0x80 ||
	    (in->bytes[1] & 7) == 4 || in->bytes[6] != imm)
		return false;
	memcpy(disp, in->bytes + 2, sizeof(*disp));
	return true;
}

struct assist_ends {
	struct plan_spot *spots;
	size_t cnt, calls;
	unsigned called; /* bit i: spot i leads to a call */
	bool begun;	 /* a store of 1 behind a jne was seen */
	int32_t disp;	 /* of all stores */
	bool bad;
};

/* The store behind jne: an end's, the begin's (a 1), or none of both. */
static void take_store(struct assist_ends *e, const struct insn *jne, const struct insn *in)
{
	bool any = e->begun || e->cnt;
	int32_t disp;

	if (is_flag_store(in, 1, &disp)) {
		e->bad |= any && disp != e->disp;
		e->begun = true;
	} else if (is_flag_store(in, 0, &disp)) {
		e->bad |= (any && disp != e->disp) || e->cnt == ASSIST_ENDS_MAX;
		if (!e->bad)
			e->spots[e->cnt++] = (struct plan_spot){.insn = *jne, .kind = SITE_JCC};
	} else {
		return;
	}
	e->disp = disp;
}

static void take_call(struct assist_ends *e, uint64_t addr)
{
	e->calls++;
	for (size_t i = 0; i < e->cnt; i++) {
		uint64_t to = e->spots[i].insn.target;

		if (to <= addr && addr - to <= DONE_BYTES_MAX)
			e->called |= 1u << i;
	}
}

int plan_scan__assist_ends(const struct plan_scan *s, const struct gobinary_func *f,
			   struct plan_spot out[ASSIST_ENDS_MAX], size_t *cnt)
{
	struct assist_ends e = {.spots = out};
	struct insn in, jne = {0};
	struct plan_walk w;
	int behind = FLAG_INSNS_MAX;
	int err = plan_walk__begin(&w, s, f);

	if (err)
		return err;
	if (gobinary__arch(s->b) != GOBINARY_AMD64)
		return -ENOENT;
	while (plan_walk__next(&w, &in)) {
		if (calls(s, &in, "runtime.traceLocker.GCMarkAssistDone"))
			take_call(&e, in.addr);
		if (behind < FLAG_INSNS_MAX)
			take_store(&e, &jne, &in);
		if (in.kind != INSN_NOP)
			behind = in.kind == INSN_OTHER ? behind + 1 : FLAG_INSNS_MAX;
		if (is_jne(&in)) {
			jne = in;
			behind = 0;
		}
	}
	*cnt = e.cnt;
	return e.begun && e.cnt && !e.bad && e.calls == e.cnt && e.called == (1u << e.cnt) - 1
		       ? 0
		       : -ENOENT;
}
