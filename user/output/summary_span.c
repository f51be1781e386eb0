/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "output/summary_json_parts.h"
#include "output/summary_text_parts.h"
#include "output/text.h"

/* Where the time of what a watch fired for went, in both forms. What took most comes first. */

static struct cell share_of(const struct summary_span *sp, uint64_t ns)
{
	return cell__percent((double)ns / (double)sp->total_ns);
}

/* A line's name and figures; what follows is put by the caller, who ends the line. */
static void begin(const struct summary_span *sp, struct buf *out, const char *name, uint64_t ns)
{
	buf__str(out, "  ");
	text__left(out, name, 14);
	buf__printf(out, "%s (%s)", cell__dur(ns).s, share_of(sp, ns).s);
}

static void put_place(struct buf *out, const char *what, const struct frame *at,
		      const struct frame *op)
{
	buf__printf(out, "\n  %-14s%s ", "", what);
	part__frame(out, at, SUMMARY_COLUMNS - 40);
	if (op->func[0] && strcmp(op->func, at->func) != 0) {
		buf__str(out, ": ");
		text__clean(out, op->func, 24);
	}
}

static void put_wait(const struct summary_span *sp, const struct summary_span_wait *w,
		     struct buf *out)
{
	begin(sp, out, w->reason, w->total_ns);
	if (w->cnt > 1)
		buf__printf(out, ", %s times, the longest %s", cell__count(w->cnt).s,
			    cell__dur(w->max_ns).s);
	if (w->placed)
		put_place(out, "at", &w->at, &w->op);
	if (w->waker_placed)
		put_place(out, "woken at", &w->waker_at, &w->waker_op);
	if (w->waker_goid)
		buf__printf(out, " (goroutine %llu)", (unsigned long long)w->waker_goid);
	buf__u8(out, '\n');
}

static void put_running(const struct summary_span *sp, struct buf *out)
{
	begin(sp, out, "running", sp->running_ns);
	if (sp->samples && sp->hot.cnt) {
		buf__printf(out, ", %s of %s CPU samples", cell__count(sp->hot.cnt).s,
			    cell__count(sp->samples).s);
		put_place(out, "in", &sp->hot.at, &sp->hot.op);
	}
	buf__u8(out, '\n');
}

static void put_runnable(const struct summary_span *sp, struct buf *out)
{
	begin(sp, out, "runnable", sp->runnable_ns);
	buf__printf(out, ", waited for a processor %s times\n", cell__count(sp->runnable_cnt).s);
}

static void put_rest(const struct summary_span *sp, struct buf *out)
{
	if (sp->other_ns) {
		begin(sp, out, "other waits", sp->other_ns);
		buf__u8(out, '\n');
	}
	if (sp->unknown_ns) {
		begin(sp, out, "not known", sp->unknown_ns);
		buf__u8(out, '\n');
	}
	if (sp->assist_ns) {
		begin(sp, out, "of it assists", sp->assist_ns);
		buf__str(out, sp->assist_estimated ? ": an estimate\n" : "\n");
	}
}

static void put_off_cpu(const struct summary_span *sp, struct buf *out)
{
	begin(sp, out, "without a CPU", sp->off_cpu_ns);
	if (sp->off_cpu_cnt > 1)
		buf__printf(out, ", %s times", cell__count(sp->off_cpu_cnt).s);
	buf__str(out, ": it ran for Go, but the kernel did not run its thread\n");
}

/* Running, runnable and without a CPU stand among the waits by their time. */
void part__span(const struct summary_span *sp, struct buf *out)
{
	struct {
		uint64_t ns;
		void (*put)(const struct summary_span *sp, struct buf *out);
	} rows[] = {{sp->running_ns, put_running},
		    {sp->runnable_ns, put_runnable},
		    {sp->off_cpu_ns, put_off_cpu}};

	if (!sp->have)
		return;
	for (size_t i = 0; i <= sp->wait_cnt; i++) {
		uint64_t ns = i < sp->wait_cnt ? sp->waits[i].total_ns : 0;

		for (size_t n = 0; n < 3; n++) {
			size_t most = 0;

			for (size_t k = 1; k < 3; k++)
				most = rows[k].ns > rows[most].ns ? k : most;
			if (!rows[most].ns || rows[most].ns < ns)
				break;
			rows[most].put(sp, out);
			rows[most].ns = 0;
		}
		if (i < sp->wait_cnt)
			put_wait(sp, &sp->waits[i], out);
	}
	put_rest(sp, out);
}

/* ---- JSON ---- */

static void json_wait(struct json *j, const struct summary_span_wait *w)
{
	json__object(j, NULL);
	json__str(j, "reason", w->reason);
	json__u64(j, "total_ns", w->total_ns);
	json__u64(j, "count", w->cnt);
	json__u64(j, "max_ns", w->max_ns);
	json__stack(j, &w->stack);
	json__u64(j, "waker_goroutine", w->waker_goid);
	json__object(j, "waker");
	json__stack(j, &w->waker);
	json__object_end(j);
	json__object_end(j);
}

void json__span(struct json *j, const struct summary_span *sp, bool off_cpu_known)
{
	if (!sp->have)
		return;
	json__object(j, "spent");
	json__u64(j, "total_ns", sp->total_ns);
	json__u64(j, "running_ns", sp->running_ns);
	json__u64(j, "runnable_ns", sp->runnable_ns);
	if (off_cpu_known)
		json__u64(j, "off_cpu_ns", sp->off_cpu_ns);
	else
		json__null(j, "off_cpu_ns");
	json__array(j, "waits");
	for (size_t i = 0; i < sp->wait_cnt; i++)
		json_wait(j, &sp->waits[i]);
	json__array_end(j);
	json__u64(j, "other_waits_ns", sp->other_ns);
	json__u64(j, "not_known_ns", sp->unknown_ns);
	json__u64(j, "assist_ns", sp->assist_ns);
	json__bool(j, "assist_estimated", sp->assist_estimated);
	json__u64(j, "samples", sp->samples);
	if (sp->hot.cnt) {
		json__u64(j, "hot_samples", sp->hot.cnt);
		json__frame(j, "hot_at", &sp->hot.at);
		json__frame(j, "hot_in", &sp->hot.op);
	}
	json__object_end(j);
}
