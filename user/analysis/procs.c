/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/procs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Far above what Go allows in practice; keeps a damaged raw file from asking for memory. */
#define P_MAX (1 << 20)

void procs__init(struct procs_fold *f, uint64_t start_ns, uint32_t gomaxprocs)
{
	memset(f, 0, sizeof(*f));
	f->now_ns = start_ns;
	f->gomaxprocs = gomaxprocs;
}

void procs__fini(struct procs_fold *f)
{
	free(f->status);
	memset(f, 0, sizeof(*f));
}

void procs__advance(struct procs_fold *f, uint64_t now_ns)
{
	uint64_t dt;

	if (now_ns <= f->now_ns)
		return;
	dt = now_ns - f->now_ns;
	f->now_ns = now_ns;
	f->running_area += (unsigned __int128)dt * f->running;
	f->syscall_area += (unsigned __int128)dt * f->in_syscall;
	f->max_area += (unsigned __int128)dt * f->gomaxprocs;
	f->runnable_area += (unsigned __int128)dt * f->runnable;
	if (!f->running && !f->in_syscall)
		f->all_idle_ns += dt;
	else if (f->runnable && f->running + f->in_syscall >= f->gomaxprocs)
		f->saturated_ns += dt;
}

void procs__runnable(struct procs_fold *f, int delta)
{
	f->runnable += (uint64_t)(int64_t)delta;
	if (f->runnable > f->runnable_max)
		f->runnable_max = f->runnable;
}

static int set_status(struct procs_fold *f, uint64_t p, uint8_t status)
{
	size_t cap = f->cap;

	if (p >= P_MAX)
		return 0;
	if (p >= cap) {
		if (array__reserve(&f->status, f->cap, &cap, (size_t)p + 1 - f->cap,
				   sizeof(*f->status)))
			return -ENOMEM;
		memset(f->status + f->cap, 0, cap - f->cap);
		f->cap = cap;
	}
	f->running += (status == TR_P_RUNNING) - (f->status[p] == TR_P_RUNNING);
	f->in_syscall += (status == TR_P_SYSCALL) - (f->status[p] == TR_P_SYSCALL);
	f->status[p] = status;
	return 0;
}

int procs__transition(struct procs_fold *f, const struct transition *t)
{
	switch (t->type) {
	case TR_PROCS_CHANGE:
		f->changed |= !t->initial && f->gomaxprocs && t->value != f->gomaxprocs;
		f->gomaxprocs = t->value < P_MAX ? (uint32_t)t->value : P_MAX;
		return 0;
	case TR_PROC_STATUS:
		return set_status(f, t->subject, (uint8_t)t->value);
	case TR_PROC_START:
		return set_status(f, t->subject, TR_P_RUNNING);
	case TR_PROC_STOP:
	case TR_PROC_STEAL:
		return set_status(f, t->subject, TR_P_IDLE);
	case TR_GO_SYSCALL_BEGIN:
		return t->p < 0 ? 0 : set_status(f, (uint64_t)t->p, TR_P_SYSCALL);
	case TR_GO_SYSCALL_END:
		return t->p < 0 ? 0 : set_status(f, (uint64_t)t->p, TR_P_RUNNING);
	case TR_GO_DESTROY_SYSCALL:
		return t->p < 0 ? 0 : set_status(f, (uint64_t)t->p, TR_P_ABANDONED);
	default:
		return 0;
	}
}

static double share(unsigned __int128 part, unsigned __int128 whole)
{
	return whole ? (double)part / (double)whole : 0;
}

void procs__finish(const struct procs_fold *f, uint64_t window_ns, struct summary_procs *out)
{
	double busy;

	memset(out, 0, sizeof(*out));
	out->gomaxprocs = f->gomaxprocs;
	out->changed = f->changed;
	out->running_share = share(f->running_area, f->max_area);
	out->syscall_share = share(f->syscall_area, f->max_area);
	busy = out->running_share + out->syscall_share;
	out->idle_share = f->max_area && busy < 1 ? 1 - busy : 0;
	out->all_idle_share = share(f->all_idle_ns, window_ns);
	out->saturated_share = share(f->saturated_ns, window_ns);
	out->runnable_avg = share(f->runnable_area, window_ns);
	out->runnable_max = f->runnable_max;
}
