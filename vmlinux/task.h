/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef VMLINUX_TASK_H
#define VMLINUX_TASK_H

#include "types.h"

/*
 * What the programs read of the kernel's own structures. Only names count here: libbpf
 * puts in the running kernel's offsets from its BTF.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct thread_struct {
	unsigned long fsbase;
};
#else
struct thread_struct {
	struct {
		unsigned long tp_value;
	} uw;
};
#endif

struct task_struct {
	void *stack;
	struct thread_struct thread;
};

#pragma clang attribute pop

#endif
