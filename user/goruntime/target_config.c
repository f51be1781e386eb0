/* SPDX-License-Identifier: GPL-2.0-only */
/* What the BPF programs are told of a target: offsets, and where functions of its runtime lie. */
#include "goruntime/target.h"

#include <string.h>

#include "binary/sp_delta.h"

#define CGO_FRAME_SZ_MAX 4096 /* of the runtime's functions between Go and C; they have < 100 */

static bool range_of(const struct go_target *t, const char *func, struct gbt_range *out)
{
	struct gobinary_func f;

	if (gobinary__func_by_name(t->bin, func, &f))
		return false;
	*out = (struct gbt_range){f.entry + t->bias, f.end + t->bias};
	return true;
}

static void mark_workers(const struct go_target *t, struct gbt_config *rt)
{
	/* `go gcBgMarkWorker()` up to 1.22; from 1.23 on with an argument, through a wrapper */
	static const char *const names[] = {
		"runtime.gcBgMarkWorker",
		"runtime.gcBgMarkStartWorkers.gowrap1",
		"runtime.gcBgMarkStartWorkers.func1",
		"runtime.gcBgMarkStartWorkers.gowrap2",
	};
	struct gbt_range r;
	size_t cnt = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (cnt == GBT_MARK_WORKER_MAX || !range_of(t, names[i], &r))
			continue;
		rt->mark_worker_lo[cnt] = r.lo;
		rt->mark_worker_hi[cnt++] = r.hi;
	}
}

/* Bytes from the stack pointer to the return address in the body of a function: no place in it
 * has more. */
static bool frame_of(const struct go_target *t, const char *func, struct gbt_range *range,
		     __u32 *sz)
{
	uint64_t max = 0, delta;

	if (!range_of(t, func, range))
		return false;
	for (uint64_t pc = range->lo; pc < range->hi; pc++) {
		if (!gobinary__sp_delta(t->bin, pc - t->bias, &delta) && delta > max)
			max = delta;
	}
	*sz = (__u32)max;
	return max < CGO_FRAME_SZ_MAX;
}

/* Frames are laid out like this on amd64 only; elsewhere stacks end where C calls back. */
static void cgo_frames(const struct go_target *t, struct gbt_cgo *out)
{
	struct gbt_cgo c = {0};

	if (gobinary__arch(t->bin) != GOBINARY_AMD64 ||
	    !frame_of(t, "runtime.cgocallback", &c.callback, &c.callback_sz) ||
	    !frame_of(t, "runtime.systemstack_switch", &c.parked, &c.parked_sz) ||
	    !frame_of(t, "runtime.cgocall", &c.call, &c.call_sz) ||
	    !range_of(t, "runtime.entersyscall", &c.entersyscall))
		return;
	/* frames of the first and the last hold a frame pointer, that of the other nothing else */
	if (c.callback_sz >= 8 && c.call_sz >= 8 && (c.parked_sz == 0 || c.parked_sz == 8) &&
	    !((c.callback_sz | c.call_sz) & 7))
		*out = c;
}

/* From 1.19 on they are Go's, with frames like all. */
static void frameless_syscalls(const struct go_target *t, struct gbt_config *rt)
{
	static const char *const names[] = {"syscall.Syscall", "syscall.Syscall6"};
	size_t cnt = 0;

	if (rt->go_minor > 18 || gobinary__arch(t->bin) != GOBINARY_AMD64)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct gbt_range r;
		__u32 sz;

		if (frame_of(t, names[i], &r, &sz) && !sz)
			rt->frameless_syscall[cnt++] = r;
	}
}

int go_target__bpf_config(const struct go_target *t, struct gbt_config *rt)
{
	unsigned minor = gobinary__version(t->bin)->minor;
	uint64_t gc = t->globals.gc_controller;
	struct gbt_range r;

	memset(rt, 0, sizeof(*rt));
	rt->off = t->layout.off;
	rt->go_minor = minor;
	rt->labels = minor >= 24 ? 2 : 1;
	rt->stack_frames_max = minor >= 26 ? GBT_STACK_MAX : 127;
	rt->addr_gomaxprocs = t->globals.gomaxprocs + t->bias;
	if (gc && t->layout.gc_heap_live >= 0)
		rt->addr_heap_live = gc + t->bias + (uint64_t)t->layout.gc_heap_live;
	/* From 1.19 on no word holds the goal: it is computed where the heap is sampled. */
	if (gc && t->layout.gc_heap_goal >= 0)
		rt->addr_heap_goal = gc + t->bias + (uint64_t)t->layout.gc_heap_goal;
	mark_workers(t, rt);
	if (range_of(t, "runtime.systemstack_switch", &r)) {
		rt->systemstack_switch_lo = r.lo;
		rt->systemstack_switch_hi = r.hi;
	}
	range_of(t, "runtime.morestack", &rt->morestack);
	range_of(t, "runtime.asyncPreempt2", &rt->async_preempt2);
	range_of(t, "runtime.mcall", &rt->mcall);
	range_of(t, "runtime.gopark", &rt->gopark);
	cgo_frames(t, &rt->cgo);
	frameless_syscalls(t, rt);
	rt->g_gopc = t->layout.g_gopc;
	rt->g_tracking_seq = t->layout.g_tracking_seq;
	rt->mcache_alloc = rt->span_count = -1;
	/* it runs timers with m.curg taken away, and has a call of newproc1 without a probe */
	rt->remember = !range_of(t, "runtime.synctestRun", &r);
	rt->g_tls_off = gobinary__arch(t->bin) == GOBINARY_AMD64 ? -8 : 0;
	return 0;
}
