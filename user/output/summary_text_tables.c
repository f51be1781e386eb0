/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "output/summary_text_parts.h"
#include "output/text.h"

#define BAR_COLUMNS 26
#define SITES_SHOWN 10
#define CREATORS_SHOWN 5

/* "http.(*conn).serve" of "net/http.(*conn).serve": the whole name is in summary.json. */
static const char *short_func(const char *func)
{
	const char *slash = func;
	size_t end = strcspn(func, "[(");

	for (size_t i = 0; i < end; i++) {
		if (func[i] == '/')
			slash = func + i + 1;
	}
	return slash;
}

void part__frame(struct buf *out, const struct frame *f, size_t max)
{
	const char *slash = strrchr(f->file, '/');
	struct buf file = {0};
	size_t cols;

	if (!f->func[0]) {
		buf__str(out, "not known");
		return;
	}
	if (f->file[0])
		buf__printf(&file, " %s:%u", slash ? slash + 1 : f->file, f->line);
	buf__u8(&file, '\0');
	if (file.err) {
		out->err = out->err ? out->err : file.err;
		goto out;
	}
	cols = text__columns((char *)file.data);
	if (cols > max / 2)
		cols = max / 2;
	text__clean(out, short_func(f->func), max - cols);
	text__clean(out, (char *)file.data, cols);
out:
	buf__free(&file);
}

/* ---- states ---- */

static void put_state(struct buf *out, const struct summary *s, const struct summary_state *st)
{
	double share = s->states_total_ns ? (double)st->total_ns / (double)s->states_total_ns : 0;

	buf__str(out, "  ");
	text__left(out, st->name, 28);
	text__right(out, cell__dur(st->total_ns).s, 9);
	text__right(out, cell__percent(share).s, 9);
	text__right(out, cell__dur(st->max_ns).s, 10);
	text__right(out, cell__count(st->cnt).s, 13);
	if (st->total_ns) {
		buf__str(out, "  ");
		text__bar(out, share, BAR_COLUMNS);
	}
	buf__str(out, "\n");
}

void part__states(const struct summary *s, struct buf *out)
{
	const struct summary_goroutines *g = &s->goroutines;

	buf__printf(out, "\nGOROUTINES  %s at the end (%s at the start, %s to %s between), ",
		    cell__count(g->end).s, cell__count(g->start).s, cell__count(g->min).s,
		    cell__count(g->max).s);
	buf__printf(out, "%s created, %s ended\n", cell__count(g->created).s,
		    cell__count(g->exited).s);
	text__left(out, "  where their time went", 30);
	buf__str(out, "    total    share   longest        times\n");
	for (size_t i = 0; i < s->state_cnt; i++)
		put_state(out, s, &s->states[i]);
}

void part__looks(const struct summary *s, struct buf *out)
{
	buf__str(out, "\nGOROUTINES  where their time went: an estimate by looks\n");
	for (size_t i = 0; i < s->state_cnt; i++) {
		const struct summary_state *st = &s->states[i];
		double share =
			s->states_total_ns ? (double)st->total_ns / (double)s->states_total_ns : 0;

		buf__str(out, "  ");
		text__clean(out, st->name, 28);
		text__blanks(out, text__columns(st->name) < 28 ? 28 - text__columns(st->name) : 0);
		text__right(out, cell__dur(st->total_ns).s, 9);
		text__right(out, cell__percent(share).s, 9);
		buf__str(out, "  ");
		text__bar(out, share, BAR_COLUMNS);
		buf__str(out, "\n");
	}
}

/* ---- sites ---- */

#define SITE_INDENT 45
#define WAKERS_SHOWN 2

/* Timers and the network wake by nobody's stack: where that is all, it says nothing new. */
static bool wakers_are_news(const struct summary_site *site)
{
	return site->waker_cnt && (site->waker_cnt > 1 || site->wakers[0].stack.cnt);
}

static void put_wakers(struct buf *out, const struct summary_site *site)
{
	uint64_t woken = site->waker_other_cnt;

	for (size_t i = 0; i < site->waker_cnt; i++)
		woken += site->wakers[i].cnt;
	for (size_t i = 0; i < site->waker_cnt && i < WAKERS_SHOWN; i++) {
		const struct summary_waker *w = &site->wakers[i];
		struct cell share = cell__percent((double)w->cnt / (double)woken);

		text__right(out, i ? "" : "woken by", SITE_INDENT - 9);
		text__right(out, share.s, 7);
		buf__str(out, "  ");
		if (w->stack.cnt)
			part__frame(out, &w->at, SUMMARY_COLUMNS - SITE_INDENT);
		else
			buf__str(out, "a timer or the network");
		buf__str(out, "\n");
	}
}

static bool says_more(const struct summary_site *site)
{
	static const char *const known[] = {"runtime.", "sync.", "internal/", "time."};

	if (!strcmp(site->op.func, site->at.func))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strncmp(site->op.func, known[i], strlen(known[i])))
			return !strncmp(site->op.func, "sync.(*", strlen("sync.(*"));
	}
	return true;
}

static void put_site(struct buf *out, const struct summary_site *site)
{
	size_t room = SUMMARY_COLUMNS - SITE_INDENT;

	buf__str(out, "  ");
	text__right(out, cell__dur(site->total_ns).s, 8);
	text__right(out, cell__count(site->cnt).s, 10);
	text__right(out, cell__dur(site->max_ns).s, 9);
	buf__str(out, "  ");
	text__left(out, site->reason, SITE_INDENT - 32);
	buf__str(out, " "); /* also behind a reason that is wider than its column */
	part__frame(out, &site->at, room);
	buf__str(out, "\n");
	if (says_more(site)) {
		text__blanks(out, SITE_INDENT);
		buf__str(out, "in ");
		text__clean(out, site->op.func, room - 3);
		buf__str(out, "\n");
	}
	if (site->whole_cnt) {
		text__blanks(out, SITE_INDENT);
		buf__printf(out, "%s goroutine%s for the whole window\n",
			    cell__count(site->whole_cnt).s, site->whole_cnt == 1 ? "" : "s");
	}
	if (wakers_are_news(site))
		put_wakers(out, site);
}

void part__sites(const struct summary *s, struct buf *out)
{
	size_t shown = s->site_cnt < SITES_SHOWN ? s->site_cnt : SITES_SHOWN;

	if (!shown)
		return;
	buf__printf(out, "\nWAITS  worst %zu of %s places\n", shown, cell__count(s->sites_seen).s);
	buf__str(out, "     total     times  longest  reason        where\n");
	for (size_t i = 0; i < shown; i++)
		put_site(out, &s->sites[i]);
}

/* ---- stops ---- */

#define STOP_INDENT 53

static void put_stop(struct buf *out, const struct summary_stop *st)
{
	buf__str(out, "  ");
	text__right(out, cell__dur(st->least_ns).s, 9);
	text__right(out, cell__dur(st->most_ns).s, 9);
	text__right(out, cell__count(st->cnt).s, 11);
	text__right(out, cell__count(st->open_cnt).s, 7);
	buf__str(out, "  ");
	text__left(out, st->reason, STOP_INDENT - 41);
	buf__str(out, " ");
	part__frame(out, &st->at, SUMMARY_COLUMNS - STOP_INDENT);
	buf__str(out, "\n");
}

void part__stops(const struct summary *s, struct buf *out)
{
	size_t shown = s->stop_cnt < SITES_SHOWN ? s->stop_cnt : SITES_SHOWN;

	if (!shown)
		return;
	buf__printf(out,
		    "\nSTOPS  worst %zu of %s places; the time until they ran again, waiting for a "
		    "processor too\n",
		    shown, cell__count(s->stops_seen).s);
	buf__str(out, "   at least  at most      times  still  reason       where\n");
	for (size_t i = 0; i < shown; i++)
		put_stop(out, &s->stops[i]);
}

/* ---- creators ---- */

#define CREATOR_INDENT 22

void part__creators(const struct summary *s, struct buf *out)
{
	size_t shown = s->creator_cnt < CREATORS_SHOWN ? s->creator_cnt : CREATORS_SHOWN;

	if (!shown)
		return;
	buf__printf(out, "\nCREATORS  worst %zu of %s go statements\n", shown,
		    cell__count(s->creators_seen).s);
	buf__str(out, "   created     alive  what it runs, and where it is started\n");
	for (size_t i = 0; i < shown; i++) {
		const struct summary_creator *c = &s->creators[i];

		text__right(out, cell__count(c->cnt).s, 10);
		text__right(out, cell__count(c->alive_cnt).s, 10);
		buf__str(out, "  ");
		part__frame(out, &c->entry, SUMMARY_COLUMNS - CREATOR_INDENT);
		buf__str(out, "\n");
		text__blanks(out, CREATOR_INDENT);
		buf__str(out, "by ");
		part__frame(out, &c->at, SUMMARY_COLUMNS - CREATOR_INDENT - 3);
		buf__str(out, "\n");
	}
}
