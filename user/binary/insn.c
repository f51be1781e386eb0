/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/insn.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define ARM64_REG_CNT 32

struct insn_decoder {
	csh cs;
	cs_insn *buf;
	enum gobinary_arch arch;
	/* arm64: what adrp left in x0 … x30; 0 unknown */
	uint64_t page[ARM64_REG_CNT];
};

int insn_decoder__new(enum gobinary_arch arch, struct insn_decoder **out)
{
	struct insn_decoder *d = calloc(1, sizeof(*d));
	cs_err err;

	if (!d)
		return -ENOMEM;
	d->arch = arch;
	err = arch == GOBINARY_AMD64 ? cs_open(CS_ARCH_X86, CS_MODE_64, &d->cs)
				     : cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &d->cs);
	if (err != CS_ERR_OK) {
		log_error("decoder: Capstone cannot decode %s: %s",
			  arch == GOBINARY_AMD64 ? "x86-64" : "arm64", cs_strerror(err));
		free(d);
		return -EOPNOTSUPP;
	}
	cs_option(d->cs, CS_OPT_DETAIL, CS_OPT_ON);
	d->buf = cs_malloc(d->cs);
	if (!d->buf) {
		insn_decoder__free(d);
		return -ENOMEM;
	}
	*out = d;
	return 0;
}

void insn_decoder__free(struct insn_decoder *d)
{
	if (!d)
		return;
	if (d->buf)
		cs_free(d->buf, 1);
	cs_close(&d->cs);
	free(d);
}

void insn_decoder__reset(struct insn_decoder *d)
{
	memset(d->page, 0, sizeof(d->page));
}

/* ---- amd64 ---- */

static bool is_x86_jump(const cs_insn *in)
{
	for (int i = 0; i < in->detail->groups_count; i++) {
		if (in->detail->groups[i] == X86_GRP_JUMP)
			return true;
	}
	return false;
}

static enum insn_kind x86_kind(const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;
	bool direct = x->op_count == 1 && x->operands[0].type == X86_OP_IMM;

	switch (in->id) {
	case X86_INS_PUSH:
		return x->operands[0].type == X86_OP_REG ? INSN_PUSH : INSN_OTHER;
	case X86_INS_CALL:
		return direct ? INSN_CALL : INSN_CALL_IND;
	case X86_INS_JMP:
		return direct ? INSN_JMP : INSN_JMP_IND;
	case X86_INS_RET:
		return INSN_RET;
	case X86_INS_NOP:
		return INSN_NOP;
	case X86_INS_CMP:
		return INSN_CMP;
	case X86_INS_INT3:
	case X86_INS_UD2:
		return INSN_TRAP;
	case X86_INS_JCXZ:
	case X86_INS_JECXZ:
	case X86_INS_JRCXZ:
		/* conditional, but not jcc: nothing emulates it as one */
		return INSN_OTHER;
	}
	return is_x86_jump(in) ? INSN_JCC : INSN_OTHER;
}

static int x86_push_reg(unsigned reg)
{
	static const uint16_t regs[] = {X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX,
					X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI,
					X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
					X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		if (regs[i] == reg)
			return i;
	}
	return -1;
}

static void x86_fill(const cs_insn *in, struct insn *out)
{
	const cs_x86 *x = &in->detail->x86;

	out->kind = x86_kind(in);
	if (out->kind == INSN_JCC || out->kind == INSN_CALL || out->kind == INSN_JMP)
		out->target = (uint64_t)x->operands[0].imm;
	if (out->kind == INSN_PUSH)
		out->push_reg = x86_push_reg(x->operands[0].reg);
	for (int i = 0; i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];

		if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP)
			out->ref = in->address + in->size + (uint64_t)op->mem.disp;
		if (op->type == X86_OP_IMM && out->kind == INSN_CMP) {
			out->has_imm = true;
			out->imm = op->imm;
		}
	}
}

/* ---- arm64 ---- */

static int arm64_number(unsigned reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return (int)(reg - ARM64_REG_X0);
	if (reg == ARM64_REG_X29 || reg == ARM64_REG_X30)
		return reg == ARM64_REG_X29 ? 29 : 30;
	return -1;
}

static enum insn_kind arm64_kind(const cs_insn *in)
{
	switch (in->id) {
	case ARM64_INS_B:
		return in->detail->arm64.cc == ARM64_CC_INVALID ||
				       in->detail->arm64.cc == ARM64_CC_AL
			       ? INSN_JMP
			       : INSN_JCC;
	case ARM64_INS_CBZ:
	case ARM64_INS_CBNZ:
	case ARM64_INS_TBZ:
	case ARM64_INS_TBNZ:
		return INSN_JCC;
	case ARM64_INS_BL:
		return INSN_CALL;
	case ARM64_INS_BLR:
		return INSN_CALL_IND;
	case ARM64_INS_BR:
		return INSN_JMP_IND;
	case ARM64_INS_RET:
		return INSN_RET;
	case ARM64_INS_NOP:
		return INSN_NOP;
	case ARM64_INS_CMP:
		return INSN_CMP;
	case ARM64_INS_BRK:
		return INSN_TRAP;
	}
	return INSN_OTHER;
}

/* adrp + add, or adrp + load/store [reg, #off]: the second one names the address. */
static uint64_t arm64_ref(struct insn_decoder *d, const cs_insn *in)
{
	const cs_arm64 *a = &in->detail->arm64;

	for (int i = 0; i < a->op_count; i++) {
		if (a->operands[i].type != ARM64_OP_MEM || a->operands[i].mem.index)
			continue;
		int base = arm64_number(a->operands[i].mem.base);

		if (base >= 0 && d->page[base])
			return d->page[base] + (uint64_t)(int64_t)a->operands[i].mem.disp;
	}
	if (in->id == ARM64_INS_ADD && a->op_count == 3 && a->operands[1].type == ARM64_OP_REG &&
	    a->operands[2].type == ARM64_OP_IMM) {
		int base = arm64_number(a->operands[1].reg);

		if (base >= 0 && d->page[base])
			return d->page[base] + (uint64_t)a->operands[2].imm;
	}
	return 0;
}

/* Any write to a register ends what adrp said about it. */
static void arm64_track(struct insn_decoder *d, const cs_insn *in)
{
	const cs_arm64 *a = &in->detail->arm64;
	cs_regs reads, writes;
	uint8_t read_cnt, write_cnt;

	if (in->id == ARM64_INS_BL || in->id == ARM64_INS_BLR) {
		insn_decoder__reset(d);
		return;
	}
	if (cs_regs_access(d->cs, in, reads, &read_cnt, writes, &write_cnt) == CS_ERR_OK) {
		for (int i = 0; i < write_cnt; i++) {
			int reg = arm64_number(writes[i]);

			if (reg < 0 && writes[i] >= ARM64_REG_W0 && writes[i] <= ARM64_REG_W30)
				reg = (int)(writes[i] - ARM64_REG_W0);
			if (reg >= 0)
				d->page[reg] = 0;
		}
	}
	if (in->id == ARM64_INS_ADRP && a->op_count == 2) {
		int reg = arm64_number(a->operands[0].reg);

		if (reg >= 0)
			d->page[reg] = (uint64_t)a->operands[1].imm;
	}
}

static int arm64_branch_operand(const cs_arm64 *a)
{
	for (int i = a->op_count - 1; i >= 0; i--) {
		if (a->operands[i].type == ARM64_OP_IMM)
			return i;
	}
	return -1;
}

static void arm64_fill(struct insn_decoder *d, const cs_insn *in, struct insn *out)
{
	const cs_arm64 *a = &in->detail->arm64;
	int imm = arm64_branch_operand(a);

	out->kind = arm64_kind(in);
	if ((out->kind == INSN_JCC || out->kind == INSN_CALL || out->kind == INSN_JMP) && imm >= 0)
		out->target = (uint64_t)a->operands[imm].imm;
	if (out->kind == INSN_CMP && imm >= 0) {
		out->has_imm = true;
		out->imm = a->operands[imm].imm;
	}
	out->ref = arm64_ref(d, in);
	arm64_track(d, in);
}

/* udf #0 fills the space between functions; Capstone 4 does not know it. */
static bool is_arm64_udf(const struct insn_decoder *d, struct span code)
{
	uint32_t word;

	return d->arch == GOBINARY_ARM64 && !span__u32(code, 0, &word) && word <= 0xffff;
}

int insn_decoder__next(struct insn_decoder *d, struct span code, uint64_t addr, struct insn *out)
{
	const uint8_t *p = code.p;
	size_t n = code.n;
	uint64_t at = addr;

	memset(out, 0, sizeof(*out));
	out->addr = addr;
	out->push_reg = -1;
	if (is_arm64_udf(d, code)) {
		out->kind = INSN_TRAP;
		out->len = 4;
		memcpy(out->bytes, code.p, 4);
		snprintf(out->text, sizeof(out->text), "udf");
		return 0;
	}
	if (!cs_disasm_iter(d->cs, &p, &n, &at, d->buf) || d->buf->size > sizeof(out->bytes))
		return -EBADMSG;
	out->len = (uint8_t)d->buf->size;
	memcpy(out->bytes, code.p, out->len);
	snprintf(out->text, sizeof(out->text), "%.20s %.40s", d->buf->mnemonic, d->buf->op_str);
	if (d->arch == GOBINARY_AMD64)
		x86_fill(d->buf, out);
	else
		arm64_fill(d, d->buf, out);
	return 0;
}
