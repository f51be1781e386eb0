/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/facts.h"

#include <errno.h>
#include <stdlib.h>

static void add_loss(struct summary *s, const char *id, const char *text, uint64_t cnt, bool events)
{
	s->losses[s->loss_cnt++] = (struct summary_loss){id, text, cnt, events};
	if (events)
		s->lost_events += cnt;
}

#define LOSS_MAX 32

static int fill_losses(const struct summary_facts *facts, struct summary *s)
{
	const struct raw_trailer *t = &s->trailer;
	const uint64_t *c = t->counters;
	const uint64_t *repairs = s->model.repairs;

	s->losses = calloc(LOSS_MAX, sizeof(*s->losses));
	if (!s->losses)
		return -ENOMEM;
	add_loss(s, "ring_full", "events dropped: a ring was full", c[GBT_C_RING_FULL], true);
	add_loss(s, "no_scratch", "events dropped: no memory for a thread", c[GBT_C_NO_SCRATCH],
		 true);
	if (c[GBT_C_REQUESTS])
		add_loss(s, "requests", "ends of requests: too many were open at once",
			 c[GBT_C_REQUESTS], true);
	if (c[GBT_C_UNFINISHED])
		add_loss(s, "unfinished", "events of hits that were still under way at the end",
			 c[GBT_C_UNFINISHED], true);
	if (c[GBT_C_FUNC_LOST])
		add_loss(s, "calls", "calls of functions: too many were open at once",
			 c[GBT_C_FUNC_LOST], true);
	if (c[GBT_C_FUNC_UNWOUND])
		add_loss(s, "calls_unwound", "calls that ended without a return: panics, Goexit",
			 c[GBT_C_FUNC_UNWOUND], false);
	add_loss(s, "list_cut", "unblocks beyond the walk of one list", c[GBT_C_LIST_CUT], true);
	add_loss(s, "model_dropped", "events that contradicted the others", repairs[REPAIR_DROPPED],
		 true);
	add_loss(s, "late", "events later than the sorting window", facts->late_cnt, false);
	if (t->window_late)
		add_loss(s, "window_late",
			 "events that came too late for conditions to see in order", t->window_late,
			 false);
	add_loss(s, "samples", "CPU samples dropped", c[GBT_C_SAMPLE_LOST], false);
	add_loss(s, "stacks", "stacks dropped: a ring was full", c[GBT_C_STACK_LOST], false);
	add_loss(s, "stacks_cut", "stacks cut short", c[GBT_C_STACK_CUT], false);
	add_loss(s, "stacks_unresolved", "stacks never defined", t->stacks_unresolved, false);
	add_loss(s, "pcs_unknown", "addresses without a function", t->pcs_unknown, false);
	add_loss(s, "unreadable", "reads of the target that failed", c[GBT_C_UNREADABLE], false);
	add_loss(s, "regions", "regions whose context does not tell their task", c[GBT_C_NO_TASK],
		 false);
	add_loss(s, "heap_reads", "heap readings that failed", t->heap_reads_failed, false);
	add_loss(s, "snapshot_torn", "goroutines that changed while they were read",
		 t->snapshot_torn, false);
	add_loss(s, "wall_torn", "wall profile: stacks that kept changing", t->wall_torn, false);
	add_loss(s, "wall_unreadable", "wall profile: goroutines or labels not readable",
		 t->wall_unreadable, false);
	add_loss(s, "wall_late", "wall profile: looks that fell out", t->wall_late, false);
	return 0;
}

/* At most all of the target's CPU time, where that is known. */
static uint64_t times(uint64_t hits, uint64_t price_ns, uint64_t cpu_ns)
{
	uint64_t ns;

	if (__builtin_mul_overflow(hits, price_ns, &ns))
		ns = UINT64_MAX;
	return cpu_ns && ns > cpu_ns ? cpu_ns : ns;
}

static void fill_cost(struct summary *s)
{
	const struct raw_trailer *t = &s->trailer;
	struct summary_cost *c = &s->cost;

	c->hits = s->trailer.counters[GBT_C_HITS];
	c->price_hit_ns = t->price_hit_ns;
	c->target_cpu_ns = t->target_cpu_ns;
	c->estimate_ns = times(c->hits, c->price_hit_ns, c->target_cpu_ns);
	c->low_ns = c->high_ns = c->estimate_ns;
	if (t->price_low_ns)
		c->low_ns = times(c->hits, t->price_low_ns, c->target_cpu_ns);
	if (t->price_high_ns)
		c->high_ns = times(c->hits, t->price_high_ns, c->target_cpu_ns);
	c->from = t->price_from;
	c->tool_cpu_ns = t->tool_cpu_ns;
	c->tool_rss_max = t->tool_rss_max;
	if (!c->target_cpu_ns)
		return;
	c->share = (double)c->estimate_ns / (double)c->target_cpu_ns;
	c->share_low = (double)c->low_ns / (double)c->target_cpu_ns;
	c->share_high = (double)c->high_ns / (double)c->target_cpu_ns;
	if (c->estimate_ns < c->target_cpu_ns)
		c->added = (double)c->estimate_ns / (double)(c->target_cpu_ns - c->estimate_ns);
}

int facts__fill(const struct summary_facts *facts, struct summary *out)
{
	out->meta = *facts->meta;
	out->cut = !facts->trailer;
	if (facts->trailer)
		out->trailer = *facts->trailer;
	out->has_reason = facts->reason;
	if (facts->reason)
		out->reason = *facts->reason;
	if (facts->model)
		out->model = *facts->model;
	out->trace_bytes = facts->trace_bytes;
	out->trace_events = facts->trace_events;
	out->trace_format = facts->trace_format ? facts->trace_format : out->meta.trace_format;
	if (out->trace_bytes > VIEWER_MEM_FROM_BYTES)
		out->viewer_mem_bytes = out->trace_bytes * VIEWER_MEM_FACTOR;
	fill_cost(out);
	return fill_losses(facts, out);
}
