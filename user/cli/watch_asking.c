/* SPDX-License-Identifier: GPL-2.0-only */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/interrupts.h"
#include "cli/watch_events.h"
#include "cli/watch_run.h"
#include "recorder/earlier_captures.h"

#define FILE_EVERY_NS (100ull * 1000 * 1000)
#define MERGE_NS 1000000000ull
#define HIGH_WATER_NS (300ull * 1000000000)

static struct pending *open_one(struct watching *s, const struct watched *w, uint64_t time_ns)
{
	for (size_t i = s->pending_cnt; i-- > 0;) {
		struct pending *p = &s->pending[i];

		if (p->of == w)
			return time_ns < p->reason.time_ns + MERGE_NS ? p : NULL;
	}
	return NULL;
}

void watch_asking__refuse(struct watching *s, const struct pending *p, const char *why)
{
	char line[128];

	watch_events__trigger(s->args, p->of ? p->of->rec : NULL, &p->reason, why);
	snprintf(line, sizeof(line), "refused: %s", why);
	if (p->client != NO_CLIENT) {
		trigger_socket__answer(s->socket, p->client, line);
		return;
	}
	s->passed_over++;
	if (!s->args->json)
		log_warn("%s: no capture: %s", p->reason.condition, why);
}

/* A trigger that counts: behind another one it is part of that, else it waits for its moment. */
static void ask(struct watching *s, const struct pending *asked)
{
	const struct raw_reason *r = &asked->reason;
	struct pending *p = open_one(s, asked->of, r->time_ns);
	uint64_t *last_ns = &asked->of->memory[asked->condition].triggered_ns;

	/* whoever waits for an answer gets a capture of his own */
	if (asked->client == NO_CLIENT && p) {
		p->reason.merged++;
		s->merged++;
		return;
	}
	/* what another condition sees may not be in that capture, which may be cut already */
	if (asked->client == NO_CLIENT && *last_ns && r->time_ns < *last_ns + MERGE_NS) {
		s->merged++;
		return;
	}
	if (s->pending_cnt == PENDING_MAX) {
		watch_asking__refuse(s, asked, "too many are waiting");
		return;
	}
	*last_ns = r->time_ns;
	p = &s->pending[s->pending_cnt++];
	*p = *asked;
	p->due_ns = r->time_ns + s->args->after_ns;
	watch_events__trigger(s->args, p->of->rec, r, "capture");
}

static double badness(const struct condition *c, double value)
{
	return c->below ? -value : value;
}

static void on_firing(struct watching *s, struct watched *w, const struct firing *f,
		      const int *exit_status)
{
	const struct condition *c = &s->args->conditions[f->condition];
	const struct memory *m = &w->memory[f->condition];
	struct pending p = {.of = w, .condition = f->condition, .client = NO_CLIENT};
	bool cooling = f->time_ns < m->again_ns ||
		       (m->captured_ns && f->time_ns < m->captured_ns + s->args->cool_down_ns);
	bool lower;

	watch_reason__of(c, f, &p.reason);
	if (exit_status)
		watch_reason__add_exit(*exit_status, &p.reason);
	p.key = capture__key(c->text);
	p.badness = badness(c, (double)p.reason.value_raw);
	lower = s->args->high_water && m->captured_ns &&
		f->time_ns < m->captured_ns + HIGH_WATER_NS && p.badness <= m->value;
	if (cooling || lower) {
		s->passed_over++;
		return;
	}
	snprintf(p.slug, sizeof(p.slug), "%s", c->slug);
	ask(s, &p);
}

void watch_asking__firings(struct watching *s, struct watched *w)
{
	struct firing f;

	while (recording__fired(w->rec, &f))
		on_firing(s, w, &f, NULL);
}

void watch_asking__exit(struct watching *s, struct watched *w)
{
	struct firing f = {.time_ns = clock__monotonic_ns()};
	int status;
	bool known = !recording__exit_status(w->rec, &status);

	for (f.condition = 0; f.condition < s->args->condition_cnt; f.condition++)
		if (s->args->conditions[f.condition].subject == COND_EXIT)
			on_firing(s, w, &f, known ? &status : NULL);
}

/* ---- people and programs ---- */

/* Of each process that is watched. */
static void by_people(struct watching *s, const char *slug, const char *text, const char *what,
		      unsigned client)
{
	struct pending p = {.reason = {.time_ns = clock__monotonic_ns()},
			    .condition = BY_PEOPLE,
			    .client = client};
	unsigned cnt = 0;

	snprintf(p.slug, sizeof(p.slug), "%s", slug);
	snprintf(p.reason.condition, sizeof(p.reason.condition), "%s", text);
	snprintf(p.reason.what, sizeof(p.reason.what), "%s", what);
	for (size_t i = 0; i < WATCHED_MAX; i++)
		cnt += watched__runs(&s->watched[i]);
	if (!cnt) {
		watch_asking__refuse(s, &p, "no process is there");
		return;
	}
	if (client != NO_CLIENT)
		trigger_socket__expect(s->socket, client, cnt);
	for (size_t i = 0; i < WATCHED_MAX; i++) {
		p.of = &s->watched[i];
		if (watched__runs(p.of))
			ask(s, &p);
	}
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

void watch_asking__people(struct watching *s)
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
