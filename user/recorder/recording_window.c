/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "process/cgroup_cpu.h"
#include "process/procfs.h"
#include "recorder/recording_funcs.h"
#include "recorder/recording_requests.h"

#define LEVELS_EVERY_NS (250 * 1000 * 1000)
#define FORGET_AFTER_NS (1000ull * 1000 * 1000)
#define FORGET_EVERY_NS (5 * FORGET_AFTER_NS)

/* Where one of these needs it and it is not open yet. */
static int open_cgroup(struct recording *r, const struct condition *c, size_t cnt)
{
	int err = 0;

	for (size_t i = 0; !err && i < cnt; i++) {
		if (c[i].subject != COND_THROTTLED || r->window->cgroup)
			continue;
		err = cgroup_cpu__open(recording__pid(r), &r->window->cgroup);
		if (err != -ENOENT)
			continue;
		log_error("process %d: '%s': its cgroup has no CPU quota to be read",
			  recording__pid(r), c[i].text);
		err = -EOPNOTSUPP;
	}
	return err;
}

int recording__window_open(struct recording *r)
{
	const struct window_config cfg = {
		.keep_ns = r->opt.keep_ns,
		.max_sz = r->opt.keep_sz,
		.go_minor = gobinary__version(r->target->bin)->minor,
	};
	struct recording_window *rw = calloc(1, sizeof(*rw));
	int err;

	if (!rw)
		return -ENOMEM;
	pthread_mutex_init(&rw->lock, NULL);
	r->window = rw;
	err = window__new(&cfg, &rw->w);
	if (!err)
		err = triggers__new(r->opt.conditions, r->opt.condition_cnt, &rw->t);
	if (!err)
		err = open_cgroup(r, r->opt.conditions, r->opt.condition_cnt);
	return err;
}

void recording__window_free(struct recording *r)
{
	struct recording_window *rw = r->window;

	if (!rw)
		return;
	window__free(rw->w);
	triggers__free(rw->t);
	cgroup_cpu__free(rw->cgroup);
	pthread_mutex_destroy(&rw->lock);
	free(rw);
	r->window = NULL;
}

void recording__window_mark(const struct recording *r, uint64_t now_ns, struct window_mark *out)
{
	*out = (struct window_mark){.time_ns = now_ns,
				    .heap_reads_failed = r->heap_reads_failed,
				    .tool_cpu_ns = recording__tool_cpu_ns(),
				    .spent_ns = r->window->spent_ns};
	capture__stats(r->capture, out->counters);
	process__cpu_ns(r->target->proc, &out->target_cpu_ns);
}

static int add_chunk(struct recording *r, uint64_t now_ns)
{
	struct window_mark mark;

	recording__window_mark(r, now_ns, &mark);
	return window__chunk(r->window->w, &mark);
}

int recording__window_begin(struct recording *r)
{
	const struct raw_slice_end none = {.end_ns = r->snapshot->end_ns};
	int err = window__begin(r->window->w, r->snapshot);

	r->window->drained_ns = r->snapshot->end_ns;
	if (!err && r->later)
		return recording__window_gap(r, &none);
	if (!err)
		err = add_chunk(r, clock__monotonic_ns());
	return err;
}

/* ---- what is judged without events ---- */

static bool judges(const struct recording *r, enum cond_subject subject)
{
	for (size_t i = 0; i < r->opt.condition_cnt; i++)
		if (r->opt.conditions[i].subject == subject)
			return true;
	return false;
}

static void judge_status(struct recording *r, uint64_t now_ns)
{
	struct triggers *t = r->window->t;
	struct buf text = {0};
	struct proc_status st;
	int err;

	if (!judges(r, COND_THREADS) && !judges(r, COND_RSS))
		return;
	err = procfs__read(recording__pid(r), "status", &text);
	if (!err)
		err = proc_status__parse(span__of(text.data, text.len), &st);
	/* of a process that is ending some lines are not there */
	if (!err && st.threads)
		triggers__level(t, COND_THREADS, (double)st.threads, now_ns);
	if (!err && st.rss_kib)
		triggers__level(t, COND_RSS, (double)st.rss_kib * 1024, now_ns);
	buf__free(&text);
}

static void judge_sums(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;
	uint32_t procs = window__now(rw->w)->gomaxprocs;
	uint64_t cpu_ns, periods, throttled;
	bool sees = window__sees_since(rw->w);

	if (rw->summed_ns)
		rw->capacity_ns += (now_ns - rw->summed_ns) * (procs ? procs : 1);
	rw->summed_ns = now_ns;
	if ((judges(r, COND_CPU) || judges(r, COND_ASSIST)) &&
	    !process__cpu_ns(r->target->proc, &cpu_ns)) {
		/* between slices there are no assists to be seen */
		if (sees && rw->cpu_ns && cpu_ns > rw->cpu_ns)
			rw->seen_cpu_ns += cpu_ns - rw->cpu_ns;
		rw->cpu_ns = cpu_ns;
		if (sees)
			triggers__sums(rw->t, COND_ASSIST, 0, (double)rw->seen_cpu_ns, now_ns);
		triggers__sums(rw->t, COND_CPU, (double)cpu_ns, (double)rw->capacity_ns, now_ns);
	}
	if (rw->cgroup && !cgroup_cpu__periods(rw->cgroup, &periods, &throttled))
		triggers__sums(rw->t, COND_THROTTLED, (double)throttled, (double)periods, now_ns);
}

static uint64_t lost_events(const struct recording *r)
{
	static const int of_events[] = {GBT_C_RING_FULL, GBT_C_UNREADABLE, GBT_C_NO_SCRATCH,
					GBT_C_LIST_CUT, GBT_C_REQUESTS};
	uint64_t counters[GBT_C_MAX] = {0}, lost = 0;

	if (!capture__stats(r->capture, counters))
		for (size_t i = 0; i < sizeof(of_events) / sizeof(of_events[0]); i++)
			lost += counters[of_events[i]];
	return lost;
}

/* Where an event was lost, a wait may be over that seems to go on: none of before is judged, until
 * its end is seen. */
static void look_for_losses(struct recording *r)
{
	struct recording_window *rw = r->window;
	uint64_t lost = lost_events(r);

	if (lost > rw->lost)
		rw->lost_ns = clock__monotonic_ns();
	rw->lost = lost > rw->lost ? lost : rw->lost;
}

static void on_lasting(void *ctx, const struct gstep *s, uint32_t *told)
{
	triggers__lasting(ctx, s, told);
}

static void judge_lasting(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;

	look_for_losses(r);
	if (triggers__judges_waits(rw->t))
		window__each_lasting(rw->w, rw->lost_ns, now_ns, on_lasting, rw->t);
	triggers__looked(rw->t, rw->lost_ns, now_ns);
}

static void judge_levels(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;

	judge_lasting(r, now_ns);
	if (recording__sees(r, COND_GOROUTINES))
		triggers__level(rw->t, COND_GOROUTINES, (double)window__now(rw->w)->alive, now_ns);
	judge_status(r, now_ns);
	judge_sums(r, now_ns);
	triggers__tick(rw->t, now_ns);
}

/* ---- the drain thread ---- */

static int on_event(void *ctx, const struct gbt_event *e, const struct gstep *steps, size_t cnt)
{
	const struct recording *r = ctx;

	return triggers__event(r->window->t, e, steps, cnt);
}

int recording__window_settle(struct recording *r, uint64_t until_ns)
{
	return window__settle(r->window->w, until_ns, on_event, r);
}

/*
 * Stacks that only events of long ago had give way to new ones. The programs define all anew first;
 * a second later nothing under way takes an old one for defined.
 */
static void forget_definitions(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;

	if (rw->forget_due_ns && now_ns >= rw->forget_due_ns) {
		window__forget(rw->w, NULL, NULL);
		rw->forget_due_ns = 0;
		rw->forgot_ns = now_ns;
	} else if (!rw->forget_due_ns && window__is_full_of_definitions(rw->w) &&
		   now_ns >= rw->forgot_ns + FORGET_EVERY_NS) {
		capture__define_again(r->capture);
		rw->forget_due_ns = now_ns + FORGET_AFTER_NS;
	}
}

int recording__window_tick(struct recording *r, uint64_t now_ns)
{
	struct recording_window *rw = r->window;
	int err = 0;

	recording__window_account(r, now_ns);
	forget_definitions(r, now_ns);
	if (window__is_due(rw->w, now_ns))
		err = add_chunk(r, now_ns);
	/* a ring is drained up to some moment behind now_ns: all of before is there */
	if (!err)
		err = recording__window_settle(r, now_ns);
	rw->drained_ns = now_ns;
	if (!err && now_ns >= rw->levels_due_ns) {
		judge_levels(r, now_ns);
		rw->levels_due_ns = now_ns + LEVELS_EVERY_NS;
	}
	return err;
}

int recording__window_end(struct recording *r)
{
	struct recording_window *rw = r->window;
	int err;

	pthread_mutex_lock(&rw->lock);
	err = recording__window_settle(r, UINT64_MAX);
	triggers__end(rw->t);
	rw->drained_ns = r->trailer.end_ns;
	pthread_mutex_unlock(&rw->lock);
	return err;
}

bool recording__fired(struct recording *r, struct firing *out)
{
	bool fired;

	pthread_mutex_lock(&r->window->lock);
	fired = triggers__take(r->window->t, out);
	pthread_mutex_unlock(&r->window->lock);
	return fired;
}

uint64_t recording__unkept(struct recording *r)
{
	uint64_t cnt;

	pthread_mutex_lock(&r->window->lock);
	cnt = r->window->unkept + triggers__unkept(r->window->t);
	pthread_mutex_unlock(&r->window->lock);
	return cnt;
}

void recording__misses(struct recording *r, struct recording_misses *out)
{
	uint64_t counters[GBT_C_MAX] = {0};

	capture__stats(r->capture, counters);
	pthread_mutex_lock(&r->window->lock);
	*out = (struct recording_misses){.lost = lost_events(r) + counters[GBT_C_FUNC_LOST],
					 .late = window__late(r->window->w),
					 .watched_ns = r->window->watched_ns,
					 .blind_ns = r->window->blind_ns,
					 .slices = r->window->slices};
	pthread_mutex_unlock(&r->window->lock);
}

/* Probes are placed when it begins. */
static int check_sites(const struct recording *r, const struct condition *c, size_t cnt)
{
	const struct condition *lacks = recording_requests__lacks(r, c, cnt),
			       *func = recording_funcs__lacks(r, c, cnt);

	if (func) {
		log_error("process %d: '%s': has no probes at this function: start the watch again",
			  recording__pid(r), func->text);
		return -EOPNOTSUPP;
	}

	for (size_t i = 0; i < cnt; i++) {
		if (c[i].subject != COND_OFF_CPU || r->off_cpu)
			continue;
		log_error("process %d: '%s': does not look at switches: start the watch again",
			  recording__pid(r), c[i].text);
		return -EOPNOTSUPP;
	}
	if (!lacks)
		return 0;
	log_error("process %d: '%s': has no probes at requests or calls of the kind: start the "
		  "watch again",
		  recording__pid(r), lacks->text);
	return -EOPNOTSUPP;
}

int recording__judge(struct recording *r, const struct condition *c, size_t cnt, bool always)
{
	struct recording_window *rw = r->window;
	struct triggers *t = NULL, *before;
	int err = check_sites(r, c, cnt);

	if (!err)
		err = triggers__new(c, cnt, &t);
	if (err)
		return err;
	pthread_mutex_lock(&rw->lock);
	err = open_cgroup(r, c, cnt);
	if (!err) {
		before = rw->t;
		rw->unkept += triggers__unkept(before) + triggers__left(before);
		rw->t = t;
		t = before;
		r->opt.conditions = c;
		r->opt.condition_cnt = cnt;
		r->opt.always = always;
		window__untell(rw->w);
	}
	pthread_mutex_unlock(&rw->lock);
	triggers__free(t);
	return err;
}

void recording__share_memory(struct recording *r, uint64_t keep_sz)
{
	pthread_mutex_lock(&r->window->lock);
	window__bound(r->window->w, keep_sz);
	pthread_mutex_unlock(&r->window->lock);
}

uint64_t recording__drained_ns(struct recording *r)
{
	uint64_t ns;

	pthread_mutex_lock(&r->window->lock);
	ns = r->window->drained_ns;
	pthread_mutex_unlock(&r->window->lock);
	return ns;
}

uint64_t recording__window_sz(struct recording *r)
{
	uint64_t sz;

	pthread_mutex_lock(&r->window->lock);
	sz = window__bytes(r->window->w);
	pthread_mutex_unlock(&r->window->lock);
	return sz;
}
