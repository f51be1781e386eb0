/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SIM_PIPELINE_H
#define TESTS_SIM_PIPELINE_H

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "goruntime/symtab_internal.h"
#include "model/model.h"
#include "output/trace_writer.h"
#include "raw/raw.h"
#include "sched_sim.h"

/*
 * From the make-believe scheduler to a trace file by the way that a capture goes: raw file,
 * sorted reading in two passes, model, trace writer.
 */
struct pipeline {
	uint64_t seed;
	unsigned steps, loss; /* loss in percent of the records */
	unsigned format;
	/* results */
	struct model_stats stats;
	uint64_t bytes, events, late;
	uint64_t start_ns, end_ns;
};

struct pipeline_writer {
	struct raw_writer *raw;
	uint64_t rng;
	unsigned loss;
};

static inline void pipeline_put(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct pipeline_writer *w = ctx;

	w->rng = w->rng * 6364136223846793005ull + 1442695040888963407ull;
	if ((w->rng >> 33) % 100 >= w->loss)
		assert(!raw_writer__record(w->raw, rec->tid % 4, rec, len));
}

/* Stack ids 1-50 of the simulator: a leaf of its own, some callers, the root. */
static inline void pipeline_stacks(struct raw_writer *raw)
{
	for (uint64_t id = 1; id <= 50; id++) {
		struct gbt_stack st = {.hdr = {.kind = GBT_STACK}, .id = id, .cnt = 3 + id % 9};

		for (uint32_t i = 0; i < st.cnt; i++)
			st.pcs[i] = 0x400000 + (i ? i : 100 + id) * 16;
		assert(!raw_writer__record(raw, id % 4, &st, sizeof(st)));
	}
}

static inline int pipeline_resolve(void *ctx, uint64_t id, const uint64_t *pcs, size_t cnt)
{
	struct symtab *t = ctx;

	for (size_t i = 0; i < cnt; i++) {
		struct sym_frame *f;
		uint32_t func;
		char name[64];
		size_t n;

		if (symtab__frames(t, pcs[i], false, &n))
			continue;
		snprintf(name, sizeof(name), "main.function%llx", (unsigned long long)pcs[i]);
		f = symtab__reserve(t, 1);
		func = (uint32_t)symtab__intern(t, name);
		*f = (struct sym_frame){.func = func,
					.symbol = func,
					.file = symtab__intern(t, "/src/main.go"),
					.line = 1 + pcs[i] % 100,
					.pc = pcs[i] - 1};
		assert(!symtab__commit(t, pcs[i], false, 1));
	}
	return 0;
}

/* The raw file of one world; *snap is what the tool would have read of it. */
static inline int pipeline_raw(struct pipeline *p, struct snapshot *snap)
{
	int fd = memfd_create("raw", MFD_CLOEXEC);
	struct raw_meta meta = {.go_minor = 26};
	struct pipeline_writer w = {.rng = p->seed, .loss = p->loss};
	struct sim *s = sim_create_world(p->seed);

	assert(fd >= 0 && !raw_writer__new(fd, &w.raw) && !raw_writer__meta(w.raw, &meta));
	pipeline_stacks(w.raw);
	s->emit = pipeline_put;
	s->ctx = &w;
	s->quiet = true;
	for (int i = 0; i < 400; i++)
		sim_step(s);
	s->quiet = false;
	p->start_ns = s->now_ns;
	for (unsigned i = 0; i < p->steps; i++) {
		if (i == p->steps / 100)
			sim_snapshot(s, snap);
		sim_step(s);
	}
	p->end_ns = s->now_ns + 1000000;
	assert(!raw_writer__flush(w.raw) && !raw_writer__trailer(w.raw, &(struct raw_trailer){0}));
	raw_writer__free(w.raw);
	free(s);
	return fd;
}

static inline int pipeline_prescan(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return model__prescan(ctx, rec, len);
}

static inline int pipeline_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return model__event(ctx, rec, len);
}

/* 0 or what the first failing step returned. */
static inline int pipeline_run(struct pipeline *p, int out_fd)
{
	struct snapshot snap = {0};
	int raw_fd = pipeline_raw(p, &snap), err;
	struct raw_file *f;
	struct raw_stacks *stacks;
	struct symtab *sym;
	struct strtab *strings;
	struct trace_writer *w;
	struct model *m;

	assert(!raw_file__open(raw_fd, "sim", &f) && !raw_stacks__collect(f, &stacks));
	assert(!symtab__new(&sym) && !strtab__new(&strings));
	assert(!raw_stacks__each(stacks, pipeline_resolve, sym));
	struct trace_writer_config wc = {.fd = out_fd,
					 .format = p->format,
					 .start_ns = p->start_ns,
					 .start_wall_ns = 1800000000123456789ull,
					 .symtab = sym,
					 .stacks = stacks,
					 .strings = strings};

	assert(!trace_writer__new(&wc, &w));
	struct model_config mc = {.go_minor = 26,
				  .gomaxprocs = SIM_PROCS,
				  .start_ns = p->start_ns,
				  .end_ns = p->end_ns,
				  .strings = strings,
				  .snapshot = &snap,
				  .sink = trace_writer__transition,
				  .sink_ctx = w};

	assert(!model__new(&mc, &m));
	err = raw_file__each_event(f, pipeline_prescan, m, NULL);
	if (!err)
		err = raw_file__each_event(f, pipeline_event, m, &p->late);
	if (!err)
		err = model__finish(m, p->end_ns);
	if (!err)
		err = trace_writer__finish(w);
	p->stats = *model__stats(m);
	p->bytes = trace_writer__bytes(w);
	p->events = trace_writer__events(w);
	model__free(m);
	trace_writer__free(w);
	strtab__free(strings);
	symtab__free(sym);
	raw_stacks__free(stacks);
	raw_file__free(f);
	free(snap.g);
	free(snap.m);
	close(raw_fd);
	return err;
}

#endif
