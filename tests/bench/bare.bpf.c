/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "types.h"

#include <bpf/bpf_helpers.h>

/* What a probe costs at least: a program that does nothing but count. */
__u64 hits;

SEC("uprobe.multi")
int bare(void *ctx)
{
	hits++;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
