/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "common.h"

/* Writes events into the rings as the probe programs do, run by BPF_PROG_TEST_RUN. */
#define BATCH 500

__u64 sent_cnt, lost_cnt;

SEC("raw_tp/sys_enter")
int produce(void *ctx)
{
	struct hit h = {.tid = 1, .kind = GBT_RUN, .goid = 1, .stack = 1};
	void *ring = ring_of_cpu();
	int i;

	if (!ring)
		return 0;
	for (i = 0; i < BATCH; i++) {
		struct gbt_event *e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);

		if (!e) {
			__sync_fetch_and_add(&lost_cnt, 1);
			continue;
		}
		h.now = bpf_ktime_get_ns();
		set_event(e, &h);
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		__sync_fetch_and_add(&sent_cnt, 1);
	}
	return BATCH;
}

char _license[] SEC("license") = "Dual BSD/GPL";
