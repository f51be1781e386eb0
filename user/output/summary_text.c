/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/summary_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

static void put_head(const struct summary *s, struct buf *out)
{
	const struct raw_meta *m = &s->meta;

	put_date(out, m->start_wall_ns);
	buf__str(out, " · ");
	text__clean(out, m->host, 32);
	buf__str(out, " · ");
	text__clean(out, m->go_version, 32);
	buf__str(out, " · mode ");
	text__clean(out, m->mode, 16);
	buf__str(out, "\n");
	text__clean(out, m->name, 32);
	buf__printf(out, ", pid %llu · %s · %s events · %s lost", (unsigned long long)m->pid,
		    cell__dur(s->window_ns).s, cell__count(s->model.events_in).s,
		    cell__count(s->lost_events).s);
	if (s->cost.target_cpu_ns)
		buf__printf(out, " · cost about %s of its CPU (estimate)",
			    cell__percent(s->cost.share).s);
	buf__str(out, "\n");
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
