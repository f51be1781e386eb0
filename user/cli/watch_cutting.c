/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/watch_events.h"
#include "cli/watch_run.h"

#define FAILED_PAUSE_NS (5ull * 1000000000)

/* Where there may be several processes, the folder says whose it is. */
static void name_folder(const struct watching *s, const struct pending *p, char out[PATH_MAX])
{
	char stamp[TIME_STAMP_SZ], of[16] = "";
	struct stat st;
	bool taken = true;

	if (s->args->several)
		snprintf(of, sizeof(of), "-%d", recording__pid(p->of->rec));
	time_stamp(time(NULL), stamp);
	for (unsigned n = 1; taken; n++) {
		char again[16] = "";

		if (n > 1)
			snprintf(again, sizeof(again), "-%u", n);
		snprintf(out, PATH_MAX, "%s/%s-%s%s%s", s->args->dir, stamp, p->slug, of, again);
		taken = !lstat(out, &st);
		for (size_t i = 0; i < s->waiting_cnt; i++)
			taken |= !strcmp(s->waiting[i].dir, out);
	}
}

static int cut_one(struct watching *s, const struct pending *p)
{
	struct watch_job job = {.rec = p->of->rec, .reason = p->reason};
	struct memory *m = &p->of->memory[p->condition];
	struct waiting *w = &s->waiting[s->waiting_cnt];
	int err;

	if (s->waiting_cnt == WAITING_MAX)
		return -EBUSY;
	/* without --after the window ends as late as it can: what the trigger led to is seen */
	err = recording__cut(p->of->rec, s->args->after_ns ? p->due_ns : UINT64_MAX,
			     p->reason.stack, &job.cut);
	if (err)
		return err;
	name_folder(s, p, job.dir);
	err = watch_writer__add(s->writer, &job);
	if (err) {
		recording_cut__free(job.cut);
		return err;
	}
	*w = (struct waiting){.of = p->of,
			      .key = p->key,
			      .badness = p->badness,
			      .client = p->client,
			      .captured_ns = p->reason.time_ns,
			      .before = *m};
	strcpy(w->dir, job.dir);
	s->waiting_cnt++;
	p->of->jobs++;
	m->captured_ns = p->reason.time_ns;
	m->value = p->badness;
	return 0;
}

void watch_cutting__due(struct watching *s, const struct watched *of)
{
	uint64_t now_ns = clock__monotonic_ns();

	for (size_t i = 0; i < s->pending_cnt;) {
		struct pending *p = &s->pending[i];
		int err;

		/* what happened up to then has to have been drained */
		if (of ? p->of != of : now_ns < p->due_ns + POLL_NS) {
			i++;
			continue;
		}
		err = cut_one(s, p);
		if (err)
			watch_asking__refuse(s, p,
					     err == -EBUSY ? "too many are being written"
							   : "nothing is recorded");
		memmove(p, p + 1, (--s->pending_cnt - i) * sizeof(*p));
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

/* Nothing was written for it: its condition cools down only so long that a disk that stays full is
 * not tried all the time. A reload may have moved its memory. */
static void cool_soon(struct watching *s, const struct waiting *w)
{
	for (size_t i = 0; i < sizeof(w->of->memory) / sizeof(w->of->memory[0]); i++) {
		struct memory *m = &w->of->memory[i];

		if (!m->captured_ns || m->captured_ns != w->captured_ns || m->value != w->badness)
			continue;
		m->captured_ns = w->before.captured_ns;
		m->value = w->before.value;
		m->again_ns = clock__monotonic_ns() + FAILED_PAUSE_NS;
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
		if (res->folder.path && retention__add(s->kept, &res->folder, w->key, w->badness))
			log_warn("'%s': it will not be removed: no memory", res->dir);
		if (res->err)
			cool_soon(s, w);
		w->of->jobs--;
		memmove(w, w + 1, (--s->waiting_cnt - i) * sizeof(*w));
		break;
	}
	capture_folder__free(&res->folder);
	s->captures += !res->err;
	remove_old(s);
}

void watch_cutting__results(struct watching *s)
{
	struct watch_result res;

	while (watch_writer__done(s->writer, &res))
		on_result(s, &res);
}
