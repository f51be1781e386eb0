/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/log.h"
#include "capture/compat.h"
#include "capture/internal.h"
#include "capture/layout_fit.h"
#include "capture/sites.h"
#include "goroutine.skel.h"
#include "sampler.skel.h"

/* How long programs that were under way when we disarmed are waited for. */
#define REST_MIN_MS 3
#define REST_MAX_MS 200

const char *capture_attach__name(enum capture_attach a)
{
	static const char *const names[] = {"auto", "multi", "perf"};

	return (unsigned)a < 3 ? names[a] : "?";
}

static bool has_sites(const struct capture *c)
{
	return c->cfg.plan && c->cfg.plan->cnt;
}

static bool has_alloc_sites(const struct capture *c)
{
	return c->cfg.alloc_plan && c->cfg.alloc_plan->cnt;
}

static void count_sites(struct capture *c)
{
	size_t i;

	if (!has_sites(c))
		return;
	c->info.sites = c->cfg.plan->cnt;
	for (i = 0; i < c->cfg.plan->cnt; i++) {
		c->info.sites_stepped += c->cfg.plan->sites[i].insn == SITE_STEPPED;
		c->info.sites_nop5 += c->cfg.plan->sites[i].insn == SITE_NOP5;
	}
}

/* What this kernel has of what we would like to use. */
static int choose_ways(struct capture *c)
{
	c->use_task_pt_regs = compat__has_task_pt_regs();
	if (!has_sites(c) && !has_alloc_sites(c))
		return 0;
	count_sites(c);
	c->info.attach = c->cfg.attach;
	if (c->cfg.attach == CAPTURE_ATTACH_AUTO)
		c->info.attach =
			compat__has_uprobe_multi() ? CAPTURE_ATTACH_MULTI : CAPTURE_ATTACH_PERF;
	if (c->cfg.attach == CAPTURE_ATTACH_MULTI && !compat__has_uprobe_multi()) {
		log_error("capture: --attach multi: this kernel has no uprobe_multi (6.6); use "
			  "--attach perf");
		return -EOPNOTSUPP;
	}
	if (c->info.attach == CAPTURE_ATTACH_PERF && c->cfg.bias_unknown && !compat__has_cookie()) {
		log_error("capture: a command cannot be attached to before it starts on this "
			  "kernel (attach cookies: 5.15); start it and use -p");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_layout(const struct capture *c)
{
	const char *misfit = layout_fit__misfit(&c->cfg.rt.off);
	int32_t seq = c->cfg.rt.g_tracking_seq - c->cfg.rt.off.g_sched_sp;

	if (!misfit && c->cfg.rt.light && (seq < 0 || seq >= GBT_READ_MARK_SZ))
		misfit = "g.trackingSeq";
	if (!misfit)
		return 0;
	log_error("capture: '%s' (%d): the layout of this Go runtime is beyond what the probes "
		  "read: %s",
		  c->cfg.proc->name, c->cfg.proc->pid, misfit);
	return -EOPNOTSUPP;
}

int capture__prepare(void)
{
	int err = keeper__prepare();

	if (err)
		log_error("capture: the process that places probes cannot be started: %s",
			  strerror(-err));
	return err;
}

void capture__finish(void)
{
	keeper__finish();
}

static bool has_steady_sites(const struct capture *c)
{
	for (size_t i = 0; has_sites(c) && i < c->cfg.plan->cnt; i++)
		if (c->cfg.steady & SITE_BIT(c->cfg.plan->sites[i].id))
			return true;
	return false;
}

static int start_keepers(struct capture *c)
{
	int err = capture__prepare();

	if (!err && has_sites(c))
		err = keeper__new(&c->keeper);
	if (!err && has_steady_sites(c))
		err = keeper__new(&c->steady_keeper);
	if (!err && has_alloc_sites(c))
		err = keeper__new(&c->alloc_keeper);
	return err;
}

int capture__open(const struct capture_config *cfg, struct capture **out)
{
	struct capture *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	c->scratch_fd = -1;
	message__install_libbpf();
	err = check_layout(c);
	if (!err)
		err = choose_ways(c);
	if (!err && (has_sites(c) || has_alloc_sites(c)))
		err = start_keepers(c);
	if (!err)
		err = load__programs(c);
	if (!err) /* not before: loading takes memory of its own for a moment */
		err = rings__map(c->rings);
	/* not needed any more, and not ours */
	c->cfg.leaves = NULL;
	if (err) {
		capture__free(c);
		return err;
	}
	*out = c;
	return 0;
}

int capture__attach(struct capture *c)
{
	uint64_t begin_ns = clock__monotonic_ns();
	int err = 0;

	if (has_sites(c) || has_alloc_sites(c)) {
		if (has_sites(c) && !c->cfg.bias_unknown)
			err = sites__check_live(c->cfg.plan, c->cfg.proc, c->cfg.bias, 0,
						&c->info.sites_shared);
		if (!err)
			err = attach__probes(c);
	}
	if (!err && c->sampler)
		err = attach__sampler(c);
	if (!err)
		err = off_cpu__attach(c);
	c->info.attach_ns = clock__monotonic_ns() - begin_ns;
	if (err)
		attach__detach(c);
	return err;
}

int capture__alloc_on(struct capture *c)
{
	size_t shared;
	int err;

	if (!has_alloc_sites(c) || c->cfg.bias_unknown)
		return -EOPNOTSUPP;
	err = sites__check_live(c->cfg.alloc_plan, c->cfg.proc, c->cfg.bias, 0, &shared);
	if (!err)
		err = attach__alloc(c);
	return err;
}

void capture__alloc_off(struct capture *c)
{
	if (c->alloc_keeper)
		keeper__remove(c->alloc_keeper);
}

/*
 * What programs remember holds from the moment on in which all probes are in place (bpf/known.h).
 * An era stands above all addresses of a process; when there are no more of them, nothing is
 * remembered any more.
 */
#define ERA_SHIFT 48
#define ERA_MAX 0xffff

static void begin_era(struct capture *c)
{
	uint64_t n = ++c->eras;

	if (!c->goroutine)
		return;
	__atomic_store_n(&c->goroutine->bss->era, n <= ERA_MAX ? n << ERA_SHIFT : 0,
			 __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->goroutine->bss->era_number, n, __ATOMIC_SEQ_CST);
}

static void end_era(struct capture *c)
{
	if (!c->goroutine)
		return;
	__atomic_store_n(&c->goroutine->bss->era, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->goroutine->bss->era_number, 0, __ATOMIC_SEQ_CST);
}

int capture__probes_on(struct capture *c)
{
	size_t shared;
	int err;

	if (capture__execed_ns(c))
		return -ESRCH;
	err = sites__check_live(c->cfg.plan, c->cfg.proc, c->cfg.bias, c->cfg.steady, &shared);
	if (!err)
		err = attach__probes_again(c);
	if (!err)
		begin_era(c);
	return err;
}

void capture__probes_off(struct capture *c)
{
	end_era(c);
	if (c->keeper)
		keeper__remove(c->keeper);
}

bool capture__probes_lost(const struct capture *c)
{
	return (c->keeper && keeper__is_gone(c->keeper)) ||
	       (c->steady_keeper && keeper__is_gone(c->steady_keeper)) ||
	       (c->alloc_keeper && keeper__is_gone(c->alloc_keeper));
}

static void set_armed(struct capture *c, uint32_t val)
{
	if (c->goroutine)
		__atomic_store_n(&c->goroutine->bss->armed, val, __ATOMIC_SEQ_CST);
	if (c->sampler)
		__atomic_store_n(&c->sampler->bss->armed, val, __ATOMIC_SEQ_CST);
}

void capture__arm(struct capture *c)
{
	if (!c->cfg.later)
		begin_era(c);
	set_armed(c, 1);
	if (capture__execed_ns(c)) /* in between: it has disarmed what was not armed yet */
		set_armed(c, 0);
}

uint64_t capture__execed_ns(const struct capture *c)
{
	if (c->goroutine)
		return __atomic_load_n(&c->goroutine->bss->execed_ns, __ATOMIC_SEQ_CST);
	return c->sampler ? __atomic_load_n(&c->sampler->bss->execed_ns, __ATOMIC_SEQ_CST) : 0;
}

void capture__disarm(struct capture *c)
{
	set_armed(c, 0);
}

void capture__set_bias(struct capture *c, uint64_t bias)
{
	uint64_t delta = bias - c->cfg.bias;

	if (c->goroutine)
		__atomic_store_n(&c->goroutine->bss->bias_delta, delta, __ATOMIC_SEQ_CST);
	if (c->sampler)
		__atomic_store_n(&c->sampler->bss->bias_delta, delta, __ATOMIC_SEQ_CST);
}

struct drain {
	struct capture *c;
	capture_record_fn fn;
	void *ctx;
};

static size_t least_len(uint16_t kind)
{
	switch (kind) {
	case GBT_STACK:
		return offsetof(struct gbt_stack, pcs);
	case GBT_LABELS:
		return sizeof(struct gbt_labels);
	}
	return gbt_has_text(kind) ? offsetof(struct gbt_text, text) : sizeof(struct gbt_event);
}

static int on_record(void *ctx, unsigned ring, void *rec, size_t len)
{
	struct drain *d = ctx;
	const struct gbt_hdr *hdr = rec;

	if (len < sizeof(*hdr) || len < least_len(hdr->kind)) {
		d->c->malformed_cnt++;
		return 0;
	}
	return d->fn(d->ctx, ring, hdr, len);
}

int capture__drain(struct capture *c, capture_record_fn fn, void *ctx)
{
	struct drain d = {.c = c, .fn = fn, .ctx = ctx};

	return rings__drain(c->rings, on_record, &d);
}

static const volatile struct gbt_slot *slot_at(const struct capture *c, size_t i)
{
	return (const void *)((const char *)c->scratch + i * c->scratch_slot_sz);
}

/* Hits whose events may still come. */
static size_t under_way(const struct capture *c)
{
	size_t cnt = 0;

	for (size_t i = 0; i < c->scratch_cnt; i++)
		cnt += slot_at(c, i)->busy != 0;
	return cnt;
}

static bool may_come(const struct capture *c)
{
	return rings__pending(c->rings) || under_way(c);
}

int capture__drain_rest(struct capture *c, capture_record_fn fn, void *ctx)
{
	const struct timespec pause = {0, 1000 * 1000};
	unsigned i;
	int err = 0;

	for (i = 0; err >= 0 && (i < REST_MIN_MS || (i < REST_MAX_MS && may_come(c))); i++) {
		nanosleep(&pause, NULL);
		err = capture__drain(c, fn, ctx);
	}
	c->unfinished_cnt = under_way(c);
	rings__unmap(c->rings);
	return err < 0 ? err : 0;
}

void capture__define_again(struct capture *c)
{
	if (c->goroutine)
		memset(c->goroutine->bss->seen, 0, sizeof(c->goroutine->bss->seen));
	if (c->sampler)
		memset(c->sampler->bss->seen, 0, sizeof(c->sampler->bss->seen));
}

int capture__stats(const struct capture *c, uint64_t counters[GBT_C_MAX])
{
	size_t slot, i;

	memset(counters, 0, GBT_C_MAX * sizeof(counters[0]));
	for (slot = 0; slot < c->scratch_cnt; slot++) {
		const volatile __u64 *cnt = slot_at(c, slot)->cnt;

		for (i = 0; i < GBT_C_MAX; i++)
			counters[i] += cnt[i];
	}
	if (c->goroutine) {
		counters[GBT_C_FOREIGN] += c->goroutine->bss->foreign_cnt;
		counters[GBT_C_NO_SCRATCH] += c->goroutine->bss->no_scratch_cnt;
		counters[GBT_C_OFF_CPU] += c->goroutine->bss->off_cpu_cnt;
		counters[GBT_C_RING_FULL] += c->goroutine->bss->off_cpu_lost_cnt;
	}
	counters[GBT_C_UNFINISHED] = c->unfinished_cnt;
	if (c->sampler)
		counters[GBT_C_NO_SCRATCH] += c->sampler->bss->no_scratch_cnt;
	return 0;
}

const struct capture_info *capture__info(const struct capture *c)
{
	return &c->info;
}

static void *detach_thread(void *arg)
{
	struct capture *c = arg;
	uint64_t begin_ns = clock__monotonic_ns();

	off_cpu__detach(c);
	attach__detach(c);
	c->info.detach_ns = clock__monotonic_ns() - begin_ns;
	return NULL;
}

int capture__detach_begin(struct capture *c)
{
	int err;

	if (c->detaching || c->detached)
		return 0;
	capture__disarm(c);
	err = pthread_create(&c->detacher, NULL, detach_thread, c);
	if (err) { /* then the caller waits */
		detach_thread(c);
		c->detached = true;
		return 0;
	}
	c->detaching = true;
	return 0;
}

void capture__detach_join(struct capture *c)
{
	if (!c->detaching)
		return;
	pthread_join(c->detacher, NULL);
	c->detaching = false;
	c->detached = true;
}

void capture__free(struct capture *c)
{
	if (!c)
		return;
	capture__detach_begin(c);
	capture__detach_join(c);
	load__unload(c);
	free(c->sampler_links);
	free(c);
}
