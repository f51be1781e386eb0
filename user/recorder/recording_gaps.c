/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "recorder/recording_requests.h"
#include "recorder/recording_window.h"

/*
 * A flight recorder whose budget takes the probes away now and then: which stay, when the others
 * are wanted, and what the window and its conditions are told. The governor says when they come and
 * go; all of this is the drain thread's but for what takes the lock.
 */
#define SIGN_NS (10ull * 1000000000) /* so long a sign is taken for one of now */

#define SITES_EXIT (SITE_BIT(SITE_GOEXIT0) | SITE_BIT(SITE_GOEXIT1))

/* Of a request that has no end in its program, that of its goroutine is the end. */
static uint64_t sites_of(const struct condition *c)
{
	return condition__needs_requests(c) ? recording_requests__sites(c->span) | SITES_EXIT
					    : condition__sites(c);
}

/* Judged from transitions, or by probes that are not in place between slices. */
static bool needs_slices(const struct recording *r, const struct condition *c)
{
	return (condition__wants_all(c) && c->subject != COND_EXIT) || sites_of(c) & ~r->steady;
}

bool recording__wants_all(const struct recording *r)
{
	bool all = r->opt.always || !r->opt.condition_cnt;

	for (size_t i = 0; !all && i < r->opt.condition_cnt; i++)
		all = condition__wants_all(&r->opt.conditions[i]) ||
		      needs_slices(r, &r->opt.conditions[i]);
	return all;
}

void recording__choose_steady(struct recording *r)
{
	if (!r->opt.keep_ns || r->opt.mode != RECORDING_AUTO || !r->opt.budget)
		return;
	for (size_t i = 0; i < r->opt.condition_cnt; i++)
		r->steady |= sites_of(&r->opt.conditions[i]);
	r->later = r->opt.sites && !recording__wants_all(r);
}

bool recording__wants_slice(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;
	uint64_t sign_ns;
	bool all;

	pthread_mutex_lock(&rw->lock);
	all = recording__wants_all(r); /* a reload may change it */
	sign_ns = triggers__sign(rw->t, now_ns);
	pthread_mutex_unlock(&rw->lock);
	return all || (sign_ns && now_ns < sign_ns + SIGN_NS);
}

int recording__window_pause(struct recording *r, const struct raw_slice_end *e)
{
	struct recording_window *rw = r->window;
	int err;

	pthread_mutex_lock(&rw->lock);
	err = recording__window_settle(r, e->end_ns);
	if (!err)
		err = recording__window_gap(r, e);
	pthread_mutex_unlock(&rw->lock);
	return err;
}

int recording__window_gap(struct recording *r, const struct raw_slice_end *e)
{
	struct window_mark mark;

	recording__window_mark(r, e->end_ns, &mark);
	triggers__blind(r->window->t, !r->requests.steady);
	return window__pause(r->window->w, e, &mark);
}

int recording__window_resume(struct recording *r, uint64_t start_ns, struct snapshot *s)
{
	struct recording_window *rw = r->window;
	struct window_mark mark;
	int err;

	pthread_mutex_lock(&rw->lock);
	err = capture__drain(r->capture, recording__on_record, r);
	if (err >= 0)
		err = recording__window_settle(r, start_ns - 1);
	recording__window_mark(r, start_ns, &mark);
	if (err < 0)
		snapshot__free(s);
	else
		err = window__resume(rw->w, s, start_ns, &mark);
	rw->slices += !err;
	pthread_mutex_unlock(&rw->lock);
	return err;
}

/* Time goes on: how much of it was seen, and how long somebody would have had to see. */
void recording__window_account(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;
	uint64_t took_ns = rw->accounted_ns ? now_ns - rw->accounted_ns : 0;
	bool blind = false;

	rw->accounted_ns = now_ns;
	rw->spent_ns = (uint64_t)r->governor.spent_ns;
	rw->full_added = governor__full_added(&r->governor);
	rw->watched_ns += took_ns;
	if (window__sees_since(rw->w))
		return;
	rw->gap_ns += took_ns;
	for (size_t i = 0; !blind && i < r->opt.condition_cnt; i++)
		blind = needs_slices(r, &r->opt.conditions[i]);
	rw->blind_ns += blind ? took_ns : 0;
}

bool recording__sees(const struct recording *r, enum cond_subject subject)
{
	const struct condition c = {.subject = subject};

	return window__sees_since(r->window->w) ||
	       (condition__sites(&c) && !(condition__sites(&c) & ~r->steady));
}
