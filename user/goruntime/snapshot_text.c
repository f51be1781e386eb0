/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot_text.h"

#include <errno.h>
#include <string.h>

#define MINUTE_NS UINT64_C(60000000000)

const char *snap_g__state(const struct snapshot *head, const struct snap_g *g)
{
	static const char *const names[] = {
		[G_IDLE] = "idle",	     [G_RUNNABLE] = "runnable",	  [G_RUNNING] = "running",
		[G_SYSCALL] = "syscall",     [G_WAITING] = "waiting",	  [G_DEAD] = "dead",
		[G_COPYSTACK] = "copystack", [G_PREEMPTED] = "preempted", [G_LEAKED] = "leaked",
	};

	if ((g->status == G_WAITING || g->status == G_LEAKED) && g->wait_reason &&
	    g->wait_reason < head->wait_reasons_cnt)
		return head->wait_reasons[g->wait_reason];
	if (g->status < sizeof(names) / sizeof(names[0]) && names[g->status])
		return names[g->status];
	return "???";
}

uint64_t snap_g__wait_minutes(const struct snapshot *head, const struct snap_g *g)
{
	if ((g->status != G_WAITING && g->status != G_SYSCALL) || g->waitsince_ns <= 0 ||
	    (uint64_t)g->waitsince_ns > head->begin_ns)
		return 0;
	return (head->begin_ns - (uint64_t)g->waitsince_ns) / MINUTE_NS;
}

int snap_stack__each_frame(struct frame_cache *fc, const uint64_t *pcs, size_t cnt,
			   snap_frame_fn fn, void *ctx)
{
	uint64_t bias = frame_cache__bias(fc);
	bool exact = false;

	for (size_t i = 0; i < cnt; i++) {
		struct cached_pc c;
		int err = frame_cache__get(fc, pcs[i], exact, &c);

		if (err)
			return err;
		exact = false;
		if (!c.cnt && !fn(ctx, &(struct snap_frame){"", "", .pc = pcs[i], .ret = pcs[i]}))
			return 0;
		for (size_t k = 0; k < c.cnt; k++) {
			const struct gobinary_frame *f = &c.frames[k];
			const struct snap_frame out = {
				.func = f->func,
				.file = f->file,
				.line = f->line,
				.pc = f->pc + bias,
				.ret = pcs[i],
				.entry = c.entry,
				.inlined = f->inlined,
				.wrapper = f->wrapper,
			};

			if (!fn(ctx, &out))
				return 0;
		}
		/* the frame above a signal's is where it struck, not behind a call */
		exact = c.cnt && go_func__is_trap(c.frames[c.cnt - 1].func);
	}
	return 0;
}

static bool look_for_user_frame(void *ctx, const struct snap_frame *f)
{
	bool *found = ctx;

	*found = *f->func && strncmp(f->func, "runtime.", strlen("runtime.")) != 0;
	return !*found;
}

int snap_g__is_system(struct frame_cache *fc, const struct snap_g *g, const uint64_t *pcs,
		      bool *out)
{
	struct cached_pc c;
	bool user = false;
	const char *root;
	int err = frame_cache__get(fc, g->startpc, true, &c);

	if (err)
		return err;
	*out = false;
	if (!c.cnt)
		return 0;
	root = c.frames[c.cnt - 1].func;
	/* the stack decides for few: it is looked at only if it does */
	if (!go_func__is_system_root(root, false))
		return 0;
	if (!go_func__is_system_root(root, true))
		err = snap_stack__each_frame(fc, pcs, g->stack_cnt, look_for_user_frame, &user);
	*out = !user;
	return err;
}

bool snap_g__creator(struct frame_cache *fc, const struct snap_g *g, struct snap_creator *out)
{
	struct cached_pc c;

	if (!g->gopc || g->goid == 1 || frame_cache__get(fc, g->gopc, false, &c) || !c.cnt)
		return false;
	/* the physical function's name, and the innermost line, as printcreatedby1 prints them */
	*out = (struct snap_creator){
		.func = c.frames[c.cnt - 1].func,
		.file = c.frames[0].file,
		.line = c.frames[0].line,
		.pc = g->gopc,
		.entry = c.entry,
		.wrapper = c.frames[c.cnt - 1].wrapper,
	};
	return true;
}
