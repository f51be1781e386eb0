/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_window.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/duration.h"
#include "base/log.h"

#define DRAIN_EVERY_NS (2 * 1000 * 1000)
/* CPU samples alone come at a rate that is known and low: a second of them fits in the rings. */
#define DRAIN_SAMPLES_EVERY_NS (100 * 1000 * 1000)
#define HEAP_EVERY_NS (10 * 1000 * 1000)

/* ---- draining ---- */

static int keep(struct recording *r, unsigned ring, const struct gbt_hdr *rec, size_t len)
{
	if (r->window)
		return window__record(r->window->w, rec, len);
	return raw_writer__record(r->raw, ring, rec, len);
}

int recording__on_record(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len)
{
	struct recording *r = ctx;

	if (rec->kind == GBT_ALLOC)
		alloc_duty__hit(r->duty);
	if (r->fold) {
		int err = live_fold__record(r->fold, rec, len);

		/* stacks and labels are in the stream all the same: for the profile's tables */
		if (err || rec->kind < GBT_STACK)
			return err;
	}
	return keep(r, ring, rec, len);
}

/* The runtime has no function to probe for the heap's size: it is read every 10 ms, and with it
 * GOMAXPROCS, which changes only after the probe that would tell. */
static int sample_heap(struct recording *r)
{
	struct gbt_event ev = {
		.hdr = {.time_ns = clock__monotonic_ns(), .kind = GBT_HEAP},
		.p = -1,
	};

	if (go_target__heap(r->target, &ev.arg, &ev.cur) ||
	    go_target__gomaxprocs(r->target, &ev.arg32)) {
		r->heap_reads_failed++;
		return 0;
	}
	if (recording__execed_ns(r)) /* another program's memory */
		return 0;
	return keep(r, UINT32_MAX, &ev.hdr, sizeof(ev));
}

static int drain_once(struct recording *r, uint64_t now, uint64_t *heap_due)
{
	int err = capture__drain(r->capture, recording__on_record, r);

	if (err >= 0 && r->opt.heap && r->target_ready && now >= *heap_due) {
		err = sample_heap(r);
		*heap_due = now + HEAP_EVERY_NS;
	}
	return err > 0 ? 0 : err;
}

static int drain_to_window(struct recording *r, uint64_t now, uint64_t *heap_due)
{
	int err;

	pthread_mutex_lock(&r->window->lock);
	err = drain_once(r, now, heap_due);
	if (!err)
		err = recording__window_tick(r, now);
	pthread_mutex_unlock(&r->window->lock);
	return err;
}

static void *drain_loop(void *ctx)
{
	struct recording *r = ctx;
	const struct timespec pause = {0, recording__has_probes(r) ? DRAIN_EVERY_NS
								   : DRAIN_SAMPLES_EVERY_NS};
	struct pollfd stop = {.fd = r->stop_fd, .events = POLLIN};
	uint64_t heap_due = 0;
	int err = 0;

	recording__govern_thread(r);
	do {
		uint64_t now = clock__monotonic_ns();

		err = r->window ? drain_to_window(r, now, &heap_due)
				: drain_once(r, now, &heap_due);
		if (!err)
			err = recording__govern(r, clock__monotonic_ns());
		if (r->raw)
			r->spool_sz = raw_writer__bytes(r->raw) +
				      (r->fold ? live_fold__waiting(r->fold) : 0);
	} while (!err && ppoll(&stop, 1, &pause, NULL) <= 0);
	if (err < 0)
		r->drain_err = err;
	return NULL;
}

int recording__drain_start(struct recording *r)
{
	int err;

	r->stop_fd = eventfd(0, EFD_CLOEXEC);
	err = r->stop_fd < 0 ? -errno : -pthread_create(&r->drainer, NULL, drain_loop, r);
	if (err)
		log_error("process %d: drain thread: %s", recording__pid(r), strerror(-err));
	r->draining = !err;
	return err;
}

int recording__drain_stop(struct recording *r)
{
	if (!r->draining)
		return 0;
	eventfd_write(r->stop_fd, 1);
	pthread_join(r->drainer, NULL);
	r->draining = false;
	return r->drain_err; /* the writer has told it */
}

/* ---- the wall profile ---- */

static enum wall_readable can_be_read(void *ctx)
{
	struct recording *r = ctx;

	if (!r->target_ready)
		return WALL_NOT_YET;
	if (recording__execed_ns(r) || (!r->capture && go_target__execed(r->target)))
		return WALL_NO_MORE;
	return WALL_READABLE;
}

int recording__wall_start(struct recording *r)
{
	const struct wall_thread_config cfg = {
		.target = r->target,
		.hz = r->opt.wall_hz,
		.labels = r->opt.labels,
		.goids = r->opt.wall_goids,
		.readable = can_be_read,
		.ctx = r,
	};

	return r->opt.wall_hz ? wall_thread__start(&cfg, &r->wall) : 0;
}

int recording__wall_stop(struct recording *r)
{
	struct wall_thread *t = r->wall;

	r->wall = NULL;
	return t ? wall_thread__stop(t, &r->wall_profile) : 0;
}
