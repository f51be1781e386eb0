/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/log.h"
#include "output/profile_kinds.h"
#include "recorder/raw_facts.h"
#include "recorder/recording_requests.h"
#include "recorder/recording_window.h"
#include "recorder/symbolize.h"
#include "recorder/tables.h"

static int write_snapshot(struct recording *r, enum raw_section type)
{
	struct buf b = {0};
	int err;

	snapshot__free(r->snapshot);
	r->snapshot = NULL;
	err = go_target__snapshot(r->target, r->opt.stacks, r->opt.labels, &r->snapshot);
	if (!err && r->raw)
		err = snapshot__serialize(r->snapshot, &b);
	if (!err && r->raw)
		err = raw_writer__section(r->raw, type, b.data, b.len);
	buf__free(&b);
	return err;
}

int recording__write_maps(struct recording *r, struct raw_writer *w)
{
	struct buf b = {0};
	int err = raw_facts__maps(r->target, &b);

	if (!err)
		err = raw_writer__section(w, RAW_MAPS, b.data, b.len);
	buf__free(&b);
	return err;
}

static void note_mode(struct recording *r)
{
	if (r->opt.budget > 0 && recording__capture_info(r)->attach == CAPTURE_ATTACH_PERF)
		raw_facts__note(&r->meta,
				"probes are perf events: taking them away lasts seconds, in which "
				"they are still hit, so a storm may pass the budget");
	recording_requests__note(r);
	if (r->opt.wall_hz && r->meta.ncpu == 1)
		raw_facts__note(&r->meta, "one processor: what looking at goroutines takes is "
					  "taken from the target");
}

/* Head of the stream: what is known when the window begins. */
int recording__write_head(struct recording *r)
{
	int err = r->opt.snapshot ? write_snapshot(r, RAW_SNAPSHOT) : 0;

	if (err)
		return err;
	raw_facts__meta(r->target, &r->plan, recording__capture_info(r), r->snapshot, &r->meta);
	note_mode(r);
	snprintf(r->meta.mode, sizeof(r->meta.mode), "%s", recording_mode__name(r->opt.mode));
	r->meta.start_ns = r->start_ns;
	r->meta.start_wall_ns = clock__realtime_ns() - (clock__monotonic_ns() - r->start_ns);
	r->meta.duration_asked_ns = r->opt.duration_ns;
	r->meta.sample_hz = recording__capture_info(r)->sampling ? r->opt.hz : 0;
	r->meta.trace_format = r->opt.trace_format;
	r->meta.labels = r->opt.labels;
	if (r->opt.profiles)
		snprintf(r->meta.profiles, sizeof(r->meta.profiles), "%s", r->opt.profiles);
	if (r->window)
		return recording__window_begin(r);
	err = raw_writer__meta(r->raw, &r->meta);
	/* a command's own mappings come with its exec */
	return err || r->command ? err : recording__write_maps(r, r->raw);
}

static int write_wall(struct recording *r)
{
	const struct wall_profile *p = r->wall_profile;
	struct buf b = {0};
	int err;

	if (!p)
		return 0;
	r->trailer.wall_torn = p->stacks_torn;
	r->trailer.wall_unreadable = p->unreadable + p->labels_unread;
	r->trailer.wall_late = p->ticks_late;
	err = wall_profile__serialize(p, &b);
	if (!err)
		err = raw_writer__section(r->raw, RAW_WALL, b.data, b.len);
	buf__free(&b);
	return err;
}

static const char *end_text(enum recording_end why)
{
	static const char *const text[] = {
		[RECORDING_DURATION] = "duration",
		[RECORDING_TARGET_EXITED] = "target exited",
		[RECORDING_TARGET_EXECED] = "target exec'ed",
		[RECORDING_MAX_SIZE] = "max-size",
		[RECORDING_BUDGET] = "max-overhead",
		[RECORDING_PROBES_LOST] = "probes lost",
		[RECORDING_STOPPED] = "interrupted",
	};

	return why < sizeof(text) / sizeof(text[0]) && text[why] ? text[why] : "failed";
}

void recording__fill_price(const struct recording *r, struct raw_trailer *t)
{
	t->price_hit_ns = hit_price__at(&r->price, t->counters[GBT_C_HITS], t->target_cpu_ns);
	hit_price__bounds(&r->price, t->counters[GBT_C_HITS], t->target_cpu_ns, &t->price_low_ns,
			  &t->price_high_ns);
	t->price_hot_ns = r->price.hot_ns;
	t->price_cold_ns = r->price.cold_ns;
	snprintf(t->price_from, sizeof(t->price_from), "%s", r->price.from);
}

void recording__fill_trailer(struct recording *r, enum recording_end why)
{
	struct raw_trailer *t = &r->trailer;
	uint64_t cpu_ns = 0;

	snprintf(t->end_reason, sizeof(t->end_reason), "%s", end_text(why));
	if (!r->target_ready) {
		if (why == RECORDING_TARGET_EXITED)
			snprintf(t->end_reason, sizeof(t->end_reason), "target exited unchecked");
		log_warn("process %d: the capture ended before its memory could be checked against "
			 "the layout "
			 "of its Go version",
			 recording__pid(r));
	}
	if (r->capture)
		capture__stats(r->capture, t->counters);
	/* A process that has gone has no CPU time to read: 0 is "not known". */
	if (!process__cpu_ns(r->target->proc, &cpu_ns) && cpu_ns > r->cpu_start_ns)
		t->target_cpu_ns = cpu_ns - r->cpu_start_ns;
	t->attach_ns = recording__capture_info(r)->attach_ns;
	t->heap_reads_failed = r->heap_reads_failed;
	t->snapshot_torn = r->snapshot ? r->snapshot->torn_cnt : 0;
	recording__fill_price(r, t);
	recording__govern_facts(r, t);
}

/* A command had neither goroutines nor mappings when its window began. */
static int write_command_state(struct recording *r)
{
	int err = 0;

	if (!r->command || !r->target_ready || recording__execed_ns(r))
		return 0;
	if (r->opt.snapshot && process__is_alive(r->target->proc))
		err = write_snapshot(r, RAW_END_SNAPSHOT);
	/* one that ends in this moment takes its goroutines along: that is no failure */
	if (err && process__is_alive(r->target->proc))
		return err;
	return recording__write_maps(r, r->raw);
}

static int write_heap(struct recording *r)
{
	struct buf b = {0};
	int err;

	if (!recording__wants(r, 1u << PROFILE_HEAP | 1u << PROFILE_ALLOCS))
		return 0;
	err = go_target__heap_buckets(r->target, &r->heap);
	if (!err)
		err = heap_buckets__serialize(r->heap, &b);
	if (!err)
		err = raw_writer__section(r->raw, RAW_HEAP, b.data, b.len);
	buf__free(&b);
	return err;
}

static int write_allocs(struct recording *r)
{
	struct buf b = {0};
	int err;

	if (!r->estimates)
		return 0;
	err = alloc_slices__serialize(&r->allocs, &b);
	if (!err)
		err = raw_writer__section(r->raw, RAW_ALLOCS, b.data, b.len);
	buf__free(&b);
	return err;
}

static uint64_t tool_rss_max(void)
{
	struct rusage use;

	return getrusage(RUSAGE_SELF, &use) ? 0 : (uint64_t)use.ru_maxrss * 1024;
}

int recording__write_tail(struct recording *r)
{
	struct symbolize_also also;
	struct buf tids = {0};
	int err = write_command_state(r);

	if (!err)
		err = write_heap(r);
	if (!err)
		err = write_wall(r);
	if (!err)
		err = write_allocs(r);
	if (err)
		return err;
	if (r->target->proc->in_own_pidns && !tids__serialize(r->target->proc, &tids))
		err = raw_writer__section(r->raw, RAW_TIDS, tids.data, tids.len);
	buf__free(&tids);
	if (!err)
		err = raw_writer__flush(r->raw);
	also = (struct symbolize_also){
		.snap = r->snapshot, .heap = r->heap, .wall = r->wall_profile, .kernel = r->kernel};
	if (!err)
		err = symbolize__spool(r->target, r->spool_fd, &also, r->raw, &r->trailer);
	r->trailer.tool_cpu_ns = recording__tool_cpu_ns() - r->tool_cpu_start_ns;
	r->trailer.tool_rss_max = tool_rss_max();
	if (!err)
		err = raw_writer__trailer(r->raw, &r->trailer);
	if (!err)
		err = raw_writer__flush(r->raw);
	return err;
}
