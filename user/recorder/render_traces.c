/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/render_traces.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/strtab.h"
#include "goruntime/snapshot.h"
#include "output/trace_writer.h"
#include "output/write_all.h"

/* One part in the making. */
struct making {
	const struct render_traces_config *cfg;
	const struct raw_meta *meta;
	struct render_traces *all;
	struct trace_part *part;
	struct strtab *strings;
	struct model *model;
	struct trace_writer *trace; /* NULL: none is written */
	bool logged;		    /* what this part is stands in the trace */
	bool transitions;
	uint64_t seen_cnt;
};

bool raw_file__has_transitions(const struct raw_file *raw)
{
	return strcmp(raw_file__meta(raw)->mode, "observe") != 0 && !raw_file__is_light(raw);
}

bool raw_file__is_light(const struct raw_file *raw)
{
	return !strcmp(raw_file__meta(raw)->mode, "light");
}

/*
 * A change of mode is told on the timeline, where a user would look for it: as a log line of the
 * first goroutine that is seen to start, since the format has no other place for one.
 */
static int log_mode(struct making *m, const struct transition *t)
{
	struct transition log = *t;
	char from[DURATION_STR_SZ], dur[DURATION_STR_SZ], text[160];
	const struct trace_part *p = m->part;
	int64_t category, message;

	if (m->logged || !p->slice || t->type != TR_GO_START)
		return 0;
	m->logged = true;
	duration__format((int64_t)(p->start_ns - m->meta->start_ns), from);
	duration__format(p->end_ns > p->start_ns ? (int64_t)(p->end_ns - p->start_ns) : 0, dur);
	snprintf(text, sizeof(text),
		 "probes in place from +%s for %s, one of %zu slices (mode %.15s)", from, dur,
		 m->all->slices, m->meta->mode);
	log.type = TR_USER_LOG;
	log.g = log.subject = t->subject;
	log.value = log.value2 = log.seq = 0;
	log.reason = 0;
	log.stack = log.new_stack = (struct tr_stack){0};
	category = strtab__add(m->strings, "gobpftrace", strlen("gobpftrace"));
	message = strtab__add(m->strings, text, strlen(text));
	if (category < 0 || message < 0)
		return -ENOMEM;
	log.str = (uint32_t)category;
	log.str2 = (uint32_t)message;
	return trace_writer__transition(m->trace, &log);
}

/* What the model tells goes to the trace and to the figures. */
static int on_transition(void *ctx, const struct transition *t)
{
	struct making *m = ctx;
	int err = m->trace ? trace_writer__transition(m->trace, t) : 0;

	if (!err && m->trace)
		err = log_mode(m, t);
	return err ? err : analysis__transition(m->part->analysis, t);
}

/* Where there are no transitions, what single probes told is no whole story. */
static bool is_of_story(const struct making *m, const struct gbt_hdr *rec)
{
	return m->transitions || rec->kind == GBT_SAMPLE || rec->kind == GBT_HEAP ||
	       rec->kind == GBT_ALLOC;
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct making *m = ctx;
	int err = 0;

	if (!is_of_story(m, rec))
		return 0;
	if (!(m->seen_cnt++ & 0xffff) && m->cfg->cancelled && m->cfg->cancelled())
		return -ECANCELED;
	if (!m->part->slice) /* else they get all of the window's, not only the slice's */
		err = render_profiles__event(m->cfg->profiles, rec);
	if (!err)
		err = analysis__record(m->part->analysis, rec);
	return err ? err : model__event(m->model, rec, len);
}

/* The first pass finds out what everything was when the part began. */
static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct making *m = ctx;

	if (!is_of_story(m, rec))
		return 0;
	return model__prescan(m->model, rec, len);
}

static int open_trace(struct making *m, int fd)
{
	const struct trace_writer_config tw = {
		.fd = fd,
		.format = m->cfg->format ? m->cfg->format : m->meta->trace_format,
		.start_ns = m->part->start_ns,
		.start_wall_ns = m->meta->start_wall_ns + (m->part->start_ns - m->meta->start_ns),
		.symtab = m->cfg->tables->symtab,
		.stacks = m->cfg->tables->stacks,
		.strings = m->strings,
	};

	return trace_writer__new(&tw, &m->trace);
}

static int open_parts(struct making *m, int trace_fd)
{
	struct trace_part *p = m->part;
	const struct snapshot *snap = p->snapshot ? p->snapshot : m->cfg->tables->snapshot;
	const struct raw_reason *why = raw_file__reason(m->cfg->raw);
	const bool is_span = why && why->begin_ns; /* of whom there is none, nothing is found */
	const struct analysis_config ac = {
		.span_goid = is_span ? why->goid : 0,
		.span_begin_ns = is_span ? why->begin_ns : 0,
		.span_end_ns = is_span ? why->time_ns : 0,
		.start_ns = p->start_ns,
		.gomaxprocs = p->snapshot ? snap->gomaxprocs : m->meta->gomaxprocs,
		.frames = {capture_frames, (void *)&m->cfg->tables->frames},
		.snapshot = snap,
		.stack_profiles = render_profiles__folds(m->cfg->profiles),
	};
	struct model_config mc = {
		.start_ns = p->start_ns,
		.end_ns = p->end_ns,
		.go_minor = m->meta->go_minor,
		.gomaxprocs = ac.gomaxprocs,
		.snapshot = snap,
		.sink = on_transition,
		.sink_ctx = m,
		.tid_map = &m->cfg->tables->tids,
	};
	int err = strtab__new(&m->strings);

	mc.strings = m->strings;
	if (!err && trace_fd >= 0)
		err = open_trace(m, trace_fd);
	if (!err)
		err = analysis__new(&ac, &p->analysis);
	if (!err)
		err = model__new(&mc, &m->model);
	return err;
}

static int each_event(struct making *m, raw_record_fn fn)
{
	const struct raw_file *raw = m->cfg->raw;
	uint64_t *late = &m->part->late_cnt;

	return m->part->slice ? raw_file__each_event_of(raw, m->part->slice, fn, m, late)
			      : raw_file__each_event(raw, fn, m, late);
}

static int run(struct making *m)
{
	int err = each_event(m, on_prescan);

	m->part->late_cnt = 0;
	if (!err)
		err = each_event(m, on_event);
	if (!err)
		err = model__finish(m->model, m->part->end_ns);
	if (!err && m->trace)
		err = trace_writer__finish(m->trace);
	if (err)
		return err;
	m->part->stats = *model__stats(m->model);
	if (m->trace) {
		m->part->trace_bytes = trace_writer__bytes(m->trace);
		m->part->trace_events = trace_writer__events(m->trace);
	}
	return 0;
}

static int write_part(const struct render_traces_config *cfg, struct render_traces *all,
		      struct trace_part *p)
{
	struct making m = {.cfg = cfg,
			   .meta = raw_file__meta(cfg->raw),
			   .all = all,
			   .part = p,
			   .transitions = strcmp(raw_file__meta(cfg->raw)->mode, "observe") != 0};
	int fd = -1, err = 0;

	if (p->slice && p->slice->snapshot.n)
		err = snapshot__parse(p->slice->snapshot, &p->snapshot);
	if (!err && p->file[0])
		err = outdir__create(cfg->out, p->file, &fd);
	if (!err)
		err = open_parts(&m, fd);
	if (!err)
		err = run(&m);
	if (fd >= 0) {
		err = close_written(fd, err);
		if (err && err != -ECANCELED)
			log_error("'%s/%s': %s", cfg->dir, p->file, strerror(-err));
	}
	model__free(m.model);
	trace_writer__free(m.trace);
	strtab__free(m.strings);
	return err;
}

/* ---- which ---- */

static uint64_t end_of(const struct raw_file *raw, const struct raw_slice *s)
{
	const struct raw_trailer *t = raw_file__trailer(raw);

	return s && s->end_ns ? s->end_ns : t ? t->end_ns : 0;
}

static int count_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	++*(uint64_t *)ctx;
	return 0;
}

/* One that goes on to the window's end has no figure of its own. */
static int events_of(const struct raw_file *raw, const struct raw_slice *s, uint64_t *cnt)
{
	*cnt = s->end_ns ? s->events : 0;
	return s->end_ns ? 0 : raw_file__each_event_of(raw, s, count_event, cnt, NULL);
}

/*
 * By what the main one is chosen: events, but of a watch first the slice that what fired lies in,
 * else the last before it.
 */
static uint64_t rank(const struct raw_file *raw, const struct trace_part *p)
{
	const struct raw_reason *why = raw_file__reason(raw);

	if (!why)
		return p->events;
	if (p->start_ns > why->time_ns)
		return 0;
	return p->end_ns >= why->time_ns ? UINT64_MAX : p->end_ns;
}

/* Is it among the TRACES_MAX that come first? Of equal ones the earlier. */
static bool is_kept(const struct raw_file *raw, const struct trace_part *all, size_t cnt,
		    size_t which)
{
	uint64_t own = rank(raw, &all[which]);
	size_t above = 0;

	for (size_t i = 0; i < cnt && above < TRACES_MAX; i++)
		above += i < which ? rank(raw, &all[i]) >= own : rank(raw, &all[i]) > own;
	return above < TRACES_MAX;
}

static void name_parts(const struct raw_file *raw, struct render_traces *t)
{
	size_t n = 1;

	for (size_t i = 1; i < t->cnt; i++)
		if (rank(raw, &t->parts[i]) > rank(raw, &t->parts[t->main]))
			t->main = i;
	for (size_t i = 0; i < t->cnt; i++) {
		if (i == t->main)
			snprintf(t->parts[i].file, sizeof(t->parts[i].file), "trace.out");
		else
			snprintf(t->parts[i].file, sizeof(t->parts[i].file), "trace-%zu.out", ++n);
	}
}

/* The first, and those with a moment of the window in them: one may begin when that has ended. A
 * first one without length says that the window began between two. */
static int collect_slices(const struct raw_file *raw, struct trace_part *all, size_t *cnt)
{
	int err = 0;

	for (size_t i = 0; !err && i < raw_file__slice_cnt(raw); i++) {
		const struct raw_slice *s = raw_file__slice(raw, i);
		struct trace_part *p = &all[*cnt];

		*p = (struct trace_part){
			.slice = s, .start_ns = s->start_ns, .end_ns = end_of(raw, s)};
		bool is_only_one = !i && raw_file__slice_cnt(raw) == 1;

		if (!is_only_one && p->end_ns && p->end_ns <= p->start_ns && (i || s->end_ns))
			continue;
		++*cnt;
		err = events_of(raw, s, &p->events);
	}
	return err;
}

static int choose_slices(const struct raw_file *raw, struct render_traces *t)
{
	struct trace_part *all = calloc(raw_file__slice_cnt(raw) + 1, sizeof(*all));
	int err = all ? collect_slices(raw, all, &t->slices) : -ENOMEM;

	for (size_t i = 0; !err && i < t->slices; i++) {
		t->sliced_ns +=
			all[i].end_ns > all[i].start_ns ? all[i].end_ns - all[i].start_ns : 0;
		if (is_kept(raw, all, t->slices, i))
			t->parts[t->cnt++] = all[i];
	}
	free(all);
	return err;
}

int render_traces__choose(const struct raw_file *raw, struct render_traces *t)
{
	int err;

	*t = (struct render_traces){0};
	err = choose_slices(raw, t);
	if (err)
		return err;
	if (t->cnt) {
		name_parts(raw, t);
		return 0;
	}
	t->cnt = 1;
	t->parts[0] = (struct trace_part){
		.start_ns = raw_file__meta(raw)->start_ns,
		.end_ns = end_of(raw, NULL),
	};
	if (raw_file__has_transitions(raw))
		snprintf(t->parts[0].file, sizeof(t->parts[0].file), "trace.out");
	return 0;
}

static int on_profile_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return render_profiles__event(ctx, rec);
}

int render_traces__write(const struct render_traces_config *cfg, struct render_traces *out)
{
	uint64_t late;
	int err = render_traces__choose(cfg->raw, out);

	for (size_t i = 0; !err && i < out->cnt; i++)
		err = write_part(cfg, out, &out->parts[i]);
	if (!err && out->slices)
		err = raw_file__each_event(cfg->raw, on_profile_event, cfg->profiles, &late);
	return err;
}

void render_traces__free(struct render_traces *t)
{
	for (size_t i = 0; i < t->cnt; i++) {
		analysis__free(t->parts[i].analysis);
		snapshot__free(t->parts[i].snapshot);
	}
}
