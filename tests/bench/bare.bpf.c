/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "regs.h"

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

/*
 * The least that an exact tracer does with a hit: who, when, and a record of 56 bytes; for a
 * wake-up also what the waker's stack holds, found by one read and copied by another.
 */
struct record {
	__u64 at, who, args[2], words[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} least_ring SEC(".maps");

static __always_inline int send(struct pt_regs *ctx, __u64 word)
{
	struct record *r = bpf_ringbuf_reserve(&least_ring, sizeof(*r), 0);

	if (!r)
		return 0;
	hits++;
	r->at = bpf_ktime_get_ns();
	r->who = bpf_get_current_pid_tgid();
	r->args[0] = GO_ARG0(ctx);
	r->args[1] = REGS_SP(ctx);
	r->words[0] = r->words[1] = r->words[2] = word;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("uprobe.multi")
int least(struct pt_regs *ctx)
{
	return send(ctx, 0);
}

SEC("uprobe.multi")
int least_stack(struct pt_regs *ctx)
{
	__u64 g[14] = {0}, stack[32] = {0};

	bpf_probe_read_user(g, sizeof(g), (void *)REGS_SP(ctx));
	bpf_probe_read_user(stack, sizeof(stack), (void *)REGS_FP(ctx));
	return send(ctx, g[0] ^ stack[31]);
}

char _license[] SEC("license") = "Dual BSD/GPL";
