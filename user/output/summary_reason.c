/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/duration.h"
#include "output/json.h"
#include "output/summary_json.h"
#include "output/summary_had.h"
#include "output/summary_json_parts.h"
#include "output/summary_text_parts.h"
#include "output/text.h"

/* What made a watch write this capture, in both forms. */

#define FRAMES_SHOWN 4

/* A moment of the window; one of before it, or none, is its begin. */
static uint64_t in_window(const struct summary *s, uint64_t ns)
{
	return ns > s->meta.start_ns ? ns - s->meta.start_ns : 0;
}

static void put_value(const struct raw_reason *r, struct buf *out)
{
	if (r->value[0]) {
		buf__str(out, ": ");
		text__clean(out, r->value, sizeof(r->value));
	}
	if (r->goid)
		buf__printf(out, ", goroutine %llu", (unsigned long long)r->goid);
	buf__u8(out, '\n');
}

static void put_moment(const struct summary *s, struct buf *out)
{
	const struct raw_reason *r = &s->reason;
	char at[DURATION_STR_SZ], from[DURATION_STR_SZ];

	duration__format((int64_t)in_window(s, r->time_ns), at);
	duration__format((int64_t)in_window(s, r->begin_ns), from);
	if (!r->begin_ns)
		part__line(out, "when", "%s after the trace begins", at);
	else if (r->begin_ns < s->meta.start_ns)
		part__line(out, "when", "from before the trace begins to %s of it", at);
	else
		part__line(out, "when", "from %s to %s of the trace", from, at);
}

/* All of it, where the figures are of a slice. */
static uint64_t window_of(const struct summary *s)
{
	return summary__is_sliced(s) ? s->capture_ns : s->window_ns;
}

/* How much of it every transition was seen in. */
static uint64_t seen_of(const struct summary *s)
{
	if (summary__is_sampled(s))
		return 0;
	return summary__is_sliced(s) ? s->sliced_ns : s->window_ns;
}

/* What the runtime does to wait says nothing; a stack of nothing else is shown as it is. */
static void put_frames(const struct summary_stack *st, struct buf *out)
{
	size_t first = 0;

	while (first < st->cnt && !strncmp(st->frames[first].func, "runtime.", 8))
		first++;
	if (first == st->cnt)
		first = 0;
	for (size_t i = first; i < st->cnt && i < first + FRAMES_SHOWN; i++) {
		buf__printf(out, "  %-14s", i == first ? "where" : "");
		part__frame(out, &st->frames[i], SUMMARY_COLUMNS - 16);
		buf__u8(out, '\n');
	}
}

static void put_request(const struct raw_reason *r, struct buf *out)
{
	if (!r->ending[0])
		return;
	buf__str(out, "  ");
	text__clean(out, r->method[0] ? r->method : "request", sizeof(r->method));
	buf__str(out, r->path[0] ? " " : "");
	text__clean(out, r->path, SUMMARY_COLUMNS - 24);
	buf__str(out, ": ");
	text__clean(out, r->ending, sizeof(r->ending));
	buf__u8(out, '\n');
}

void part__reason(const struct summary *s, struct buf *out)
{
	const struct raw_reason *r = &s->reason;
	char had[DURATION_STR_SZ], keep[DURATION_STR_SZ];

	if (!s->has_reason)
		return;
	buf__str(out, "\nREASON  ");
	text__clean(out, r->condition, sizeof(r->condition));
	put_value(r, out);
	put_request(r, out);
	if (r->what[0]) {
		buf__str(out, "  ");
		text__clean(out, r->what, sizeof(r->what));
		buf__u8(out, '\n');
	}
	put_moment(s, out);
	part__span(&s->span, out);
	put_frames(&s->reason_stack, out);
	if (r->merged)
		part__line(out, "also", "%u more within a second", r->merged);
	duration__format((int64_t)window_of(s), had);
	duration__format((int64_t)r->keep_ns, keep);
	part__line(out, "window", r->full ? "%s of %s: the memory for it was full" : "%s of %s",
		   had, keep);
	if (summary__is_sliced(s)) {
		duration__format((int64_t)s->sliced_ns, had);
		part__line(out, "seen",
			   "%s of it, in %llu slices: between them the budget had no "
			   "room for probes, or nothing asked for them",
			   had, (unsigned long long)s->slices);
	}
}

static void put_members(struct json *j, const struct summary *s)
{
	const struct raw_reason *r = &s->reason;

	json__str(j, "condition", r->condition);
	json__str(j, "value", r->value);
	json__u64(j, "value_raw", r->value_raw);
	json__str(j, "threshold", r->threshold);
	json__u64(j, "threshold_raw", r->threshold_raw);
	json__str(j, "what", r->what);
	json__u64(j, "goroutine", r->goid);
	if (r->ending[0]) {
		json__str(j, "method", r->method);
		json__str(j, "path", r->path);
		json__str(j, "ending", r->ending);
	}
	json__u64(j, "at_ns", in_window(s, r->time_ns));
	if (r->begin_ns)
		json__u64(j, "begin_ns", in_window(s, r->begin_ns));
	else
		json__null(j, "begin_ns");
	json__u64(j, "duration_ns", r->begin_ns ? r->time_ns - r->begin_ns : 0);
	json__stack(j, &s->reason_stack);
	json__span(j, &s->span, s->trailer.counters[GBT_C_OFF_CPU] > 0);
	json__u64(j, "merged", r->merged);
	json__u64(j, "keep_ns", r->keep_ns);
	json__u64(j, "window_ns", window_of(s));
	json__u64(j, "seen_ns", seen_of(s));
	json__bool(j, "window_limited_by_memory", r->full);
}

void json__reason(struct json *j, const struct summary *s)
{
	if (!s->has_reason)
		return;
	json__object(j, "reason");
	put_members(j, s);
	json__object_end(j);
}

int summary_json__reason(const struct summary *s, struct buf *out)
{
	struct json j;

	json__init(&j, out, true);
	json__object(&j, NULL);
	json__u64(&j, "schema", SUMMARY_JSON_SCHEMA);
	put_members(&j, s);
	json__object_end(&j);
	buf__u8(out, '\n');
	return out->err;
}
