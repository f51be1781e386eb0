/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/goroutines_json.h"

#include <stdio.h>
#include <string.h>

#include "goruntime/snapshot_text.h"
#include "output/write_all.h"

#define FLUSH_SZ (256u << 10)
#define NAME_SZ 4096

int goroutines_json__begin(struct goroutines_json *j)
{
	const struct gobinary *b = frame_cache__binary(j->frames);

	j->out = (struct buf){0};
	j->cnt = 0;
	json__init(&j->json, &j->out, false);
	json__object(&j->json, NULL);
	json__u64(&j->json, "schema", GOROUTINES_JSON_SCHEMA);
	json__str(&j->json, "go", gobinary__version(b)->text);
	json__array(&j->json, "goroutines");
	return j->out.err;
}

static void put_place(struct json *j, const char *func, const char *file, uint32_t line)
{
	char name[NAME_SZ];

	json__str(j, "func", go_func__print_name(func, name, sizeof(name)));
	if (*file) {
		json__str(j, "file", file);
		json__u64(j, "line", line);
	}
}

static bool put_frame(void *ctx, const struct snap_frame *f)
{
	struct json *j = ctx;
	char pc[24];

	json__object(j, NULL);
	put_place(j, f->func, f->file, f->line);
	if (f->inlined)
		json__bool(j, "inlined", true);
	/* as text: beyond 2^53 many readers lose digits */
	snprintf(pc, sizeof(pc), "0x%llx", (unsigned long long)f->pc);
	json__str(j, "pc", pc);
	json__object_end(j);
	return j->out->err == 0;
}

static int put_stack(struct json *j, struct frame_cache *fc, const uint64_t *pcs, size_t cnt)
{
	int err;

	json__array(j, "stack");
	err = snap_stack__each_frame(fc, pcs, cnt, put_frame, j);
	json__array_end(j);
	return err;
}

static void put_labels(struct json *j, const struct snap_label *labels, size_t cnt)
{
	if (!cnt)
		return;
	json__object(j, "labels");
	for (size_t i = 0; i < cnt; i++)
		json__str(j, labels[i].key, labels[i].val);
	json__object_end(j);
}

static void put_wait(struct json *j, const struct snapshot *head, int64_t since_ns)
{
	if (since_ns > 0 && (uint64_t)since_ns < head->begin_ns)
		json__u64(j, "wait_ns", head->begin_ns - (uint64_t)since_ns);
}

static void put_true(struct json *j, const char *key, bool v)
{
	if (v)
		json__bool(j, key, true);
}

static void put_creator(struct json *j, struct frame_cache *fc, const struct snap_g *g)
{
	struct snap_creator c;

	if (!snap_g__creator(fc, g, &c))
		return;
	json__object(j, "created_by");
	put_place(j, c.func, c.file, c.line);
	if (g->parent_goid)
		json__u64(j, "goroutine", g->parent_goid);
	json__object_end(j);
}

int goroutines_json__visit(void *ctx, const struct snapshot *head, const struct snap_g *g,
			   const uint64_t *pcs, const struct snap_label *labels)
{
	struct goroutines_json *w = ctx;
	struct json *j = &w->json;
	bool is_system;
	int err = snap_g__is_system(w->frames, g, pcs, &is_system);

	if (err || (is_system && !w->system))
		return err;
	w->cnt++;
	json__object(j, NULL);
	json__u64(j, "id", g->goid);
	json__str(j, "state", snap_g__state(head, g));
	put_true(j, "system", is_system);
	put_true(j, "sampled", g->sampled);
	put_true(j, "torn", g->torn);
	put_true(j, "locked", g->locked);
	put_wait(j, head, g->waitsince_ns);
	if (g->tid)
		json__u64(j, "thread", g->tid);
	put_labels(j, labels, g->label_cnt);
	put_creator(j, w->frames, g);
	err = put_stack(j, w->frames, pcs, g->stack_cnt);
	put_true(j, "stack_cut", g->stack_cut);
	json__object_end(j);
	if (err)
		return err;
	return w->out.len >= FLUSH_SZ ? write_all(w->fd, &w->out) : w->out.err;
}

int goroutines_json__end(struct goroutines_json *w, const struct snapshot *head)
{
	struct json *j = &w->json;
	int err = 0;

	if (head) {
		json__array_end(j);
		json__u64(j, "total", w->cnt);
		json__u64(j, "gomaxprocs", head->gomaxprocs);
		json__u64(j, "threads", head->m_cnt);
		json__u64(j, "heap_live_bytes", head->heap_live);
		json__u64(j, "heap_goal_bytes", head->heap_goal);
		json__bool(j, "heap_goal_estimate", head->heap_goal_estimate);
		json__u64(j, "gc_phase", head->gcphase);
		json__u64(j, "torn", head->torn_cnt);
		json__u64(j, "retried", head->retried_cnt);
		json__u64(j, "unreadable", head->unreadable_cnt);
		json__u64(j, "begin_ns", head->begin_ns);
		json__u64(j, "end_ns", head->end_ns);
		json__object_end(j);
		buf__str(&w->out, "\n");
		err = write_all(w->fd, &w->out);
	}
	buf__free(&w->out);
	return err;
}

static int put_group(struct json *j, const struct goroutine_group *g, struct frame_cache *fc,
		     const struct snapshot *head, bool by_stack)
{
	int err = 0;

	json__object(j, NULL);
	json__u64(j, "count", g->cnt);
	if (!by_stack)
		json__str(j, "key", g->key);
	json__u64(j, "goroutine", g->goid);
	put_wait(j, head, g->waitsince_ns);
	put_true(j, "running", g->running);
	put_true(j, "torn", g->torn);
	put_labels(j, g->labels, g->label_cnt);
	if (by_stack) {
		err = put_stack(j, fc, g->pcs, g->pc_cnt);
		put_true(j, "stack_cut", g->stack_cut);
	}
	json__object_end(j);
	return err;
}

int goroutines_json__groups(const struct goroutine_groups *groups, struct frame_cache *fc,
			    const struct snapshot *head, int fd)
{
	static const char *const names[] = {"stack", "state", "creator", "label"};
	enum goroutine_group_by by = goroutine_groups__by(groups);
	struct buf out = {0};
	struct json j;
	int err = 0;

	json__init(&j, &out, false);
	json__object(&j, NULL);
	json__u64(&j, "schema", GOROUTINES_JSON_SCHEMA);
	json__str(&j, "group_by", names[by]);
	json__u64(&j, "total", goroutine_groups__total(groups));
	json__array(&j, "groups");
	for (size_t i = 0; i < goroutine_groups__count(groups) && !err; i++) {
		err = put_group(&j, goroutine_groups__at(groups, i), fc, head,
				by == GROUP_BY_STACK);
		if (!err && out.len >= FLUSH_SZ)
			err = write_all(fd, &out);
	}
	json__array_end(&j);
	json__object_end(&j);
	buf__str(&out, "\n");
	if (!err)
		err = write_all(fd, &out);
	buf__free(&out);
	return err;
}

static int put_leak(struct json *j, const struct goroutine_leak *k, struct frame_cache *fc)
{
	int err;

	json__object(j, NULL);
	json__u64(j, "count", k->now);
	json__u64(j, "before", k->before);
	json__u64(j, "grown", k->grown);
	json__fixed(j, "per_minute", k->per_minute, 3);
	json__u64(j, "oldest_ns", k->oldest_ns);
	json__u64(j, "goroutine", k->goid);
	json__str(j, "state", k->state);
	put_creator(j, fc, &k->like);
	err = put_stack(j, fc, k->pcs, k->pc_cnt);
	put_true(j, "stack_cut", k->stack_cut);
	json__object_end(j);
	return err;
}

int goroutines_json__leaks(const struct goroutine_leaks *leaks, struct frame_cache *fc, int fd)
{
	struct goroutine_leaks_totals t;
	struct buf out = {0};
	struct json j;
	int err = 0;

	goroutine_leaks__totals(leaks, &t);
	json__init(&j, &out, false);
	json__object(&j, NULL);
	json__u64(&j, "schema", GOROUTINES_JSON_SCHEMA);
	json__u64(&j, "span_ns", t.span_ns);
	json__u64(&j, "looks", t.looks);
	json__u64(&j, "before", t.before);
	json__u64(&j, "now", t.now);
	json__u64(&j, "stack_unknown", t.unknown);
	json__u64(&j, "torn", t.torn);
	json__u64(&j, "unreadable", t.unreadable);
	json__array(&j, "leaks");
	for (size_t i = 0; i < goroutine_leaks__count(leaks) && !err; i++)
		err = put_leak(&j, goroutine_leaks__at(leaks, i), fc);
	json__array_end(&j);
	json__object_end(&j);
	buf__str(&out, "\n");
	if (!err)
		err = write_all(fd, &out);
	buf__free(&out);
	return err;
}
