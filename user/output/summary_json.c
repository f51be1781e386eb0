/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/summary_json.h"

#include <stdio.h>
#include <time.h>

#include "analysis/findings.h"
#include "output/json.h"
#include "output/summary_had.h"
#include "output/summary_json_parts.h"

/* An array of objects: of each row what put writes, which begins and ends the object. */
#define PUT_ROWS(j, key, rows, cnt, put)                                                           \
	do {                                                                                       \
		json__array(j, key);                                                               \
		for (size_t i_ = 0; i_ < (cnt); i_++)                                              \
			put(j, &(rows)[i_]);                                                       \
		json__array_end(j);                                                                \
	} while (0)

static void put_time(struct json *j, const char *key, uint64_t wall_ns)
{
	time_t sec = (time_t)(wall_ns / 1000000000);
	char text[32], all[64];
	struct tm tm;

	gmtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(all, sizeof(all), "%s.%09uZ", text, (unsigned)(wall_ns % 1000000000));
	json__str(j, key, all);
}

static void put_head(struct json *j, const struct summary *s)
{
	const struct raw_meta *m = &s->meta;

	json__u64(j, "schema", SUMMARY_JSON_SCHEMA);
	put_time(j, "start", m->start_wall_ns);
	json__str(j, "host", m->host);
	json__str(j, "go_version", m->go_version);
	json__str(j, "mode", summary__mode(s));
	json__str(j, "mode_asked", m->mode);
	json__str(j, "tool_version", m->tool_version);
	json__object(j, "process");
	json__str(j, "name", m->name);
	json__u64(j, "pid", m->pid);
	json__str(j, "executable", m->exe);
	json__str(j, "build_id", m->build_id);
	json__str(j, "container", m->container);
	json__object_end(j);
	json__u64(j, "window_ns", s->window_ns);
	json__u64(j, "capture_ns", s->capture_ns);
}

static void put_state_estimated(struct json *j, const struct summary_state *st)
{
	json__object(j, NULL);
	json__str(j, "state", st->name);
	json__u64(j, "total_ns", st->total_ns);
	json__object_end(j);
}

/* The figures of an "observe" capture: what looks from outside tell, and no more. */
static void put_looks(struct json *j, const struct summary *s)
{
	json__u64(j, "looks", s->looks);
	json__u64(j, "look_hz", s->look_hz);
	PUT_ROWS(j, "states_estimated", s->states, s->state_cnt, put_state_estimated);
}

static void put_stopped(struct json *j, const struct summary_stop *st)
{
	json__object(j, NULL);
	json__str(j, "reason", st->reason);
	json__u64(j, "count", st->cnt);
	json__u64(j, "least_ns", st->least_ns);
	json__u64(j, "most_ns", st->most_ns);
	json__u64(j, "longest_most_ns", st->longest_ns);
	json__u64(j, "open", st->open_cnt);
	json__frame(j, "at", &st->at);
	json__frame(j, "in", &st->op);
	json__stack(j, &st->stack);
	json__object_end(j);
}

/* Of a "light" capture besides. */
static void put_stops(struct json *j, const struct summary *s)
{
	const struct stop_totals *t = &s->stop_totals;

	json__object(j, "starts");
	json__u64(j, "count", t->starts);
	json__u64(j, "stops", t->stops);
	json__u64(j, "ended", t->ended);
	json__u64(j, "stops_unknown", t->unknown);
	json__u64(j, "gone_on_before_look", t->elsewhere);
	json__u64(j, "off_least_ns", t->least_ns);
	json__u64(j, "off_most_ns", t->most_ns);
	json__object_end(j);
	PUT_ROWS(j, "stops", s->stops, s->stop_cnt, put_stopped);
	json__u64(j, "stops_seen", s->stops_seen);
}

static void put_trace_file(struct json *j, const struct summary_trace *t)
{
	json__object(j, NULL);
	json__str(j, "file", t->file);
	json__u64(j, "from_ns", t->from_ns);
	json__u64(j, "window_ns", t->window_ns);
	json__u64(j, "events", t->events);
	json__u64(j, "bytes", t->bytes);
	json__object_end(j);
}

static void put_traces(struct json *j, const struct summary *s)
{
	PUT_ROWS(j, "traces", s->traces, s->trace_cnt, put_trace_file);
	json__u64(j, "slices", s->slices);
	json__u64(j, "sliced_ns", s->sliced_ns);
}

/* Of slices: when and why probes could not be put in place again. */
static void put_gone(struct json *j, const struct summary *s)
{
	const struct raw_trailer *t = &s->trailer;

	if (!summary__is_sliced(s))
		return;
	if (!t->probes_gone_ns || t->probes_gone_ns < s->meta.start_ns) {
		json__null(j, "probes_gone");
		return;
	}
	json__object(j, "probes_gone");
	json__u64(j, "from_ns", t->probes_gone_ns - s->meta.start_ns);
	json__str(j, "why", t->probes_gone_why);
	json__object_end(j);
}

static void put_capture(struct json *j, const struct summary *s)
{
	const struct raw_meta *m = &s->meta;

	json__object(j, "capture");
	json__str(j, "kernel", m->kernel);
	json__str(j, "attach", m->attach);
	json__str(j, "layout", m->layout_origin);
	json__bool(j, "layout_forced", m->layout_forced);
	json__u64(j, "asked_ns", m->duration_asked_ns);
	json__str(j, "ended_by", s->cut ? NULL : s->trailer.end_reason);
	json__bool(j, "cut", s->cut);
	json__u64(j, "sites", m->sites);
	json__u64(j, "sites_stepped", m->sites_stepped);
	json__u64(j, "sites_nop5", m->sites_nop5);
	json__u64(j, "sample_hz", m->sample_hz);
	json__u64(j, "attach_ns", s->trailer.attach_ns);
	put_gone(j, s);
	json__u64(j, "events", s->model.events_in);
	json__u64(j, "transitions", s->transitions);
	json__u64(j, "cpu_samples", s->cpu_samples);
	json__u64(j, "synthesised_unblocks", s->model.synthesised_unblocks);
	json__array(j, "notes");
	for (size_t i = 0; i < sizeof(m->notes) / sizeof(m->notes[0]) && m->notes[i][0]; i++)
		json__str(j, NULL, m->notes[i]);
	json__array_end(j);
	json__object_end(j);
}

static void put_losses(struct json *j, const struct summary *s)
{
	json__object(j, "lost");
	json__u64(j, "events", s->lost_events);
	for (size_t i = 0; i < s->loss_cnt; i++)
		json__u64(j, s->losses[i].id, s->losses[i].cnt);
	json__object_end(j);
	json__object(j, "repairs");
	for (int i = 0; i < REPAIR_MAX; i++)
		json__u64(j, model_repair__name(i), s->model.repairs[i]);
	json__object_end(j);
}

static void put_share(struct json *j, const char *key, double share, bool known)
{
	if (known)
		json__fixed(j, key, share, 6);
	else
		json__null(j, key);
}

static void put_cost(struct json *j, const struct summary *s)
{
	const struct summary_cost *c = &s->cost;

	json__object(j, "cost");
	json__bool(j, "estimate", true);
	json__u64(j, "hits", c->hits);
	json__u64(j, "price_hit_ns", c->price_hit_ns);
	json__u64(j, "price_hot_ns", s->trailer.price_hot_ns);
	json__u64(j, "price_cold_ns", s->trailer.price_cold_ns);
	json__str(j, "price_from", c->from);
	json__u64(j, "total_ns", c->estimate_ns);
	json__u64(j, "low_ns", c->low_ns);
	json__u64(j, "high_ns", c->high_ns);
	json__u64(j, "target_cpu_ns", c->target_cpu_ns);
	put_share(j, "share", c->share, c->target_cpu_ns);
	put_share(j, "share_low", c->share_low, c->target_cpu_ns);
	put_share(j, "share_high", c->share_high, c->target_cpu_ns);
	put_share(j, "added", c->added, c->target_cpu_ns > c->estimate_ns);
	put_share(j, "budget", (double)s->trailer.budget_permille / 1000,
		  s->trailer.budget_permille);
	json__u64(j, "spent_ns", s->trailer.spent_ns);
	put_share(j, "full_added", (double)s->trailer.full_added_permille / 1000,
		  s->trailer.full_added_permille);
	json__u64(j, "tool_cpu_ns", c->tool_cpu_ns);
	if (c->tool_rss_max)
		json__u64(j, "tool_rss_max_bytes", c->tool_rss_max);
	else
		json__null(j, "tool_rss_max_bytes");
	json__object_end(j);
}

static void put_state(struct json *j, const struct summary_state *st)
{
	json__object(j, NULL);
	json__str(j, "state", st->name);
	json__bool(j, "blocked", st->blocked);
	json__u64(j, "total_ns", st->total_ns);
	json__u64(j, "count", st->cnt);
	json__u64(j, "max_ns", st->max_ns);
	json__object_end(j);
}

static void put_states(struct json *j, const struct summary *s)
{
	const struct summary_goroutines *g = &s->goroutines;

	json__object(j, "goroutines");
	json__u64(j, "start", g->start);
	json__u64(j, "end", g->end);
	json__u64(j, "min", g->min);
	json__u64(j, "max", g->max);
	json__u64(j, "created", g->created);
	json__u64(j, "exited", g->exited);
	json__u64(j, "system_end", g->system_end);
	json__u64(j, "unknown_end", g->unknown_end);
	json__object_end(j);

	PUT_ROWS(j, "states", s->states, s->state_cnt, put_state);
	json__u64(j, "states_total_ns", s->states_total_ns);
	json__u64(j, "system_running_ns", s->system_running_ns);
	json__u64(j, "unknown_goroutines_ns", s->unknown_ns);
	json__u64(j, "unknown_goroutines_intervals", s->unknown_cnt);
}

void json__frame(struct json *j, const char *key, const struct frame *f)
{
	json__object(j, key);
	json__str(j, "func", f->func);
	json__str(j, "file", f->file);
	json__u64(j, "line", f->line);
	json__object_end(j);
}

void json__stack(struct json *j, const struct summary_stack *st)
{
	json__array(j, "stack");
	for (size_t i = 0; i < st->cnt; i++)
		json__frame(j, NULL, &st->frames[i]);
	json__array_end(j);
	json__bool(j, "stack_cut", st->cut);
}

static void put_waker(struct json *j, const struct summary_waker *w)
{
	json__object(j, NULL);
	json__u64(j, "count", w->cnt);
	json__u64(j, "total_ns", w->total_ns);
	json__frame(j, "at", &w->at);
	json__frame(j, "in", &w->op);
	json__stack(j, &w->stack);
	json__object_end(j);
}

static void put_wakers(struct json *j, const struct summary_site *site)
{
	PUT_ROWS(j, "wakers", site->wakers, site->waker_cnt, put_waker);
	json__u64(j, "wakers_other", site->waker_other_cnt);
}

static void put_site(struct json *j, const struct summary_site *site)
{
	json__object(j, NULL);
	json__str(j, "reason", site->reason);
	json__u64(j, "total_ns", site->total_ns);
	json__u64(j, "count", site->cnt);
	json__u64(j, "max_ns", site->max_ns);
	json__u64(j, "max_part_ns", site->max_part_ns);
	json__u64(j, "open", site->open_cnt);
	json__u64(j, "whole_window", site->whole_cnt);
	json__frame(j, "at", &site->at);
	json__frame(j, "in", &site->op);
	json__stack(j, &site->stack);
	put_wakers(j, site);
	json__object_end(j);
}

static void put_sites(struct json *j, const struct summary *s)
{
	PUT_ROWS(j, "sites", s->sites, s->site_cnt, put_site);
	json__u64(j, "sites_seen", s->sites_seen);
}

static void put_creator(struct json *j, const struct summary_creator *c)
{
	json__object(j, NULL);
	json__u64(j, "created", c->cnt);
	json__u64(j, "alive", c->alive_cnt);
	json__frame(j, "entry", &c->entry);
	json__frame(j, "at", &c->at);
	json__stack(j, &c->stack);
	json__object_end(j);
}

static void put_creators(struct json *j, const struct summary *s)
{
	PUT_ROWS(j, "creators", s->creators, s->creator_cnt, put_creator);
	json__u64(j, "creators_seen", s->creators_seen);
}

static void put_latency(struct json *j, const char *key, const struct summary_latency *l)
{
	json__object(j, key);
	json__u64(j, "count", l->cnt);
	json__u64(j, "p50_ns", l->p50_ns);
	json__u64(j, "p99_ns", l->p99_ns);
	json__u64(j, "max_ns", l->max_ns);
	json__u64(j, "total_ns", l->total_ns);
	json__u64(j, "open", l->open_cnt);
	json__u64(j, "open_max_ns", l->open_max_ns);
	json__object_end(j);
}

static void put_scheduler(struct json *j, const struct summary *s)
{
	const struct summary_procs *p = &s->procs;

	put_latency(j, "scheduler_latency", &s->latency);
	put_latency(j, "scheduler_latency_all", &s->latency_all);
	json__object(j, "processors");
	json__u64(j, "gomaxprocs", p->gomaxprocs);
	json__bool(j, "changed", p->changed);
	json__fixed(j, "running_share", p->running_share, 6);
	json__fixed(j, "syscall_share", p->syscall_share, 6);
	json__fixed(j, "idle_share", p->idle_share, 6);
	json__fixed(j, "all_idle_share", p->all_idle_share, 6);
	json__fixed(j, "saturated_share", p->saturated_share, 6);
	json__fixed(j, "runnable_avg", p->runnable_avg, 6);
	json__u64(j, "runnable_max", p->runnable_max);
	json__object_end(j);
}

static void put_gauge(struct json *j, const char *key, const struct summary_gauge *g)
{
	if (!g->samples) {
		json__null(j, key);
		return;
	}
	json__object(j, key);
	json__u64(j, "readings", g->samples);
	json__u64(j, "first_bytes", g->first);
	json__u64(j, "min_bytes", g->min);
	json__u64(j, "max_bytes", g->max);
	json__u64(j, "last_bytes", g->last);
	json__object_end(j);
}

static void put_stop(struct json *j, const struct summary_stw *stop)
{
	json__object(j, NULL);
	json__str(j, "kind", stop->kind);
	json__u64(j, "count", stop->cnt);
	json__u64(j, "total_ns", stop->total_ns);
	json__u64(j, "max_ns", stop->max_ns);
	json__object_end(j);
}

static void put_gc(struct json *j, const struct summary *s)
{
	const struct summary_gc *gc = &s->gc;

	json__object(j, "gc");
	json__u64(j, "cycles", gc->cycles);
	json__u64(j, "active_ns", gc->active_ns);
	json__u64(j, "max_cycle_ns", gc->max_cycle_ns);
	json__u64(j, "assists", gc->assist_cnt);
	json__u64(j, "assist_ns", gc->assist_ns);
	json__u64(j, "assist_max_ns", gc->assist_max_ns);
	json__u64(j, "assists_estimated", gc->assist_estimated_cnt);
	PUT_ROWS(j, "world_stopped", gc->stw, gc->stw_cnt, put_stop);
	json__object_end(j);
	put_gauge(j, "heap_live", &s->heap.live);
	put_gauge(j, "heap_goal", &s->heap.goal);
	json__object(j, "heap_survived");
	json__u64(j, "collections", s->heap.survived_cnt);
	json__u64(j, "first_bytes", s->heap.survived_first);
	json__u64(j, "last_bytes", s->heap.survived_last);
	json__u64(j, "max_bytes", s->heap.survived_max);
	json__object_end(j);
	json__u64(j, "allocated_bytes_estimate", s->heap.allocated);
}

static void put_finding(struct json *j, const struct summary_finding *f)
{
	json__object(j, NULL);
	json__str(j, "id", finding_id__name(f->id));
	json__str(j, "text", f->text);
	json__str(j, "where", f->where);
	json__object_end(j);
}

static void put_findings(struct json *j, const struct summary *s)
{
	PUT_ROWS(j, "findings", s->findings, s->finding_cnt, put_finding);
}

static void put_trace(struct json *j, const struct summary *s)
{
	if (summary__is_sampled(s)) {
		json__null(j, "trace");
		return;
	}
	json__object(j, "trace");
	json__str(j, "file", "trace.out");
	json__u64(j, "format", s->trace_format);
	json__u64(j, "bytes", s->trace_bytes);
	json__u64(j, "events", s->trace_events);
	if (s->viewer_mem_bytes)
		json__u64(j, "viewer_memory_bytes", s->viewer_mem_bytes);
	else
		json__null(j, "viewer_memory_bytes");
	json__object_end(j);
}

static void put_profiles(struct json *j, const char *key, const struct summary *s, bool text)
{
	json__array(j, key);
	for (size_t i = 0; i < s->profile_cnt; i++) {
		const struct summary_profile *p = &s->profiles[i];

		if (!p->why[0] && p->text == text)
			json__str(j, NULL, p->file);
	}
	json__array_end(j);
}

static bool has_texts(const struct summary *s)
{
	for (size_t i = 0; i < s->profile_cnt; i++) {
		if (s->profiles[i].text)
			return true;
	}
	return false;
}

static void put_files(struct json *j, const struct summary *s)
{
	put_trace(j, s);
	put_traces(j, s);
	put_profiles(j, "profiles", s, false);
	if (has_texts(s))
		put_profiles(j, "texts", s, true);
	json__array(j, "profiles_missing");
	for (size_t i = 0; i < s->profile_cnt; i++) {
		if (!s->profiles[i].why[0])
			continue;
		json__object(j, NULL);
		json__str(j, "file", s->profiles[i].file);
		json__str(j, "why", s->profiles[i].why);
		json__object_end(j);
	}
	json__array_end(j);
}

int summary_json__write(const struct summary *s, struct buf *out)
{
	struct json j;

	json__init(&j, out, true);
	json__object(&j, NULL);
	put_head(&j, s);
	json__reason(&j, s);
	put_findings(&j, s);
	if (summary__is_sampled(s)) {
		put_looks(&j, s);
		if (summary__is_light(s))
			put_stops(&j, s);
	} else {
		put_states(&j, s);
		put_sites(&j, s);
		put_scheduler(&j, s);
		put_gc(&j, s);
		put_creators(&j, s);
	}
	put_cost(&j, s);
	put_losses(&j, s);
	put_capture(&j, s);
	put_files(&j, s);
	json__object_end(&j);
	buf__u8(out, '\n');
	return out->err;
}
