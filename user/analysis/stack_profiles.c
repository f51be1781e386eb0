/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/stack_profiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/states.h"
#include "base/array.h"

/* Block reasons, runtime/traceruntime.go (model/names.c). */
enum {
	REASON_NETWORK = 2,
	REASON_SELECT = 3,
	REASON_COND = 4,
	REASON_SYNC = 5,
	REASON_CHAN_SEND = 6,
	REASON_CHAN_RECEIVE = 7,
	REASON_SLEEP = 14,
	REASON_SYNCTEST = 16,
};

size_t stack_profile__value_cnt(enum stack_profile which)
{
	return which == STACK_GC ? 4 : 2;
}

void stack_profiles__fini(struct stack_profiles *p)
{
	for (size_t i = 0; i < STACK_PROFILE_MAX; i++)
		free(p->sums[i].v);
	imap__free(&p->assist_begin);
	imap__free(&p->assist_stack);
	imap__free(&p->stop_begin);
	imap__free(&p->stop_stack);
	memset(p, 0, sizeof(*p));
}

static bool is_wanted(const struct stack_profiles *p, enum stack_profile which)
{
	return p->wanted & 1u << which;
}

/* One more of the pair of values that begins at first. */
static int add_at(struct stack_profiles *p, enum stack_profile which, uint32_t stack, size_t first,
		  uint64_t dur_ns)
{
	size_t each = stack_profile__value_cnt(which), need = ((size_t)stack + 1) * each;
	struct stack_sums *s = &p->sums[which];

	if (!is_wanted(p, which))
		return 0;
	if (need > s->cnt) {
		if (array__reserve(&s->v, s->cnt, &s->cap, need - s->cnt, sizeof(*s->v)))
			return -ENOMEM;
		memset(s->v + s->cnt, 0, (need - s->cnt) * sizeof(*s->v));
		s->cnt = need;
	}
	s->v[stack * each + first]++;
	s->v[stack * each + first + 1] += dur_ns;
	return 0;
}

static int add(struct stack_profiles *p, enum stack_profile which, uint32_t stack, uint64_t dur_ns)
{
	return add_at(p, which, stack, 0, dur_ns);
}

/*
 * What lasted no measurable time (a goroutine that leaves a system call without a P and finds one
 * at once) is a unit of 64 ns in the trace, since no two of its times are equal, and counts.
 */
static int add_timed(struct stack_profiles *p, enum stack_profile which, uint32_t stack,
		     uint64_t dur_ns)
{
	return add(p, which, stack, dur_ns ? dur_ns : 64);
}

/* Nothing that was counted took no time at all: blockevent's rule, for those that keep all. */
static uint64_t at_least(uint64_t dur_ns)
{
	return dur_ns ? dur_ns : 1;
}

static enum wait_kind kind_of(struct stackset *stacks, uint16_t reason, uint32_t stack)
{
	switch (reason) {
	case REASON_SELECT:
	case REASON_COND:
	case REASON_CHAN_SEND:
	case REASON_CHAN_RECEIVE:
		return WAIT_BLOCK;
	case REASON_SYNC:
		return stackset__wait_kind(stacks, stack);
	default:
		return WAIT_OTHER;
	}
}

static bool is_sync(uint16_t reason)
{
	return (reason >= REASON_SELECT && reason <= REASON_CHAN_RECEIVE) ||
	       reason == REASON_SYNCTEST;
}

static int waited(struct stack_profiles *p, struct stackset *stacks, uint16_t reason,
		  uint32_t stack, uint64_t dur_ns, uint32_t waker)
{
	enum wait_kind kind;
	int err;

	if (reason == REASON_NETWORK)
		return add_timed(p, STACK_NET, stack, dur_ns);
	if (reason == REASON_SLEEP)
		return add_timed(p, STACK_SLEEP, stack, dur_ns);
	if (!is_sync(reason))
		return 0;
	err = add_timed(p, STACK_SYNC, stack, dur_ns);
	if (err || !(is_wanted(p, STACK_BLOCK) || is_wanted(p, STACK_MUTEX)))
		return err;
	kind = kind_of(stacks, reason, stack);
	if (kind != WAIT_OTHER)
		err = add(p, STACK_BLOCK, stack, at_least(dur_ns));
	if (!err && kind == WAIT_MUTEX)
		err = add(p, STACK_MUTEX, waker, at_least(dur_ns));
	return err;
}

int stack_profiles__ended(struct stack_profiles *p, struct stackset *stacks, unsigned slot,
			  uint32_t stack, uint64_t dur_ns, uint32_t waker)
{
	if (!p->wanted || slot == SLOT_RUNNING)
		return 0;
	if (slot == SLOT_RUNNABLE)
		return add_timed(p, STACK_SCHED, stack, dur_ns);
	if (slot == SLOT_SYSCALL)
		return add_timed(p, STACK_SYSCALL, stack, dur_ns);
	return waited(p, stacks, (uint16_t)(slot - SLOT_BLOCKED), stack, dur_ns, waker);
}

int stack_profiles__lived(struct stack_profiles *p, uint32_t stack, uint64_t dur_ns)
{
	return add(p, STACK_CREATE, stack, at_least(dur_ns));
}

/* ---- ranges ---- */

enum {
	STOP_UNKNOWN = 0, /* Go <= 1.20 does not say why it stops the world */
	STOP_MARK_TERMINATION = 1,
	STOP_SWEEP_TERMINATION = 2,
};

static bool is_for_gc(struct stackset *stacks, uint16_t kind, uint32_t stack)
{
	if (kind == STOP_UNKNOWN)
		return stackset__has_func(stacks, stack, "runtime.gcStart") ||
		       stackset__has_func(stacks, stack, "runtime.gcMarkTermination") ||
		       stackset__has_func(stacks, stack, "runtime.gcMarkDone");
	return kind == STOP_MARK_TERMINATION || kind == STOP_SWEEP_TERMINATION;
}

static int begin_range(struct imap *begin, struct imap *stacks, uint64_t g, uint32_t stack,
		       uint64_t now_ns)
{
	int err = imap__put(begin, g, now_ns);

	return err ? err : imap__put(stacks, g, stack);
}

static int end_range(struct stack_profiles *p, struct imap *begin, struct imap *stacks, uint64_t g,
		     size_t first, uint64_t now_ns)
{
	uint64_t since_ns, stack;

	if (!imap__get(begin, g, &since_ns) || !imap__get(stacks, g, &stack))
		return 0;
	imap__del(begin, g);
	imap__del(stacks, g);
	return add_at(p, STACK_GC, (uint32_t)stack, first, at_least(now_ns - since_ns));
}

int stack_profiles__range(struct stack_profiles *p, struct stackset *stacks,
			  const struct transition *t, uint32_t stack, uint64_t now_ns)
{
	if (!is_wanted(p, STACK_GC))
		return 0;
	switch (t->type) {
	case TR_GC_MARK_ASSIST_BEGIN:
		if (t->initial || t->repair)
			return 0;
		return begin_range(&p->assist_begin, &p->assist_stack, t->g, stack, now_ns);
	case TR_GC_MARK_ASSIST_END:
		return end_range(p, &p->assist_begin, &p->assist_stack, t->g, 0, now_ns);
	case TR_STW_BEGIN:
		if (t->initial || t->repair || !is_for_gc(stacks, t->reason, stack))
			return 0;
		return begin_range(&p->stop_begin, &p->stop_stack, t->g, stack, now_ns);
	case TR_STW_END:
		return end_range(p, &p->stop_begin, &p->stop_stack, t->g, 2, now_ns);
	default:
		return 0;
	}
}

int stack_profiles__each(const struct stack_profiles *p, const struct stackset *stacks,
			 enum stack_profile which, stack_profile_fn fn, void *ctx)
{
	const struct stack_sums *s = &p->sums[which];
	size_t each = stack_profile__value_cnt(which);
	int err = 0;

	for (size_t i = 0; !err && i < s->cnt / each; i++) {
		const uint64_t *v = &s->v[i * each];

		if (v[0] || v[each - 2])
			err = fn(ctx, i ? &stacks->entries[i].st : NULL, v);
	}
	return err;
}
