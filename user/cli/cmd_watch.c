/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/interrupts.h"
#include "cli/names.h"
#include "cli/watch_events.h"
#include "cli/watch_options.h"
#include "recorder/hit_price.h"
#include "recorder/outdir.h"
#include "recorder/retention.h"
#include "recorder/trigger_socket.h"

#define POLL_NS (10 * 1000 * 1000)
#define FILE_EVERY_NS (100ull * 1000 * 1000)
#define MERGE_NS 1000000000ull
#define HIGH_WATER_NS (300ull * 1000000000)
#define PENDING_MAX 8
#define WAITING_MAX 16
#define BY_PEOPLE WATCH_CONDITIONS_MAX /* in place of a condition's index */
#define NO_CLIENT UINT_MAX

/* A capture that is asked for and not cut yet. */
struct pending {
	struct raw_reason reason;
	size_t condition;
	uint64_t due_ns;
	unsigned client; /* NO_CLIENT */
	char slug[COND_SLUG_SZ];
};

/* Whoever waits for a capture that is being written. */
struct waiting {
	char dir[PATH_MAX];
	size_t condition;
	double badness;
	unsigned client;
};

struct memory {
	uint64_t captured_ns;  /* 0: never */
	uint64_t triggered_ns; /* asked for a capture; 0: never */
	double value;
};

struct watching {
	const struct watch_args *args;
	struct recording *rec;
	struct price_job *price;
	struct watch_writer *writer;
	struct retention *kept;
	struct trigger_socket *socket;
	struct pending pending[PENDING_MAX];
	size_t pending_cnt;
	struct waiting waiting[WAITING_MAX];
	size_t waiting_cnt;
	struct memory memory[WATCH_CONDITIONS_MAX + 1];
	uint64_t every_due_ns, file_due_ns;
	bool file_was_there;
	uint64_t captures, merged, passed_over;
};

/* ---- asking for captures ---- */

static struct pending *open_one(struct watching *s, uint64_t time_ns)
{
	struct pending *p = s->pending_cnt ? &s->pending[s->pending_cnt - 1] : NULL;

	return p && time_ns < p->reason.time_ns + MERGE_NS ? p : NULL;
}

static void refuse(struct watching *s, const struct raw_reason *r, unsigned client, const char *why)
{
	char line[128];

	watch_events__trigger(s->args, r, why);
	snprintf(line, sizeof(line), "refused: %s", why);
	if (client != NO_CLIENT)
		trigger_socket__answer(s->socket, client, line);
}

/* A trigger that counts: behind another one it is part of that, else it waits for its moment. */
static void ask(struct watching *s, const struct raw_reason *r, size_t condition, const char *slug,
		unsigned client)
{
	struct pending *p = open_one(s, r->time_ns);
	uint64_t *last_ns = &s->memory[condition].triggered_ns;

	/* whoever waits for an answer gets a capture of his own */
	if (client == NO_CLIENT && p) {
		p->reason.merged++;
		s->merged++;
		return;
	}
	/* what another condition sees may not be in that capture, which may be cut already */
	if (client == NO_CLIENT && *last_ns && r->time_ns < *last_ns + MERGE_NS) {
		s->merged++;
		return;
	}
	if (s->pending_cnt == PENDING_MAX) {
		refuse(s, r, client, "too many are waiting");
		return;
	}
	*last_ns = r->time_ns;
	p = &s->pending[s->pending_cnt++];
	*p = (struct pending){.reason = *r,
			      .condition = condition,
			      .due_ns = r->time_ns + s->args->after_ns,
			      .client = client};
	snprintf(p->slug, sizeof(p->slug), "%s", slug);
	watch_events__trigger(s->args, r, "capture");
}

static double badness(const struct condition *c, double value)
{
	return c->below ? -value : value;
}

static void on_firing(struct watching *s, const struct firing *f)
{
	const struct condition *c = &s->args->conditions[f->condition];
	const struct memory *m = &s->memory[f->condition];
	struct raw_reason r;

	bool cooling = m->captured_ns && f->time_ns < m->captured_ns + s->args->cool_down_ns;
	bool lower;

	watch_reason__of(c, f, &r);
	lower = s->args->high_water && m->captured_ns &&
		f->time_ns < m->captured_ns + HIGH_WATER_NS &&
		badness(c, (double)r.value_raw) <= m->value;
	if (cooling || lower) {
		s->passed_over++;
		return;
	}
	ask(s, &r, f->condition, c->slug, NO_CLIENT);
}

static void by_people(struct watching *s, const char *slug, const char *text, const char *what,
		      unsigned client)
{
	struct raw_reason r = {.time_ns = clock__monotonic_ns()};

	snprintf(r.condition, sizeof(r.condition), "%s", text);
	snprintf(r.what, sizeof(r.what), "%s", what);
	ask(s, &r, BY_PEOPLE, slug, client);
}

static void look_at_file(struct watching *s, uint64_t now_ns)
{
	struct stat st;
	bool there;

	if (!s->args->file || now_ns < s->file_due_ns)
		return;
	s->file_due_ns = now_ns + FILE_EVERY_NS;
	there = !lstat(s->args->file, &st);
	if (there && !s->file_was_there)
		by_people(s, "file", "file", s->args->file, NO_CLIENT);
	s->file_was_there = there;
}

static void look_at_clock(struct watching *s, uint64_t now_ns)
{
	char text[64], every[DURATION_STR_SZ];

	if (!s->args->every_ns || now_ns < s->every_due_ns)
		return;
	if (s->every_due_ns) {
		duration__format((int64_t)s->args->every_ns, every);
		snprintf(text, sizeof(text), "every %s", every);
		by_people(s, "every", text, "", NO_CLIENT);
	}
	s->every_due_ns = now_ns + s->args->every_ns;
}

static void listen_to_people(struct watching *s)
{
	uint64_t now_ns = clock__monotonic_ns();
	char text[TRIGGER_TEXT_MAX];
	unsigned client;

	if (interrupts__asked())
		by_people(s, "signal", "SIGUSR2", "", NO_CLIENT);
	while (trigger_socket__poll(s->socket, text, &client))
		by_people(s, "trigger", "trigger", text, client);
	look_at_file(s, now_ns);
	look_at_clock(s, now_ns);
}

/* ---- cutting and writing ---- */

static void name_folder(const struct watching *s, const char *slug, char out[PATH_MAX])
{
	char stamp[TIME_STAMP_SZ];
	struct stat st;
	bool taken = true;

	time_stamp(time(NULL), stamp);
	for (unsigned n = 1; taken; n++) {
		if (n == 1)
			snprintf(out, PATH_MAX, "%s/%s-%s", s->args->dir, stamp, slug);
		else
			snprintf(out, PATH_MAX, "%s/%s-%s-%u", s->args->dir, stamp, slug, n);
		taken = !lstat(out, &st);
		for (size_t i = 0; i < s->waiting_cnt; i++)
			taken |= !strcmp(s->waiting[i].dir, out);
	}
}

static double badness_of(const struct watching *s, const struct pending *p)
{
	if (p->condition == BY_PEOPLE)
		return 0;
	return badness(&s->args->conditions[p->condition], (double)p->reason.value_raw);
}

static int cut_one(struct watching *s, const struct pending *p)
{
	struct watch_job job = {.rec = s->rec, .reason = p->reason};
	struct waiting *w = &s->waiting[s->waiting_cnt];
	int err;

	if (s->waiting_cnt == WAITING_MAX)
		return -EBUSY;
	/* without --after the window ends as late as it can: what the trigger led to is seen */
	err = recording__cut(s->rec, s->args->after_ns ? p->due_ns : UINT64_MAX, p->reason.stack,
			     &job.cut);
	if (err)
		return err;
	name_folder(s, p->slug, job.dir);
	err = watch_writer__add(s->writer, &job);
	if (err) {
		recording_cut__free(job.cut);
		return err;
	}
	*w = (struct waiting){
		.condition = p->condition, .badness = badness_of(s, p), .client = p->client};
	strcpy(w->dir, job.dir);
	s->waiting_cnt++;
	s->memory[p->condition].captured_ns = p->reason.time_ns;
	s->memory[p->condition].value = badness_of(s, p);
	return 0;
}

/* all: the window has ended, nothing is to be waited for */
static void cut_due(struct watching *s, bool all)
{
	uint64_t now_ns = clock__monotonic_ns();

	while (s->pending_cnt) {
		struct pending *p = &s->pending[0];
		int err;

		/* what happened up to then has to have been drained */
		if (!all && now_ns < p->due_ns + POLL_NS)
			return;
		err = cut_one(s, p);
		if (err)
			refuse(s, &p->reason, p->client,
			       err == -EBUSY ? "too many are being written"
					     : "nothing is recorded");
		memmove(p, p + 1, --s->pending_cnt * sizeof(*p));
	}
}

static void remove_old(struct watching *s)
{
	struct capture_folder f;

	while (retention__next(s->kept, &f)) {
		if (!capture_folder__remove(&f))
			watch_events__removed(s->args, f.path);
		capture_folder__free(&f);
	}
}

static void on_result(struct watching *s, struct watch_result *res)
{
	char line[PATH_MAX + 16];

	watch_events__result(s->args, res);
	for (size_t i = 0; i < s->waiting_cnt; i++) {
		struct waiting *w = &s->waiting[i];

		if (strcmp(w->dir, res->dir) != 0)
			continue;
		snprintf(line, sizeof(line),
			 res->err ? "refused: it could not be written" : "capture %s", res->dir);
		if (w->client != NO_CLIENT)
			trigger_socket__answer(s->socket, w->client, line);
		if (res->folder.path &&
		    retention__add(s->kept, &res->folder, w->condition, w->badness))
			log_warn("'%s': it will not be removed: no memory", res->dir);
		memmove(w, w + 1, (--s->waiting_cnt - i) * sizeof(*w));
		break;
	}
	capture_folder__free(&res->folder);
	s->captures += !res->err;
	remove_old(s);
}

static void take_results(struct watching *s)
{
	struct watch_result res;

	while (watch_writer__done(s->writer, &res))
		on_result(s, &res);
}

/* ---- life ---- */

static void take_firings(struct watching *s)
{
	struct firing f;

	while (recording__fired(s->rec, &f))
		on_firing(s, &f);
}

static enum recording_end watch(struct watching *s)
{
	const struct timespec tick = {0, POLL_NS};
	enum recording_end end = RECORDING_RUNNING;

	while (end == RECORDING_RUNNING && !interrupts__any()) {
		nanosleep(&tick, NULL);
		end = recording__poll(s->rec);
		take_firings(s);
		listen_to_people(s);
		cut_due(s, false);
		take_results(s);
	}
	return end == RECORDING_RUNNING ? RECORDING_STOPPED : end;
}

/* A condition that the end itself fulfils. */
static void on_end(struct watching *s, enum recording_end end)
{
	struct firing f = {.time_ns = clock__monotonic_ns()};

	take_firings(s);
	if (end != RECORDING_TARGET_EXITED && end != RECORDING_TARGET_EXECED)
		return;
	for (f.condition = 0; f.condition < s->args->condition_cnt; f.condition++)
		if (s->args->conditions[f.condition].subject == COND_EXIT)
			on_firing(s, &f);
}

static const char *end_text(enum recording_end end)
{
	switch (end) {
	case RECORDING_TARGET_EXITED:
		return "the target exited";
	case RECORDING_TARGET_EXECED:
		return "the target exec'ed another program";
	case RECORDING_STOPPED:
		return "interrupted";
	default:
		return "recording failed";
	}
}

/* What was asked for is written, unless a second Ctrl-C says otherwise. */
static int finish(struct watching *s, enum recording_end end)
{
	const struct timespec tick = {0, POLL_NS};
	uint64_t sz = recording__window_sz(s->rec);
	int err = recording__end_window(s->rec);

	if (!err)
		on_end(s, end);
	cut_due(s, true);
	while (watch_writer__busy(s->writer) && !interrupts__twice()) {
		nanosleep(&tick, NULL);
		take_results(s);
	}
	take_results(s);
	watch_events__end(s->args, &(struct watch_totals){.why = end_text(end),
							  .captures = s->captures,
							  .merged = s->merged,
							  .passed_over = s->passed_over +
									 recording__unkept(s->rec),
							  .window_sz = sz});
	return err || end == RECORDING_FAILED ? EXIT_FAILED : EXIT_OK;
}

static int watching_open(struct watching *s, pid_t pid)
{
	const struct watch_args *a = s->args;
	struct recording_options opt = a->rec;
	char in_it[PATH_MAX];
	struct stat st;
	int err;

	s->price = price_job__begin(recording_attach__capture(opt.attach), opt.nop5,
				    recording_mode__remembers(opt.mode));
	opt.price = s->price;
	err = recording__open(pid, NULL, &opt, -1, &s->rec);

	if (err)
		return exit_status__of(err);
	if (outdir__need(a->dir) || trigger_socket__listen(a->dir, &s->socket))
		return EXIT_FAILED;
	snprintf(in_it, sizeof(in_it), "%s/.", a->dir); /* captures are made in it, not beside it */
	outdir__report_leftovers(in_it);
	s->file_was_there = a->file && !lstat(a->file, &st);
	err = retention__new(a->captures_max, a->disk_max, &s->kept);
	if (!err)
		err = watch_writer__start(&a->writer, &s->writer);
	if (!err)
		err = recording__start(s->rec);
	return exit_status__of(err);
}

static void watching_close(struct watching *s)
{
	watch_writer__free(s->writer);
	trigger_socket__free(s->socket);
	retention__free(s->kept);
	recording__free(s->rec);
	price_job__free(s->price);
}

int cmd_watch(int argc, char **argv)
{
	static struct watch_args args; /* large */
	static struct watching s;
	struct targets targets = {0};
	int rc = watch_args__parse(argc, argv, &args);

	if (rc >= 0)
		return rc;
	rc = targets__resolve(&args.target, &targets);
	if (!rc && targets.cnt != 1)
		rc = usage_error("watch: one process at a time");
	if (!rc) {
		interrupts__catch();
		interrupts__catch_asked();
		term__set_quiet(args.quiet || args.json);
		s.args = &args;
		rc = watching_open(&s, targets.pids[0]);
		if (!rc) {
			watch_events__begin(&args, s.rec);
			rc = finish(&s, watch(&s));
		}
		watching_close(&s);
	}
	targets__free(&targets);
	return rc;
}
