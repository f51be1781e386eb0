/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "types.h"

#include <bpf/bpf_helpers.h>

/* What a probe costs at least: a program that does nothing but count, and programs that do nothing
 * at all for everything that a full capture attaches. */
__u64 hits;

SEC("uprobe.multi")
int bare(void *ctx)
{
	hits++;
	return 0;
}

SEC("uprobe.multi")
int empty(void *ctx)
{
	return 0;
}

SEC("perf_event")
int empty_sample(void *ctx)
{
	return 0;
}

SEC("raw_tp/sched_process_exec")
int empty_exec(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
