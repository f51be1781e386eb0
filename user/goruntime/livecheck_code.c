/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runtime's own instructions as a witness: a function that is known to use a field has an
 * access of the field's size at its offset from some register. It holds for a quiet process
 * too. amd64 only.
 */
#include "goruntime/livecheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "binary/insn.h"

#define FUNC_BYTES_MAX 16384

struct witness {
	enum check_field field;
	uint8_t sz;
	const char *funcs[4]; /* any of them */
};

/* src/runtime/proc.go unless noted; the functions of Go 1.18-1.27 */
static const struct witness witnesses[] = {
	{F_WAITREASON, 1, {"runtime.gopark"}},
	{F_M_BLOCK_REASON, 1, {"runtime.gopark"}},
	{F_M_SKIP, 8, {"runtime.gopark"}},
	{F_M_CURG, 8, {"runtime.gopark"}},
	{F_M_P, 8, {"runtime.reentersyscall", "runtime.entersyscall"}},
	{F_M_OLDP, 8, {"runtime.reentersyscall", "runtime.entersyscall"}},
	{F_M_SYSCALLTICK, 4, {"runtime.reentersyscall", "runtime.entersyscall"}},
	{F_P_SYSCALLTICK, 4, {"runtime.reentersyscall", "runtime.entersyscall"}},
	{F_P_STATUS, 4, {"runtime.wirep", "runtime.acquirep", "runtime.procresize"}},
	{F_P_M, 8, {"runtime.releasepNoTrace", "runtime.releasep"}},
	{F_SCHEDLINK, 8, {"runtime.injectglist", "runtime.globrunqget", "runtime.gfput"}},
	{F_SYNC_SAFE_POINT, 1, {"runtime.newstack"}},
	{F_IN_MARK_ASSIST, 1, {"runtime.gcAssistAlloc", "runtime.gcAssistAlloc1"}}, /* mgcmark.go */
	{F_COROEXIT, 1, {"runtime.coroswitch_m"}},				    /* coro.go */
	{F_COROARG, 8, {"runtime.coroswitch_m"}},
	{F_LABELS, 8, {"runtime/pprof.runtime_setProfLabel"}}, /* proflabel.go */
	{F_WAITSINCE, 8, {"runtime.exitsyscall"}},
	{F_LOCKEDM, 8, {"runtime.gdestroy", "runtime.goexit0"}},
	{F_TRACKING_SEQ, 1, {"runtime.casgstatus"}},
	{F_P_MARK_WORKER, 8, {"runtime.gcBgMarkWorker", "runtime.findRunnable"}},
	{F_P_RUNQHEAD, 4, {"runtime.runqput", "runtime.runqget", "runtime.runqgrab"}},
	{F_P_RUNQTAIL, 4, {"runtime.runqput", "runtime.runqget", "runtime.runqgrab"}},
	{F_P_RUNNEXT, 8, {"runtime.runqput", "runtime.runqget", "runtime.runqgrab"}},
};

/* "mov qword ptr [rdx + 0x308], rsi": the displacement and size of a memory operand whose base is
 * neither the stack nor the program counter; false when there is none. */
static bool memory_operand(const char *text, int32_t *disp, uint8_t *sz)
{
	static const struct {
		const char *word;
		uint8_t sz;
	} sizes[] = {{"byte ptr [", 1}, {"dword ptr [", 4}, {"qword ptr [", 8}};
	const char *at = NULL, *sign, *end;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !at; i++) {
		at = strstr(text, sizes[i].word);
		if (at && at != text && at[-1] != ' ' && at[-1] != ',')
			at = NULL;
		if (at) {
			at += strlen(sizes[i].word);
			*sz = sizes[i].sz;
		}
	}
	if (!at || !strncmp(at, "rsp", 3) || !strncmp(at, "rbp", 3) || !strncmp(at, "rip", 3))
		return false;
	end = strchr(at, ']');
	sign = strstr(at, " + ");
	if (!end)
		return false;
	*disp = 0;
	for (; sign && sign < end; sign = strstr(sign + 3, " + ")) {
		if (sign[3] >= '0' && sign[3] <= '9')
			*disp = (int32_t)strtol(sign + 3, NULL, 0);
	}
	return true;
}

/*
 * Where the same functions use the words beside it too, how it is used tells it apart:
 * p.gcMarkWorkerMode is compared with gcMarkWorkerFractionalMode and gcMarkWorkerIdleMode,
 * g.lockedm and g.coroarg are cleared.
 */
static bool is_used_as(enum check_field f, const char *text)
{
	const char *at = strstr(text, "], ");

	if (f == F_P_MARK_WORKER)
		return at && (!strcmp(at, "], 2") || !strcmp(at, "], 3"));
	if (f == F_LOCKEDM || f == F_COROARG || f == F_P_M)
		return at && !strcmp(at, "], 0") && !strncmp(text, "mov ", 4);
	return true;
}

/* false: there is no such function */
static bool look_into(struct insn_decoder *d, const struct gobinary *b, const char *func,
		      const struct witness *w, int32_t off, bool *uses)
{
	struct gobinary_func f;
	struct insn in;
	struct span code;
	uint64_t len;

	if (gobinary__func_by_name(b, func, &f))
		return false;
	len = f.end - f.entry < FUNC_BYTES_MAX ? f.end - f.entry : FUNC_BYTES_MAX;
	if (gobinary__bytes(b, f.entry, len, &code))
		return true;
	insn_decoder__reset(d);
	for (uint64_t at = 0; at < code.n && !*uses; at += in.len) {
		struct span rest;
		int32_t disp;
		uint8_t sz = 0;

		if (span__from(code, at, &rest) || insn_decoder__next(d, rest, f.entry + at, &in))
			break;
		*uses = memory_operand(in.text, &disp, &sz) && disp == off && sz == w->sz &&
			is_used_as(w->field, in.text);
	}
	return true;
}

int check_code__look(struct check *c)
{
	const struct gobinary *b = c->src->bin;
	struct insn_decoder *d = NULL;
	int err;

	if (!b || gobinary__arch(b) != GOBINARY_AMD64)
		return 0;
	err = insn_decoder__new(GOBINARY_AMD64, &d);
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(witnesses) / sizeof(witnesses[0]); i++) {
		const struct witness *w = &witnesses[i];
		int32_t off = check__offset(c->src->lay, w->field);
		bool uses = false, linked = false;

		for (size_t k = 0; k < 4 && off >= 0 && w->funcs[k] && !uses; k++)
			linked |= look_into(d, b, w->funcs[k], w, off, &uses);
		if (uses)
			c->seen[w->field] |= CHECK_CODE;
		if (!linked)
			c->seen[w->field] |= CHECK_UNUSED;
	}
	insn_decoder__free(d);
	return 0;
}
