/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis_internal.h"
#include "analysis/facts.h"
#include "analysis/findings.h"
#include "analysis/life.h"

static bool waits_as_coroutine(const struct snapshot *s, const struct snap_g *g)
{
	const char *reason = NULL;

	if (g->status == G_WAITING && !g->torn && g->wait_reason < s->wait_reasons_cnt)
		reason = s->wait_reasons[g->wait_reason];
	return reason && !strcmp(reason, "coroutine");
}

static int take_snapshot(struct analysis *a, const struct snapshot *s)
{
	int err = 0;

	for (size_t i = 0; s && !err && i < s->g_cnt; i++) {
		const struct snap_g *g = &s->g[i];

		err = imap__put(&a->entries, g->goid, g->startpc);
		if (!err && waits_as_coroutine(s, g))
			err = imap__put(&a->coroutines, g->goid, 1);
	}
	return err;
}

int analysis__new(const struct analysis_config *cfg, struct analysis **out)
{
	struct analysis *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->start_ns = a->now_ns = cfg->start_ns;
	a->profiles.wanted = cfg->stack_profiles;
	a->span.goid = cfg->span_goid;
	a->span.begin_ns = cfg->span_begin_ns;
	a->span.end_ns = cfg->span_end_ns;
	procs__init(&a->procs, cfg->start_ns, cfg->gomaxprocs);
	heap__init(&a->heap);
	err = stackset__init(&a->stacks, &cfg->frames);
	if (!err)
		err = goroutines__init(&a->gs);
	if (!err)
		err = sites__init(&a->sites);
	if (!err)
		err = owners__init(&a->owners, cfg->owner_parts, cfg->snapshot);
	if (!err)
		err = take_snapshot(a, cfg->snapshot);
	if (err) {
		analysis__free(a);
		return err;
	}
	*out = a;
	return 0;
}

void analysis__free(struct analysis *a)
{
	if (!a)
		return;
	stackset__fini(&a->stacks);
	goroutines__fini(&a->gs);
	sites__fini(&a->sites);
	creators__fini(&a->creators);
	latency__fini(&a->latency);
	latency__fini(&a->latency_all);
	stack_profiles__fini(&a->profiles);
	owners__fini(&a->owners);
	hot__fini(&a->hot);
	span__fini(&a->span);
	gc__fini(&a->gc);
	procs__fini(&a->procs);
	imap__free(&a->entries);
	imap__free(&a->coroutines);
	free(a);
}

static void advance(struct analysis *a, uint64_t time_ns)
{
	/* initial states may carry times from before the window */
	if (time_ns > a->now_ns)
		a->now_ns = time_ns;
	procs__advance(&a->procs, a->now_ns);
}

int analysis__record(struct analysis *a, const struct gbt_hdr *rec)
{
	return a->profiles.wanted ? owners__record(&a->owners, &a->stacks, rec) : 0;
}

/* An assist, or a stop of the world, begins or ends. */
static int add_range(struct analysis *a, const struct transition *t, uint32_t stack)
{
	int64_t owner = owners__of(&a->owners, t->g, t->m, SLOT_RUNNING);

	if (owner < 0)
		return (int)owner;
	return stack_profiles__range(&a->profiles, &a->stacks, t, stack, (uint32_t)owner,
				     a->now_ns);
}

static bool is_range(const struct transition *t)
{
	return t->type == TR_GC_MARK_ASSIST_BEGIN || t->type == TR_GC_MARK_ASSIST_END ||
	       t->type == TR_STW_BEGIN || t->type == TR_STW_END;
}

int analysis__transition(void *ctx, const struct transition *t)
{
	struct analysis *a = ctx;
	int64_t stack, new_stack = 0;
	int err;

	advance(a, t->time_ns);
	a->transitions++;
	err = span__transition(&a->span, t, a->now_ns);
	if (err)
		return err;
	switch (t->type) {
	case TR_END:
		a->transitions--;
		return 0;
	case TR_CPU_SAMPLE:
		a->cpu_samples++;
		return hot__sample(&a->hot, &t->stack);
	case TR_HEAP_ALLOC:
	case TR_HEAP_GOAL:
		heap__transition(&a->heap, t);
		return 0;
	default:
		break;
	}
	stack = stackset__add(&a->stacks, &t->stack);
	if (t->type == TR_GO_CREATE || t->type == TR_GO_CREATE_BLOCKED)
		new_stack = stackset__add(&a->stacks, &t->new_stack);
	if (stack < 0 || new_stack < 0)
		return -ENOMEM;
	heap__transition(&a->heap, t);
	err = life__transition(a, t, (uint32_t)stack, (uint32_t)new_stack);
	if (!err)
		err = procs__transition(&a->procs, t);
	if (!err && is_range(t))
		err = add_range(a, t, (uint32_t)stack);
	return err ? err : gc__transition(&a->gc, t, a->now_ns);
}

/* ---- the end ---- */

int analysis__finish(struct analysis *a, const struct summary_facts *facts, struct summary **out)
{
	struct summary *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = life__close_open(a);
	s->window_ns = a->now_ns - a->start_ns;
	s->transitions = a->transitions;
	s->cpu_samples = a->cpu_samples;
	heap__finish(&a->heap, &s->heap);
	procs__finish(&a->procs, s->window_ns, &s->procs);
	goroutines__finish(&a->gs, &s->goroutines);
	latency__finish(&a->latency, &s->latency);
	latency__finish(&a->latency_all, &s->latency_all);
	if (!err)
		err = states__finish(&a->states, s);
	if (!err)
		err = sites__finish(&a->sites, &a->stacks, s);
	if (!err)
		err = creators__finish(&a->creators, &a->stacks, s);
	if (!err)
		err = hot__finish(&a->hot, &a->stacks, &s->hot);
	if (!err)
		err = span__finish(&a->span, &a->stacks, &s->span);
	if (!err)
		err = gc__finish(&a->gc, a->now_ns, &s->gc);
	if (!err)
		err = facts__fill(facts, s);
	if (!err)
		err = findings__fill(s);
	if (err)
		summary__free(s);
	else
		*out = s;
	return err;
}

int analysis__stack_profile(const struct analysis *a, enum stack_profile which, stack_profile_fn fn,
			    void *ctx)
{
	return stack_profiles__each(&a->profiles, &a->stacks, &a->owners, which, fn, ctx);
}

uint64_t analysis__assists_estimated(const struct analysis *a)
{
	return a->gc.assist_estimated_cnt;
}

void summary__free(struct summary *s)
{
	if (!s)
		return;
	free(s->states);
	free(s->sites);
	free(s->creators);
	free(s->gc.stw);
	free(s->losses);
	free(s->findings);
	free(s->stops);
	free(s);
}
