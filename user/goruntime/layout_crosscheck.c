/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runtime's own instructions as a witness for a layout. mcall (asm_amd64.s,
 * asm_arm64.s) stores the PC, SP and frame pointer of the goroutine into g.sched through the
 * register that holds g; casgstatus compares and swaps g.atomicstatus.
 */
#include "goruntime/layout.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "binary/insn.h"

#define FUNC_BYTES_MAX 512

typedef bool (*insn_fn)(void *ctx, const struct insn *in); /* false stops */

/* The instructions of a function in order, at most FUNC_BYTES_MAX bytes. -ENOENT: no such
 * function; an undecodable byte ends the walk. */
static int each_insn(const struct gobinary *b, const char *name, insn_fn fn, void *ctx)
{
	struct insn_decoder *d = NULL;
	struct gobinary_func f;
	struct span code;
	struct insn in;
	uint64_t len;
	int err;

	err = gobinary__func_by_name(b, name, &f);
	if (err)
		return err;
	len = f.end - f.entry < FUNC_BYTES_MAX ? f.end - f.entry : FUNC_BYTES_MAX;
	err = gobinary__bytes(b, f.entry, len, &code);
	if (err)
		return err;
	err = insn_decoder__new(gobinary__arch(b), &d);
	if (err)
		return err;
	for (uint64_t off = 0; off < code.n; off += in.len) {
		struct span rest;

		if (span__from(code, off, &rest) ||
		    insn_decoder__next(d, rest, f.entry + off, &in) || !fn(ctx, &in))
			break;
	}
	insn_decoder__free(d);
	return 0;
}

/* ---- one store of mcall ---- */

/*
 * amd64: mov %reg, disp8(%r14) = REX.W+B 89 /r with mod 01, rm 110. arm64: str xT, [x28, #imm].
 * g.sched lies below 128 in every version.
 */
static bool is_store_to_g(const struct insn *in, enum gobinary_arch arch, int32_t *disp)
{
	if (arch == GOBINARY_AMD64) {
		if (in->len != 4 || in->bytes[0] != 0x49 || in->bytes[1] != 0x89 ||
		    (in->bytes[2] & 0xc7) != 0x46)
			return false;
		*disp = (int8_t)in->bytes[3];
		return true;
	}
	uint32_t w;

	memcpy(&w, in->bytes, sizeof(w));
	if ((w & 0xffc003e0) != (0xf9000000 | 28u << 5))
		return false;
	*disp = (int32_t)(w >> 10 & 0xfff) * 8;
	return true;
}

struct stores {
	enum gobinary_arch arch;
	int32_t disp[8];
	unsigned cnt;
};

static bool note_store(void *ctx, const struct insn *in)
{
	struct stores *s = ctx;
	int32_t disp;

	if (is_store_to_g(in, s->arch, &disp) && s->cnt < 8)
		s->disp[s->cnt++] = disp;
	return in->kind != INSN_CALL_IND && in->kind != INSN_RET;
}

static bool has_store(const struct stores *s, int32_t disp)
{
	for (unsigned i = 0; i < s->cnt; i++) {
		if (s->disp[i] == disp)
			return true;
	}
	return false;
}

/* ---- the first compare-and-swap of casgstatus ---- */

static bool note_cmpxchg(void *ctx, const struct insn *in)
{
	const uint8_t *p = in->bytes, *end = in->bytes + in->len;
	int32_t *disp = ctx;
	uint8_t modrm;

	if (*p++ != 0xf0)
		return true;
	if ((*p & 0xf0) == 0x40) /* REX */
		p++;
	if (end - p < 3 || p[0] != 0x0f || p[1] != 0xb1)
		return true;
	modrm = p[2];
	p += 3 + ((modrm & 7) == 4); /* SIB */
	if (modrm >> 6 == 2 && end - p == 4)
		memcpy(disp, p, 4);
	else if (modrm >> 6 == 1 && end - p == 1)
		*disp = (int8_t)*p;
	return false;
}

/* ---- */

static int mismatch(const struct gobinary *b, const struct go_layout *l, bool log,
		    const char *field, int32_t have, const char *func)
{
	if (log)
		log_error("layout: '%s': %s is at %d by %s, but %s does not refer to it there: not "
			  "the runtime that its version '%s' says",
			  gobinary__name(b), field, have, l->origin[0] ? l->origin : "its DWARF",
			  func, gobinary__version(b)->text);
	return -EBADMSG;
}

static int check_mcall(const struct gobinary *b, const struct go_layout *l, bool log,
		       unsigned *checked)
{
	const struct {
		const char *name;
		int32_t off;
	} fields[] = {
		{"g.sched.pc", l->off.g_sched_pc},
		{"g.sched.sp", l->off.g_sched_sp},
		{"g.sched.bp", l->off.g_sched_bp},
	};
	struct stores s = {.arch = gobinary__arch(b)};
	int err = each_insn(b, "runtime.mcall", note_store, &s);

	if (err == -ENOMEM)
		return err;
	if (err || s.cnt < 3)
		return 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!has_store(&s, fields[i].off))
			return mismatch(b, l, log, fields[i].name, fields[i].off, "runtime.mcall");
		++*checked;
	}
	return 0;
}

static int check_casgstatus(const struct gobinary *b, const struct go_layout *l, bool log,
			    unsigned *checked)
{
	int32_t disp = -1;
	int err;

	if (gobinary__arch(b) != GOBINARY_AMD64)
		return 0;
	err = each_insn(b, "runtime.casgstatus", note_cmpxchg, &disp);
	if (err == -ENOMEM)
		return err;
	if (err || disp < 0)
		return 0;
	if (disp != l->off.g_atomicstatus)
		return mismatch(b, l, log, "g.atomicstatus", l->off.g_atomicstatus,
				"runtime.casgstatus");
	++*checked;
	return 0;
}

int layout__crosscheck(const struct gobinary *b, const struct go_layout *l, bool log,
		       unsigned *checked)
{
	unsigned cnt = 0;
	int err = check_mcall(b, l, log, &cnt);

	if (!err)
		err = check_casgstatus(b, l, log, &cnt);
	if (checked)
		*checked = cnt;
	return err;
}
