/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/watch_events.h"
#include "cli/watch_run.h"
#include "process/procfs.h"

#define MS_NS 1000000ull
#define SOON_NS (100 * MS_NS)	 /* a process that was just started gets ready */
#define LOOK_NS (250 * MS_NS)	 /* for the next one, at first */
#define SELDOM_NS (1000 * MS_NS) /* and later: a look reads all of /proc */
#define SOON_OVER_NS (10000 * MS_NS)
#define TRIES_MAX 4

bool watched__runs(const struct watched *w)
{
	return w->rec && w->end == RECORDING_RUNNING;
}

static unsigned running(const struct watching *s)
{
	unsigned cnt = 0;

	for (size_t i = 0; i < WATCHED_MAX; i++)
		cnt += watched__runs(&s->watched[i]);
	return cnt;
}

static unsigned places(const struct watching *s)
{
	uint64_t cnt = s->args->rec.keep_sz / WATCH_MEMORY_MIN;

	if (s->follow.on && !s->args->several)
		return 1;
	return cnt < WATCHED_MAX ? (unsigned)cnt : WATCHED_MAX;
}

static struct watched *free_place(struct watching *s)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (!s->watched[i].rec)
			return &s->watched[i];
	return NULL;
}

/* Each has the same share of the memory. */
static uint64_t share_memory(struct watching *s, unsigned cnt)
{
	uint64_t share = s->args->rec.keep_sz / (cnt ? cnt : 1);

	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (watched__runs(&s->watched[i]))
			recording__share_memory(s->watched[i].rec, share);
	return share;
}

/* ---- the begin ---- */

static int open_one(struct watching *s, struct watched *w, pid_t pid, unsigned of)
{
	struct recording_options opt = s->args->rec;

	opt.price = s->price;
	opt.keep_sz = s->args->rec.keep_sz / of;
	w->end = RECORDING_STOPPED; /* until it is started */
	return recording__open(pid, NULL, &opt, -1, &w->rec);
}

static int start_one(struct watching *s, struct watched *w)
{
	int err = recording__start(w->rec);

	if (err) {
		recording__free(w->rec);
		w->rec = NULL;
		return err;
	}
	w->end = RECORDING_RUNNING;
	watch_events__begin(s->args, w->rec);
	return 0;
}

/* Who is there now; an exit_status. Where it may be none yet, what is no Go program is none: a
 * shell, say, that will become one. */
static int resolve(struct watching *s, struct targets *out)
{
	bool any = true;
	int err = s->args->wait && s->args->target.forms == 1
			  ? target_args__any_go(&s->args->target, &any)
			  : 0;

	if (err || !any)
		return err == -EINVAL ? EXIT_USAGE : exit_status__of(err);
	return targets__resolve(&s->args->target, true, out);
}

int watch_targets__open(struct watching *s)
{
	struct targets t = {0};
	unsigned opened = 0;
	int rc = resolve(s, &t), err;

	s->follow.on = s->args->target.name || s->args->target.container;
	if (!rc && t.cnt > 1 && t.cnt > places(s))
		rc = usage_error("watch: %zu processes; at most %u fit into --max-memory", t.cnt,
				 places(s));
	if (!rc)
		s->price = price_job__begin(recording_attach__capture(s->args->rec.attach),
					    s->args->rec.nop5, true);
	/* of several one may fail: it is told, and the others are watched */
	for (size_t i = 0; !rc && i < t.cnt; i++) {
		err = open_one(s, free_place(s), t.pids[i], (unsigned)t.cnt);
		if (err && t.cnt == 1)
			rc = exit_status__of(err);
		opened += !err;
	}
	if (!rc && t.cnt && !opened)
		rc = EXIT_FAILED;
	s->failed |= !s->follow.on && opened < t.cnt;
	targets__free(&t);
	return rc;
}

int watch_targets__start(struct watching *s)
{
	int err = 0;

	for (size_t i = 0; i < WATCHED_MAX; i++) {
		if (!s->watched[i].rec)
			continue;
		err = start_one(s, &s->watched[i]);
		s->failed |= !s->follow.on && err;
	}
	if (running(s)) {
		share_memory(s, running(s));
		return EXIT_OK;
	}
	if (err || !s->args->wait)
		return exit_status__of(err);
	s->follow.lost_ns = clock__monotonic_ns();
	watch_events__waiting(s->args);
	return EXIT_OK;
}

/* ---- the end of one ---- */

static void has_ended(struct watching *s, struct watched *w, enum recording_end end)
{
	int err;

	w->end = s->end = end;
	s->window_sz += recording__window_sz(w->rec);
	err = recording__end_window(w->rec);
	s->failed |= err || end == RECORDING_FAILED || end == RECORDING_PROBES_LOST;
	if (!err)
		watch_asking__firings(s, w);
	if (!err && (end == RECORDING_TARGET_EXITED || end == RECORDING_TARGET_EXECED))
		watch_asking__exit(s, w);
	watch_cutting__due(s, w);
	share_memory(s, running(s));
	s->follow.lost_ns = clock__monotonic_ns();
	s->follow.due_ns = 0;
	if (end != RECORDING_STOPPED && watch_targets__any(s))
		watch_events__gone(s->args, w->rec, end);
}

static void add_misses(const struct watched *w, struct recording_misses *sum)
{
	struct recording_misses m;

	recording__misses(w->rec, &m);
	sum->lost += m.lost;
	sum->late += m.late;
	sum->watched_ns += m.watched_ns;
	sum->blind_ns += m.blind_ns;
	sum->slices += m.slices;
}

static void give_back(struct watching *s, struct watched *w)
{
	add_misses(w, &s->misses);
	s->passed_over += recording__unkept(w->rec);
	recording__free(w->rec);
	w->rec = NULL;
}

/* ---- the next one ---- */

static bool identify(pid_t pid, struct candidate *out)
{
	struct buf text = {0};
	struct proc_stat st;
	struct stat exe;
	char path[64];
	int err = procfs__read(pid, "stat", &text);

	if (!err)
		err = proc_stat__parse(span__of(text.data, text.len), &st);
	buf__free(&text);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (err || stat(path, &exe))
		return false;
	*out = (struct candidate){
		.pid = pid, .start_ticks = st.start_ticks, .dev = exe.st_dev, .ino = exe.st_ino};
	return true;
}

static bool is_watched(const struct watching *s, pid_t pid)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (watched__runs(&s->watched[i]) && recording__pid(s->watched[i].rec) == pid)
			return true;
	return false;
}

/* What is known of it; one that is new is left for a moment, in which its runtime comes up. */
static struct candidate *candidate(struct watching *s, pid_t pid, uint64_t now_ns)
{
	struct candidate is;

	if (!identify(pid, &is))
		return NULL;
	return candidates__meet(&s->follow.candidates, &is, now_ns + SOON_NS);
}

/* Is it watched now? */
static bool try_one(struct watching *s, struct candidate *c, uint64_t now_ns)
{
	struct watched *w = free_place(s);
	unsigned cnt = running(s) + 1;
	int err;

	/* without a place captures of those that have ended are being written still */
	c->next_ns = w ? 0 : now_ns + LOOK_NS;
	/* other programs in a container are none of ours, and nothing is said of them */
	if (!w || target__is_not_go(c->pid))
		return false;
	/* while it comes up its memory may be what no layout fits: only the last try is told */
	log__set_quiet(++c->tries < TRIES_MAX);
	err = open_one(s, w, c->pid, cnt);
	if (!err)
		err = start_one(s, w);
	log__set_quiet(false);
	if (!err)
		share_memory(s, cnt);
	else if (c->tries < TRIES_MAX)
		c->next_ns = now_ns + c->tries * LOOK_NS;
	return !err;
}

/* A process that fits: is it one to be tried now, or soon? */
static void look_at(struct watching *s, pid_t pid, uint64_t now_ns)
{
	struct following *f = &s->follow;
	struct candidate *c = is_watched(s, pid) ? NULL : candidate(s, pid, now_ns);

	if (!c || !c->next_ns)
		return;
	if (now_ns >= c->next_ns && try_one(s, c, now_ns))
		candidates__forget(&f->candidates, c);
	else if (c->next_ns && c->next_ns < f->due_ns)
		f->due_ns = c->next_ns;
}

static void look_for_new(struct watching *s)
{
	struct following *f = &s->follow;
	uint64_t now_ns = clock__monotonic_ns();
	struct process_hit *hits = NULL;
	size_t cnt = 0, i;

	if (now_ns < f->due_ns || running(s) >= places(s))
		return;
	f->due_ns = now_ns + (now_ns < f->lost_ns + SOON_OVER_NS ? LOOK_NS : SELDOM_NS);
	if (target_args__look(&s->args->target, &hits, &cnt))
		return;
	for (i = 0; i < cnt && running(s) < places(s); i++)
		look_at(s, hits[i].pid, now_ns);
	if (i == cnt)
		candidates__looked(&f->candidates);
	free(hits);
}

/* ---- life ---- */

bool watch_targets__any(const struct watching *s)
{
	return running(s) || (s->follow.on && !s->failed);
}

void watch_targets__poll(struct watching *s)
{
	for (size_t i = 0; i < WATCHED_MAX; i++) {
		struct watched *w = &s->watched[i];
		enum recording_end end;

		if (w->rec && !watched__runs(w) && !w->jobs)
			give_back(s, w);
		if (!watched__runs(w))
			continue;
		end = recording__poll(w->rec);
		watch_asking__firings(s, w);
		if (end != RECORDING_RUNNING)
			has_ended(s, w, end);
	}
	if (s->follow.on)
		look_for_new(s);
}

bool watch_targets__alive(const struct watching *s, uint64_t within_ns)
{
	uint64_t now_ns = clock__monotonic_ns();

	for (size_t i = 0; i < WATCHED_MAX; i++) {
		const struct watched *w = &s->watched[i];

		if (watched__runs(w) && recording__drained_ns(w->rec) + within_ns < now_ns)
			return false;
	}
	return true;
}

void watch_targets__end(struct watching *s)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (watched__runs(&s->watched[i]))
			has_ended(s, &s->watched[i], RECORDING_STOPPED);
}

uint64_t watch_targets__passed_over(const struct watching *s)
{
	uint64_t cnt = s->passed_over;

	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (s->watched[i].rec)
			cnt += recording__unkept(s->watched[i].rec);
	return cnt;
}

struct recording_misses watch_targets__misses(const struct watching *s)
{
	struct recording_misses sum = s->misses;

	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (s->watched[i].rec)
			add_misses(&s->watched[i], &sum);
	return sum;
}

void watch_targets__free(struct watching *s)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (s->watched[i].rec)
			give_back(s, &s->watched[i]);
	candidates__free(&s->follow.candidates);
}
