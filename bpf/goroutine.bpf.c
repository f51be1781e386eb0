/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Probes in the Go runtime: every transition of goroutines and processors. One body serves
 * all sites and is told by the cookie which one was hit; user/goruntime/plan.h tells what
 * registers hold at each.
 *
 * A hit collects what its record needs in struct hit, and a stack walk's start in
 * s->unwind; walking and sending are at one place behind the switch. That keeps the verifier's
 * work small: it walks through the loop once, not once a site.
 */
#include "common.h"
#include "labels.h"

#define STATUS_SYSCALL_P 2 /* _Psyscall, up to 1.25 */
#define LIST_MAX 1024	   /* goroutines of one injectglist; a netpoll gives up to 256 */

/* Where the perf path (kernels without cookies) finds what a probe's address means. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u64);
	__type(value, __u32);
} gbt_ips SEC(".maps");

enum walk {
	WALK_NONE,
	WALK_SCHED, /* from the saved context of the g in s->g */
	WALK_REGS,  /* from the registers, on the stack of the g in s->g */
};

static __always_inline __u64 read_goid(struct scratch *s, struct hit *h, __u64 gp)
{
	__u64 goid = 0;

	if (gp)
		get(s, h, &goid, sizeof(goid), gp + cfg.off.g_goid);
	return goid;
}

/*
 * The m of g0. A thread keeps its own, so the last one is tried first, and must still point back
 * at g0, which the same read shows. That alone would not do for another thread's: the memory of
 * an m outlives its thread, and its g0 may be another thread's by then.
 */
static __always_inline void load_m_of_g(struct scratch *s, struct hit *h, __u64 g)
{
	__u64 m = s->own_m;

	if (s->own_g0 == g && !unwind_read(s->m, GBT_READ_M_SZ, m) && M_WORD(s, m_g0) == g) {
		take_m(s, h, m);
		return;
	}
	if (get(s, h, &m, sizeof(m), g + cfg.off.g_m))
		return;
	load_m(s, h, m);
	if (s->owner) {
		s->own_m = m;
		s->own_g0 = g;
	}
}

/* The subject is argument gp, parked by mcall or morestack: its context is in g.sched. */
static __always_inline void subject_parked(struct scratch *s, struct hit *h, __u64 gp)
{
	get(s, h, s->g, GBT_READ_G_SZ, gp);
	h->goid = G_U64(s, g_goid);
	h->walk = WALK_SCHED;
}

/*
 * The goroutine that this thread runs, into s->g, and its stack: saved in g.sched when we are
 * on the system stack, else in the registers.
 */
static __always_inline __u64 load_curg(struct scratch *s, struct hit *h, __u64 g)
{
	if (!h->curg)
		return 0;
	get(s, h, s->g, GBT_READ_G_SZ, h->curg);
	h->walk = g == h->curg ? WALK_REGS : WALK_SCHED;
	return G_U64(s, g_goid);
}

static __always_inline void on_execute(struct scratch *s, struct hit *h, __u64 gp)
{
	__u64 startpc, pp = M_WORD(s, m_p);
	__u8 mode = 0;
	int i;

	get(s, h, s->g + cfg.off.g_goid, GBT_READ_GOID_SZ, gp + cfg.off.g_goid);
	h->goid = G_U64(s, g_goid);
	startpc = G_U64(s, g_startpc);
	h->arg = startpc;
	if (cfg.off.p_gc_mark_worker_mode < 0 || !pp)
		return;
#pragma unroll
	for (i = 0; i < GBT_MARK_WORKER_MAX; i++) {
		if (!in_range(startpc, cfg.mark_worker_lo[i], cfg.mark_worker_hi[i]))
			continue;
		if (!get(s, h, &mode, 1, pp + cfg.off.p_gc_mark_worker_mode))
			h->arg32 = mode;
	}
}

static __always_inline void on_park(struct scratch *s, struct hit *h, __u64 gp)
{
	__s32 reason_off = cfg.off.m_wait_block_reason, skip_off = cfg.off.m_wait_skip;
	__u8 reason = 0;
	__s32 skip = 0;

	subject_parked(s, h, gp);
	/* the two are neighbours up to 16 bytes apart: one read */
	if (reason_off >= 0 && skip_off >= 0 && reason_off - skip_off <= 16 &&
	    skip_off - reason_off <= 16) {
		__s32 first = reason_off < skip_off ? reason_off : skip_off;

		if (!get(s, h, s->words, 24, h->m + first)) {
			reason = *((__u8 *)s->words + (reason_off - first));
			skip = *(__s32 *)((__u8 *)s->words + (skip_off - first));
		}
	}
	h->arg32 = reason | (__u32)G_U8(s, g_waitreason) << 8;
	h->arg = skip;
}

/*
 * Does pc stand behind a call of mcall? So does who yields of its own will, and asyncPreempt2; who
 * was preempted in a prologue stands behind a call of morestack.
 */
static __always_inline bool called_mcall(__u64 pc)
{
	__s32 insn = 0;

	if (unwind_read(&insn, sizeof(insn), pc - 4))
		return false;
#if defined(__TARGET_ARCH_x86)
	pc += (__s64)insn; /* e8 rel32 */
#else
	pc += ((__s64)insn << 38 >> 36) - 4; /* bl imm26 */
#endif
	return in_range(pc, cfg.mcall.lo, cfg.mcall.hi);
}

static __always_inline void on_gosched(struct scratch *s, struct hit *h, __u64 gp, __u64 preempted)
{
	subject_parked(s, h, gp);
	if (cfg.go_minor >= 22)
		h->arg32 = preempted & 0xff;
	else if (cfg.mcall.hi)
		h->arg32 = in_range(G_U64(s, g_sched_pc), cfg.async_preempt2.lo,
				    cfg.async_preempt2.hi) ||
			   !called_mcall(G_U64(s, g_sched_pc));
}

static __always_inline void on_coroswitch(struct scratch *s, struct hit *h, __u64 gp)
{
	__u64 coro = 0, to = 0;

	subject_parked(s, h, gp);
	if (cfg.off.g_coroarg < 0 || cfg.off.g_coroexit < 0)
		return;
	h->arg32 = G_U8(s, g_coroexit);
	/* coro.gp is the first field (runtime/coro.go) */
	if (!get(s, h, &coro, sizeof(coro), gp + cfg.off.g_coroarg))
		get(s, h, &to, sizeof(to), coro);
	h->cur = read_goid(s, h, to);
}

/* The current goroutine enters or leaves a syscall, on its own stack. R14 is its g. */
static __always_inline void subject_g(struct scratch *s, struct hit *h, __u64 g)
{
	get(s, h, s->g, GBT_READ_G_SZ, g);
	h->goid = G_U64(s, g_goid);
	if (h->kind == GBT_SYSCALL_EXIT && cfg.go_minor >= 26)
		h->now = bpf_ktime_get_ns(); /* stamps_early */
	load_m(s, h, G_U64(s, g_m));
}

#define SPAN_CLASSES 136 /* runtime.numSpanClasses: twice the size classes */

/* (*mcache).refill(spanClass): the span in the cache is full, or the empty one. */
static __always_inline void on_refill(struct scratch *s, struct hit *h, __u64 mcache, __u64 spc)
{
	__u64 span = 0;
	__u16 *count = (__u16 *)s->words;

	spc &= 0xff;
	h->arg32 = spc >> 1;
	if (cfg.mcache_alloc < 0 || cfg.span_count < 0 || spc >= SPAN_CLASSES ||
	    get(s, h, &span, sizeof(span), mcache + cfg.mcache_alloc + 8 * spc) ||
	    get(s, h, s->words, 16, span + cfg.span_count))
		return;
	h->arg = count[0] >= count[3] ? count[0] - count[3] : 0;
	h->cur = s->words[1];
}

static __always_inline void on_exitsyscall(struct scratch *s, struct hit *h)
{
	__u64 oldp = M_WORD(s, m_oldp);
	__u32 tick = 0;

	if (cfg.go_minor >= 26) {
		h->arg32 = h->p >= 0;
		return;
	}
	/* up to 1.25 the P stays behind in state _Psyscall, and is ours if no one took it */
	if (!oldp || cfg.off.m_syscalltick < 0 || cfg.off.p_syscalltick < 0)
		return;
	if (get(s, h, s->words, 24, oldp))
		return;
	h->now = bpf_ktime_get_ns(); /* stamps_early */
	if (get(s, h, &tick, sizeof(tick), h->m + cfg.off.m_syscalltick))
		return;
	if (*(__u32 *)((__u8 *)s->words + cfg.off.p_status) == STATUS_SYSCALL_P &&
	    *(__u32 *)((__u8 *)s->words + cfg.off.p_syscalltick) == tick) {
		h->arg32 = 1;
		h->p = *(__s32 *)((__u8 *)s->words + cfg.off.p_id);
	}
}

static __always_inline void read_heap(struct scratch *s, struct hit *h)
{
	if (cfg.addr_heap_live)
		get(s, h, &h->arg, 8, cfg.addr_heap_live + bias_delta);
	if (cfg.addr_heap_goal)
		get(s, h, &h->cur, 8, cfg.addr_heap_goal + bias_delta);
}

static __always_inline void read_gomaxprocs(struct scratch *s, struct hit *h)
{
	if (cfg.addr_gomaxprocs)
		get(s, h, &h->arg32, 4, cfg.addr_gomaxprocs + bias_delta);
}

/* One text behind the record; returns its length. */
static __always_inline __u64 read_text(struct scratch *s, struct hit *h, __u64 at, __u64 addr,
				       __u64 len)
{
	__u64 sz = len > GBT_TEXT_MAX ? GBT_TEXT_MAX : len;

	if (len > GBT_TEXT_MAX)
		h->flags |= GBT_F_TEXT_CUT;
	unwind_opaque(sz);
	unwind_opaque(at);
	if (sz > GBT_TEXT_MAX || at > GBT_TEXT_MAX || !sz)
		return 0;
	return get(s, h, s->text.text + at, sz, addr) ? 0 : sz;
}

static __always_inline void send_text(struct scratch *s, struct hit *h)
{
	__u64 sz = s->text.len[0] + s->text.len[1];

	set_event(&s->text.ev, h);
	s->text.pad = 0;
	unwind_opaque(sz);
	if (sz > 2 * GBT_TEXT_MAX)
		return;
	if (ring_output(&s->text, __builtin_offsetof(struct gbt_text, text) + sz))
		s->cnt[GBT_C_RING_FULL]++;
	else
		s->cnt[GBT_C_EVENTS]++;
}

/*
 * injectglist: an event for each goroutine of the list, linked by g.schedlink. A few at a time, in
 * a function that the verifier goes through once.
 */
#define LIST_STEP 16
int send_some(__u32 slot);

__noinline int send_some(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	struct hit *h;
	int i;

	if (!s)
		return 0;
	h = &s->hit;
	for (i = 0; i < LIST_STEP && h->list; i++) {
		/* goid and schedlink are neighbours in every version */
		if (get(s, h, s->words, 16, h->list + cfg.off.g_goid)) {
			h->list = 0;
			break;
		}
		h->goid = s->words[0];
		h->list = *(__u64 *)((__u8 *)s->words + (cfg.off.g_schedlink - cfg.off.g_goid));
		send_event(s);
	}
	return 0;
}

static __always_inline void send_list(struct scratch *s, struct hit *h)
{
	int i;

	for (i = 0; i < LIST_MAX / LIST_STEP && h->list; i++)
		send_some(s->unwind.slot);
	if (h->list) /* the model takes the rest for runnable when they run */
		s->cnt[GBT_C_LIST_CUT]++;
}

/*
 * The walk. In g.sched of a goroutine that was preempted in a prologue, the frame pointer is
 * still the caller's, so the probed function's own return address is the word at sched.sp;
 * likewise below systemstack up to 1.20, which had no frame.
 */
static __always_inline bool is_prologue(struct scratch *s, struct hit *h, __u64 pc)
{
	if (cfg.go_minor <= 20 &&
	    in_range(pc, cfg.systemstack_switch_lo, cfg.systemstack_switch_hi))
		return true;
	if (h->kind != GBT_SCHED && h->kind != GBT_PREEMPT_PARK)
		return false;
	if (cfg.off.g_sync_safe_point >= 0)
		return G_U8(s, g_sync_safe_point) != 0;
	return cfg.mcall.hi && !called_mcall(pc);
}

static __always_inline void cut_walk(struct scratch *s)
{
	s->unwind.flags |= GBT_F_STACK_CUT;
	s->cnt[GBT_C_UNREADABLE]++;
}

static __always_inline void walk_sched(struct scratch *s, struct hit *h)
{
	struct unwind *u = &s->unwind;
	__u64 pc = G_U64(s, g_sched_pc), ret;

	u->hi = G_U64(s, g_stack_hi);
	u->fp = G_U64(s, g_sched_bp);
	if (!pc)
		return;
	unwind_push(u, pc);
	if (is_prologue(s, h, pc)) {
		if (unwind_word(u, G_U64(s, g_sched_sp), &ret)) {
			cut_walk(s);
			return;
		}
		unwind_push(u, ret);
	}
	unwind_goroutine(u);
}

static __always_inline void walk_regs(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	struct unwind *u = &s->unwind;
	__u64 ret;

	u->hi = G_U64(s, g_stack_hi);
	u->fp = REGS_FP(ctx);
	if (h->in_frame) {
		unwind_goroutine(u);
		return;
	}
#if defined(__TARGET_ARCH_x86)
	if (unwind_word(u, REGS_SP(ctx), &ret)) {
		cut_walk(s);
		return;
	}
#else
	ret = REGS_LR(ctx);
#endif
	unwind_push(u, ret);
	unwind_goroutine(u);
}

/*
 * reentersyscall(pc, sp) up to 1.22: the record at the frame pointer is entersyscall's, whose
 * return address is pc. With the frame of reentersyscall itself set up (up to 1.20) it is one
 * further up. At the end of a callback from C the caller is cgocallbackg, and pc and sp are what
 * cgocall had entered the syscall with; for a thread of C's own there was no such call.
 */
static __always_inline void walk_syscall_nofp(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	struct unwind *u = &s->unwind;
	__u64 fp = REGS_FP(ctx), caller;

	if (cfg.go_minor <= 18 &&
	    (unwind_in(GO_ARG0(ctx), &cfg.frameless_syscall[0], bias_delta) ||
	     unwind_in(GO_ARG0(ctx), &cfg.frameless_syscall[1], bias_delta)) &&
	    !unwind_word(u, GO_ARG1(ctx), &caller))
		unwind_push(u, caller);
#if defined(__TARGET_ARCH_x86)
	if (unwind_word(u, h->in_frame ? fp + 8 : REGS_SP(ctx), &caller)) {
		cut_walk(s);
		return;
	}
#else
	caller = REGS_LR(ctx);
#endif
	if (cfg.cgo.callback.hi && !unwind_in(caller, &cfg.cgo.entersyscall, bias_delta)) {
		u->in_callback = 1;
		if (!unwind_in(GO_ARG0(ctx), &cfg.cgo.call, bias_delta))
			return;
		u->fp = GO_ARG1(ctx) + cfg.cgo.call_sz - 8;
	} else if (unwind_word(u, fp, &u->fp) || (h->in_frame && unwind_word(u, u->fp, &u->fp))) {
		cut_walk(s);
		return;
	}
	unwind_goroutine(u);
}

/* reentersyscall(pc, sp, fp): of the caller of entersyscall; from 1.23 on they are all told. */
static __always_inline void walk_syscall(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	struct unwind *u = &s->unwind;

	u->hi = G_U64(s, g_stack_hi);
	unwind_push(u, GO_ARG0(ctx));
	if (cfg.go_minor <= 22) {
		walk_syscall_nofp(s, h, ctx);
		return;
	}
	u->fp = GO_ARG2(ctx);
	unwind_goroutine(u);
}

/* Fills h from the registers; false: nothing to send. */
static __always_inline bool on_site(struct scratch *s, struct hit *h, struct pt_regs *ctx,
				    __u32 site)
{
	__u64 g = GO_G(ctx), arg0 = GO_ARG0(ctx), arg1 = GO_ARG1(ctx);

	switch (site) {
	case GBT_SITE_REENTERSYSCALL:
	case GBT_SITE_ENTERSYSCALL:
		h->kind = GBT_SYSCALL;
		break;
	case GBT_SITE_ENTERSYSCALLBLOCK:
		h->kind = GBT_SYSCALL_BLOCK;
		break;
	case GBT_SITE_EXITSYSCALL:
		h->kind = GBT_SYSCALL_EXIT;
		break;
	case GBT_SITE_USER_TASK_CREATE:
		h->kind = GBT_USER_TASK_BEGIN;
		break;
	case GBT_SITE_USER_TASK_END:
		h->kind = GBT_USER_TASK_END;
		break;
	case GBT_SITE_USER_REGION:
		h->kind = GBT_USER_REGION;
		break;
	case GBT_SITE_USER_LOG:
		h->kind = GBT_USER_LOG;
		break;
	case GBT_SITE_REFILL:
		h->kind = GBT_ALLOC;
		on_refill(s, h, arg0, arg1);
		break;
	case GBT_SITE_ALLOC_LARGE:
		h->kind = GBT_ALLOC;
		h->arg = 1;
		h->cur = arg1;
		break;
	case GBT_SITE_GC_ASSIST_END:
		h->kind = GBT_GC_ASSIST;
		break;
	case GBT_SITE_SET_LABELS:
		h->kind = GBT_SET_LABELS;
		h->goid = read_goid(s, h, g);
		return true;
	default:
		load_m_of_g(s, h, g);
	}
	if (h->kind) {
		subject_g(s, h, g);
		if (h->kind == GBT_SYSCALL_EXIT)
			on_exitsyscall(s, h);
		else if (h->kind != GBT_GC_ASSIST)
			h->walk = WALK_REGS;
		return true;
	}

	switch (site) {
	case GBT_SITE_CREATE:
	case GBT_SITE_CREATE_AFTER:
	case GBT_SITE_NEWCORO:
		if (site == GBT_SITE_CREATE)
			arg0 = arg1;
		h->kind = GBT_CREATE;
		h->arg32 = site == GBT_SITE_NEWCORO;
		h->goid = read_goid(s, h, arg0);
		get(s, h, &h->arg, 8, arg0 + cfg.off.g_startpc);
		h->cur = load_curg(s, h, g);
		return true;
	case GBT_SITE_EXECUTE:
		h->kind = GBT_RUN;
		on_execute(s, h, arg0);
		return true;
	case GBT_SITE_PARK:
		h->kind = GBT_BLOCK;
		on_park(s, h, arg0);
		return true;
	case GBT_SITE_READY:
		h->kind = GBT_UNBLOCK;
		h->goid = read_goid(s, h, arg0);
		h->arg = (__s64)(__s32)arg1;
		h->cur = load_curg(s, h, g);
		return true;
	case GBT_SITE_INJECTGLIST:
		h->kind = GBT_UNBLOCK;
		if (get(s, h, &h->list, 8, arg0) || !h->list)
			return false;
		h->cur = load_curg(s, h, g);
		return true;
	case GBT_SITE_GOEXIT1:
		arg0 = g;
		/* fall through */
	case GBT_SITE_GOEXIT0:
		h->kind = GBT_EXIT;
		h->goid = read_goid(s, h, arg0);
		return true;
	case GBT_SITE_GOSCHED_IMPL:
		h->kind = GBT_SCHED;
		on_gosched(s, h, arg0, arg1);
		return true;
	case GBT_SITE_GOYIELD:
		h->kind = GBT_YIELD;
		subject_parked(s, h, arg0);
		return true;
	case GBT_SITE_PREEMPT_PARK:
		h->kind = GBT_PREEMPT_PARK;
		subject_parked(s, h, arg0);
		return true;
	case GBT_SITE_EXITSYSCALL_NOP:
		h->kind = GBT_SYSCALL_EXIT_NOP;
		h->goid = read_goid(s, h, arg0);
		return true;
	case GBT_SITE_COROSWITCH:
		h->kind = GBT_COROSWITCH;
		on_coroswitch(s, h, arg0);
		return true;
	case GBT_SITE_STW:
		h->kind = GBT_STW_BEGIN;
		h->arg32 = cfg.go_minor >= 21 ? (__s32)(arg0 & 0xff) : -1;
		h->goid = load_curg(s, h, g);
		return true;
	case GBT_SITE_START_WORLD:
		h->kind = GBT_STW_END;
		read_gomaxprocs(s, h);
		h->goid = read_goid(s, h, h->curg);
		return true;
	case GBT_SITE_MARK_TERM:
	case GBT_SITE_GC_SWEEP:
		h->kind = site == GBT_SITE_MARK_TERM ? GBT_GC_MARK_TERM : GBT_GC_SWEEP;
		read_heap(s, h);
		h->goid = read_goid(s, h, h->curg);
		return true;
	case GBT_SITE_GC_ASSIST:
		h->kind = GBT_GC_ASSIST;
		h->arg = arg1;
		h->goid = load_curg(s, h, g);
		h->arg32 = cfg.off.g_in_mark_assist >= 0 ? G_U8(s, g_in_mark_assist) : -1;
		return true;
	case GBT_SITE_ACQUIREP:
		h->kind = GBT_P_START;
		h->p = read_p_id(s, h, arg0);
		return true;
	case GBT_SITE_RELEASEP:
		h->kind = GBT_P_STOP;
		return true;
	case GBT_SITE_HANDOFFP:
		h->kind = GBT_P_HANDOFF;
		h->arg = read_p_id(s, h, arg0);
		return true;
	case GBT_SITE_NEEDM:
	case GBT_SITE_DROPM:
		h->kind = site == GBT_SITE_NEEDM ? GBT_CGO_NEEDM : GBT_CGO_DROPM;
		h->goid = read_goid(s, h, h->curg);
		return true;
	}
	return false; /* GOSCHED_M: goschedImpl follows at once */
}

static __always_inline void read_annotation(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 str = GO_ARG2(ctx), len = GO_ARG3(ctx);
	__u64 first;

	h->arg = GO_ARG0(ctx);
	if (h->kind == GBT_USER_TASK_BEGIN)
		h->cur = GO_ARG1(ctx);
	if (h->kind == GBT_USER_REGION)
		h->arg32 = GO_ARG1(ctx);
	if (h->kind == GBT_USER_LOG) {
		str = GO_ARG1(ctx);
		len = GO_ARG2(ctx);
	}
	first = h->kind == GBT_USER_TASK_END ? 0 : read_text(s, h, 0, str, len);
	s->text.len[0] = first;
	s->text.len[1] = 0;
	if (h->kind == GBT_USER_LOG)
		s->text.len[1] = read_text(s, h, first, GO_ARG3(ctx), GO_ARG4(ctx));
}

static __always_inline bool is_annotation(const struct hit *h)
{
	return h->kind == GBT_USER_TASK_BEGIN || h->kind == GBT_USER_REGION ||
	       h->kind == GBT_USER_LOG;
}

/*
 * The runtime's own tracer takes the time of most events after our probe point, of creation and
 * of the begin of an assist before it. A record takes its time on that side of the work done
 * here, so that what the probe costs counts for the same state in both. So that a stop of the
 * world is told without what its two probes cost, it ends before the work of the second. The end
 * of a system call takes its time before the last of its reads (subject_g, on_exitsyscall): behind
 * its probe the tracer has less to do than where the next state ends, where it walks a stack
 * first, and that takes about as long as a read.
 */
static __always_inline bool stamps_early(__u32 site)
{
	return site == GBT_SITE_CREATE || site == GBT_SITE_CREATE_AFTER ||
	       site == GBT_SITE_NEWCORO || site == GBT_SITE_GC_ASSIST ||
	       site == GBT_SITE_START_WORLD;
}

static __always_inline void handle(struct scratch *s, struct hit *h, struct pt_regs *ctx,
				   __u32 cookie)
{
	__u32 site = GBT_COOKIE_SITE(cookie);

	s->cnt[GBT_C_HITS]++;
	h->lost = GBT_C_RING_FULL;
	h->in_frame = cookie & GBT_COOKIE_IN_FRAME;
	if (stamps_early(site))
		h->now = bpf_ktime_get_ns();
	if (!on_site(s, h, ctx, site))
		return;
	if (h->walk != WALK_NONE) {
		unwind_begin(&s->unwind, cfg.stack_frames_max);
		if (h->walk == WALK_SCHED)
			walk_sched(s, h);
		else if (site == GBT_SITE_REENTERSYSCALL)
			walk_syscall(s, h, ctx);
		else
			walk_regs(s, h, ctx);
		if (h->kind == GBT_SYSCALL || h->kind == GBT_SYSCALL_BLOCK)
			h->arg32 = s->unwind.in_callback;
		h->stack = stack_publish(s, h);
	}
	if (!h->now)
		h->now = bpf_ktime_get_ns();
	if (h->kind == GBT_USER_TASK_END)
		h->arg = GO_ARG0(ctx);
	else if (h->kind == GBT_SET_LABELS && cfg.labels)
		h->arg = labels_publish(s, h, GO_ARG0(ctx));
	if (is_annotation(h)) {
		read_annotation(s, h, ctx);
		send_text(s, h);
	} else if (h->list) {
		send_list(s, h);
	} else {
		send_event(s);
	}
}

static __always_inline int on_hit(struct pt_regs *ctx, __u32 cookie)
{
	struct scratch *s;
	__u32 tid;

	if (!armed)
		return 0;
	if (!is_target(&tid)) {
		__sync_fetch_and_add(&foreign_cnt, 1);
		return 0;
	}
	if (REGS_FLAGS(ctx) & GBT_COOKIE_TAKEN(cookie))
		return 0;
	s = scratch_get(tid);
	if (!s) {
		__sync_fetch_and_add(&no_scratch_cnt, 1);
		return 0;
	}
	handle(s, hit_begin(s, tid), ctx, cookie);
	scratch_put(s);
	return 0;
}

SEC("uprobe.multi")
int probe_multi(struct pt_regs *ctx)
{
	return on_hit(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int probe_cookie(struct pt_regs *ctx)
{
	return on_hit(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int probe_ip(struct pt_regs *ctx)
{
	__u64 ip = REGS_PC(ctx);
	__u32 *cookie = bpf_map_lookup_elem(&gbt_ips, &ip);

	return cookie ? on_hit(ctx, *cookie) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
