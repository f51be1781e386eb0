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

struct stack_sum {
	uint32_t stack, owner;
	uint64_t v[STACK_PROFILE_VALUES];
};

size_t stack_profile__value_cnt(enum stack_profile which)
{
	return which == STACK_GC ? 4 : 2;
}

void stack_profiles__fini(struct stack_profiles *p)
{
	for (size_t i = 0; i < STACK_PROFILE_MAX; i++) {
		free(p->sums[i].v);
		free(p->sums[i].of_stack);
		imap__free(&p->sums[i].of_owner);
	}
	imap__free(&p->assist_begin);
	imap__free(&p->assist_row);
	imap__free(&p->stop_begin);
	imap__free(&p->stop_row);
	memset(p, 0, sizeof(*p));
}

static bool is_wanted(const struct stack_profiles *p, enum stack_profile which)
{
	return p->wanted & 1u << which;
}

static int new_row(struct stack_sums *s, uint32_t stack, uint32_t owner, size_t *at)
{
	if (array__reserve(&s->v, s->cnt, &s->cap, 1, sizeof(*s->v)))
		return -ENOMEM;
	s->v[s->cnt] = (struct stack_sum){.stack = stack, .owner = owner};
	*at = s->cnt++;
	return 0;
}

/* Nearly all are without an owner, where nobody sets labels. */
static int row_of_stack(struct stack_sums *s, uint32_t stack, size_t *at)
{
	size_t need = (size_t)stack + 1, have = s->of_stack_cnt;
	int err = 0;

	if (need > have) {
		if (array__reserve(&s->of_stack, have, &s->of_stack_cap, need - have,
				   sizeof(*s->of_stack)))
			return -ENOMEM;
		memset(s->of_stack + have, 0, (need - have) * sizeof(*s->of_stack));
		s->of_stack_cnt = need;
	}
	*at = (size_t)s->of_stack[stack] - 1;
	if (!s->of_stack[stack]) {
		err = new_row(s, stack, 0, at);
		s->of_stack[stack] = (uint32_t)s->cnt;
	}
	return err;
}

static int row_of_owner(struct stack_sums *s, uint32_t stack, uint32_t owner, size_t *at)
{
	uint64_t key = (uint64_t)stack << 32 | owner, row;
	int err;

	if (imap__get(&s->of_owner, key, &row)) {
		*at = row;
		return 0;
	}
	err = new_row(s, stack, owner, at);
	return err ? err : imap__put(&s->of_owner, key, *at);
}

/* One more of the pair of values that begins at first. */
static int add_at(struct stack_profiles *p, enum stack_profile which, uint32_t stack,
		  uint32_t owner, size_t first, uint64_t dur_ns)
{
	struct stack_sums *s = &p->sums[which];
	size_t at;
	int err;

	if (!is_wanted(p, which))
		return 0;
	err = owner ? row_of_owner(s, stack, owner, &at) : row_of_stack(s, stack, &at);
	if (err)
		return err;
	s->v[at].v[first]++;
	s->v[at].v[first + 1] += dur_ns;
	return 0;
}

static int add(struct stack_profiles *p, enum stack_profile which, uint32_t stack, uint32_t owner,
	       uint64_t dur_ns)
{
	return add_at(p, which, stack, owner, 0, dur_ns);
}

/*
 * What lasted no measurable time (a goroutine that leaves a system call without a P and finds one
 * at once) is a unit of 64 ns in the trace, since no two of its times are equal, and counts.
 */
static int add_timed(struct stack_profiles *p, enum stack_profile which,
		     const struct ended_state *st)
{
	return add(p, which, st->stack, st->owner, st->dur_ns ? st->dur_ns : 64);
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

static int waited(struct stack_profiles *p, struct stackset *stacks, const struct ended_state *st)
{
	uint16_t reason = (uint16_t)(st->slot - SLOT_BLOCKED);
	enum wait_kind kind;
	int err;

	if (reason == REASON_NETWORK)
		return add_timed(p, STACK_NET, st);
	if (reason == REASON_SLEEP)
		return add_timed(p, STACK_SLEEP, st);
	if (!is_sync(reason))
		return 0;
	err = add_timed(p, STACK_SYNC, st);
	if (err || !(is_wanted(p, STACK_BLOCK) || is_wanted(p, STACK_MUTEX)))
		return err;
	kind = kind_of(stacks, reason, st->stack);
	if (kind != WAIT_OTHER)
		err = add(p, STACK_BLOCK, st->stack, st->owner, at_least(st->dur_ns));
	if (!err && kind == WAIT_MUTEX)
		err = add(p, STACK_MUTEX, st->waker, st->waker_owner, at_least(st->dur_ns));
	return err;
}

int stack_profiles__ended(struct stack_profiles *p, struct stackset *stacks,
			  const struct ended_state *st)
{
	if (!p->wanted || st->slot == SLOT_RUNNING)
		return 0;
	if (st->slot == SLOT_RUNNABLE)
		return add_timed(p, STACK_SCHED, st);
	if (st->slot == SLOT_SYSCALL)
		return add_timed(p, STACK_SYSCALL, st);
	return waited(p, stacks, st);
}

int stack_profiles__lived(struct stack_profiles *p, uint32_t stack, uint32_t owner, uint64_t dur_ns)
{
	return add(p, STACK_CREATE, stack, owner, at_least(dur_ns));
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

static int begin_range(struct imap *begin, struct imap *rows, uint64_t g, uint64_t row,
		       uint64_t now_ns)
{
	int err = imap__put(begin, g, now_ns);

	return err ? err : imap__put(rows, g, row);
}

static int end_range(struct stack_profiles *p, struct imap *begin, struct imap *rows, uint64_t g,
		     size_t first, uint64_t now_ns)
{
	uint64_t since_ns, row;

	if (!imap__get(begin, g, &since_ns) || !imap__get(rows, g, &row))
		return 0;
	imap__del(begin, g);
	imap__del(rows, g);
	return add_at(p, STACK_GC, (uint32_t)(row >> 32), (uint32_t)row, first,
		      at_least(now_ns - since_ns));
}

int stack_profiles__range(struct stack_profiles *p, struct stackset *stacks,
			  const struct transition *t, uint32_t stack, uint32_t owner,
			  uint64_t now_ns)
{
	uint64_t row = (uint64_t)stack << 32 | owner;

	if (!is_wanted(p, STACK_GC))
		return 0;
	switch (t->type) {
	case TR_GC_MARK_ASSIST_BEGIN:
		if (t->initial || t->repair)
			return 0;
		return begin_range(&p->assist_begin, &p->assist_row, t->g, row, now_ns);
	case TR_GC_MARK_ASSIST_END:
		return end_range(p, &p->assist_begin, &p->assist_row, t->g, 0, now_ns);
	case TR_STW_BEGIN:
		if (t->initial || t->repair || !is_for_gc(stacks, t->reason, stack))
			return 0;
		return begin_range(&p->stop_begin, &p->stop_row, t->g, row, now_ns);
	case TR_STW_END:
		return end_range(p, &p->stop_begin, &p->stop_row, t->g, 2, now_ns);
	default:
		return 0;
	}
}

int stack_profiles__each(const struct stack_profiles *p, const struct stackset *stacks,
			 const struct owners *owners, enum stack_profile which, stack_profile_fn fn,
			 void *ctx)
{
	const struct stack_sums *s = &p->sums[which];
	int err = 0;

	for (size_t i = 0; !err && i < s->cnt; i++) {
		const struct stack_sum *sum = &s->v[i];
		struct row_owner owner = {0};
		const struct stack_profile_row row = {
			.st = sum->stack ? &stacks->entries[sum->stack].st : NULL,
			.owner = sum->owner ? &owner : NULL,
			.v = sum->v,
		};

		if (sum->owner)
			owners__get(owners, stacks, sum->owner, &owner);
		err = fn(ctx, &row);
	}
	return err;
}
