/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "output/profile_kinds.h"
#include "recorder/recording_window.h"

#define COMMAND_CHECK_EVERY_NS (500 * 1000)
#define COMMAND_CHECKS 100

uint64_t recording__execed_ns(const struct recording *r)
{
	return r->capture ? capture__execed_ns(r->capture) : 0;
}

bool recording__has_probes(const struct recording *r)
{
	return r->opt.sites || r->alloc_plan.cnt;
}

bool recording__wants(const struct recording *r, uint32_t profiles)
{
	struct profile_choice choice;
	const char *bad;
	size_t len;

	return !profile_choice__parse(r->opt.profiles, &choice, &bad, &len) &&
	       choice.set & profiles;
}

uint64_t recording__tool_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

const struct capture_info *recording__capture_info(const struct recording *r)
{
	static const struct capture_info none;

	return r->capture ? capture__info(r->capture) : &none;
}

/* A command's memory is checked when its runtime is up; what a wrong layout would have recorded
 * until then is thrown away with the capture. */
static enum recording_end poll_command(struct recording *r)
{
	int err = go_target__after_exec(r->target);

	if (r->capture)
		capture__set_bias(r->capture, r->target->bias); /* known before the check is done */
	/* memory that cannot be read is that of a program about to end, which the next poll sees */
	if (err == -EAGAIN || err == -EFAULT || err == -ESRCH)
		return RECORDING_RUNNING;
	if (err)
		return process__is_alive(r->target->proc) ? RECORDING_FAILED
							  : RECORDING_TARGET_EXITED;
	r->target_ready = true;
	return RECORDING_RUNNING;
}

/* Where it was loaded, and whether its layout holds, can be asked only while it lives, which may
 * not be for long: more often in its first moments, in which the runtime comes up. */
static int check_command(struct recording *r)
{
	const struct timespec pause = {0, COMMAND_CHECK_EVERY_NS};
	int i;

	for (i = 0; i < COMMAND_CHECKS && !r->target_ready; i++) {
		enum recording_end end = poll_command(r);

		if (end == RECORDING_FAILED)
			return -EBADMSG;
		if (end != RECORDING_RUNNING)
			break; /* the next poll tells */
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* What was read of its file holds for what runs only if nobody wrote to it until its exec, from
 * which on the kernel lets nobody. */
static int start_command(struct recording *r)
{
	int err = launch__go(r->command);

	if (!err)
		err = go_target__check_unchanged(r->target);
	return err ? err : check_command(r);
}

/* Before the window only where a budget needs it: measuring takes longer than attaching. */
static bool needs_price_first(const struct recording *r)
{
	return r->opt.budget || r->opt.mode != RECORDING_FULL;
}

static void take_price(struct recording *r)
{
	if (r->priced)
		return;
	r->priced = true;
	if (!recording__has_probes(r))
		hit_price__assume("there are no probes", &r->price);
	else if (!r->opt.price)
		hit_price__assume("nobody asked for it", &r->price);
	else if (r->opt.mode == RECORDING_LIGHT)
		hit_price__of_starts(price_job__wait(r->opt.price), &r->plan, &r->price);
	else
		hit_price__of_plan(price_job__wait(r->opt.price),
				   r->plan.cnt ? &r->plan : &r->alloc_plan, &r->price);
}

uint64_t recording__hit_price(struct recording *r)
{
	take_price(r);
	if (r->opt.budget && r->trailer.price_hit_ns) /* of slices, in which hits came closer */
		return r->trailer.price_hit_ns;
	return hit_price__at(&r->price, r->trailer.counters[GBT_C_HITS], r->trailer.target_cpu_ns);
}

void recording__price_if_told(struct recording *r)
{
	if (r->opt.price && price_job__is_told(r->opt.price))
		take_price(r);
}

/* Not of a command, whose address in memory is not known before its exec. */
static int start_fold(struct recording *r)
{
	const struct live_fold_config cfg = {
		.id = r->opt.fold_id,
		.tags = r->opt.fold_tags,
		.target = r->target,
		.meta = &r->meta,
		.snapshot = r->snapshot,
		.assist_ends = plan__has(&r->plan, SITE_GC_ASSIST_END),
	};
	int err = live_fold__start(&cfg, &r->fold);

	if (err)
		log_error("process %d: fold thread: %s", recording__pid(r), strerror(-err));
	return err;
}

int recording__start(struct recording *r)
{
	int err = 0;

	hit_price__assume("it is still being measured", &r->price);
	if (needs_price_first(r))
		take_price(r);
	if (r->opt.mode == RECORDING_OBSERVE || r->opt.mode == RECORDING_LIGHT)
		err = recording__foretell(r);
	if (!err && r->capture)
		err = capture__attach(r->capture);
	if (err)
		return err;
	/* from here on the capture sees it; before, only a comparison does */
	if (!r->command && go_target__execed(r->target)) {
		log_error("process %d: has exec'ed another program meanwhile", recording__pid(r));
		return -ESRCH;
	}
	r->tool_cpu_start_ns = recording__tool_cpu_ns();
	process__cpu_ns(r->target->proc, &r->cpu_start_ns);
	r->start_ns = clock__monotonic_ns();
	if (r->capture)
		capture__arm(r->capture);
	/* The head is written before the drain thread owns the writer; meanwhile the rings hold
	 * what happens. */
	err = recording__write_head(r);
	if (!err)
		err = recording__govern_start(r);
	if (!err && r->alloc_plan.cnt)
		err = alloc_duty__start(r->target, r->capture, r->opt.max_overhead_pct, &r->duty);
	if (!err && r->opt.fold_live && !r->command)
		err = start_fold(r);
	if (!err && r->capture)
		err = recording__drain_start(r);
	if (!err)
		err = recording__wall_start(r);
	if (!err && r->command)
		err = start_command(r);
	if (err && r->capture)
		capture__disarm(r->capture);
	return err;
}

bool recording__observes(const struct recording *r)
{
	return r->capture || r->opt.wall_hz;
}

enum recording_end recording__poll(struct recording *r)
{
	uint64_t elapsed = clock__monotonic_ns() - r->start_ns;

	if (r->drain_err)
		return RECORDING_FAILED;
	if (recording__execed_ns(r))
		return RECORDING_TARGET_EXECED;
	if (!process__is_alive(r->target->proc))
		return RECORDING_TARGET_EXITED;
	if (!r->target_ready) {
		enum recording_end end = poll_command(r);

		if (end != RECORDING_RUNNING)
			return end;
	}
	if (r->capture && capture__probes_lost(r->capture)) {
		log_error("process %d: the process gbt-keeper, which held the probes, is gone "
			  "(killed?), and they with it",
			  recording__pid(r));
		return RECORDING_PROBES_LOST;
	}
	if (r->over_ns)
		return RECORDING_BUDGET;
	if (r->spool_sz >= r->opt.max_sz)
		return RECORDING_MAX_SIZE;
	if (r->opt.duration_ns && elapsed >= r->opt.duration_ns)
		return RECORDING_DURATION;
	return RECORDING_RUNNING;
}

int recording__exit_status(const struct recording *r, int *status)
{
	return process__exit_status(r->target->proc, status);
}

void recording__progress(struct recording *r, struct recording_progress *p)
{
	uint64_t counters[GBT_C_MAX] = {0}, cpu_ns = 0;

	*p = (struct recording_progress){0};
	if (!r || !r->start_ns || !r->capture || capture__stats(r->capture, counters))
		return;
	p->elapsed_ns = clock__monotonic_ns() - r->start_ns;
	p->spool_sz = r->spool_sz;
	p->events = counters[GBT_C_EVENTS];
	p->lost = counters[GBT_C_RING_FULL] + counters[GBT_C_SAMPLE_LOST];
	if (process__cpu_ns(r->target->proc, &cpu_ns) || cpu_ns <= r->cpu_start_ns)
		return;
	cpu_ns -= r->cpu_start_ns;
	recording__price_if_told(r);
	p->cost_pct = 100.0 * counters[GBT_C_HITS] *
		      hit_price__at(&r->price, counters[GBT_C_HITS], cpu_ns) / cpu_ns;
}

static int end_fold(struct recording *r)
{
	int err = live_fold__end(r->fold, r->trailer.end_ns);

	if (err)
		log_error("process %d: folding the profile: %s", recording__pid(r), strerror(-err));
	return err;
}

int recording__stop(struct recording *r, enum recording_end why)
{
	uint64_t execed_ns;
	int err, wall_err = recording__wall_stop(r);

	alloc_duty__end(r->duty);
	if (r->capture)
		capture__disarm(r->capture);
	execed_ns = recording__execed_ns(r);
	r->trailer.end_ns = execed_ns ? execed_ns : clock__monotonic_ns();
	if (!execed_ns && r->over_ns) /* from then on there were no probes any more */
		r->trailer.end_ns = r->over_ns;
	/* of a process that has gone it stays 0: not known */
	if (!execed_ns && r->target_ready && go_target__m_cnt(r->target, &r->trailer.m_cnt))
		r->trailer.m_cnt = 0;
	err = recording__drain_stop(r);
	if (!err && r->capture)
		err = capture__drain_rest(r->capture, recording__on_record, r);
	alloc_duty__stop(r->duty, &r->allocs);
	r->duty = NULL;
	/* a profile does not hold its price, and must be there soon: who tells it waits for it */
	if (r->opt.fold_live)
		recording__price_if_told(r);
	else
		take_price(r);
	recording__fill_trailer(r, why);
	if (r->capture)
		capture__detach_begin(r->capture);
	if (!err && r->fold)
		err = end_fold(r);
	if (!err)
		err = wall_err;
	return err ? err : recording__write_tail(r);
}

int recording__end_window(struct recording *r)
{
	uint64_t execed_ns;
	int err;

	capture__disarm(r->capture);
	execed_ns = recording__execed_ns(r);
	r->trailer.end_ns = execed_ns ? execed_ns : clock__monotonic_ns();
	err = recording__drain_stop(r);
	if (!err)
		err = capture__drain_rest(r->capture, recording__on_record, r);
	if (!err)
		err = recording__window_end(r);
	if (err)
		log_error("process %d: the window: %s", recording__pid(r), strerror(-err));
	capture__detach_begin(r->capture);
	return err;
}

const char *recording__no_samples(const struct recording *r)
{
	return recording__capture_info(r)->no_sampling;
}

const struct live_fold *recording__folded(const struct recording *r)
{
	return r->fold;
}

int recording__raw_fd(const struct recording *r)
{
	return r->spool_fd;
}

pid_t recording__pid(const struct recording *r)
{
	return r->target->proc->pid;
}

const char *recording__name(const struct recording *r)
{
	return r->target->proc->name;
}

void recording__free(struct recording *r)
{
	if (!r)
		return;
	recording__wall_stop(r);
	wall_profile__free(r->wall_profile);
	if (r->capture)
		capture__disarm(r->capture);
	recording__drain_stop(r);
	alloc_duty__stop(r->duty, NULL);
	capture__free(r->capture);
	raw_writer__free(r->raw);
	live_fold__free(r->fold);
	recording__window_free(r);
	snapshot__free(r->snapshot);
	kallsyms__free(r->kernel);
	heap_buckets__free(r->heap);
	go_target__free(r->target);
	if (r->spool_fd >= 0)
		close(r->spool_fd);
	if (r->stop_fd >= 0)
		close(r->stop_fd);
	free(r);
}
