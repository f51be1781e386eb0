/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_OFF_CPU_H
#define BPF_OFF_CPU_H

/*
 * How long threads of the target were without a CPU: whoever holds that against what its goroutine
 * was doing knows when one ran for Go and did not run. A thread that goes is current, so its ids
 * are told by a helper; one that comes is known by its address alone, which was told when it went.
 * So nothing of the kernel is read, and neither BTF nor its types are needed.
 *
 * The program runs in every switch of the machine: what is not the target's costs a look into the
 * map and a comparison.
 */
#include "common.h"

struct off_cpu {
	__u64 since_ns; /* 0: it has a CPU */
	__u64 era;
	__u32 tid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* user space: GBT_OFF_CPU_THREADS */
	__type(key, __u64);	/* address of the thread's task */
	__type(value, struct off_cpu);
} gbt_off_cpu SEC(".maps");

/* Added up where no scratch memory is held: atomically. */
__u64 off_cpu_cnt;
__u64 off_cpu_lost_cnt;

static __always_inline void off_cpu_send(__u32 tid, __u64 since_ns, __u64 now_ns)
{
	void *ring = ring_of_cpu();
	struct gbt_event *e = ring ? bpf_ringbuf_reserve(ring, sizeof(*e), 0) : NULL;

	if (!e) {
		__sync_fetch_and_add(&off_cpu_lost_cnt, 1);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->hdr.time_ns = now_ns;
	e->hdr.tid = tid;
	e->hdr.kind = GBT_OFF_CPU;
	e->p = -1;
	e->arg = since_ns;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

static __always_inline void off_cpu_came(__u64 task)
{
	struct off_cpu *t = bpf_map_lookup_elem(&gbt_off_cpu, &task);
	__u64 since_ns, now_ns;

	if (!t || !t->since_ns)
		return;
	since_ns = t->since_ns;
	t->since_ns = 0;
	/* over a gap nothing is known of what its goroutine did */
	if (!t->era || t->era != era_number)
		return;
	now_ns = bpf_ktime_get_ns();
	if (now_ns - since_ns >= cfg.off_cpu_min_ns)
		off_cpu_send(t->tid, since_ns, now_ns);
}

static __always_inline void off_cpu_went(__u64 task, __u32 tid)
{
	struct off_cpu fresh = {.tid = tid}, *t = bpf_map_lookup_elem(&gbt_off_cpu, &task);

	__sync_fetch_and_add(&off_cpu_cnt, 1);
	fresh.era = era_number;
	fresh.since_ns = bpf_ktime_get_ns();
	if (!t) {
		if (bpf_map_update_elem(&gbt_off_cpu, &task, &fresh, BPF_ANY))
			__sync_fetch_and_add(&off_cpu_lost_cnt, 1);
		return;
	}
	t->tid = tid;
	t->era = fresh.era;
	t->since_ns = fresh.since_ns;
}

/* The task's memory goes to another thread, maybe of another process. */
static __always_inline void off_cpu_forget(__u64 task)
{
	bpf_map_delete_elem(&gbt_off_cpu, &task);
}

#endif
