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
#include "base/strtab.h"
#include "goruntime/snapshot.h"
#include "goruntime/symtab.h"
#include "model/model.h"
#include "output/profile_kinds.h"
#include "output/summary_json.h"
#include "output/summary_text.h"
#include "output/trace_writer.h"
#include "output/write_all.h"
#include "raw/raw.h"
#include "recorder/outdir.h"
#include "recorder/raw_copy.h"
#include "recorder/render_profiles.h"
#include "recorder/tables.h"

struct render {
	const struct render_options *opt;
	struct raw_file *raw;
	const struct raw_meta *meta;
	struct tables *tables; /* snapshot, symbols, stacks of the raw stream */
	struct strtab *strings;
	struct model *model;
	struct trace_writer *trace;
	struct analysis *analysis;
	struct profile_choice choice;
	struct render_profiles *profiles;
	struct outdir *dir;
	uint64_t late_cnt, seen_cnt;
};

/* What the model tells goes to the trace and to the figures. */
static int on_transition(void *ctx, const struct transition *t)
{
	struct render *r = ctx;
	int err = trace_writer__transition(r->trace, t);

	return err ? err : analysis__transition(r->analysis, t);
}

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct render *r = ctx;
	int err;

	if (!(r->seen_cnt++ & 0xffff) && r->opt->cancelled && r->opt->cancelled())
		return -ECANCELED;
	err = render_profiles__event(r->profiles, rec);
	if (!err)
		err = analysis__record(r->analysis, rec);
	return err ? err : model__event(r->model, rec, len);
}

/* The first pass finds out what everything was when the window began. */
static int on_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct render *r = ctx;

	return model__prescan(r->model, rec, len);
}

static uint64_t end_ns(const struct render *r)
{
	const struct raw_trailer *t = raw_file__trailer(r->raw);

	return t ? t->end_ns : 0;
}

static int open_parts(struct render *r, int trace_fd)
{
	const struct raw_meta *m = r->meta;
	struct trace_writer_config tw = {
		.fd = trace_fd,
		.format = r->opt->trace_format ? r->opt->trace_format : m->trace_format,
		.start_ns = m->start_ns,
		.start_wall_ns = m->start_wall_ns,
		.symtab = r->tables->symtab,
		.stacks = r->tables->stacks,
		.strings = r->strings,
	};
	struct analysis_config ac = {
		.start_ns = m->start_ns,
		.gomaxprocs = m->gomaxprocs,
		.frames = {capture_frames, &r->tables->frames},
		.snapshot = r->tables->snapshot,
		.stack_profiles = render_profiles__folds(r->profiles),
	};
	struct model_config mc = {
		.start_ns = m->start_ns,
		.end_ns = end_ns(r),
		.go_minor = m->go_minor,
		.gomaxprocs = m->gomaxprocs,
		.snapshot = ac.snapshot,
		.strings = r->strings,
		.sink = on_transition,
		.sink_ctx = r,
		.tid_map = &r->tables->tids,
	};
	int err = trace_writer__new(&tw, &r->trace);

	if (!err)
		err = analysis__new(&ac, &r->analysis);
	if (!err)
		err = model__new(&mc, &r->model);
	return err;
}

static int write_trace(struct render *r)
{
	int fd = -1, err = outdir__create(r->dir, "trace.out", &fd);

	if (err)
		return err;
	err = open_parts(r, fd);
	if (!err)
		err = raw_file__each_event(r->raw, on_prescan, r, &r->late_cnt);
	r->late_cnt = 0;
	if (!err)
		err = raw_file__each_event(r->raw, on_event, r, &r->late_cnt);
	if (!err)
		err = model__finish(r->model, end_ns(r));
	if (!err)
		err = trace_writer__finish(r->trace);
	err = close_written(fd, err);
	if (err && err != -ECANCELED)
		log_error("'%s/trace.out': %s", r->opt->dir, strerror(-err));
	return err;
}

static int write_profile(struct render *r, enum profile_id id, struct summary_profile *out)
{
	const char *why = render_profiles__missing(r->profiles, id), *estimate;
	int fd = -1, err;

	snprintf(out->file, sizeof(out->file), "%s.pprof", profile_kind__get(id)->name);
	if (why) {
		snprintf(out->why, sizeof(out->why), "%s", why);
		return 0;
	}
	estimate = render_profiles__estimate(r->profiles, id, r->analysis);
	if (estimate)
		snprintf(out->estimate, sizeof(out->estimate), "%s", estimate);
	err = outdir__create(r->dir, out->file, &fd);
	if (err)
		return err;
	err = close_written(fd, render_profiles__write(r->profiles, id, r->analysis, fd));
	if (err)
		log_error("'%s/%s': %s", r->opt->dir, out->file, strerror(-err));
	return err;
}

static int write_profiles(struct render *r, struct summary *s, unsigned *missing)
{
	int err = 0;

	for (int id = 0; !err && id < PROFILE_ID_MAX; id++) {
		struct summary_profile *p = &s->profiles[s->profile_cnt];

		if (!(r->choice.set & 1u << id))
			continue;
		err = write_profile(r, id, p);
		if (p->why[0] && r->choice.how == PROFILES_BY_DEFAULT)
			*p = (struct summary_profile){0};
		else
			s->profile_cnt++;
		if (p->why[0] && r->choice.how == PROFILES_NAMED) {
			log_error("%s: %s", p->file, p->why);
			++*missing;
		}
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

/* What the summary tells, the profiles that it names, and the summary. */
static int write_results(struct render *r, struct render_result *out)
{
	struct summary_facts facts = {
		.meta = r->meta,
		.trailer = raw_file__trailer(r->raw),
		.model = model__stats(r->model),
		.late_cnt = r->late_cnt,
		.trace_bytes = trace_writer__bytes(r->trace),
		.trace_events = trace_writer__events(r->trace),
		.trace_format = r->opt->trace_format,
	};
	struct summary *s = NULL;
	int err = analysis__finish(r->analysis, &facts, &s);

	if (!err)
		err = write_profiles(r, s, &out->missing);
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
		err = strtab__new(&r->strings);
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
		err = write_trace(&r);
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
	model__free(r.model);
	trace_writer__free(r.trace);
	analysis__free(r.analysis);
	strtab__free(r.strings);
	tables__free(r.tables);
	raw_file__free(r.raw);
	return err;
}
