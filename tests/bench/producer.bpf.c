/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "common.h"
#include "events.h"

/* Sends events as the probe programs do, run by BPF_PROG_TEST_RUN. */
#define EVENTS_A_RUN 500

int produce_some(__u32 slot);

/* The verifier goes through it once. */
__noinline int produce_some(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	int i;

	if (!s)
		return 0;
	for (i = 0; i < 50; i++) {
		s->hit.now = bpf_ktime_get_ns();
		send_event(s);
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int produce(void *ctx)
{
	struct scratch *s = scratch_get(1);
	struct hit *h;
	int i;

	if (!s)
		return 0;
	h = hit_begin(s, 1);
	h->kind = GBT_RUN;
	h->goid = 1;
	h->stack = 1;
	h->lost = GBT_C_RING_FULL;
	for (i = 0; i < EVENTS_A_RUN / 50; i++)
		produce_some(s->unwind.slot);
	scratch_put(s);
	return EVENTS_A_RUN;
}

char _license[] SEC("license") = "Dual BSD/GPL";
