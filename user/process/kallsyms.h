/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROCESS_KALLSYMS_H
#define PROCESS_KALLSYMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* The functions of the running kernel and its modules, by /proc/kallsyms (kernel/kallsyms.c,
 * s_show): "ADDRESS TYPE NAME[\t[MODULE]]", a line each. */
struct kallsyms;

/* -EACCES: the kernel shows no addresses (kernel.kptr_restrict, CAP_SYSLOG). No message. */
int kallsyms__load(struct kallsyms **out);
/* The same from text. -EBADMSG: a line is none of these. */
int kallsyms__parse(struct span text, struct kallsyms **out);
void kallsyms__free(struct kallsyms *k);

/* The function that an address is in, as far as the next one's begin tells; NULL: before the first.
 * Borrowed. */
const char *kallsyms__find(const struct kallsyms *k, uint64_t addr);

/* Is it an address of the kernel? On x86-64 and arm64 user space is the lower half. */
static inline bool is_kernel_address(uint64_t addr)
{
	return addr >> 63;
}

#endif
