/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/render_profiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/cpu_profile.h"
#include "output/alloc_profile.h"
#include "output/heap_profile.h"
#include "output/profile_tags.h"
#include "output/profile_text.h"
#include "output/profiles.h"
#include "output/stops_profile.h"
#include "output/wall_pprof.h"
#include "output/write_all.h"
#include "base/duration.h"
#include "recorder/render_traces.h"
#include "analysis/stops_places.h"

struct render_profiles {
	const struct raw_file *raw;
	const struct raw_meta *meta;
	const struct raw_trailer *trailer; /* NULL: the stream was cut */
	const struct tables *tables;
	struct profile_choice choice;
	struct wall_running *running; /* for wall; NULL */
	struct cpu_profile cpu;	      /* grows with the events; the others are made when written */
	struct stops *stops;	      /* grows with the events, in mode light; else NULL */
	char stops_note[160];
	struct alloc_estimate *allocs; /* grows with the events; NULL: there is none */
	char alloc_note[160];
	const struct imap
		*row_tids; /* of threads that rows tell; NULL: they are the target's own */
	const struct analysis **slices; /* NULL: transitions are of the whole window */
	size_t slice_cnt;
	double scale;
	char slices_note[160];
};

static uint64_t sample_period_ns(const struct render_profiles *p)
{
	return 1000000000 / p->meta->sample_hz;
}

/* Those of the window's begin; of its end for a command, which had none then. NULL: neither. */
static const struct snapshot *goroutines_of(const struct render_profiles *p)
{
	const struct tables *t = p->tables;

	if (t->end)
		return t->end;
	return t->snapshot && t->snapshot->g_cnt ? t->snapshot : NULL;
}

static bool is_of_heap(enum profile_id id)
{
	return id == PROFILE_HEAP || id == PROFILE_ALLOCS;
}

static bool estimates(const struct render_profiles *p, enum profile_id id)
{
	return id == PROFILE_ALLOCS && p->allocs;
}

/* Without them the time off of their goroutines is not bounded. */
static uint64_t lost_starts(const struct render_profiles *p)
{
	const uint64_t *c = p->trailer ? p->trailer->counters : NULL;

	return c ? c[GBT_C_RING_FULL] + c[GBT_C_NO_SCRATCH] : 0;
}

const char *render_profiles__estimate(struct render_profiles *p, enum profile_id id,
				      const struct analysis *a)
{
	if (p->slices && profile_kind__get(id)->needs & PROFILE_NEEDS_TRANSITIONS)
		return p->slices_note;
	if (id == PROFILE_STOPS && p->stops) {
		stops_profile__estimate(p->stops, lost_starts(p), p->stops_note,
					sizeof(p->stops_note));
		return p->stops_note;
	}
	if (id == PROFILE_GC && a && !analysis__assists_estimated(a))
		return NULL;
	if (!estimates(p, id))
		return profile_kind__get(id)->estimate;
	alloc_profile__estimate(p->allocs, p->tables->allocs, p->alloc_note, sizeof(p->alloc_note));
	return p->alloc_note;
}

static int new_writer(struct render_profiles *p, enum profile_id id, const struct analysis *a,
		      int64_t period, struct pprof_writer **out)
{
	uint64_t start = p->meta->start_ns, end = p->trailer ? p->trailer->end_ns : 0;
	uint64_t wall = p->meta->start_wall_ns, dur = end > start ? end - start : 0;
	struct pprof_writer *w = NULL;
	const char *note;
	struct span maps;
	int err;

	/* what counts from the program's begin is of one moment, as Go's own have it */
	if (is_of_heap(id) && !estimates(p, id)) {
		wall += dur;
		dur = 0;
	}
	err = pprof_writer__new(estimates(p, id) ? &PPROF_ALLOCS_ESTIMATE
						 : profile_kind__get(id)->type,
				p->tables->symtab, period, wall, dur, &w);
	if (!err && (id == PROFILE_BLOCK || id == PROFILE_MUTEX) && p->meta->go_minor >= 23)
		pprof_writer__keep_wrappers(w);
	if (!err && !raw_file__section(p->raw, RAW_MAPS, &maps))
		err = profile__mappings(w, (const char *)maps.p, maps.n, p->meta->exe);
	if (!err && p->meta->layout_forced)
		err = pprof_writer__comment(w,
					    "layout forced: read with the DWARF of an unknown Go "
					    "version");
	note = render_profiles__estimate(p, id, a);
	if (!err && note)
		err = pprof_writer__comment(w, note);
	if (err)
		pprof_writer__free(w);
	else
		*out = w;
	return err;
}

static bool is_chosen(const struct render_profiles *p, enum profile_id id)
{
	return p->choice.set & 1u << id;
}

static int new_cpu(struct render_profiles *p)
{
	p->cpu = (struct cpu_profile){
		.stacks = p->tables->stacks,
		.symtab = p->tables->symtab,
		.tid_map = &p->tables->tids,
		.period_ns = sample_period_ns(p),
		.tags = p->choice.tags,
	};
	return new_writer(p, PROFILE_CPU, NULL, (int64_t)sample_period_ns(p), &p->cpu.w);
}

int render_profiles__new(const struct raw_file *raw, const struct tables *tables,
			 const struct profile_choice *choice, struct render_profiles **out)
{
	struct render_profiles *p = calloc(1, sizeof(*p));
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->raw = raw;
	p->meta = raw_file__meta(raw);
	p->trailer = raw_file__trailer(raw);
	p->tables = tables;
	p->choice = *choice;
	if (is_chosen(p, PROFILE_ALLOCS) && tables->allocs && !tables->allocs->why[0])
		err = alloc_estimate__new(&p->allocs);
	if (!err && is_chosen(p, PROFILE_CPU) && p->meta->sample_hz)
		err = new_cpu(p);
	if (!err && is_chosen(p, PROFILE_WALL))
		err = wall_running__new(choice->tags, &p->running);
	if (!err && raw_file__is_light(raw))
		err = stops__new(p->trailer ? p->trailer->end_ns : 0, &p->stops);
	if (err)
		render_profiles__free(p);
	else
		*out = p;
	return err;
}

void render_profiles__free(struct render_profiles *p)
{
	if (!p)
		return;
	pprof_writer__free(p->cpu.w);
	cpu_profile__fini(&p->cpu);
	wall_running__free(p->running);
	alloc_estimate__free(p->allocs);
	stops__free(p->stops);
	free(p->slices);
	free(p);
}

uint32_t render_profiles__folds(const struct render_profiles *p)
{
	uint32_t folds = 0;

	for (int i = 0; i < PROFILE_ID_MAX; i++) {
		const struct profile_kind *k = profile_kind__get(i);

		if (is_chosen(p, i) && k->needs & PROFILE_NEEDS_TRANSITIONS)
			folds |= 1u << k->fold;
	}
	return folds;
}

int render_profiles__event(struct render_profiles *p, const struct gbt_hdr *rec)
{
	int err = p->allocs ? alloc_estimate__event(p->allocs, rec) : 0;

	if (!err && p->running)
		err = wall_running__record(p->running, rec);
	if (!err && p->stops)
		err = stops__event(p->stops, rec);
	return err || !p->cpu.w ? err : cpu_profile__record(&p->cpu, rec);
}

static int on_creator(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct render_profiles *p = ctx;
	int err = p->cpu.w ? cpu_profile__creator(&p->cpu, rec) : 0;

	return err || !p->running ? err : wall_running__creator(p->running, rec);
}

int render_profiles__creators(struct render_profiles *p)
{
	if (!(p->cpu.w || p->running) || !(p->choice.tags & TAG_CREATOR))
		return 0;
	return raw_file__each_record(p->raw, on_creator, p);
}

static const char *heap_missing(const struct render_profiles *p)
{
	const struct heap_buckets *heap = p->tables->heap;

	if (!heap)
		return "the runtime's memory profile was not read";
	return heap->why[0] ? heap->why : NULL;
}

const char *render_profiles__missing(const struct render_profiles *p, enum profile_id id)
{
	const struct profile_kind *k = profile_kind__get(id);

	if (k->needs & PROFILE_NEEDS_TRANSITIONS && !raw_file__has_transitions(p->raw))
		return p->stops ? "only starts were seen: mode light"
				: "no transitions were seen: mode observe";
	if (k->needs & PROFILE_NEEDS_LIGHT && !p->stops)
		return "made in mode light only";
	if (k->needs & PROFILE_NEEDS_SAMPLES && !p->meta->sample_hz)
		return "no CPU samples were taken";
	if (k->needs & PROFILE_NEEDS_SNAPSHOT && !goroutines_of(p))
		return "the goroutines were not read: the command had ended";
	if (id == PROFILE_THREADCREATE && (!p->trailer || !p->trailer->m_cnt))
		return "the threads were not counted: the process had ended";
	if (id == PROFILE_ALLOCS && p->tables->allocs)
		return p->tables->allocs->why[0] ? p->tables->allocs->why : NULL;
	if (is_of_heap(id))
		return heap_missing(p);
	if (k->needs & PROFILE_NEEDS_LOOKS && !p->tables->wall)
		return "the goroutines were not looked at";
	return NULL;
}

/* ---- filling ---- */

int render_profiles__slices(struct render_profiles *p, const struct analysis *const *analyses,
			    size_t cnt, uint64_t seen_ns, uint64_t capture_ns)
{
	char seen[DURATION_STR_SZ], all[DURATION_STR_SZ];

	p->slices = calloc(cnt + 1, sizeof(*p->slices));
	if (!p->slices)
		return -ENOMEM;
	memcpy(p->slices, analyses, cnt * sizeof(*p->slices));
	p->slice_cnt = cnt;
	p->scale = seen_ns ? (double)capture_ns / (double)seen_ns : 1;
	duration__format((int64_t)seen_ns, seen);
	duration__format((int64_t)capture_ns, all);
	snprintf(p->slices_note, sizeof(p->slices_note),
		 "an estimate: seen for %s of %s and scaled to it (times %.1f)", seen, all,
		 p->scale);
	return 0;
}

int render_profiles__tell_stops(const struct render_profiles *p, const struct frame_source *frames,
				struct summary *out)
{
	return p->stops ? stops__summarize(p->stops, frames, p->tables->snapshot, out) : 0;
}

void render_profiles__map_tids(struct render_profiles *p)
{
	p->row_tids = &p->tables->tids;
}

struct fold_rows {
	const struct tables *tables;
	const struct imap *tids; /* NULL: nothing is to be mapped */
	struct pprof_writer *w;
	enum stack_profile which;
	double scale; /* 1: as they are */
};

#define VALUES_MAX 8

static int add_scaled(const struct fold_rows *r, const struct stack_profile_row *row)
{
	struct stack_profile_row scaled = *row;
	uint64_t v[VALUES_MAX];
	size_t cnt = stack_profile__value_cnt(r->which);

	if (cnt > VALUES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < cnt; i++)
		v[i] = (uint64_t)((double)row->v[i] * r->scale + 0.5);
	scaled.v = v;
	return stack_profile__row(r->w, r->tables->stacks, r->tables->symtab, r->which, &scaled);
}

static int add_row(void *ctx, const struct stack_profile_row *as_folded)
{
	const struct fold_rows *r = ctx;
	struct stack_profile_row mapped = *as_folded, *row = &mapped;
	struct row_owner owner;

	if (r->tids && row->owner) {
		owner = *row->owner;
		(void)imap__get(r->tids, owner.tid, &owner.tid);
		row->owner = &owner;
	}
	if (r->scale != 1)
		return add_scaled(r, row);
	return stack_profile__row(r->w, r->tables->stacks, r->tables->symtab, r->which, row);
}

static int fill_wall(const struct render_profiles *p, struct pprof_writer *w)
{
	const struct wall_pprof wall = {
		.profile = p->tables->wall,
		.running = p->running,
		.symtab = p->tables->symtab,
		.stacks = p->tables->stacks,
		.tags = p->choice.tags,
	};

	return wall_pprof__add(&wall, w);
}

static int fill(const struct render_profiles *p, enum profile_id id, const struct analysis *a,
		struct pprof_writer *w)
{
	const struct profile_kind *k = profile_kind__get(id);
	struct fold_rows rows = {p->tables, p->row_tids, w, k->fold, 1};
	int err = 0;

	if (id == PROFILE_THREADCREATE)
		return threadcreate_profile__add(w, p->trailer->m_cnt);
	if (id == PROFILE_WALL)
		return fill_wall(p, w);
	if (id == PROFILE_STOPS)
		return stops_profile__add(w, p->stops, p->tables->stacks, p->tables->snapshot);
	if (id == PROFILE_GOROUTINE)
		return goroutine_profile__add(w, goroutines_of(p), p->tables->symtab,
					      p->choice.tags);
	if (estimates(p, id))
		return alloc_profile__add(w, p->allocs, p->tables->allocs, p->tables->stacks,
					  p->tables->symtab, p->meta->go_minor);
	if (is_of_heap(id))
		return heap_profile__add(w, p->tables->heap);
	if (!p->slices)
		return analysis__stack_profile(a, k->fold, add_row, &rows);
	rows.scale = p->scale;
	for (size_t i = 0; !err && i < p->slice_cnt; i++)
		err = analysis__stack_profile(p->slices[i], k->fold, add_row, &rows);
	return err;
}

static int write_cpu(struct render_profiles *p, int fd)
{
	static const struct pprof_mapping kernel = {
		.start = UINT64_C(1) << 63, .limit = UINT64_MAX, .path = "[kernel.kallsyms]"};
	uint64_t lost = p->trailer ? p->trailer->counters[GBT_C_SAMPLE_LOST] : 0;
	int err = cpu_profile__lost(&p->cpu, lost);

	if (!err && p->cpu.kernel_time.cnt)
		err = pprof_writer__mapping(p->cpu.w, &kernel);
	return err ? err : pprof_writer__finish(p->cpu.w, fd);
}

/* A value's worth of what the period counts. */
static int64_t period_of(const struct render_profiles *p, enum profile_id id)
{
	if (is_of_heap(id))
		return estimates(p, id) ? 1 : (int64_t)p->tables->heap->rate;
	return id == PROFILE_WALL ? 1000000000 / p->tables->wall->hz : 1;
}

int render_profiles__write(struct render_profiles *p, enum profile_id id, const struct analysis *a,
			   int fd)
{
	struct pprof_writer *w = NULL;
	int err;

	if (id == PROFILE_CPU)
		return write_cpu(p, fd);
	err = new_writer(p, id, a, period_of(p, id), &w);
	if (!err)
		err = fill(p, id, a, w);
	if (!err)
		err = pprof_writer__finish(w, fd);
	pprof_writer__free(w);
	return err;
}

/* ---- as text ---- */

const char *render_profiles__text_missing(const struct render_profiles *p, enum profile_id id)
{
	if (estimates(p, id))
		return "the runtime keeps no memory profile here, and Go has no text of an "
		       "estimate, which the .pprof is";
	if (p->slices && profile_kind__get(id)->needs & PROFILE_NEEDS_TRANSITIONS)
		return "it is an estimate from slices of the time, and Go has no text of one";
	if (!symtab__has_entries(p->tables->symtab))
		return "this stream does not say where functions begin: it has no offsets to show";
	return NULL;
}

static int fill_text(struct render_profiles *p, enum profile_id id, const struct analysis *a,
		     struct buf *out)
{
	const struct profile_text t = {p->tables->symtab, p->meta->go_minor};
	struct pprof_writer *w = NULL;
	int err;

	if (id == PROFILE_THREADCREATE)
		return profile_text__threads(&t, p->trailer->m_cnt, out);
	if (is_of_heap(id))
		return profile_text__heap(&t, p->tables->heap, out);
	err = new_writer(p, id, a, period_of(p, id), &w);
	if (!err)
		err = fill(p, id, a, w);
	if (!err && id == PROFILE_GOROUTINE)
		err = profile_text__counts(&t, "goroutine", pprof_writer__samples(w), out);
	else if (!err)
		err = profile_text__waits(&t, id == PROFILE_MUTEX ? "mutex" : "contention",
					  pprof_writer__samples(w), out);
	pprof_writer__free(w);
	return err;
}

int render_profiles__write_text(struct render_profiles *p, enum profile_id id,
				const struct analysis *a, int fd)
{
	struct buf out = {0};
	int err = fill_text(p, id, a, &out);

	if (!err)
		err = write_all(fd, &out);
	buf__free(&out);
	return err;
}
