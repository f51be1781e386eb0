/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_UNIT_ANALYSIS_SCENARIO_H
#define TESTS_UNIT_ANALYSIS_SCENARIO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/analysis.h"

/*
 * A capture made by hand: transitions one by one, stacks that are named here. Times are given in
 * ns after the window's begin.
 */
#define START_NS 1000000000ull

struct made_stack {
	uint64_t id;
	struct frame frames[6]; /* ends with func NULL */
};

static const struct made_stack made_stacks[] = {
	/* 1: a worker receives */
	{1,
	 {{"runtime.chanrecv1", "/go/src/runtime/chan.go", 442},
	  {"main.worker", "/app/pool.go", 10}}},
	/* 2: the same line from another caller */
	{2,
	 {{"runtime.chanrecv1", "/go/src/runtime/chan.go", 442},
	  {"main.worker", "/app/pool.go", 10},
	  {"main.start", "/app/pool.go", 3}}},
	/* 3: who sends to it */
	{3,
	 {{"runtime.chansend1", "/go/src/runtime/chan.go", 145},
	  {"main.submit", "/app/pool.go", 22}}},
	/* 4: a mutex */
	{4,
	 {{"sync.(*Mutex).Lock", "/go/src/sync/mutex.go", 90},
	  {"main.(*Cache).Get", "/app/cache.go", 42},
	  {"main.worker", "/app/pool.go", 12}}},
	/* 5: its release */
	{5,
	 {{"sync.(*Mutex).Unlock", "/go/src/sync/mutex.go", 223},
	  {"main.(*Cache).Put", "/app/cache.go", 80}}},
	/* 6: a connection of net/http, no frame of the program */
	{6,
	 {{"internal/poll.runtime_pollWait", "/go/src/runtime/netpoll.go", 351},
	  {"internal/poll.(*FD).Read", "/go/src/internal/poll/fd_unix.go", 165},
	  {"net.(*conn).Read", "/go/src/net/net.go", 196},
	  {"net/http.(*conn).serve", "/go/src/net/http/server.go", 2027}}},
	/* 7: a goroutine of the runtime */
	{7,
	 {{"runtime.gopark", "/go/src/runtime/proc.go", 400},
	  {"runtime.bgsweep", "/go/src/runtime/mgcsweep.go", 300}}},
	/* 8: a system call */
	{8,
	 {{"syscall.read", "/go/src/syscall/syscall.go", 736},
	  {"os.(*File).Read", "/go/src/os/file.go", 118},
	  {"main.tail", "/app/tail.go", 7}}},
	/* 9: goroutine 1 */
	{9,
	 {{"runtime.selectgo", "/go/src/runtime/select.go", 335},
	  {"main.main", "/app/main.go", 30}}},
	/* 10: creates workers */
	{10, {{"main.start", "/app/pool.go", 5}, {"main.main", "/app/main.go", 20}}},
	/* 11: a send that nobody takes */
	{11,
	 {{"runtime.chansend1", "/go/src/runtime/chan.go", 145}, {"main.leak", "/app/leak.go", 9}}},
	/* 12: sleeps */
	{12, {{"time.Sleep", "/go/src/runtime/time.go", 285}, {"main.tick", "/app/tick.go", 4}}},
	/* 14 to 17: waits for semaphores, nothing skipped */
	{14,
	 {{"runtime.gopark", "/go/src/runtime/proc.go", 400},
	  {"runtime.semacquire1", "/go/src/runtime/sema.go", 150},
	  {"sync.runtime_SemacquireMutex", "/go/src/runtime/sema.go", 77},
	  {"sync.(*Mutex).lockSlow", "/go/src/sync/mutex.go", 171},
	  {"main.(*Cache).Get", "/app/cache.go", 42}}},
	{15,
	 {{"runtime.gopark", "/go/src/runtime/proc.go", 400},
	  {"runtime.semacquire1", "/go/src/runtime/sema.go", 150},
	  {"sync.runtime_Semacquire", "/go/src/runtime/sema.go", 62},
	  {"sync.(*WaitGroup).Wait", "/go/src/sync/waitgroup.go", 116},
	  {"main.main", "/app/main.go", 44}}},
	{16,
	 {{"runtime.gopark", "/go/src/runtime/proc.go", 400},
	  {"runtime.semacquire1", "/go/src/runtime/sema.go", 150},
	  {"runtime.semacquire", "/go/src/runtime/sema.go", 110},
	  {"runtime.stopTheWorld", "/go/src/runtime/proc.go", 1300},
	  {"main.main", "/app/main.go", 50}}},
	{17,
	 {{"runtime.gopark", "/go/src/runtime/proc.go", 400},
	  {"sync.runtime_notifyListWait", "/go/src/runtime/sema.go", 569},
	  {"sync.(*Cond).Wait", "/go/src/sync/cond.go", 70},
	  {"main.main", "/app/main.go", 60}}},
	/* 18: stops the world for the GC */
	{18,
	 {{"runtime.stopTheWorldWithSema", "/go/src/runtime/proc.go", 1200},
	  {"runtime.gcStart", "/go/src/runtime/mgc.go", 660},
	  {"runtime.mallocgc", "/go/src/runtime/malloc.go", 1180},
	  {"main.main", "/app/main.go", 70}}},
	/* entries, by PC */
	{0x100, {{"main.worker", "/app/pool.go", 8}}},
	{0x200, {{"runtime.gcBgMarkWorker", "/go/src/runtime/mgc.go", 1300}}},
	{0x300, {{"main.leak", "/app/leak.go", 5}}},
};

#define ENTRY_WORKER 0x100
#define ENTRY_GC_WORKER 0x200
#define ENTRY_LEAK 0x300

static size_t made_frames(void *ctx, const struct tr_stack *st, struct frame *out, size_t max)
{
	uint64_t want = st->id ? st->id : st->pc;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(made_stacks) / sizeof(made_stacks[0]); i++) {
		const struct made_stack *m = &made_stacks[i];

		if (m->id != want)
			continue;
		while (n < max && n < 6 && m->frames[n].func) {
			out[n] = m->frames[n];
			n++;
		}
	}
	return n;
}

struct scenario {
	struct analysis *a;
	struct summary *s;
	struct raw_meta meta;
	struct raw_trailer trailer;
	struct model_stats model;
};

static void scenario_begin_profiles(struct scenario *sc, uint32_t gomaxprocs,
				    uint32_t stack_profiles)
{
	struct analysis_config cfg = {
		.start_ns = START_NS,
		.gomaxprocs = gomaxprocs,
		.frames = {made_frames, NULL},
		.stack_profiles = stack_profiles,
	};

	memset(sc, 0, sizeof(*sc));
	assert_int_equal(analysis__new(&cfg, &sc->a), 0);
}

static __attribute__((unused)) void scenario_begin(struct scenario *sc, uint32_t gomaxprocs)
{
	scenario_begin_profiles(sc, gomaxprocs, 0);
}

/* One transition; what a test does not name is zero. */
static void tell(struct scenario *sc, uint64_t at_ns, struct transition t)
{
	t.time_ns = START_NS + at_ns;
	assert_int_equal(analysis__transition(sc->a, &t), 0);
}

#define STACK(n) ((struct tr_stack){.id = (n)})
#define ENTRY(n) ((struct tr_stack){.pc = (n)})
#define TR_ON(ty, proc, ...) ((struct transition){.type = TR_##ty, .p = (proc), __VA_ARGS__})
#define TR(ty, ...) TR_ON(ty, TR_NO_P, __VA_ARGS__)

static __attribute__((unused)) void g_status(struct scenario *sc, uint64_t goid, int status,
					     uint64_t stack, uint16_t reason)
{
	tell(sc, 0,
	     TR(GO_STATUS, .subject = goid, .value = status, .stack = STACK(stack),
		.reason = reason, .initial = true));
}

static __attribute__((unused)) void g_create(struct scenario *sc, uint64_t at, uint64_t by,
					     uint64_t goid, uint64_t stack, uint64_t entry)
{
	tell(sc, at,
	     TR(GO_CREATE, .g = by, .subject = goid, .stack = STACK(stack),
		.new_stack = ENTRY(entry)));
}

static __attribute__((unused)) void g_start(struct scenario *sc, uint64_t at, uint64_t goid)
{
	tell(sc, at, TR(GO_START, .subject = goid));
}

static __attribute__((unused)) void g_block(struct scenario *sc, uint64_t at, uint64_t goid,
					    uint16_t reason, uint64_t stack)
{
	tell(sc, at,
	     TR(GO_BLOCK, .g = goid, .subject = goid, .reason = reason, .stack = STACK(stack)));
}

static __attribute__((unused)) void g_unblock(struct scenario *sc, uint64_t at, uint64_t by,
					      uint64_t goid, uint64_t stack)
{
	tell(sc, at, TR(GO_UNBLOCK, .g = by, .subject = goid, .stack = STACK(stack)));
}

static __attribute__((unused)) void g_end(struct scenario *sc, uint64_t at, uint64_t goid)
{
	tell(sc, at, TR(GO_DESTROY, .g = goid, .subject = goid));
}

static void scenario_finish(struct scenario *sc, uint64_t end_ns)
{
	struct summary_facts facts = {
		.meta = &sc->meta, .trailer = &sc->trailer, .model = &sc->model};

	tell(sc, end_ns, TR(END));
	assert_int_equal(analysis__finish(sc->a, &facts, &sc->s), 0);
	assert_int_equal(sc->s->window_ns, end_ns);
}

static void scenario_end(struct scenario *sc)
{
	summary__free(sc->s);
	analysis__free(sc->a);
}

static __attribute__((unused)) const struct summary_state *state_of(const struct scenario *sc,
								    const char *name)
{
	for (size_t i = 0; i < sc->s->state_cnt; i++) {
		if (!strcmp(sc->s->states[i].name, name))
			return &sc->s->states[i];
	}
	fail_msg("no state '%s'", name);
	return NULL;
}

static __attribute__((unused)) const struct summary_finding *finding_of(const struct scenario *sc,
									enum finding_id id)
{
	for (size_t i = 0; i < sc->s->finding_cnt; i++) {
		if (sc->s->findings[i].id == id)
			return &sc->s->findings[i];
	}
	return NULL;
}

#endif
