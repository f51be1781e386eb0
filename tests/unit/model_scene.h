/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MODEL_SCENE_H
#define MODEL_SCENE_H

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

static inline struct scene *new_scene(void)
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
static inline struct gbt_event *ev(struct scene *s, uint32_t tid, int32_t p, int kind,
				   uint64_t goid)
{
	struct gbt_event *e = &s->evs[s->cnt].ev;

	e->hdr.time_ns = 2000 + 100 * s->cnt++;
	e->hdr.tid = tid;
	e->hdr.kind = kind;
	e->p = p;
	e->goid = goid;
	return e;
}

static inline void ev_text(struct scene *s, uint32_t tid, int32_t p, int kind, uint64_t goid,
			   int arg32, const char *text)
{
	struct gbt_text *t = &s->evs[s->cnt];

	ev(s, tid, p, kind, goid)->arg32 = arg32;
	t->len[0] = strlen(text);
	memcpy(t->text, text, t->len[0]);
}

static inline void snap_goroutine(struct scene *s, uint64_t goid, int status)
{
	s->g[s->snap.g_cnt++] = (struct snap_g){.goid = goid, .status = status, .startpc = 0x500};
	s->cfg.snapshot = &s->snap;
}

static inline void put_details(struct buf *b, const struct transition *t)
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

static inline int on_transition(void *ctx, const struct transition *t)
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
static inline void play(struct scene *s, const char *want)
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

static inline uint64_t repairs(const struct scene *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < REPAIR_MAX; i++)
		sum += s->stats.repairs[i];
	return sum;
}

static inline void end_scene(struct scene *s)
{
	strtab__free(s->cfg.strings);
	buf__free(&s->text);
	rules__free(&s->rules);
	free(s);
}

static inline void end_unrepaired(struct scene *s)
{
	assert_int_equal(repairs(s), 0);
	end_scene(s);
}

/* What was before a first event of goroutine 5 on thread 10, P 0 of two. */
#define FIVE_RUNS_ON_10                                                                            \
	"@ProcStatus 10/-1/0 =1\n"                                                                 \
	"@GoStatusStack 10/0/0 5 =2\n"                                                             \
	"@ProcStatus -1/-1/0 1 =2\n"

#endif
