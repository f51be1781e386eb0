/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_INSN_H
#define BINARY_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "binary/gobinary.h"

/*
 * One machine instruction, as far as probes and references to globals need to know it
 * (Capstone decodes). On amd64 `ref` is a RIP-relative operand's address. On arm64 an
 * address takes two instructions (adrp, then add, ldr or str): a decoder that is fed in
 * program order sets `ref` at the second one.
 */
enum insn_kind {
	INSN_OTHER,
	INSN_PUSH,     /* amd64: push of a register */
	INSN_JCC,      /* conditional branch (arm64: b.cond, cbz, cbnz, tbz, tbnz) */
	INSN_CALL,     /* direct call: amd64 e8, arm64 bl */
	INSN_CALL_IND, /* through a register or memory */
	INSN_JMP,      /* direct jump */
	INSN_JMP_IND,
	INSN_RET,
	INSN_NOP,
	INSN_CMP,
	INSN_TRAP, /* int3, ud2, brk, udf: padding between functions */
};

struct insn {
	uint64_t addr;
	uint8_t len;
	enum insn_kind kind;
	uint8_t bytes[16];
	uint64_t target;  /* INSN_JCC, INSN_CALL, INSN_JMP */
	uint64_t ref;	  /* address of a global that it reads, writes or takes; 0 none */
	int32_t push_reg; /* INSN_PUSH: hardware number (rbp = 5); -1 otherwise */
	bool has_imm;	  /* INSN_CMP with an immediate */
	int64_t imm;
	char text[64]; /* "mov rbp, rsp", for messages */
};

struct insn_decoder;

/* -ENOMEM, or -EOPNOTSUPP when Capstone lacks the architecture (one message). */
int insn_decoder__new(enum gobinary_arch arch, struct insn_decoder **out);
void insn_decoder__free(struct insn_decoder *d);
/* The instruction at the start of code, which is mapped at addr. -EBADMSG undecodable. */
int insn_decoder__next(struct insn_decoder *d, struct span code, uint64_t addr, struct insn *out);
/* Forget adrp results: call at the start of a function. */
void insn_decoder__reset(struct insn_decoder *d);

#endif
