/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output/summary_had.h"
#include "output/summary_text_parts.h"
#include "output/text.h"

#define NAME_COLUMNS 16

void part__line(struct buf *out, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf__str(out, "  ");
	text__left(out, name, NAME_COLUMNS - 2);
	text__wrap(out, text, NAME_COLUMNS, NAME_COLUMNS, SUMMARY_COLUMNS);
	buf__str(out, "\n");
}

/* ---- scheduler ---- */

static void put_latency(const struct summary_latency *l, struct buf *out)
{
	if (l->cnt)
		part__line(out, "latency", "p50 %s, p99 %s, max %s over %s waits for a processor",
			   cell__dur(l->p50_ns).s, cell__dur(l->p99_ns).s, cell__dur(l->max_ns).s,
			   cell__count(l->cnt).s);
	else
		part__line(out, "latency", "no goroutine waited for a processor and got it");
	if (l->open_cnt)
		part__line(out, "", "%s still waited at the end, the longest for %s",
			   cell__count(l->open_cnt).s, cell__dur(l->open_max_ns).s);
}

void part__scheduler(const struct summary *s, struct buf *out)
{
	const struct summary_procs *p = &s->procs;

	buf__str(out, "\nSCHEDULER\n");
	put_latency(&s->latency, out);
	part__line(out, "processors", "%u%s: running %s, in syscalls %s, idle %s of their time",
		   p->gomaxprocs, p->changed ? " (changed)" : "", cell__percent(p->running_share).s,
		   cell__percent(p->syscall_share).s, cell__percent(p->idle_share).s);
	part__line(out, "window",
		   "saturated %s, all idle %s; %.2f goroutines queued on average, "
		   "at most %s",
		   cell__percent(p->saturated_share).s, cell__percent(p->all_idle_share).s,
		   p->runnable_avg, cell__count(p->runnable_max).s);
	if (s->system_running_ns)
		part__line(out, "runtime", "its own goroutines ran for %s",
			   cell__dur(s->system_running_ns).s);
}

/* ---- memory ---- */

static void put_gauge(struct buf *out, const char *name, const struct summary_gauge *g)
{
	if (!g->samples)
		return;
	if (g->min == g->max)
		part__line(out, name, "%s throughout (readings: %s)", cell__bytes(g->last).s,
			   cell__count(g->samples).s);
	else
		part__line(out, name, "%s at first, %s to %s between, %s at last (readings: %s)",
			   cell__bytes(g->first).s, cell__bytes(g->min).s, cell__bytes(g->max).s,
			   cell__bytes(g->last).s, cell__count(g->samples).s);
}

static void put_gc(const struct summary *s, struct buf *out)
{
	const struct summary_gc *gc = &s->gc;
	double share = s->window_ns ? (double)gc->active_ns / (double)s->window_ns : 0;

	if (!gc->cycles) {
		part__line(out, "GC cycles", "none");
		return;
	}
	part__line(out, "GC cycles", "%s, going on for %s of the window, the longest for %s",
		   cell__count(gc->cycles).s, cell__percent(share).s,
		   cell__dur(gc->max_cycle_ns).s);
}

void part__memory(const struct summary *s, struct buf *out)
{
	const struct summary_gc *gc = &s->gc;

	buf__str(out, "\nMEMORY\n");
	put_gc(s, out);
	for (size_t i = 0; i < gc->stw_cnt; i++)
		part__line(out, i ? "" : "world stopped", "%s × %s: %s in sum, at longest %s",
			   cell__count(gc->stw[i].cnt).s, gc->stw[i].kind,
			   cell__dur(gc->stw[i].total_ns).s, cell__dur(gc->stw[i].max_ns).s);
	if (gc->assist_cnt)
		part__line(out, "mark assists", "%s, %s in sum, the longest %s%s",
			   cell__count(gc->assist_cnt).s, cell__dur(gc->assist_ns).s,
			   cell__dur(gc->assist_max_ns).s,
			   gc->assist_estimated_cnt ? ": estimates" : "");
	put_gauge(out, "heap live", &s->heap.live);
	put_gauge(out, "heap goal", &s->heap.goal);
}

void part__readings(const struct summary *s, struct buf *out)
{
	if (!s->heap.live.samples && !s->heap.goal.samples)
		return;
	buf__str(out, "\nMEMORY\n");
	put_gauge(out, "heap live", &s->heap.live);
	put_gauge(out, "heap goal", &s->heap.goal);
}

/* ---- capture ---- */

static void put_losses(const struct summary *s, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < s->loss_cnt; i++) {
		if (!s->losses[i].cnt)
			continue;
		part__line(out, any ? "" : "lost", "%s %s", cell__count(s->losses[i].cnt).s,
			   s->losses[i].text);
		any = true;
	}
	if (!any && !s->cut)
		part__line(out, "lost", "nothing");
}

static void put_repairs(const struct summary *s, struct buf *out)
{
	uint64_t sum = 0;

	for (int i = 0; i < REPAIR_MAX; i++)
		sum += i == REPAIR_DROPPED ? 0 : s->model.repairs[i];
	if (sum)
		part__line(out, "inferred",
			   "%s transitions, since events that explain them are "
			   "missing",
			   cell__count(sum).s);
}

static void put_cost(const struct summary *s, struct buf *out)
{
	const struct summary_cost *c = &s->cost;

	if (s->cut)
		return;
	if (summary__is_sampled(s) && !summary__is_light(s) && !c->hits)
		part__line(out, "cost", "no probes; the samples interrupt the target");
	else if (c->target_cpu_ns)
		part__line(out, "cost",
			   "%s hits × %s = %s, %s of the target's %s of CPU time: an estimate",
			   cell__count(c->hits).s, cell__dur(c->price_hit_ns).s,
			   cell__dur(c->estimate_ns).s, cell__percent(c->share).s,
			   cell__dur(c->target_cpu_ns).s);
	else
		part__line(out, "cost", "%s hits × %s = %s of the target's CPU time: an estimate",
			   cell__count(c->hits).s, cell__dur(c->price_hit_ns).s,
			   cell__dur(c->estimate_ns).s);
	if (c->target_cpu_ns && c->low_ns < c->high_ns)
		part__line(out, "", "it may be %s to %s", cell__percent(c->share_low).s,
			   cell__percent(c->share_high).s);
	if (c->from && *c->from && (!summary__is_sampled(s) || summary__is_light(s)))
		part__line(out, "price", "%.159s", c->from);
	if (c->tool_rss_max)
		part__line(out, "tool", "%s of CPU time, at most %s of memory",
			   cell__dur(c->tool_cpu_ns).s, cell__bytes(c->tool_rss_max).s);
}

static void put_notes(const struct summary *s, struct buf *out)
{
	const struct raw_meta *m = &s->meta;
	struct buf note = {0};

	for (size_t i = 0; i < sizeof(m->notes) / sizeof(m->notes[0]) && m->notes[i][0]; i++) {
		buf__reset(&note);
		text__clean(&note, m->notes[i], sizeof(m->notes[i]));
		part__line(out, i ? "" : "note", "%.*s", (int)note.len, (char *)note.data);
	}
	buf__free(&note);
}

static void put_slices(const struct summary *s, struct buf *out)
{
	if (s->trailer.budget_permille)
		part__line(out, "budget",
			   "%s of what the target uses itself; spent about %s of CPU time",
			   cell__percent((double)s->trailer.budget_permille / 1000).s,
			   cell__dur(s->trailer.spent_ns).s);
	if (!summary__is_sliced(s))
		return;
	for (size_t i = 0; i < s->trace_cnt; i++)
		part__line(out, i ? "" : "slices", "%s: %s from +%s on, %s records",
			   s->traces[i].file, cell__dur(s->traces[i].window_ns).s,
			   cell__dur(s->traces[i].from_ns).s, cell__count(s->traces[i].events).s);
	if (s->slices > s->trace_cnt)
		part__line(out, "", "and %s with fewer, of which no file is kept",
			   cell__count(s->slices - s->trace_cnt).s);
}

static void put_how(const struct summary *s, struct buf *out)
{
	const struct raw_meta *m = &s->meta;
	struct buf layout = {0};

	text__clean(&layout, m->layout_origin, sizeof(m->layout_origin));
	if (summary__is_sampled(s) && !summary__is_light(s)) {
		if (s->has_reason)
			part__line(out, "probes", "none of transitions; layout: %.*s",
				   (int)layout.len, layout.len ? (char *)layout.data : "");
		else
			part__line(out, "probes",
				   "none; looks from outside at %llu Hz; layout: %.*s",
				   (unsigned long long)s->look_hz, (int)layout.len,
				   layout.len ? (char *)layout.data : "");
		buf__free(&layout);
		return;
	}
	part__line(out, "probes",
		   "%u by %.15s uprobes (%u single-stepped, %u by nop5); layout: %.*s", m->sites,
		   m->attach, m->sites_stepped, m->sites_nop5, (int)layout.len,
		   layout.len ? (char *)layout.data : "");
	buf__free(&layout);
}

void part__capture(const struct summary *s, struct buf *out)
{
	const struct raw_meta *m = &s->meta;

	buf__str(out, "\nCAPTURE\n");
	if (summary__is_light(s))
		part__line(out, "events",
			   "%s starts, %s stops, %s ends; how %s were left is not known",
			   cell__count(s->stop_totals.starts).s,
			   cell__count(s->stop_totals.stops).s, cell__count(s->stop_totals.ended).s,
			   cell__count(s->stop_totals.unknown).s);
	if (summary__is_sampled(s))
		part__line(out, "samples", "%s looks, %s CPU samples at %u Hz",
			   cell__count(s->looks).s, cell__count(s->cpu_samples).s, m->sample_hz);
	else
		part__line(out, "events", "%s records, %s transitions, %s CPU samples at %u Hz",
			   cell__count(s->model.events_in).s, cell__count(s->transitions).s,
			   cell__count(s->cpu_samples).s, m->sample_hz);
	if (!s->cut)
		part__line(out, "ended by", "%.23s", s->trailer.end_reason);
	put_losses(s, out);
	put_repairs(s, out);
	put_cost(s, out);
	put_slices(s, out);
	put_how(s, out);
	put_notes(s, out);
}

/* ---- findings ---- */

void part__findings(const struct summary *s, struct buf *out)
{
	struct buf text = {0};

	buf__str(out, "\nFINDINGS\n");
	if (!s->finding_cnt)
		buf__str(out, "  nothing passes a threshold (docs/findings.md)\n");
	for (size_t i = 0; i < s->finding_cnt; i++) {
		buf__reset(&text);
		text__clean(&text, s->findings[i].text, sizeof(s->findings[i].text));
		buf__u8(&text, '\0');
		if (text.err)
			break;
		buf__str(out, "  - ");
		text__wrap(out, (char *)text.data, 4, 4, SUMMARY_COLUMNS);
		buf__printf(out, "\n    see %s\n", s->findings[i].where);
	}
	if (text.err && !out->err)
		out->err = text.err;
	buf__free(&text);
}

/* ---- commands ---- */

/* The shell takes these as they are; all else goes into quotes. */
static bool is_plain(const char *s)
{
	return strspn(s,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%=") ==
	       strlen(s);
}

static void put_path(struct buf *out, const char *dir, const char *name)
{
	const char *slash = dir[0] && dir[strlen(dir) - 1] != '/' ? "/" : "";

	if (is_plain(dir)) {
		buf__printf(out, "%s%s%s", dir, slash, name);
		return;
	}
	buf__u8(out, '\'');
	for (; *dir; dir++) {
		if (*dir == '\'')
			buf__str(out, "'\\''");
		else
			buf__u8(out, (unsigned char)*dir < 0x20 || *dir == 0x7f ? '?' : *dir);
	}
	buf__printf(out, "%s%s'", slash, name);
}

static void put_trace_commands(const struct summary *s, const char *dir, struct buf *out)
{
	buf__str(out, "  go tool trace ");
	put_path(out, dir, "trace.out");
	buf__printf(out, "    # Go 1.%u or newer", s->trace_format);
	if (s->viewer_mem_bytes)
		buf__printf(out, "; will take about %s of memory",
			    cell__bytes(s->viewer_mem_bytes).s);
	buf__str(out, "\n");
	if (s->trace_cnt > 1)
		buf__printf(
			out, "  … and so with the %zu other%s that stand%s under CAPTURE, slices\n",
			s->trace_cnt - 1, s->trace_cnt > 2 ? "s" : "", s->trace_cnt > 2 ? "" : "s");
}

void part__commands(const struct summary *s, const char *dir, struct buf *out)
{
	if (!dir)
		dir = "";
	buf__str(out, "\nOPEN\n");
	if (!summary__is_sampled(s))
		put_trace_commands(s, dir, out);
	for (size_t i = 0; i < s->profile_cnt; i++) {
		if (s->profiles[i].why[0])
			continue;
		buf__str(out, s->profiles[i].text ? "  less " : "  go tool pprof ");
		put_path(out, dir, s->profiles[i].file);
		if (s->profiles[i].estimate[0])
			buf__printf(out, "    # %s", s->profiles[i].estimate);
		buf__str(out, "\n");
	}
	for (size_t i = 0; i < s->profile_cnt; i++) {
		if (s->profiles[i].why[0])
			buf__printf(out, "  no %s: %s\n", s->profiles[i].file, s->profiles[i].why);
	}
}
