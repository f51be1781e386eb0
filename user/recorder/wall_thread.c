/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/wall_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"

#define SECOND_NS UINT64_C(1000000000)
#define TICK_SHARE                                                                                 \
	5 /* a tick that costs more than a fifth of the time to the next lets some out             \
	   */

struct wall_thread {
	struct wall_thread_config cfg;
	struct snap_source src;
	struct wall_sampler *sampler; /* NULL until the target can be read */
	pthread_t thread;
	int stop_fd;
	int err;
};

/*
 * When tick n is due. Not evenly: a program that does something every 10 ms would be met at the
 * same point of it each time. Each tick is moved by up to a quarter of the period, in steps of the
 * golden ratio.
 */
static uint64_t due_ns(const struct wall_thread *t, uint64_t begin_ns, uint64_t n)
{
	double period = (double)SECOND_NS / t->cfg.hz, turn = 0.6180339887498949 * (double)n;
	double moved = (turn - (double)(uint64_t)turn) / 2;

	return begin_ns + (uint64_t)(period * ((double)n + moved));
}

static bool wait_until(const struct wall_thread *t, uint64_t ns)
{
	struct pollfd stop = {.fd = t->stop_fd, .events = POLLIN};
	uint64_t now = clock__monotonic_ns(), left = ns > now ? ns - now : 0;
	const struct timespec pause = {(time_t)(left / SECOND_NS), (long)(left % SECOND_NS)};

	return ppoll(&stop, 1, &pause, NULL) <= 0;
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static int look(struct wall_thread *t)
{
	const struct wall_options opt = {
		.hz = t->cfg.hz, .labels = t->cfg.labels, .goids = t->cfg.goids};

	if (!t->sampler) {
		int err;

		go_target__source(t->cfg.target, &t->src);
		err = wall__open(&t->src, &opt, &t->sampler);
		if (err)
			return err;
	}
	return wall__tick(t->sampler, clock__monotonic_ns());
}

static void *run(void *ctx)
{
	struct wall_thread *t = ctx;
	uint64_t begin_ns = clock__monotonic_ns(), n = 0;

	while (wait_until(t, due_ns(t, begin_ns, n))) {
		enum wall_readable readable = t->cfg.readable(t->cfg.ctx);
		uint64_t cpu_ns = thread_cpu_ns(), next_ns, late = 0;

		if (readable == WALL_NO_MORE)
			break;
		n++;
		if (readable == WALL_NOT_YET)
			continue;
		t->err = look(t);
		if (t->err)
			break;
		next_ns = clock__monotonic_ns() + (thread_cpu_ns() - cpu_ns) * (TICK_SHARE - 1);
		for (; due_ns(t, begin_ns, n) < next_ns && due_ns(t, begin_ns, n + 1) < next_ns;
		     n++)
			late++;
		wall__late(t->sampler, late);
	}
	return NULL;
}

int wall_thread__start(const struct wall_thread_config *cfg, struct wall_thread **out)
{
	struct wall_thread *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	if (!t)
		return err;
	t->cfg = *cfg;
	t->stop_fd = eventfd(0, EFD_CLOEXEC);
	err = t->stop_fd < 0 ? -errno : -pthread_create(&t->thread, NULL, run, t);
	if (err) {
		log_error("process %d: thread of the wall profile: %s", cfg->target->proc->pid,
			  strerror(-err));
		if (t->stop_fd >= 0)
			close(t->stop_fd);
		free(t);
		return err;
	}
	*out = t;
	return 0;
}

/* A target that ended is no failure; other errors have been told where they came up. */
static bool is_failure(int err)
{
	return err && err != -ESRCH && err != -EFAULT;
}

int wall_thread__stop(struct wall_thread *t, struct wall_profile **out)
{
	int err = 0;

	*out = NULL;
	if (!t)
		return 0;
	eventfd_write(t->stop_fd, 1);
	pthread_join(t->thread, NULL);
	if (is_failure(t->err))
		log_warn("process %d: the wall profile ends early: %s", t->cfg.target->proc->pid,
			 strerror(-t->err));
	if (t->sampler)
		err = wall__finish(t->sampler,
				   t->cfg.readable(t->cfg.ctx) == WALL_READABLE && !t->err
					   ? clock__monotonic_ns()
					   : 0,
				   out);
	wall__free(t->sampler);
	close(t->stop_fd);
	free(t);
	return err;
}
