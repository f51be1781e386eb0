/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/summary_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output/summary_had.h"
#include "output/summary_text_parts.h"
#include "output/text.h"

static void put_date(struct buf *out, uint64_t wall_ns)
{
	time_t sec = (time_t)(wall_ns / 1000000000);
	struct tm tm;
	char text[32];

	gmtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf__printf(out, "%s.%03u UTC", text, (unsigned)(wall_ns / 1000000 % 1000));
}

/* What everything would have cost, where that is not what was had. */
static void put_everything(const struct summary *s, struct buf *out)
{
	buf__str(out, "; everything: --mode full --max-overhead off");
	if (s->trailer.full_added_permille)
		buf__printf(out, ", about +%s CPU (estimate)",
			    cell__percent((double)s->trailer.full_added_permille / 1000).s);
	buf__str(out, "\n");
}

static void put_had(const struct summary *s, struct buf *out)
{
	if (summary__is_sliced(s)) {
		buf__printf(out, "PARTIAL: %s exact slice%s, %s of %s", cell__count(s->slices).s,
			    s->slices == 1 ? "" : "s", cell__dur(s->sliced_ns).s,
			    cell__dur(s->capture_ns).s);
		if (s->trailer.budget_permille)
			buf__printf(out, ", for at most %s overhead",
				    cell__percent((double)s->trailer.budget_permille / 1000).s);
		put_everything(s, out);
	} else if (summary__is_light(s)) {
		buf__printf(out,
			    "LIGHT: %s starts of goroutines, exact; their stops within bounds, no "
			    "trace",
			    cell__count(s->stop_totals.starts).s);
		put_everything(s, out);
	} else if (summary__is_sampled(s) && s->has_reason) {
		buf__str(out, "NO TRACE: no condition was half way to its threshold, or the budget "
			      "was spent: no probes of transitions");
		put_everything(s, out);
	} else if (summary__is_sampled(s)) {
		buf__printf(out, "SAMPLED: goroutines seen from outside %s times, no transitions",
			    cell__count(s->looks).s);
		put_everything(s, out);
	}
}

static void put_gone(const struct summary *s, struct buf *out)
{
	const struct raw_trailer *t = &s->trailer;

	if (!t->probes_gone_ns || t->probes_gone_ns < s->meta.start_ns)
		return;
	buf__printf(out, "NO PROBES from +%s on, mode observe: they could not be put back: ",
		    cell__dur(t->probes_gone_ns - s->meta.start_ns).s);
	text__clean(out, t->probes_gone_why, sizeof(t->probes_gone_why));
	buf__str(out, "\n");
}

/* Whose figures the sections show. */
static void put_whose(const struct summary *s, struct buf *out)
{
	const struct summary_trace *t = &s->traces[s->main_trace];

	if (summary__is_sliced(s) && s->main_trace < s->trace_cnt)
		buf__printf(out,
			    "What follows is of trace.out alone, the %s from +%s on; profiles, "
			    "cost and "
			    "losses are of all.\n",
			    cell__dur(t->window_ns).s, cell__dur(t->from_ns).s);
}

static void put_head(const struct summary *s, struct buf *out)
{
	const struct raw_meta *m = &s->meta;

	put_had(s, out);
	put_gone(s, out);
	put_date(out, m->start_wall_ns);
	buf__str(out, " · ");
	text__clean(out, m->host, 32);
	buf__str(out, " · ");
	text__clean(out, m->go_version, 32);
	buf__str(out, " · mode ");
	text__clean(out, summary__mode(s), 16);
	buf__str(out, "\n");
	text__clean(out, m->name, 32);
	buf__printf(
		out, ", pid %llu · %s · %s %s · %s lost", (unsigned long long)m->pid,
		cell__dur(summary__is_sliced(s) ? s->capture_ns : s->window_ns).s,
		cell__count(summary__is_light(s) ? s->stop_totals.starts : s->model.events_in).s,
		summary__is_light(s) ? "starts" : "events", cell__count(s->lost_events).s);
	if (s->cost.target_cpu_ns && (!summary__is_sampled(s) || summary__is_light(s)))
		buf__printf(out, " · cost about %s of its CPU (estimate)",
			    cell__percent(s->cost.share).s);
	buf__str(out, "\n");
	put_whose(s, out);
	if (m->layout_forced)
		buf__str(out, "LAYOUT FORCED: this Go version is not known; any figure may be "
			      "wrong.\n");
	if (s->cut)
		buf__str(out, "CUT: the raw stream has no end; what it has is shown, losses are "
			      "not known.\n");
}

int summary_text__write(const struct summary *s, const char *dir, struct buf *out)
{
	put_head(s, out);
	part__reason(s, out);
	if (summary__is_sampled(s)) {
		if (s->looks)
			part__looks(s, out);
		part__stops(s, out);
		part__readings(s, out);
		part__capture(s, out);
		part__findings(s, out);
		part__commands(s, dir, out);
		return out->err;
	}
	part__states(s, out);
	part__sites(s, out);
	part__scheduler(s, out);
	part__memory(s, out);
	part__creators(s, out);
	part__capture(s, out);
	part__findings(s, out);
	part__commands(s, dir, out);
	return out->err;
}
