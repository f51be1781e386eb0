/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_SCAN_H
#define GORUNTIME_PLAN_SCAN_H

#include "binary/gobinary.h"
#include "binary/insn.h"
#include "goruntime/plan.h"

/*
 * Finds the instructions of a function that may carry a probe. Every search decodes from
 * the function's entry, so what it finds is an instruction's start.
 *
 * The kernel emulates push, jcc, call, jmp and nop (one trap, 0.5-0.9 µs); it single-steps all
 * else (two traps, 5-9 µs): arch/x86/kernel/uprobes.c, push_setup_xol_ops and
 * branch_setup_xol_ops.
 */
struct plan_scan {
	const struct gobinary *b;
	struct insn_decoder *d;
	unsigned minor;
};

struct plan_spot {
	struct insn insn;
	enum site_insn kind;
};

/* The instructions of a function in the order of addresses. */
struct plan_walk {
	const struct plan_scan *scan;
	struct span code;
	uint64_t entry, off;
};
int plan_walk__begin(struct plan_walk *w, const struct plan_scan *s, const struct gobinary_func *f);
/* false at the end of the function, at padding and at what cannot be decoded. */
bool plan_walk__next(struct plan_walk *w, struct insn *out);

/*
 * Where all argument registers of f are live: amd64 from 1.21 on the push of the frame pointer
 * (past the stack check, so once for each call), up to 1.20 the branch of the stack check; arm64
 * that branch. -ENOENT: f does not begin so.
 */
int plan_scan__prologue(const struct plan_scan *s, const struct gobinary_func *f,
			struct plan_spot *out);

/* In a function without stack check: the first jcc or call that every call of f passes. Only the
 * g register is known to be live there. -ENOENT. */
int plan_scan__first_branch(const struct plan_scan *s, const struct gobinary_func *f,
			    struct plan_spot *out);

/*
 * The one direct call of callee in f. with_nop5: take a five-byte nop right in front of it,
 * when no branch enters between the two. -ENOENT: none, or more than one.
 */
int plan_scan__call(const struct plan_scan *s, const struct gobinary_func *f, const char *callee,
		    bool with_nop5, struct plan_spot *out);

/* The first of several calls in the order of addresses. */
int plan_scan__first_call(const struct plan_scan *s, const struct gobinary_func *f,
			  const char *callee, struct plan_spot *out);

/* What returns from the one call of callee in f: single-stepped, unless it is by chance of an
 * emulated kind. */
int plan_scan__after_call(const struct plan_scan *s, const struct gobinary_func *f,
			  const char *callee, struct plan_spot *out);

/* The branch that follows the first call of callee with nothing but a comparison between: results
 * are still in their registers. -ENOENT. */
int plan_scan__branch_after_call(const struct plan_scan *s, const struct gobinary_func *f,
				 const char *callee, struct plan_spot *out);

/* The jne (arm64: the branch) behind the one call of callee, which returns a bool that it tests:
 * that still is in its register. -ENOENT. */
int plan_scan__branch_on_bool(const struct plan_scan *s, const struct gobinary_func *f,
			      const char *callee, struct plan_spot *out);

/*
 * amd64: the first branch behind the first call of callee (NULL: the first indirect call; at or
 * above `from`), which tests what
 * it returned: reg RAX or RBX for nil, or AL; nothing else but nops stands between. Results are
 * still in their registers, and ZF says that it was nil or false. -ENOENT.
 */
enum scan_test {
	TEST_AL,
	TEST_RAX,
	TEST_RBX
};
int plan_scan__branch_on_result(const struct plan_scan *s, const struct gobinary_func *f,
				const char *callee, uint64_t from, enum scan_test test,
				struct plan_spot *out);

/* amd64: is a register compared with that small number somewhere in the function? 0 or -ENOENT. */
int plan_scan__compares_with(const struct plan_scan *s, const struct gobinary_func *f,
			     uint8_t number);

/*
 * amd64: the one branch behind the comparison of RBX with a variable, that behind an indirect call
 * (nothing else but nops and a load of the variable's other word stands between). -ENOENT.
 */
int plan_scan__branch_on_variable(const struct plan_scan *s, const struct gobinary_func *f,
				  struct plan_spot *out);

/*
 * amd64: the branch that leads around the one call of callee, a method of traceLocker:
 *	trace := traceAcquire()
 *	if trace.ok() { trace.callee(); … }
 * Passed whether tracing is on or not, as is told by the jump that goes to the test in front of
 * it with no tracer. -ENOENT.
 */
int plan_scan__branch_around(const struct plan_scan *s, const struct gobinary_func *f,
			     const char *callee, struct plan_spot *out);

#define ASSIST_ENDS_MAX 4
/*
 * amd64: the ends of a mark assist in gcAssistAlloc (src/runtime/mgcmark.go, Go 1.22 to 1.27):
 *	trace := traceAcquire()
 *	if trace.ok() { trace.GCMarkAssistDone(); gp.inMarkAssist = false; … }
 *	else { gp.inMarkAssist = false }
 * The spots are the jne of each if: passed once, whether tracing is on or not. -ENOENT unless
 * each of them has both a store of 0 to that field behind it and a call of GCMarkAssistDone where
 * it leads, no such call is left over, and all store to the same field as the begin does (a 1).
 */
int plan_scan__assist_ends(const struct plan_scan *s, const struct gobinary_func *f,
			   struct plan_spot out[ASSIST_ENDS_MAX], size_t *cnt);

/*
 * amd64: the one call of casgstatus(newg, _Gdead, _Grunnable) in f, told by the constant 1 in
 * the third argument.
 */
int plan_scan__call_make_runnable(const struct plan_scan *s, const struct gobinary_func *f,
				  struct plan_spot *out);

#endif
