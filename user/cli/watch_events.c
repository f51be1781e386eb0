/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/watch_events.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/duration.h"
#include "cli/cli.h"
#include "model/request_text.h"
#include "output/json.h"
#include "process/process.h"

/* ---- reasons ---- */

static const char *sentence_of_call(enum cond_subject s)
{
	switch (s) {
	case COND_REQUEST_PCT:
		return "calls that ended in the time said";
	case COND_REQUEST_RATE:
		return "calls that ended, a second";
	default:
		return "one call, until it was answered; the stack is who called";
	}
}

static const char *sentence(const struct condition *c)
{
	if (condition__needs_requests(c) && c->span != GBT_SPAN_REQUEST)
		return sentence_of_call(c->subject);
	switch (c->subject) {
	case COND_SCHED:
		return "it was runnable and waited for a processor; the stack is where it had "
		       "stopped";
	case COND_SCHED_PCT:
		return "waits for a processor, over the time said";
	case COND_BLOCK:
		return "it waited; the stack is where";
	case COND_SYSCALL:
		return "it was in a system call; the stack is where";
	case COND_STW:
		return "it stopped the world; from the request to the start";
	case COND_GC:
		return "a collection went on, from sweep termination to the end of marking";
	case COND_ASSIST:
		return "goroutines running in mark assists, of the target's CPU time";
	case COND_CPU:
		return "CPU time of what GOMAXPROCS allows";
	case COND_THROTTLED:
		return "periods of its cgroup in which its quota was used up";
	case COND_GOROUTINES:
		return "goroutines alive, the runtime's own among them";
	case COND_REQUEST:
		return "one request, from its handler's begin to its end";
	case COND_REQUEST_PCT:
		return "requests that ended in the time said";
	case COND_REQUEST_RATE:
		return "requests that ended, a second";
	case COND_FUNC:
		return "one call, from its entry to its return; the stack is of that";
	case COND_OFF_CPU:
		return "it was running for Go, but the kernel did not run its thread";
	case COND_EXIT:
		return "the process ended";
	default:
		return "";
	}
}

static uint64_t to_raw(const struct condition *c, double v)
{
	v = c->unit == UNIT_PERCENT ? v * 1000 : v;
	return v > 0 ? (uint64_t)v : 0;
}

static void put_request(const struct firing *f, struct raw_reason *out)
{
	const struct request_name *r = &f->request;

	snprintf(out->method, sizeof(out->method), "%.*s", (int)r->method_len, r->method);
	snprintf(out->path, sizeof(out->path), "%.*s", (int)r->path_len, r->path);
	if (f->lasts)
		snprintf(out->ending, sizeof(out->ending), "not over");
	else
		request_text__ending(f->ended, out->ending);
}

void watch_reason__of(const struct condition *c, const struct firing *f, struct raw_reason *out)
{
	*out = (struct raw_reason){
		.value_raw = to_raw(c, f->value),
		.threshold_raw = to_raw(c, c->value),
		.time_ns = f->time_ns,
		.begin_ns = f->begin_ns,
		.goid = f->goid,
		.stack = f->stack,
	};
	snprintf(out->condition, sizeof(out->condition), "%s", c->text);
	snprintf(out->what, sizeof(out->what), "%s%s", sentence(c),
		 f->lasts ? "; it was not over when this was seen" : "");
	if (f->is_request)
		put_request(f, out);
	if (c->unit == UNIT_NONE)
		return;
	condition__format(c, f->value, out->value);
	condition__format(c, c->value, out->threshold);
}

void watch_reason__add_exit(int status, struct raw_reason *r)
{
	const char *what = "the process ended";

	if (WIFSIGNALED(status))
		what = "the process was ended by a signal";
	else if (WEXITSTATUS(status) == 2)
		what = "the process ended; so do Go programs after a panic or a fatal error, among "
		       "others";
	exit_status__format(status, r->value);
	r->value_raw = (uint64_t)status;
	snprintf(r->what, sizeof(r->what), "%s", what);
}

/* ---- lines ---- */

struct line {
	const struct watch_args *a;
	struct buf out;
	struct json j;
};

/* "2026-11-21T18:00:01.234Z" */
static void now_text(char out[32])
{
	uint64_t ns = clock__realtime_ns();
	time_t sec = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	gmtime_r(&sec, &tm);
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(ns / 1000000 % 1000));
}

static void begin_json(struct line *l, const char *event)
{
	char now[32];

	now_text(now);
	json__init(&l->j, &l->out, false);
	json__object(&l->j, NULL);
	json__str(&l->j, "time", now);
	json__str(&l->j, "event", event);
}

static void send_line(struct line *l)
{
	if (l->a->json)
		json__object_end(&l->j);
	buf__u8(&l->out, '\n');
	if (!l->out.err && (l->a->json || !l->a->quiet))
		term__print(&l->out);
	buf__free(&l->out);
}

static void put_reason(struct json *j, const struct raw_reason *r)
{
	json__str(j, "condition", r->condition);
	json__str(j, "value", r->value);
	json__u64(j, "value_raw", r->value_raw);
	json__u64(j, "goroutine", r->goid);
	json__str(j, "what", r->what);
	if (r->ending[0]) {
		json__str(j, "method", r->method);
		json__str(j, "path", r->path);
		json__str(j, "ending", r->ending);
	}
}

void watch_events__begin(const struct watch_args *a, const struct recording *rec)
{
	struct line l = {.a = a};
	char keep[DURATION_STR_SZ];

	duration__format((int64_t)a->rec.keep_ns, keep);
	if (a->json) {
		begin_json(&l, "watching");
		json__str(&l.j, "name", recording__name(rec));
		json__u64(&l.j, "pid", (uint64_t)recording__pid(rec));
		json__u64(&l.j, "keep_ns", a->rec.keep_ns);
		json__u64(&l.j, "conditions", a->condition_cnt);
	} else {
		buf__printf(&l.out,
			    "watching %s (%d): the last %s, %zu condition%s; Ctrl-C ends it",
			    recording__name(rec), recording__pid(rec), keep, a->condition_cnt,
			    a->condition_cnt == 1 ? "" : "s");
	}
	send_line(&l);
}

static const char *target_of(const struct watch_args *a)
{
	return a->target.name ? a->target.name : a->target.container;
}

void watch_events__waiting(const struct watch_args *a)
{
	struct line l = {.a = a};

	if (a->json) {
		begin_json(&l, "waiting");
		json__str(&l.j, "target", target_of(a));
	} else {
		buf__printf(&l.out, "waiting for %s", target_of(a));
	}
	send_line(&l);
}

void watch_events__reloaded(const struct watch_args *a, bool ok)
{
	struct line l = {.a = a};

	if (a->json) {
		begin_json(&l, ok ? "reloaded" : "not reloaded");
		json__u64(&l.j, "conditions", a->condition_cnt);
	} else if (ok) {
		buf__printf(&l.out, "reloaded: %zu condition%s", a->condition_cnt,
			    a->condition_cnt == 1 ? "" : "s");
	} else {
		return; /* the mistakes are told */
	}
	send_line(&l);
}

static const char *end_text(enum recording_end end)
{
	switch (end) {
	case RECORDING_TARGET_EXITED:
		return "the target exited";
	case RECORDING_TARGET_EXECED:
		return "the target exec'ed another program";
	case RECORDING_PROBES_LOST:
		return "the probes are lost";
	case RECORDING_STOPPED:
		return "interrupted";
	default:
		return "recording failed";
	}
}

void watch_events__gone(const struct watch_args *a, const struct recording *rec,
			enum recording_end end)
{
	struct line l = {.a = a};
	char exit[EXIT_STATUS_SZ] = "";
	int status;

	if (!recording__exit_status(rec, &status))
		exit_status__format(status, exit);

	if (a->json) {
		begin_json(&l, "gone");
		json__str(&l.j, "name", recording__name(rec));
		json__u64(&l.j, "pid", (uint64_t)recording__pid(rec));
		json__str(&l.j, "why", end_text(end));
		json__str(&l.j, "exit", exit[0] ? exit : NULL);
	} else {
		buf__printf(&l.out, "%s (%d): %s%s%s%s", recording__name(rec), recording__pid(rec),
			    end_text(end), exit[0] ? ", " : "", exit,
			    target_of(a) ? "; waiting for the next one" : "");
	}
	send_line(&l);
}

/* People are told of captures. */
void watch_events__trigger(const struct watch_args *a, const struct recording *rec,
			   const struct raw_reason *r, const char *then)
{
	struct line l = {.a = a};

	if (!a->json)
		return;
	begin_json(&l, "trigger");
	if (rec)
		json__u64(&l.j, "pid", (uint64_t)recording__pid(rec));
	put_reason(&l.j, r);
	json__str(&l.j, "then", then);
	send_line(&l);
}

static void put_result(struct buf *out, const struct watch_result *res)
{
	char took[DURATION_STR_SZ], now[32];

	now_text(now);
	duration__format((int64_t)res->took_ns, took);
	buf__printf(out, "%s  %s%s%s  ", now, res->reason.condition,
		    res->reason.value[0] ? ": " : "", res->reason.value);
	if (res->err) {
		buf__printf(out, "not written: %s", strerror(-res->err));
		return;
	}
	buf__printf(out, "%s  (%.1f MiB, %s)", res->dir, (double)res->folder.sz / (1 << 20), took);
	if (res->hook_late)
		buf__str(out, "  --exec took too long and was killed");
	else if (res->hook > 0)
		buf__printf(out, "  --exec ended with %d", res->hook);
}

void watch_events__result(const struct watch_args *a, const struct watch_result *res)
{
	struct line l = {.a = a};

	if (a->json) {
		begin_json(&l, res->err ? "failed" : "capture");
		json__u64(&l.j, "pid", (uint64_t)recording__pid(res->rec));
		put_reason(&l.j, &res->reason);
		json__str(&l.j, "folder", res->dir);
		if (res->err)
			json__str(&l.j, "error", strerror(-res->err));
		json__u64(&l.j, "bytes", res->folder.sz);
		json__u64(&l.j, "written_after_ns", res->took_ns);
		json__u64(&l.j, "merged", res->reason.merged);
		if (a->writer.exec && !res->err) {
			json__i64(&l.j, "exec_status", res->hook);
			json__bool(&l.j, "exec_killed", res->hook_late);
		}
	} else {
		put_result(&l.out, res);
	}
	send_line(&l);
}

void watch_events__removed(const struct watch_args *a, const char *dir)
{
	struct line l = {.a = a};

	if (!a->json)
		return;
	begin_json(&l, "removed");
	json__str(&l.j, "folder", dir);
	send_line(&l);
}

static void put_misses(struct buf *out, const struct recording_misses *m)
{
	if (m->lost)
		buf__printf(out, "; %llu events were lost", (unsigned long long)m->lost);
	if (m->late)
		buf__printf(out, "; %llu came too late to be judged in order",
			    (unsigned long long)m->late);
	if (m->blind_ns)
		buf__printf(out,
			    "; conditions on transitions were blind for %.1f %% of the time: "
			    "--max-overhead",
			    100.0 * (double)m->blind_ns / (double)m->watched_ns);
}

void watch_events__status(const struct recording_misses *m, uint64_t captures, char *out, size_t sz)
{
	struct buf text = {0};

	buf__printf(&text, "watching; %llu capture%s", (unsigned long long)captures,
		    captures == 1 ? "" : "s");
	put_misses(&text, m);
	snprintf(out, sz, "%.*s", (int)text.len, text.len ? (char *)text.data : "");
	buf__free(&text);
}

void watch_events__end(const struct watch_args *a, const struct watch_totals *t)
{
	struct line l = {.a = a};

	if (a->json) {
		begin_json(&l, "ended");
		json__str(&l.j, "why", end_text(t->end));
		json__u64(&l.j, "captures", t->captures);
		json__u64(&l.j, "merged", t->merged);
		json__u64(&l.j, "passed_over", t->passed_over);
		json__u64(&l.j, "window_bytes", t->window_sz);
		json__u64(&l.j, "lost", t->misses.lost);
		json__u64(&l.j, "late", t->misses.late);
		json__u64(&l.j, "watched_ns", t->misses.watched_ns);
		json__u64(&l.j, "blind_ns", t->misses.blind_ns);
		json__u64(&l.j, "slices", t->misses.slices);
	} else {
		buf__printf(&l.out, "ended: %s; %llu capture%s", end_text(t->end),
			    (unsigned long long)t->captures, t->captures == 1 ? "" : "s");
		if (t->merged || t->passed_over)
			buf__printf(&l.out,
				    "; %llu triggers within a second of another, %llu passed over",
				    (unsigned long long)t->merged,
				    (unsigned long long)t->passed_over);
		put_misses(&l.out, &t->misses);
	}
	send_line(&l);
}
