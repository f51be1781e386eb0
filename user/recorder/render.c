/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/render.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/log.h"
#include "output/profile_kinds.h"
#include "output/summary_json.h"
#include "output/summary_text.h"
#include "output/write_all.h"
#include "raw/raw.h"
#include "recorder/outdir.h"
#include "recorder/raw_copy.h"
#include "recorder/render_profiles.h"
#include "recorder/render_traces.h"
#include "recorder/tables.h"

struct render {
	const struct render_options *opt;
	struct raw_file *raw;
	const struct raw_meta *meta;
	struct tables *tables; /* snapshot, symbols, stacks of the raw stream */
	struct render_traces traces;
	struct profile_choice choice;
	struct render_profiles *profiles;
	struct outdir *dir;
};

static int write_traces(struct render *r)
{
	const struct render_traces_config cfg = {
		.raw = r->raw,
		.dir = r->opt->dir,
		.format = r->opt->trace_format,
		.tables = r->tables,
		.profiles = r->profiles,
		.out = r->dir,
		.cancelled = r->opt->cancelled,
	};

	return render_traces__write(&cfg, &r->traces);
}

static struct analysis *main_analysis(const struct render *r)
{
	return r->traces.parts[r->traces.main].analysis;
}

typedef int write_fn(struct render_profiles *p, enum profile_id id, const struct analysis *a,
		     int fd);

static int write_profile_file(struct render *r, enum profile_id id, const char *name,
			      write_fn *write_it)
{
	int fd = -1, err = outdir__create(r->dir, name, &fd);

	if (err)
		return err;
	err = close_written(fd, write_it(r->profiles, id, main_analysis(r), fd));
	if (err)
		log_error("'%s/%s': %s", r->opt->dir, name, strerror(-err));
	return err;
}

static int write_profile(struct render *r, enum profile_id id, struct summary_profile *out)
{
	const char *why = render_profiles__missing(r->profiles, id), *estimate;

	snprintf(out->file, sizeof(out->file), "%s.pprof", profile_kind__get(id)->name);
	if (why) {
		snprintf(out->why, sizeof(out->why), "%s", why);
		return 0;
	}
	estimate = render_profiles__estimate(r->profiles, id, main_analysis(r));
	if (estimate)
		snprintf(out->estimate, sizeof(out->estimate), "%s", estimate);
	return write_profile_file(r, id, out->file, render_profiles__write);
}

/* Where the profile itself is there. */
static int write_profile_text(struct render *r, enum profile_id id, struct summary *s)
{
	const char *why = render_profiles__text_missing(r->profiles, id);
	struct summary_profile *p = &s->profiles[s->profile_cnt];

	*p = (struct summary_profile){.text = true};
	snprintf(p->file, sizeof(p->file), "%s.txt", profile_kind__get(id)->name);
	s->profile_cnt++;
	if (!why)
		return write_profile_file(r, id, p->file, render_profiles__write_text);
	snprintf(p->why, sizeof(p->why), "%s", why);
	return 0;
}

static int write_profiles(struct render *r, struct summary *s, unsigned *missing)
{
	bool is_there;
	int err = 0;

	for (int id = 0; !err && id < PROFILE_ID_MAX; id++) {
		struct summary_profile *p = &s->profiles[s->profile_cnt];

		if (!(r->choice.set & 1u << id))
			continue;
		err = write_profile(r, id, p);
		is_there = !err && !p->why[0];
		if (p->why[0] && r->choice.how == PROFILES_BY_DEFAULT)
			*p = (struct summary_profile){0};
		else
			s->profile_cnt++;
		if (p->why[0] && r->choice.how == PROFILES_NAMED) {
			log_error("%s: %s", p->file, p->why);
			++*missing;
		}
		if (is_there && r->opt->texts && profile_kind__get(id)->has_text)
			err = write_profile_text(r, id, s);
	}
	return err;
}

static int write_buf(struct render *r, const struct buf *b, const char *name)
{
	int fd = -1, err = b->err ? b->err : outdir__create(r->dir, name, &fd);
	size_t done = 0;

	while (!err && done < b->len) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno != EINTR)
			err = -errno;
		else if (n > 0)
			done += n;
	}
	if (fd >= 0) {
		err = close_written(fd, err);
		if (err)
			log_error("'%s/%s': %s", r->opt->dir, name, strerror(-err));
	}
	return err;
}

/* Where that was, what the reason of a watch concerns. */
static void find_reason(const struct render *r, struct summary *s)
{
	const struct tr_stack st = {.id = s->reason.stack, .goid = s->reason.goid};
	struct summary_stack *out = &s->reason_stack;

	if (s->has_reason && st.id)
		out->cnt = capture_frames(&r->tables->frames, &st, out->frames, SUMMARY_STACK_MAX);
}

static int write_reason(struct render *r, const struct summary *s)
{
	struct buf text = {0};
	int err = 0;

	if (s->has_reason)
		err = summary_json__reason(s, &text);
	if (!err && s->has_reason)
		err = write_buf(r, &text, "reason.json");
	buf__free(&text);
	return err;
}

/* The file names its neighbours without a folder, so that a replay elsewhere gives the same
 * bytes; the terminal gets paths that work where the user stands. */
static int write_texts(struct render *r, const struct summary *s, struct buf *text,
		       struct buf *json)
{
	struct buf file = {0};
	int err = summary_text__write(s, NULL, &file);

	if (!err)
		err = summary_text__write(s, r->opt->dir, text);
	if (!err)
		err = summary_json__write(s, json);
	if (!err)
		err = write_buf(r, &file, "summary.txt");
	if (!err)
		err = write_buf(r, json, "summary.json");
	buf__free(&file);
	return err;
}

static int by_time(const void *a, const void *b)
{
	const struct summary_state *x = a, *y = b;

	return x->total_ns > y->total_ns ? -1 : x->total_ns < y->total_ns;
}

static struct summary_facts facts_of(const struct render *r, const struct trace_part *p)
{
	return (struct summary_facts){
		.meta = r->meta,
		.trailer = raw_file__trailer(r->raw),
		.reason = raw_file__reason(r->raw),
		.model = &p->stats,
		.late_cnt = p->late_cnt,
		.trace_bytes = p->trace_bytes,
		.trace_events = p->trace_events,
		.trace_format = r->opt->trace_format,
	};
}

static int finish_others(struct render *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < r->traces.cnt; i++) {
		const struct summary_facts facts = facts_of(r, &r->traces.parts[i]);
		struct summary *s = NULL;

		if (i == r->traces.main)
			continue;
		err = analysis__finish(r->traces.parts[i].analysis, &facts, &s);
		summary__free(s);
	}
	return err;
}

static void tell_slices(const struct render *r, struct summary *s)
{
	const struct render_traces *t = &r->traces;

	s->slices = t->slices;
	s->sliced_ns = t->sliced_ns;
	s->capture_ns = s->window_ns;
	if (s->trailer.end_ns > r->meta->start_ns)
		s->capture_ns = s->trailer.end_ns - r->meta->start_ns;
	s->main_trace = t->main;
	for (size_t i = 0; i < t->cnt && raw_file__has_transitions(r->raw); i++) {
		const struct trace_part *p = &t->parts[i];
		struct summary_trace *out = &s->traces[s->trace_cnt++];

		snprintf(out->file, sizeof(out->file), "%s", p->file);
		out->from_ns = p->start_ns - r->meta->start_ns;
		out->window_ns = p->end_ns > p->start_ns ? p->end_ns - p->start_ns : 0;
		out->events = p->stats.events_in;
		out->bytes = p->trace_bytes;
	}
	if (!raw_file__has_transitions(r->raw))
		snprintf(s->had, sizeof(s->had), raw_file__is_light(r->raw) ? "light" : "observe");
	else
		snprintf(s->had, sizeof(s->had), t->slices ? "burst" : "full");
}

/* Where goroutines were seen from outside, in place of transitions: an estimate. */
static int tell_looks(const struct render *r, struct summary *s)
{
	const struct wall_profile *w = r->tables->wall;
	struct summary_state *states;
	size_t kept = 0;

	if (raw_file__has_transitions(r->raw))
		return 0;
	for (size_t i = 0; i < s->finding_cnt; i++)
		if (s->findings[i].id == FINDING_LOST || s->findings[i].id == FINDING_COST)
			s->findings[kept++] = s->findings[i];
	s->finding_cnt = kept;
	free(s->states);
	s->states = NULL;
	s->state_cnt = 0;
	s->states_total_ns = 0;
	if (!w || !w->states_cnt)
		return 0;
	states = calloc(w->states_cnt, sizeof(*states));
	if (!states)
		return -ENOMEM;
	for (size_t i = 0; i < w->states_cnt; i++)
		states[i].name = w->states[i];
	for (size_t i = 0; i < w->row_cnt; i++) {
		states[w->rows[i].state].total_ns += w->rows[i].ns;
		s->states_total_ns += w->rows[i].ns;
	}
	qsort(states, w->states_cnt, sizeof(*states), by_time);
	s->states = states;
	s->state_cnt = w->states_cnt;
	while (s->state_cnt && !states[s->state_cnt - 1].total_ns)
		s->state_cnt--;
	s->looks = w->ticks;
	s->look_hz = w->hz;
	return 0;
}

/* Those that are kept stand for all. */
static int use_slices(struct render *r, uint64_t capture_ns)
{
	const struct analysis *analyses[TRACES_MAX];
	uint64_t seen_ns = 0;

	for (size_t i = 0; i < r->traces.cnt; i++) {
		const struct trace_part *p = &r->traces.parts[i];

		analyses[i] = p->analysis;
		seen_ns += p->end_ns > p->start_ns ? p->end_ns - p->start_ns : 0;
	}
	return render_profiles__slices(r->profiles, analyses, r->traces.cnt, seen_ns, capture_ns);
}

/* What the summary tells, the profiles that it names, and the summary. */
static int write_results(struct render *r, struct render_result *out)
{
	const struct summary_facts facts = facts_of(r, &r->traces.parts[r->traces.main]);
	const struct frame_source frames = {capture_frames, &r->tables->frames};
	struct summary *s = NULL;
	int err = analysis__finish(main_analysis(r), &facts, &s);

	if (!err)
		err = finish_others(r);
	if (!err) {
		tell_slices(r, s);
		err = tell_looks(r, s);
	}
	if (!err)
		err = render_profiles__tell_stops(r->profiles, &frames, s);
	if (!err && r->traces.slices)
		err = use_slices(r, s->capture_ns);
	if (!err)
		find_reason(r, s);
	if (!err)
		err = write_profiles(r, s, &out->missing);
	if (!err)
		err = write_reason(r, s);
	if (!err)
		err = write_texts(r, s, &out->text, &out->json);
	summary__free(s);
	return err;
}

static int keep_raw(struct render *r, int raw_fd)
{
	struct stat st;
	int fd = -1, err = outdir__create(r->dir, "capture.raw", &fd);

	if (err)
		return err;
	if (fstat(raw_fd, &st))
		err = -errno;
	else
		err = copy_bytes(raw_fd, fd, st.st_size);
	err = close_written(fd, err);
	if (err)
		log_error("'%s/capture.raw': %s", r->opt->dir, strerror(-err));
	return err;
}

/* Those that were asked for now; else those of the recording. A name that only a newer recorder
 * knows cannot be given. */
static int choose_profiles(struct render *r)
{
	const char *asked = r->opt->profiles ? r->opt->profiles : r->meta->profiles, *bad;
	size_t len;

	if (profile_choice__parse(asked, &r->choice, &bad, &len)) {
		log_error("profiles '%s': '%.*s' is none that this release knows", asked, (int)len,
			  bad);
		return -EOPNOTSUPP;
	}
	/* what is seen between slices, or instead of transitions */
	if (r->choice.how == PROFILES_BY_DEFAULT && r->tables->wall)
		r->choice.set |= 1u << PROFILE_WALL;
	if (r->choice.how == PROFILES_BY_DEFAULT && raw_file__is_light(r->raw))
		r->choice.set |= 1u << PROFILE_STOPS;
	if (r->choice.how == PROFILES_ALL && !raw_file__is_light(r->raw))
		r->choice.set &= ~(1u << PROFILE_STOPS);
	return render_profiles__new(r->raw, r->tables, &r->choice, &r->profiles);
}

static int open_raw(struct render *r, int raw_fd, const char *raw_name)
{
	int err = raw_file__open(raw_fd, raw_name, &r->raw);

	if (err)
		return err;
	r->meta = raw_file__meta(r->raw);
	if (!raw_file__trailer(r->raw))
		log_warn("'%s': cut before its end; what is there is used", raw_name);
	err = tables__load(r->raw, raw_name, &r->tables);
	if (!err)
		err = choose_profiles(r);
	return err;
}

int render__folder(int raw_fd, const char *raw_name, const struct render_options *opt,
		   struct render_result *out)
{
	struct render r = {.opt = opt};
	int err = open_raw(&r, raw_fd, raw_name);

	if (!err)
		err = outdir__begin(opt->dir, &r.dir);
	if (!err)
		err = write_traces(&r);
	if (!err)
		err = write_results(&r, out);
	if (!err && opt->keep_raw)
		err = keep_raw(&r, raw_fd);
	if (!err && opt->cancelled && opt->cancelled())
		err = -ECANCELED;
	if (!err)
		err = outdir__commit(r.dir);

	outdir__free(r.dir);
	render_profiles__free(r.profiles);
	render_traces__free(&r.traces);
	tables__free(r.tables);
	raw_file__free(r.raw);
	return err;
}
