/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "model/model.h"
#include "trace_rules.h"

/*
 * Each test gives a few events and the whole text of what must come of them. A line is
 * "type thread/P/goroutine subject=… …"; a leading '!' marks a repair, '@' the initial state.
 */
struct scene {
	struct model_config cfg;
	struct gbt_text evs[64];
	size_t cnt;
	struct snapshot snap;
	struct snap_g g[8];
	struct snap_m m[4];
	struct buf text;
	struct rules rules;
	struct model_stats stats;
};

static struct scene *new_scene(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->cfg.go_minor = 26;
	s->cfg.gomaxprocs = 2;
	s->cfg.start_ns = 1000;
	s->snap.begin_ns = s->snap.end_ns = 1001; /* before every event of the scenes */
	s->snap.g = s->g;
	s->snap.m = s->m;
	return s;
}

/* The event's fields may be changed through what is returned. */
static struct gbt_event *ev(struct scene *s, uint32_t tid, int32_t p, int kind, uint64_t goid)
{
	struct gbt_event *e = &s->evs[s->cnt].ev;

	e->hdr.time_ns = 2000 + 100 * s->cnt++;
	e->hdr.tid = tid;
	e->hdr.kind = kind;
	e->p = p;
	e->goid = goid;
	return e;
}

static void ev_text(struct scene *s, uint32_t tid, int32_t p, int kind, uint64_t goid, int arg32,
		    const char *text)
{
	struct gbt_text *t = &s->evs[s->cnt];

	ev(s, tid, p, kind, goid)->arg32 = arg32;
	t->len[0] = strlen(text);
	memcpy(t->text, text, t->len[0]);
}

static void snap_goroutine(struct scene *s, uint64_t goid, int status)
{
	s->g[s->snap.g_cnt++] = (struct snap_g){.goid = goid, .status = status, .startpc = 0x500};
	s->cfg.snapshot = &s->snap;
}

static void put_details(struct buf *b, const struct transition *t)
{
	switch (t->type) {
	case TR_GO_STATUS:
	case TR_PROC_STATUS:
	case TR_PROCS_CHANGE:
	case TR_HEAP_ALLOC:
	case TR_HEAP_GOAL:
		buf__printf(b, " =%llu", (unsigned long long)t->value);
		break;
	case TR_GO_BLOCK:
		buf__printf(b, " (%s)", tr_block_reason__name(t->reason));
		break;
	case TR_GO_STOP:
		buf__printf(b, " (%s)", tr_stop_reason__name(t->reason));
		break;
	case TR_STW_BEGIN:
		buf__printf(b, " (%s)", tr_stw_kind__name(t->reason));
		break;
	case TR_GC_MARK_ASSIST_END:
		buf__str(b, t->estimate ? " estimate" : "");
		break;
	default:
		break;
	}
	if (t->stack.id)
		buf__printf(b, " stack %llu skip %d", (unsigned long long)t->stack.id,
			    t->stack.skip);
}

static int on_transition(void *ctx, const struct transition *t)
{
	struct scene *s = ctx;

	assert_int_equal(rules__transition(&s->rules, t), 0);
	if (t->type == TR_END || t->marker)
		return 0;
	if (t->initial)
		buf__u8(&s->text, '@');
	if (t->repair)
		buf__u8(&s->text, '!');
	buf__printf(&s->text, "%s %lld/%d/%llu", tr_type__name(t->type), (long long)t->m, t->p,
		    (unsigned long long)t->g);
	if (t->subject != t->g)
		buf__printf(&s->text, " %llu", (unsigned long long)t->subject);
	put_details(&s->text, t);
	buf__u8(&s->text, '\n');
	return 0;
}

/* Plays the scene and compares all that came of it. */
static void play(struct scene *s, const char *want)
{
	struct model *m;

	assert_int_equal(strtab__new(&s->cfg.strings), 0);
	s->cfg.sink = on_transition;
	s->cfg.sink_ctx = s;
	assert_int_equal(model__new(&s->cfg, &m), 0);
	for (size_t i = 0; i < s->cnt; i++)
		assert_int_equal(model__prescan(m, &s->evs[i].ev.hdr, sizeof(s->evs[i])), 0);
	for (size_t i = 0; i < s->cnt; i++)
		assert_int_equal(model__event(m, &s->evs[i].ev.hdr, sizeof(s->evs[i])), 0);
	assert_int_equal(model__finish(m, 100000), 0);
	s->stats = *model__stats(m);
	buf__u8(&s->text, 0);
	assert_string_equal((const char *)s->text.data, want);
	model__free(m);
}

static uint64_t repairs(const struct scene *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < REPAIR_MAX; i++)
		sum += s->stats.repairs[i];
	return sum;
}

static void end_scene(struct scene *s)
{
	strtab__free(s->cfg.strings);
	buf__free(&s->text);
	rules__free(&s->rules);
	free(s);
}

static void end_unrepaired(struct scene *s)
{
	assert_int_equal(repairs(s), 0);
	end_scene(s);
}

/* What was before a first event of goroutine 5 on thread 10, P 0 of two. */
#define FIVE_RUNS_ON_10                                                                            \
	"@ProcStatus 10/-1/0 =1\n"                                                                 \
	"@GoStatusStack 10/0/0 5 =2\n"                                                             \
	"@ProcStatus -1/-1/0 1 =2\n"

static void test_first_event_tells_what_was_before(void **state)
{
	struct scene *s = new_scene();

	snap_goroutine(s, 5, G_RUNNABLE); /* it blocked after the snapshot: it ran at the begin */
	snap_goroutine(s, 6, G_WAITING);
	snap_goroutine(s, 7, G_WAITING);
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7;
	ev(s, 11, 1, GBT_UNBLOCK, 6);
	ev(s, 12, -1, GBT_SYSCALL_EXIT, 8);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus 11/-1/0 1 =1\n"
		"@GoStatusStack 12/-1/0 8 =3\n"
		"@GoStatusStack -1/-1/0 6 =4\n"
		"@GoStatusStack -1/-1/0 7 =4\n"
		"ProcsChange 10/0/5 =2\n"
		"GoBlock 10/0/5 (chan receive)\n"
		"GoUnblock 11/1/0 6\n");
	end_unrepaired(s);
}

static void test_start_of_a_waiting_goroutine(void **state)
{
	struct scene *s = new_scene();

	snap_goroutine(s, 6, G_WAITING);
	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 10, 0, GBT_RUN, 6);
	play(s, "@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@GoStatusStack -1/-1/0 6 =4\n"
		"ProcStart 10/-1/0\n"
		"!GoUnblock 10/0/0 6\n"
		"GoStart 10/0/0 6\n"
		"ProcsChange 10/0/6 =2\n");
	assert_int_equal(repairs(s), 0);
	assert_int_equal(s->stats.synthesised_unblocks, 1);
	end_scene(s);
}

static void test_syscall_that_loses_its_p(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_SYSCALL, 5)->stack = 77;
	ev(s, 99, -1, GBT_P_HANDOFF, 0)->arg = 0;
	ev(s, 10, -1, GBT_SYSCALL_EXIT, 5);
	ev(s, 10, 1, GBT_P_START, 0);
	ev(s, 10, 1, GBT_SYSCALL, 5);
	ev(s, 10, 1, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 10, 1, GBT_SYSCALL_BLOCK, 5);
	ev(s, 10, 1, GBT_P_STOP, 0);
	ev(s, 10, -1, GBT_P_HANDOFF, 0)->arg = 1;
	ev(s, 10, -1, GBT_SYSCALL_EXIT, 5);
	ev(s, 10, -1, GBT_SYSCALL_EXIT_NOP, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoSyscallBegin 10/0/5 stack 77 skip 1\n"
				"ProcSteal 99/-1/0\n"
				"ProcStart 10/-1/5 1\n"
				"GoSyscallEndBlocked 10/1/5\n"
				"GoStart 10/1/0 5\n"
				"GoSyscallBegin 10/1/5\n"
				"GoSyscallEnd 10/1/5\n"
				"GoSyscallBegin 10/1/5\n"
				"ProcStop 10/1/5 1\n"
				"GoSyscallEndBlocked 10/-1/5\n");
	assert_int_equal(repairs(s), 0);
	assert_int_equal(s->stats.retaken, 1);
	end_scene(s);
}

/* The exit saw its P, then sysmon had it: what the thread does next decides. */
static void test_syscall_exit_that_loses_its_p_at_last(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_SYSCALL, 5);
	ev(s, 10, 0, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 99, -1, GBT_P_HANDOFF, 0)->arg = 0;
	ev(s, 10, -1, GBT_SYSCALL_EXIT_NOP, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoSyscallBegin 10/0/5\n"
				"ProcSteal 99/-1/0\n"
				"GoSyscallEndBlocked 10/-1/5\n");
	end_unrepaired(s);
}

/* … and got it back by wirep, from a thread that was in a syscall itself. */
static void test_syscall_exit_that_takes_its_p_back(void **state)
{
	struct scene *s = new_scene();

	s->cfg.go_minor = 22;
	ev(s, 10, 0, GBT_SYSCALL, 5);
	ev(s, 10, 0, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 99, -1, GBT_P_HANDOFF, 0)->arg = 0;
	ev(s, 11, 0, GBT_P_START, 0);
	ev(s, 11, 0, GBT_RUN, 6);
	ev(s, 11, 0, GBT_SYSCALL, 6);
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7;
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =1\n"
				"ProcsChange 10/0/5 =2\n"
				"GoSyscallBegin 10/0/5\n"
				"ProcSteal 99/-1/0\n"
				"ProcStart 11/-1/0\n"
				"GoStart 11/0/0 6\n"
				"GoSyscallBegin 11/0/6\n"
				"ProcSteal 10/-1/5 0\n"
				"ProcStart 10/-1/5 0\n"
				"GoSyscallEndBlocked 10/0/5\n"
				"GoStart 10/0/0 5\n"
				"GoBlock 10/0/5 (chan receive)\n");
	end_unrepaired(s);
}

/* Both by wirep: thread 11 takes it from the exit of thread 10, which no probe shows. */
static void test_syscall_exit_whose_p_another_exit_takes(void **state)
{
	struct scene *s = new_scene();

	s->cfg.go_minor = 22;
	ev(s, 10, 0, GBT_SYSCALL, 5);
	ev(s, 11, -1, GBT_SYSCALL_EXIT, 6);
	ev(s, 10, 0, GBT_SYSCALL_EXIT, 5)->arg32 = 1;
	ev(s, 11, 0, GBT_BLOCK, 6)->arg32 = 7;
	ev(s, 11, 0, GBT_P_STOP, 0);
	ev(s, 10, 0, GBT_P_START, 0);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@GoStatusStack 11/-1/0 6 =3\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"GoSyscallBegin 10/0/5\n"
		"ProcSteal 11/-1/6 0\n"
		"ProcStart 11/-1/6 0\n"
		"GoSyscallEndBlocked 11/0/6\n"
		"GoStart 11/0/0 6\n"
		"GoBlock 11/0/6 (chan receive)\n"
		"ProcStop 11/0/0\n"
		"ProcStart 10/-1/5 0\n"
		"GoSyscallEndBlocked 10/0/5\n"
		"GoStart 10/0/0 5\n");
	end_unrepaired(s);
}

/* Preempted behind the probe of its end: it runs again, and ends then. */
static void test_end_that_was_none(void **state)
{
	static const int stops[] = {GBT_SCHED, GBT_PREEMPT_PARK};
	static const char before[] = "@ProcStatus 10/-1/0 =1\n"
				     "@GoStatusStack 10/0/0 5 =2\n"
				     "@ProcStatus 11/-1/0 1 =1\n"
				     "@GoStatusStack -1/-1/0 6 =1\n"
				     "ProcsChange 10/0/5 =2\n"
				     "GoCreate 10/0/5 30\n"
				     "GoBlock 10/0/5 (unspecified)\n"
				     "GoStart 10/0/0 30\n"
				     "CPUSample 10/0/0\n";
	static const char after[] = "GoStart 11/1/0 30\n"
				    "GoDestroy 11/1/30\n"
				    "GoStart 11/1/0 6\n";
	char want[1024];

	for (size_t i = 0; i < 2; i++) {
		struct scene *s = new_scene();

		s->cfg.go_minor = 19;
		ev(s, 10, 0, GBT_CREATE, 30)->cur = 5; /* so that it ends in the window */
		ev(s, 10, 0, GBT_BLOCK, 5);
		ev(s, 10, 0, GBT_RUN, 30);
		ev(s, 10, 0, GBT_EXIT, 30);
		ev(s, 10, 0, GBT_SAMPLE, 0); /* tells nothing about it */
		ev(s, 10, 0, stops[i], 30)->arg32 = 1;
		if (stops[i] == GBT_PREEMPT_PARK)
			ev(s, 11, 1, GBT_UNBLOCK, 30);
		ev(s, 11, 1, GBT_RUN, 30);
		ev(s, 11, 1, GBT_EXIT, 30);
		ev(s, 11, 1, GBT_RUN, 6);
		snprintf(want, sizeof(want), "%s%s%s", before,
			 stops[i] == GBT_SCHED ? "GoStop 10/0/30 (preempted)\n"
					       : "GoBlock 10/0/30 (preempted)\n"
						 "GoUnblock 11/1/0 30\n",
			 after);
		play(s, want);
		assert_int_equal(repairs(s), 0);
		end_scene(s);
	}
}

/* Go 1.19 with its own tracer on: preempted inside of that, behind the probe, it does not come
 * there again. */
static void test_end_that_was_preempted_behind_its_probe(void **state)
{
	static const char before[] = "@ProcStatus 10/-1/0 =1\n"
				     "@GoStatusStack 10/0/0 5 =2\n"
				     "@ProcStatus 11/-1/0 1 =1\n"
				     "@ProcStatus -1/-1/0 2 =2\n"
				     "@GoStatusStack -1/-1/0 6 =1\n"
				     "ProcsChange 10/0/5 =3\n"
				     "GoStop 10/0/5 (preempted)\n"
				     "GoStart 11/1/0 5\n"
				     "GoDestroy 11/1/5\n";

	for (size_t i = 0; i < 2; i++) {
		struct scene *s = new_scene();
		char want[1024];

		s->cfg.go_minor = 19;
		s->cfg.gomaxprocs = 3;
		ev(s, 10, 0, GBT_EXIT, 5);
		ev(s, 10, 0, GBT_SCHED, 5)->arg32 = 1;
		ev(s, 11, 1, GBT_RUN, 5);
		if (i) {
			ev(s, 11, 1, GBT_P_STOP, 0);
			ev(s, 11, 1, GBT_P_START, 0);
		}
		ev(s, 11, 1, GBT_RUN, 6);
		snprintf(want, sizeof(want), "%s%sGoStart 11/1/0 6\n", before,
			 i ? "ProcStop 11/1/0 1\nProcStart 11/-1/0 1\n" : "");
		play(s, want);
		assert_int_equal(repairs(s), 0);
		end_scene(s);
	}
}

/* Another goroutine's stop, or its own on another thread, undoes no end. */
static void test_end_is_the_end(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_EXIT, 5);
	ev(s, 10, 0, GBT_RUN, 6);
	ev(s, 10, 0, GBT_SCHED, 6);
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =1\n"
				"ProcsChange 10/0/5 =2\n"
				"GoDestroy 10/0/5\n"
				"GoStart 10/0/0 6\n"
				"GoStop 10/0/6 (runtime.Gosched)\n");
	end_unrepaired(s);
}

static void test_creation_of_a_parked_goroutine(void **state)
{
	struct scene *s = new_scene();
	struct gbt_event *e = ev(s, 10, 0, GBT_CREATE, 30);

	e->cur = 5;
	e->arg32 = 1;
	ev(s, 10, 0, GBT_COROSWITCH, 5)->cur = 30;
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoCreateBlocked 10/0/5 30\n"
				"GoSwitch 10/0/5 30\n");
	end_unrepaired(s);
}

static void test_gc_cycle(void **state)
{
	struct scene *s = new_scene();
	struct gbt_event *e;

	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 2;
	s->evs[0].ev.stack = 70;
	ev(s, 10, 0, GBT_STW_END, 5)->arg32 = 2;
	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_GC_MARK_TERM, 5);
	e = ev(s, 10, 0, GBT_GC_SWEEP, 5);
	e->arg = 100;
	e->cur = 200;
	ev(s, 10, 0, GBT_STW_END, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GCBegin 10/0/5 stack 70 skip 2\n"
				"STWBegin 10/0/5 (GC sweep termination) stack 70 skip 2\n"
				"STWEnd 10/0/5\n"
				"STWBegin 10/0/5 (GC mark termination)\n"
				"GCEnd 10/0/5\n"
				"HeapAlloc 10/0/5 =100\n"
				"HeapGoal 10/0/5 =200\n"
				"STWEnd 10/0/5\n");
	end_unrepaired(s);
}

/* The probe that tells the world's start comes behind procresize, or at the entry before it. */
static void test_gomaxprocs_falls_while_the_world_is_stopped(void **state)
{
	struct scene *s = new_scene();

	s->cfg.gomaxprocs = 4;
	ev(s, 10, 3, GBT_STW_BEGIN, 5)->arg32 = 9;
	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 10, 0, GBT_STW_END, 5)->arg32 = 1;
	play(s, "@ProcStatus 10/-1/0 3 =1\n"
		"@GoStatusStack 10/3/0 5 =2\n"
		"@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@ProcStatus -1/-1/0 2 =2\n"
		"ProcsChange 10/3/5 =4\n"
		"STWBegin 10/3/5 (GOMAXPROCS)\n"
		"GoStop 10/3/5 (runtime.Gosched)\n"
		"ProcStop 10/3/0 3\n"
		"ProcStart 10/-1/0\n"
		"GoStart 10/0/0 5\n"
		"ProcsChange 10/0/5 =1\n"
		"STWEnd 10/0/5\n");
	end_unrepaired(s);
}

/* A capture that begins inside a cycle, and in a stop of the world. */
static void test_begin_inside_a_cycle(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_GC_SWEEP, 5);
	ev(s, 10, 0, GBT_STW_END, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"@GCBegin -1/-1/0\n"
				"GCEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

static void test_gomaxprocs_falls(void **state)
{
	struct scene *s = new_scene();

	s->cfg.gomaxprocs = 4;
	ev(s, 10, 3, GBT_STW_BEGIN, 5)->arg32 = 9;
	ev(s, 10, 3, GBT_STW_END, 5)->arg32 = 4;
	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 99, -1, GBT_HEAP, 0)->arg32 = 1;
	play(s, "@ProcStatus 10/-1/0 3 =1\n"
		"@GoStatusStack 10/3/0 5 =2\n"
		"@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@ProcStatus -1/-1/0 2 =2\n"
		"ProcsChange 10/3/5 =4\n"
		"STWBegin 10/3/5 (GOMAXPROCS)\n"
		"STWEnd 10/3/5\n"
		"GoStop 10/3/5 (runtime.Gosched)\n"
		"ProcStop 10/3/0 3\n"
		"ProcStart 10/-1/0\n"
		"GoStart 10/0/0 5\n"
		"ProcsChange 10/0/5 =1\n");
	end_unrepaired(s);
}

static void test_cgo_callback(void **state)
{
	struct scene *s = new_scene();

	for (int i = 0; i < 2; i++) { /* the same goroutine comes back */
		ev(s, 10, -1, GBT_CGO_NEEDM, 0);
		ev(s, 10, -1, GBT_SYSCALL_EXIT, 17);
		ev(s, 10, 1, GBT_P_START, 0);
		ev(s, 10, 1, GBT_SYSCALL, 17);
		ev(s, 10, -1, GBT_CGO_DROPM, 17);
	}
#define CALLBACK                                                                                   \
	"GoCreateSyscall 10/-1/0 17\n"                                                             \
	"ProcStart 10/-1/17 1\n"                                                                   \
	"GoSyscallEndBlocked 10/1/17\n"                                                            \
	"GoStart 10/1/0 17\n"
#define BACK_TO_C                                                                                  \
	"GoSyscallBegin 10/1/17\n"                                                                 \
	"ProcStop 10/1/17 1\n"                                                                     \
	"GoDestroySyscall 10/-1/17\n"
	play(s, "@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n" CALLBACK
		"ProcsChange 10/1/17 =2\n" BACK_TO_C CALLBACK BACK_TO_C);
	end_unrepaired(s);
}

static void test_coroutine(void **state)
{
	struct scene *s = new_scene();
	struct gbt_event *e;

	snap_goroutine(s, 5, G_RUNNING);
	ev(s, 10, 0, GBT_COROSWITCH, 5)->cur = 30;
	ev(s, 10, 0, GBT_COROSWITCH, 30)->cur = 5;
	ev(s, 10, 0, GBT_COROSWITCH, 5)->cur = 30;
	e = ev(s, 10, 0, GBT_COROSWITCH, 30);
	e->cur = 5;
	e->arg32 = 1;
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GoCreateBlocked 10/0/5 30\n"
				"GoSwitch 10/0/5 30\n"
				"GoSwitch 10/0/30 5\n"
				"GoSwitch 10/0/5 30\n"
				"GoSwitchDestroy 10/0/30 5\n");
	end_unrepaired(s);
}

static void test_wait_reasons_of_old_versions(void **state)
{
	static char *reasons[] = {"", "GC assist marking", "IO wait", "sleep"};
	struct scene *s = new_scene();

	s->cfg.go_minor = 21;
	s->snap.wait_reasons = reasons;
	s->snap.wait_reasons_cnt = 4;
	snap_goroutine(s, 5, G_RUNNING);
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 27 | 2 << 8; /* 27: the old trace's event */
	ev(s, 10, 0, GBT_RUN, 6);
	ev(s, 10, 0, GBT_BLOCK, 6)->arg32 = 19 | 3 << 8;
	ev(s, 10, 0, GBT_RUN, 7);
	ev(s, 10, 0, GBT_BLOCK, 7)->arg32 = 19 | 200 << 8; /* no such reason */
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =1\n"
				"@GoStatusStack -1/-1/0 7 =1\n"
				"ProcsChange 10/0/5 =2\n"
				"GoBlock 10/0/5 (network)\n"
				"GoStart 10/0/0 6\n"
				"GoBlock 10/0/6 (sleep)\n"
				"GoStart 10/0/0 7\n"
				"GoBlock 10/0/7 (unspecified)\n");
	end_scene(s);
}

static void test_mark_assist_ends_with_the_next_event(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 2;
	ev(s, 10, 0, GBT_STW_END, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 8; /* waits for credit: still assisting */
	ev(s, 10, 0, GBT_UNBLOCK, 5);
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_SCHED, 5); /* the GC wanted the P: goes on */
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7;
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"GCBegin 10/0/5\n"
				"STWBegin 10/0/5 (GC sweep termination)\n"
				"STWEnd 10/0/5\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GoBlock 10/0/5 (GC mark assist wait for work)\n"
				"GoUnblock 10/0/0 5\n"
				"GoStart 10/0/0 5\n"
				"GCMarkAssistEnd 10/0/5 estimate\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GoStop 10/0/5 (runtime.Gosched)\n"
				"GoStart 10/0/0 5\n"
				"GCMarkAssistEnd 10/0/5 estimate\n"
				"GoBlock 10/0/5 (chan receive)\n");
	assert_int_equal(s->stats.assists, 2);
	end_unrepaired(s);
}

/* Where the ends are seen, an assist goes on through all that may happen inside. */
static void test_mark_assist_ends_where_it_is_seen_to(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_STW_BEGIN, 5)->arg32 = 2;
	ev(s, 10, 0, GBT_STW_END, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_UNBLOCK, 6)->cur = 5; /* gcMarkDone gives its semaphore back */
	ev(s, 10, 0, GBT_SCHED, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1; /* it tries again */
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 8;
	ev(s, 10, 0, GBT_UNBLOCK, 5);
	ev(s, 10, 0, GBT_RUN, 5);
	ev(s, 10, 0, GBT_GC_ASSIST, 5); /* the end */
	ev(s, 10, 0, GBT_GC_ASSIST, 5); /* one whose begin was lost */
	ev(s, 10, 0, GBT_GC_ASSIST, 5)->arg32 = 1;
	ev(s, 10, 0, GBT_BLOCK, 5)->arg32 = 7; /* not in an assist: its end was lost */
	play(s, FIVE_RUNS_ON_10 "@GoStatusStack -1/-1/0 6 =4\n"
				"ProcsChange 10/0/5 =2\n"
				"GCBegin 10/0/5\n"
				"STWBegin 10/0/5 (GC sweep termination)\n"
				"STWEnd 10/0/5\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GoUnblock 10/0/5 6\n"
				"GoStop 10/0/5 (preempted)\n"
				"GoStart 10/0/0 5\n"
				"GoBlock 10/0/5 (GC mark assist wait for work)\n"
				"GoUnblock 10/0/0 5\n"
				"GoStart 10/0/0 5\n"
				"GCMarkAssistEnd 10/0/5\n"
				"GCMarkAssistBegin 10/0/5\n"
				"GCMarkAssistEnd 10/0/5 estimate\n"
				"GoBlock 10/0/5 (chan receive)\n");
	assert_int_equal(s->stats.assists, 2);
	end_unrepaired(s);
}

/* Behind the cycle that it belonged to, which ended before the window: none is on. */
static void test_end_of_an_assist_is_no_cycle(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_GC_ASSIST, 5);
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n");
	end_scene(s);
}

static void test_mark_worker_has_a_label(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_P_START, 0);
	ev(s, 10, 0, GBT_RUN, 6)->arg32 = 1;
	play(s, "@ProcStatus -1/-1/0 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"@GoStatusStack -1/-1/0 6 =1\n"
		"ProcStart 10/-1/0\n"
		"GoStart 10/0/0 6\n"
		"ProcsChange 10/0/6 =2\n"
		"GoLabel 10/0/6\n");
	assert_string_equal(strtab__get(s->cfg.strings, 1, NULL), "GC (dedicated)");
	end_scene(s);
}

static void test_regions_are_closed_from_the_inside(void **state)
{
	struct scene *s = new_scene();

	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "began before");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "outer");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "inner");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "outer"); /* inner's end was lost */
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "other");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "unknown");
	play(s, FIVE_RUNS_ON_10 "ProcsChange 10/0/5 =2\n"
				"UserRegionEnd 10/0/5\n"
				"UserRegionBegin 10/0/5\n"
				"UserRegionBegin 10/0/5\n"
				"!UserRegionEnd 10/0/5\n"
				"UserRegionEnd 10/0/5\n"
				"UserRegionBegin 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

/* Ends of what StartRegion began while the tracer is off do not say which one they are. */
static void test_regions_that_were_started_end_as_they_nest(void **state)
{
	struct scene *s = new_scene();

	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, ""); /* began before: not told */
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START, "outer");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_BEGIN, "around");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START_NO_TASK, "left out");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START, "inner");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_END, "around");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 0);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 0);
	end_scene(s);
}

/* An end that does not say which one it is ends none but such; what is open inside of it ends too.
 */
static void test_started_regions_are_closed_from_the_inside(void **state)
{
	struct scene *s = new_scene();

	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_START, "same name");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_END, "same name"); /* another's */
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_BEGIN, "its end is lost");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, GBT_REGION_STOP, "");
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"!UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 1);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

static void serve(struct scene *s, const char *method, const char *path)
{
	struct gbt_text *t = &s->evs[s->cnt];

	ev_text(s, 10, 0, GBT_REQUEST_BEGIN, 5, 0, method);
	t->len[1] = strlen(path);
	memcpy(t->text + t->len[0], path, t->len[1]);
}

static const char *str(const struct scene *s, uint32_t id)
{
	return strtab__get(s->cfg.strings, id, NULL);
}

static void test_requests_are_tasks(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 200; /* of one that began before */
	serve(s, "GET", "/a b");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "its own");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "its own");
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 404;
	serve(s, "", "");
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 200 | GBT_REQUEST_PANICKED;
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n");
	assert_int_equal(repairs(s), 0);
	assert_string_equal(str(s, 1), "GET /a b");
	assert_string_equal(str(s, 2), "its own");
	assert_string_equal(str(s, 4), "404");
	assert_string_equal(str(s, 5), "request");
	assert_string_equal(str(s, 6), "panic");
	end_scene(s);
}

/* Its end was lost, and that of a region in it. */
static void test_requests_are_closed_by_the_next(void **state)
{
	struct scene *s = new_scene();

	serve(s, "GET", "/1");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "inner");
	serve(s, "GET", "/2");
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"!UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 2);
	end_scene(s);
}

/* Goroutine 5 goes on on another thread although its block and all else was lost. */
static void test_goroutine_that_goes_on_elsewhere(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_SAMPLE, 5)->cur = G_RUNNING;
	ev(s, 11, 1, GBT_SAMPLE, 6)->cur = G_RUNNING;
	ev(s, 11, 1, GBT_EXIT, 5);
	ev(s, 10, 1, GBT_BLOCK, 5)->arg32 = 7; /* it has ended: nothing to say */
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus 11/-1/0 1 =1\n"
		"@GoStatusStack 11/1/0 6 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"CPUSample 10/0/5\n"
		"CPUSample 11/1/6\n"
		"!GoStop 11/1/6 (unspecified)\n"
		"!GoStop 10/0/5 (unspecified)\n"
		"!GoStart 11/1/0 5\n"
		"GoDestroy 11/1/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 2);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

static void test_stops_are_skipped_by_version(void **state)
{
	for (unsigned minor = 24; minor <= 25; minor++) {
		struct scene *s = new_scene();

		s->cfg.go_minor = minor;
		ev(s, 10, 0, GBT_SCHED, 5)->stack = 3;
		play(s, minor == 24 ? "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoStop 10/0/5 (runtime.Gosched) stack 3 skip 1\n"
				    : "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoStop 10/0/5 (runtime.Gosched) stack 3 skip 0\n");
		end_scene(s);
	}
}

static void test_syscalls_that_block_are_skipped_by_version(void **state)
{
	for (unsigned minor = 22; minor <= 23; minor++) {
		struct scene *s = new_scene();

		s->cfg.go_minor = minor;
		ev(s, 10, 0, GBT_SYSCALL_BLOCK, 5)->stack = 3;
		play(s, minor == 22 ? "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoSyscallBegin 10/0/5 stack 3 skip 2\n"
				    : "@ProcStatus 10/-1/0 =1\n"
				      "@GoStatusStack 10/0/0 5 =2\n"
				      "@ProcStatus -1/-1/0 1 =2\n"
				      "ProcsChange 10/0/5 =2\n"
				      "GoSyscallBegin 10/0/5 stack 3 skip 1\n");
		end_scene(s);
	}
}

static void test_events_outside_the_window_are_left_out(void **state)
{
	struct scene *s = new_scene();

	s->cfg.end_ns = 2150;
	ev(s, 10, 0, GBT_RUN, 5)->hdr.time_ns = 999;
	ev(s, 10, 0, GBT_BLOCK, 6)->arg32 = 7;
	ev(s, 10, 0, GBT_RUN, 7);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 6 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/6 =2\n"
		"GoBlock 10/0/6 (chan receive)\n");
	assert_int_equal(s->stats.outside, 2);
	assert_int_equal(s->stats.events_in, 1);
	end_scene(s);
}

/* What the sink returns ends the run and is what every later call returns. */
static int refuse(void *ctx, const struct transition *t)
{
	return ++*(int *)ctx == 3 ? -28 : 0;
}

static void test_error_of_the_sink_sticks(void **state)
{
	struct scene *s = new_scene();
	struct model *m;
	int calls = 0;

	ev(s, 10, 0, GBT_BLOCK, 5);
	s->cfg.sink = refuse;
	s->cfg.sink_ctx = &calls;
	assert_int_equal(strtab__new(&s->cfg.strings), 0);
	assert_int_equal(model__new(&s->cfg, &m), 0);
	assert_int_equal(model__event(m, &s->evs[0].ev.hdr, sizeof(s->evs[0])), -28);
	assert_int_equal(model__event(m, &s->evs[0].ev.hdr, sizeof(s->evs[0])), -28);
	assert_int_equal(model__finish(m, 5000), -28);
	assert_int_equal(calls, 3);
	model__free(m);
	end_scene(s);
}

static int count(void *ctx, const struct transition *t)
{
	++*(int *)ctx;
	return 0;
}

/* What is folded while a window is open is kept without texts: such an event tells nothing. */
static void test_events_whose_text_is_missing_are_passed_over(void **state)
{
	static const uint16_t kinds[] = {GBT_USER_TASK_BEGIN, GBT_USER_REGION, GBT_USER_LOG,
					 GBT_REQUEST_BEGIN};
	struct scene *s = new_scene();
	struct gbt_event *e = malloc(sizeof(*e));
	struct model *m;
	int calls = 0;

	s->cfg.sink = count;
	s->cfg.sink_ctx = &calls;
	assert_int_equal(strtab__new(&s->cfg.strings), 0);
	assert_int_equal(model__new(&s->cfg, &m), 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		*e = *ev(s, 10, 0, kinds[i], 7);
		assert_int_equal(model__prescan(m, &e->hdr, sizeof(*e)), 0);
		assert_int_equal(model__event(m, &e->hdr, sizeof(*e)), 0);
	}
	assert_int_equal(calls, 0);
	assert_int_equal(model__stats(m)->events_in, 0);
	model__free(m);
	free(e);
	end_scene(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_event_tells_what_was_before),
		cmocka_unit_test(test_start_of_a_waiting_goroutine),
		cmocka_unit_test(test_syscall_that_loses_its_p),
		cmocka_unit_test(test_syscall_exit_that_loses_its_p_at_last),
		cmocka_unit_test(test_syscall_exit_that_takes_its_p_back),
		cmocka_unit_test(test_syscall_exit_whose_p_another_exit_takes),
		cmocka_unit_test(test_end_that_was_none),
		cmocka_unit_test(test_end_that_was_preempted_behind_its_probe),
		cmocka_unit_test(test_end_is_the_end),
		cmocka_unit_test(test_creation_of_a_parked_goroutine),
		cmocka_unit_test(test_gc_cycle),
		cmocka_unit_test(test_begin_inside_a_cycle),
		cmocka_unit_test(test_gomaxprocs_falls),
		cmocka_unit_test(test_cgo_callback),
		cmocka_unit_test(test_coroutine),
		cmocka_unit_test(test_wait_reasons_of_old_versions),
		cmocka_unit_test(test_mark_assist_ends_with_the_next_event),
		cmocka_unit_test(test_mark_assist_ends_where_it_is_seen_to),
		cmocka_unit_test(test_end_of_an_assist_is_no_cycle),
		cmocka_unit_test(test_gomaxprocs_falls_while_the_world_is_stopped),
		cmocka_unit_test(test_mark_worker_has_a_label),
		cmocka_unit_test(test_regions_are_closed_from_the_inside),
		cmocka_unit_test(test_requests_are_tasks),
		cmocka_unit_test(test_requests_are_closed_by_the_next),
		cmocka_unit_test(test_regions_that_were_started_end_as_they_nest),
		cmocka_unit_test(test_started_regions_are_closed_from_the_inside),
		cmocka_unit_test(test_goroutine_that_goes_on_elsewhere),
		cmocka_unit_test(test_stops_are_skipped_by_version),
		cmocka_unit_test(test_syscalls_that_block_are_skipped_by_version),
		cmocka_unit_test(test_events_outside_the_window_are_left_out),
		cmocka_unit_test(test_error_of_the_sink_sticks),
		cmocka_unit_test(test_events_whose_text_is_missing_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
