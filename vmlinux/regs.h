/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef VMLINUX_REGS_H
#define VMLINUX_REGS_H

#include "types.h"

/*
 * User registers as a uprobe and a perf event hand them over, and which of them Go's
 * internal ABI uses (Go's src/cmd/compile/abi-internal.md). The layouts are part of the
 * kernel's user API, so they need no relocation.
 */
/*
 * By an instruction of its own: where several places want one of the context's words, the compiler
 * would keep its address, and the verifier takes no load through an address in the context.
 */
#define REGS_WORD(r, field)                                                                        \
	({                                                                                         \
		unsigned long word_;                                                               \
		asm("%0 = *(u64 *)(%1 + %2)"                                                       \
		    : "=r"(word_)                                                                  \
		    : "r"(r), "i"(__builtin_offsetof(struct pt_regs, field)));                     \
		word_;                                                                             \
	})

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

#define REGS_PC(r) ((r)->ip)
#define REGS_SP(r) ((r)->sp)
#define REGS_FP(r) ((r)->bp)
#define REGS_FLAGS(r) ((r)->flags)
#define REGS_IS_USER(r) (((r)->cs & 3) != 0)
#define GO_G(r) REGS_WORD(r, r14)
#define GO_ARG0(r) REGS_WORD(r, ax)
#define GO_ARG1(r) REGS_WORD(r, bx)
#define GO_ARG2(r) REGS_WORD(r, cx)
#define GO_ARG3(r) REGS_WORD(r, di)
#define GO_ARG4(r) REGS_WORD(r, si)

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs { /* struct user_pt_regs */
	unsigned long regs[31], sp, pc, pstate;
};

#define REGS_PC(r) ((r)->pc)
#define REGS_SP(r) ((r)->sp)
#define REGS_FP(r) ((r)->regs[29])
#define REGS_LR(r) ((r)->regs[30])
/* as amd64 has them: bit 0 is set when a comparison borrowed (C clear), bit 6 is Z */
#define REGS_FLAGS(r) ((~((r)->pstate >> 29) & 1) | ((r)->pstate >> 30 & 1) << 6)
#define REGS_IS_USER(r) (((r)->pstate & 0xf) == 0)
#define GO_G(r) REGS_WORD(r, regs[28])
#define GO_ARG0(r) REGS_WORD(r, regs[0])
#define GO_ARG1(r) REGS_WORD(r, regs[1])
#define GO_ARG2(r) REGS_WORD(r, regs[2])
#define GO_ARG3(r) REGS_WORD(r, regs[3])
#define GO_ARG4(r) REGS_WORD(r, regs[4])

#else
#error "no such architecture"
#endif

struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

#endif
