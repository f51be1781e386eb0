/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/notify.h"
#include "cli/watch_events.h"
#include "cli/watch_run.h"

/* The configuration read again: all of it or nothing. */

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* A setting that what runs already hangs on, and that is another now; NULL: none. */
static const char *fixed(const struct watch_args *a, const struct watch_args *b)
{
	const struct recording_options *x = &a->rec, *y = &b->rec;
	const struct {
		const char *name;
		bool same;
	} all[] = {
		{"pid", same(a->target.pids, b->target.pids)},
		{"name", same(a->target.name, b->target.name)},
		{"container", same(a->target.container, b->target.container)},
		{"all", a->target.all == b->target.all},
		{"wait", a->wait == b->wait},
		{"output", same(a->dir, b->dir)},
		{"keep", x->keep_ns == y->keep_ns},
		{"max-memory", x->keep_sz == y->keep_sz},
		{"profiles", same(x->profiles, y->profiles)},
		{"hz", x->hz == y->hz},
		{"mode", x->mode == y->mode},
		{"max-overhead", x->budget >= y->budget && x->budget <= y->budget},
		{"trace-format", x->trace_format == y->trace_format},
		{"raw", a->writer.keep_raw == b->writer.keep_raw},
		{"json", a->json == b->json},
		{"quiet", a->quiet == b->quiet},
		{"no-labels", x->labels == y->labels},
		{"attach", x->attach == y->attach},
		{"no-nop5", x->nop5 == y->nop5},
		{"force-layout", x->force_layout == y->force_layout},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!all[i].same)
			return all[i].name;
	return NULL;
}

/* Its place among the conditions of now; BY_PEOPLE: it is not there any more. */
static size_t place_of(const struct watch_args *a, const char *text)
{
	for (size_t i = 0; i < a->condition_cnt; i++)
		if (!strcmp(a->conditions[i].text, text))
			return i;
	return BY_PEOPLE;
}

/* What was captured when is remembered for those that stay. */
static void move_memory(struct watched *w, const struct watch_args *from,
			const struct watch_args *to)
{
	struct memory was[BY_PEOPLE];

	memcpy(was, w->memory, sizeof(was));
	memset(w->memory, 0, sizeof(was));
	for (size_t i = 0; i < from->condition_cnt; i++) {
		size_t at = place_of(to, from->conditions[i].text);

		if (at != BY_PEOPLE)
			w->memory[at] = was[i];
	}
}

static int judge_all(struct watching *s, const struct watch_args *a)
{
	int err = 0;

	for (size_t i = 0; !err && i < WATCHED_MAX; i++)
		if (watched__runs(&s->watched[i]))
			err = recording__judge(s->watched[i].rec, a->conditions, a->condition_cnt,
					       a->rec.always);
	return err;
}

static void take_over(struct watching *s, struct watch_args *a)
{
	const struct watch_args *was = s->args;
	struct stat st;

	for (size_t i = 0; i < WATCHED_MAX; i++)
		move_memory(&s->watched[i], was, a);
	for (size_t i = 0; i < s->pending_cnt; i++) {
		struct pending *p = &s->pending[i];

		if (p->condition != BY_PEOPLE)
			p->condition = place_of(a, was->conditions[p->condition].text);
	}
	watch_writer__hook(s->writer, a->writer.exec, a->writer.exec_timeout_ns);
	retention__bound(s->kept, a->captures_max, a->disk_max);
	if (a->every_ns != was->every_ns)
		s->every_due_ns = 0;
	if (!same(a->file, was->file))
		s->file_was_there = a->file && !lstat(a->file, &st);
	a->before = s->args;
	s->args = a;
}

static bool reload(struct watching *s)
{
	struct watch_args *a = calloc(1, sizeof(*a));
	const char *changed;
	bool ok = a && watch_args__parse(s->argc, s->argv, a) < 0;

	changed = ok ? fixed(s->args, a) : NULL;
	if (changed)
		log_error("'%s': %s cannot change while the watch runs", a->config, changed);
	ok = ok && !changed;
	for (size_t i = 0; ok && i < WATCHED_MAX; i++)
		if (watched__runs(&s->watched[i]))
			watch_asking__firings(s, &s->watched[i]);
	if (ok && judge_all(s, a)) {
		(void)judge_all(s, s->args); /* which they had: nothing is missing for it */
		ok = false;
	}
	if (ok) {
		take_over(s, a);
		return true;
	}
	if (a)
		watch_args__free(a);
	free(a);
	return false;
}

void watch_reload(struct watching *s)
{
	bool ok;

	notify__reloading();
	ok = reload(s);
	if (!ok)
		log_error("the configuration stays as it was");
	watch_events__reloaded(s->args, ok);
	notify__ready(ok ? "reloaded" : "the new configuration has mistakes; the old one stays");
}
