/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/life.h"

#include <errno.h>

/* Where the goroutine goes, and what is known of the end of the state that it leaves. */
struct step {
	enum g_state state;
	uint16_t reason;  /* STATE_WAITING */
	uint32_t stack;	  /* where it waits; STATE_RUNNABLE: of who made it so */
	uint32_t waker;	  /* stack of who ended its wait */
	uint64_t waker_g; /* that goroutine, 0 none */
	uint64_t m;	  /* the thread that it is told by */
	bool made_up;	  /* the model put it in: its time is not measured */
};

static unsigned slot_of(const struct step *st)
{
	switch (st->state) {
	case STATE_RUNNING:
		return SLOT_RUNNING;
	case STATE_RUNNABLE:
		return SLOT_RUNNABLE;
	case STATE_SYSCALL:
		return SLOT_SYSCALL;
	case STATE_WAITING:
		break;
	}
	return states__reason_slot(st->reason);
}

/* To the profiles, as a state that the window saw whole. */
static int profile_state(struct analysis *a, const struct g_entry *g, const struct step *next,
			 uint64_t dur_ns)
{
	int64_t owner, waker;

	if (!a->profiles.wanted || g->slot == SLOT_RUNNING)
		return 0;
	owner = owners__of(&a->owners, g->goid, g->m, g->slot);
	waker = owners__of(&a->owners, next->waker_g, next->m, SLOT_RUNNING);
	if (owner < 0 || waker < 0)
		return -ENOMEM;
	return stack_profiles__ended(&a->profiles, &a->stacks,
				     &(struct ended_state){.slot = g->slot,
							   .stack = g->stack,
							   .owner = (uint32_t)owner,
							   .dur_ns = dur_ns,
							   .waker = next->waker,
							   .waker_owner = (uint32_t)waker});
}

/* To where the time of one goroutine went: what the model put in has no measured end. */
static int span_state(struct analysis *a, const struct g_entry *g, const struct step *next)
{
	if (!a->span.goid || g->goid != a->span.goid || (g->inside && !g->begun) ||
	    (next && next->made_up))
		return 0;
	return span__state(&a->span, &(struct span_state){
					     .goid = g->goid,
					     .begin_ns = g->since_ns,
					     .end_ns = a->now_ns,
					     .slot = g->slot,
					     .stack = g->stack,
					     .waker = next ? next->waker : 0,
					     .waker_g = next ? next->waker_g : 0,
				     });
}

/* Adds up the state that ends now; woken: by a stack or by nobody's, else not by an unblock. */
static int close_state(struct analysis *a, struct g_entry *g, const struct step *next)
{
	uint64_t dur_ns = a->now_ns - g->since_ns;
	int err = span_state(a, g, next);

	states__add(&a->states, g->class, g->slot, dur_ns);
	if (!err && g->inside && next)
		err = profile_state(a, g, next, dur_ns);
	if (err)
		return err;
	if (g->state == STATE_RUNNABLE) {
		procs__runnable(&a->procs, -1);
		if (!next || next->state != STATE_RUNNING || next->made_up || !g->begun)
			return 0;
		err = latency__add(&a->latency_all, dur_ns);
		if (!err && g->class == CLASS_USER)
			err = latency__add(&a->latency, dur_ns);
	} else if (g->site && g->class == CLASS_USER) {
		if (g->state == STATE_WAITING && next)
			err = sites__woken(&a->sites, g->site, dur_ns, next->waker);
		else
			sites__ended(&a->sites, g->site, dur_ns);
	}
	return err;
}

static int open_state(struct analysis *a, struct g_entry *g, const struct step *st, bool begun)
{
	int64_t site = 0;

	g->state = st->state;
	g->slot = (uint8_t)slot_of(st);
	g->since_ns = a->now_ns;
	g->stack = st->stack;
	g->m = st->m;
	g->inside = begun;
	g->begun = begun && !st->made_up;
	if (st->state == STATE_RUNNABLE)
		procs__runnable(&a->procs, 1);
	else if (st->state != STATE_RUNNING)
		site = sites__site(&a->sites, st->stack, g->slot);
	g->site = site > 0 ? (uint32_t)site : 0;
	return site < 0 ? (int)site : 0;
}

static int go_to(struct analysis *a, struct g_entry *g, const struct step *st)
{
	int err = close_state(a, g, st);

	return err ? err : open_state(a, g, st, true);
}

/* The class of a goroutine, from a stack of its own; goroutine 1 runs the program's main. */
static enum g_class class_of(struct analysis *a, uint64_t goid, uint32_t stack)
{
	return goid == 1 ? CLASS_USER : stackset__class(&a->stacks, stack);
}

/* The same for one that was there before the window: a stack that was cut has no root, but the
 * snapshot has the entry. */
static int class_before(struct analysis *a, uint64_t goid, uint32_t stack, enum g_class *out)
{
	struct tr_stack entry = {0};
	int64_t at;

	*out = class_of(a, goid, stack);
	if (*out != CLASS_UNKNOWN || !imap__get(&a->entries, goid, &entry.pc))
		return 0;
	at = stackset__add(&a->stacks, &entry);
	if (at < 0)
		return (int)at;
	*out = stackset__class(&a->stacks, (uint32_t)at);
	return 0;
}

/*
 * The goroutine that acts. One that was not declared (the model declares all, but a fold must
 * not trust that) counts as running since before the window.
 */
static int find_acting(struct analysis *a, uint64_t goid, uint32_t stack, struct g_entry **out)
{
	const struct step running = {.state = STATE_RUNNING};
	struct g_entry *g = goroutines__find(&a->gs, goid);
	int err;

	*out = g;
	if (g) {
		if (g->class == CLASS_UNKNOWN && stack)
			goroutines__reclassify(&a->gs, g, class_of(a, goid, stack));
		return 0;
	}
	err = goroutines__add(&a->gs, goid, class_of(a, goid, stack), false, out);
	return err ? err : open_state(a, *out, &running, false);
}

static int act(struct analysis *a, uint64_t goid, uint32_t stack, const struct step *st)
{
	struct g_entry *g;
	int err;

	if (!goid)
		return 0;
	err = find_acting(a, goid, stack, &g);
	return err ? err : go_to(a, g, st);
}

static int create(struct analysis *a, const struct transition *t, uint32_t creator, uint32_t entry,
		  const struct step *st)
{
	struct g_entry *g = goroutines__find(&a->gs, t->subject);
	int64_t row, owner;
	int err;

	if (g) /* an id comes back only when we missed its end */
		return go_to(a, g, st);
	err = goroutines__add(&a->gs, t->subject, class_of(a, t->subject, entry), true, &g);
	if (err)
		return err;
	if (t->type != TR_GO_CREATE_SYSCALL) { /* a thread of C is no creation of Go's */
		g->created_ns = a->now_ns;
		g->created_by = creator;
		owner = owners__of(&a->owners, t->g, t->m, SLOT_RUNNING);
		if (owner < 0)
			return (int)owner;
		g->created_for = (uint32_t)owner;
	}
	if (g->class == CLASS_USER && entry) {
		row = creators__add(&a->creators, creator, entry);
		if (row < 0)
			return (int)row;
		g->creator = (uint32_t)row + 1;
	}
	return open_state(a, g, st, true);
}

static int end_life(struct analysis *a, const struct g_entry *g)
{
	if (!g->created_ns)
		return 0;
	return stack_profiles__lived(&a->profiles, g->created_by, g->created_for,
				     a->now_ns - g->created_ns);
}

static int destroy(struct analysis *a, uint64_t goid)
{
	struct g_entry *g = goroutines__find(&a->gs, goid);
	int err;

	if (!g)
		return 0;
	err = close_state(a, g, NULL);
	if (!err)
		err = end_life(a, g);
	if (g->creator)
		creators__gone(&a->creators, g->creator - 1);
	goroutines__remove(&a->gs, g);
	return err;
}

/* What a goroutine was doing when the window began, or when it was first met. */
static int status(struct analysis *a, const struct transition *t, uint32_t stack)
{
	static const uint8_t states[] = {
		[TR_G_RUNNABLE] = STATE_RUNNABLE,
		[TR_G_RUNNING] = STATE_RUNNING,
		[TR_G_SYSCALL] = STATE_SYSCALL,
		[TR_G_WAITING] = STATE_WAITING,
	};
	struct step st = {.stack = stack, .reason = t->reason};
	enum g_class class;
	struct g_entry *g;
	int err;

	/* told again: nothing new */
	if (goroutines__find(&a->gs, t->subject) || t->value < TR_G_RUNNABLE ||
	    t->value > TR_G_WAITING)
		return 0;
	st.state = states[t->value];
	if (!t->reason)
		st.reason = imap__get(&a->coroutines, t->subject, NULL) ? REASON_COROUTINE
									: REASON_UNKNOWN;
	err = class_before(a, t->subject, stack, &class);
	if (!err)
		err = goroutines__add(&a->gs, t->subject, class, false, &g);
	if (err)
		return err;
	err = open_state(a, g, &st, false);
	/* whenever it is told, it has been so since the window began */
	if (t->value == TR_G_WAITING)
		g->since_ns = a->start_ns;
	return err;
}

static int go_switch(struct analysis *a, const struct transition *t, uint32_t stack)
{
	const struct step wait = {
		.state = STATE_WAITING, .reason = REASON_COROUTINE, .stack = stack};
	const struct step run = {
		.state = STATE_RUNNING, .waker = stack, .waker_g = t->g, .m = t->m};
	int err;

	if (t->type == TR_GO_SWITCH_DESTROY)
		err = destroy(a, t->g);
	else
		err = act(a, t->g, stack, &wait);
	return err ? err : act(a, t->subject, 0, &run);
}

int life__transition(struct analysis *a, const struct transition *t, uint32_t stack,
		     uint32_t new_stack)
{
	struct step st = {.made_up = t->repair, .m = t->m};

	switch (t->type) {
	case TR_GO_CREATE:
		st.state = STATE_RUNNABLE;
		st.stack = stack;
		return create(a, t, stack, new_stack, &st);
	case TR_GO_CREATE_BLOCKED:
		st.state = STATE_WAITING;
		st.reason = REASON_COROUTINE;
		st.stack = new_stack;
		return create(a, t, stack, new_stack, &st);
	case TR_GO_CREATE_SYSCALL:
		st.state = STATE_SYSCALL;
		return create(a, t, 0, 0, &st);
	case TR_GO_START:
		st.state = STATE_RUNNING;
		return act(a, t->subject, 0, &st);
	case TR_GO_STOP:
	case TR_GO_SYSCALL_END_BLOCKED:
		st.state = STATE_RUNNABLE;
		st.stack = stack;
		return act(a, t->g, stack, &st);
	case TR_GO_BLOCK:
		st.state = STATE_WAITING;
		st.reason = t->reason;
		st.stack = stack;
		return act(a, t->g, stack, &st);
	case TR_GO_UNBLOCK:
		st.state = STATE_RUNNABLE;
		st.stack = st.waker = stack;
		st.waker_g = t->g;
		/* findRunnable unblocks without a call that we see, and runs at once: the model
		 * puts these in where they belong. A start that is made up tells itself. */
		st.made_up = false;
		return act(a, t->subject, 0, &st);
	case TR_GO_SYSCALL_BEGIN:
		st.state = STATE_SYSCALL;
		st.stack = stack;
		return act(a, t->g, stack, &st);
	case TR_GO_SYSCALL_END:
		st.state = STATE_RUNNING;
		return act(a, t->g, stack, &st);
	case TR_GO_DESTROY:
	case TR_GO_DESTROY_SYSCALL:
		return destroy(a, t->g);
	case TR_GO_SWITCH:
	case TR_GO_SWITCH_DESTROY:
		return go_switch(a, t, stack);
	case TR_GO_STATUS:
		return status(a, t, stack);
	default:
		return 0;
	}
}

int life__close_open(struct analysis *a)
{
	struct g_entry *g;
	int err = 0;

	for (size_t it = 0; !err && (g = goroutines__next(&a->gs, &it));) {
		uint64_t dur_ns = a->now_ns - g->since_ns;

		err = end_life(a, g);
		if (!err)
			err = span_state(a, g, NULL);
		states__add(&a->states, g->class, g->slot, dur_ns);
		if (g->site && g->class == CLASS_USER)
			sites__open(&a->sites, g->site, dur_ns, !g->begun);
		if (g->state != STATE_RUNNABLE)
			continue;
		latency__open(&a->latency_all, dur_ns);
		if (g->class == CLASS_USER)
			latency__open(&a->latency, dur_ns);
	}
	return err;
}
