/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Probes in the Go runtime: every transition of goroutines and processors. One body serves
 * all sites and is told by the address which one was hit; user/goruntime/plan.h tells what
 * registers hold at each.
 *
 * A hit collects what its record needs in struct hit, and a stack walk's start in
 * s->unwind; walking and sending are at one place behind the switch. That keeps the verifier's
 * work small: it walks through the loop once, not once a site.
 */
#include "common.h"
#include "contexts.h"
#include "events.h"
#include "funcs.h"
#include "known.h"
#include "labels.h"
#include "light.h"
#include "off_cpu.h"
#include "requests.h"

#define FLAG_EQUAL 0x40	   /* of REGS_FLAGS */
#define STATUS_SYSCALL_P 2 /* _Psyscall, up to 1.25 */
#define LIST_MAX 1024	   /* goroutines of one injectglist; a netpoll gives up to 256 */

const volatile struct gbt_site_table site_table;

static __always_inline bool is_mark_worker(__u64 startpc)
{
	bool is = false;
	int i;

#pragma unroll
	for (i = 0; i < GBT_MARK_WORKER_MAX; i++)
		is |= in_range(startpc, cfg.mark_worker_lo[i], cfg.mark_worker_hi[i]);
	return is;
}

static __always_inline void on_execute(struct scratch *s, struct hit *h, __u64 gp)
{
	__u8 mode = 0;

	s->own_g = gp;
	h->arg = h->startpc;
	if (cfg.off.p_gc_mark_worker_mode < 0 || !h->pp || !is_mark_worker(h->startpc))
		return;
	if (!get(s, h, &mode, 1, h->pp + cfg.off.p_gc_mark_worker_mode))
		h->arg32 = mode;
}

static __always_inline void on_park(struct scratch *s, struct hit *h)
{
	__s32 reason_off = cfg.off.m_wait_block_reason, skip_off = cfg.off.m_wait_skip;
	__u8 reason = 0;
	__s32 skip = 0;

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

static __always_inline void on_gosched(struct scratch *s, struct hit *h, __u64 preempted)
{
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

	if (cfg.off.g_coroarg < 0 || cfg.off.g_coroexit < 0)
		return;
	h->arg32 = G_U8(s, g_coroexit);
	/* coro.gp is the first field (runtime/coro.go) */
	if (!get(s, h, &coro, sizeof(coro), gp + cfg.off.g_coroarg))
		get(s, h, &to, sizeof(to), coro);
	if (to)
		get(s, h, &h->cur, sizeof(h->cur), to + cfg.off.g_goid);
	if (h->arg32)
		known_drop(h, gp);
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
	h->now = bpf_ktime_get_ns(); /* STAMP_EARLY */
	if (get(s, h, s->words, 24, oldp))
		return;
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

/* One text behind the record, of max bytes at most; returns its length. */
static __always_inline __u64 read_text(struct scratch *s, struct hit *h, __u64 at, __u64 addr,
				       __u64 len, __u64 max)
{
	__u64 sz = len > max ? max : len;

	if (len > max)
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
		s->out.cnt[GBT_C_RING_FULL]++;
	else
		s->out.cnt[GBT_C_EVENTS]++;
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
		s->out.cnt[GBT_C_LIST_CUT]++;
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
	s->out.cnt[GBT_C_UNREADABLE]++;
}

/* These begin a walk: true when frames follow from u->fp on. */
static __always_inline bool walk_sched(struct scratch *s, struct hit *h)
{
	struct unwind *u = &s->unwind;
	__u64 pc = G_U64(s, g_sched_pc), ret;

	u->hi = G_U64(s, g_stack_hi);
	u->fp = G_U64(s, g_sched_bp);
	if (!pc)
		return false;
	unwind_push(u, pc);
	if (is_prologue(s, h, pc)) {
		if (unwind_word(u, G_U64(s, g_sched_sp), &ret)) {
			cut_walk(s);
			return false;
		}
		unwind_push(u, ret);
	}
	return true;
}

static __always_inline bool walk_regs(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	struct unwind *u = &s->unwind;
	__u64 ret;

	u->hi = G_U64(s, g_stack_hi);
	u->fp = REGS_FP(ctx);
	/* inside of what calls End, mostly inlined; in the function that returns */
	if (h->site == GBT_SITE_REGION_END || h->site == GBT_SITE_FUNC_RETURN)
		unwind_push(u, REGS_PC(ctx) + 1);
	if (h->in_frame)
		return true;
#if defined(__TARGET_ARCH_x86)
	if (unwind_word(u, REGS_SP(ctx), &ret)) {
		cut_walk(s);
		return false;
	}
#else
	ret = REGS_LR(ctx);
#endif
	unwind_push(u, ret);
	return true;
}

/*
 * reentersyscall(pc, sp) up to 1.22: the record at the frame pointer is entersyscall's, whose
 * return address is pc. With the frame of reentersyscall itself set up (up to 1.20) it is one
 * further up. At the end of a callback from C the caller is cgocallbackg, and pc and sp are what
 * cgocall had entered the syscall with; for a thread of C's own there was no such call.
 */
static __always_inline bool walk_syscall_nofp(struct scratch *s, struct hit *h, struct pt_regs *ctx)
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
		return false;
	}
#else
	caller = REGS_LR(ctx);
#endif
	if (cfg.cgo.callback.hi && !unwind_in(caller, &cfg.cgo.entersyscall, bias_delta)) {
		u->in_callback = 1;
		if (!unwind_in(GO_ARG0(ctx), &cfg.cgo.call, bias_delta))
			return false;
		u->fp = GO_ARG1(ctx) + cfg.cgo.call_sz - 8;
	} else if (unwind_word(u, fp, &u->fp) || (h->in_frame && unwind_word(u, u->fp, &u->fp))) {
		cut_walk(s);
		return false;
	}
	return true;
}

/* reentersyscall(pc, sp, fp): of the caller of entersyscall; from 1.23 on they are all told. */
static __always_inline bool walk_syscall(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	struct unwind *u = &s->unwind;

	u->hi = G_U64(s, g_stack_hi);
	unwind_push(u, GO_ARG0(ctx));
	if (cfg.go_minor <= 22)
		return walk_syscall_nofp(s, h, ctx);
	u->fp = GO_ARG2(ctx);
	return true;
}

static __always_inline void walk(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	bool more;

	unwind_begin(&s->unwind, cfg.stack_frames_max);
	if (h->walk == WALK_SCHED)
		more = walk_sched(s, h);
	else if (h->site == GBT_SITE_REENTERSYSCALL)
		more = walk_syscall(s, h, ctx);
	else
		more = walk_regs(s, h, ctx);
	if (more)
		unwind_goroutine(&s->unwind);
	if (h->kind == GBT_SYSCALL || h->kind == GBT_SYSCALL_BLOCK)
		h->arg32 = s->unwind.in_callback;
	h->stack = stack_publish(s, h);
}

/*
 * What a site's record is about and what has to be known for it. Each of these is done at one
 * place, for all sites, in the order of the bits.
 */
enum need {
	NEED_P = 1 << 0,      /* of the thread, on g0 */
	NEED_M = 1 << 1,      /* also its m.curg, or what the m says of its P now */
	NEED_OWN = 1 << 2,    /* R14 is the subject: its id, and its m, read */
	NEED_PARKED = 1 << 3, /* argument 0 is the subject: its g, with the stack that it left */
	NEED_RUNS = 1 << 4,   /* R14 is the subject: its g, with the stack that it is on; and P */
	NEED_CURG = 1 << 5,   /* the goroutine that this thread runs: its g and stack, in h->cur */
	/* the subject's id and entry, by the address of its g in */
	ID_ARG0 = 1 << 6,
	ID_ARG1 = 1 << 7,
	ID_CURG = 1 << 8,
	ID_R14 = 1 << 9,
	BEGINS = 1 << 10,      /* what was known of its g is of another one */
	ENDS = 1 << 11,	       /* what is known of it will be */
	LOSES_P = 1 << 12,     /* from here on the thread's P is not known */
	STAMP_EARLY = 1 << 13, /* its time is taken before the work of the probe: see handle() */
	OF_WORLD = 1 << 14,    /* about processors and collections: on_world */
	OF_TARGET = 1 << 15,   /* what the program says of itself: send_special */
};

static const struct site_row {
	__u16 kind, needs;
} site_rows[64] = {
	[GBT_SITE_CREATE] = {GBT_CREATE, NEED_CURG | ID_ARG1 | BEGINS | STAMP_EARLY},
	[GBT_SITE_CREATE_AFTER] = {GBT_CREATE, NEED_CURG | ID_ARG0 | BEGINS | STAMP_EARLY},
	[GBT_SITE_NEWCORO] = {GBT_CREATE, NEED_CURG | ID_ARG0 | BEGINS | STAMP_EARLY},
	[GBT_SITE_EXECUTE] = {GBT_RUN, NEED_P | ID_ARG0},
	[GBT_SITE_PARK] = {GBT_BLOCK, NEED_P | NEED_PARKED},
	[GBT_SITE_READY] = {GBT_UNBLOCK, NEED_CURG | ID_ARG0},
	[GBT_SITE_INJECTGLIST] = {GBT_UNBLOCK, NEED_CURG},
	[GBT_SITE_GOEXIT1] = {GBT_EXIT, NEED_OWN | ENDS},
	[GBT_SITE_GOEXIT0] = {GBT_EXIT, NEED_P | ID_ARG0 | ENDS},
	[GBT_SITE_GOSCHED_IMPL] = {GBT_SCHED, NEED_P | NEED_PARKED},
	/* goschedImpl follows GOSCHED_M at once, which has no row */
	[GBT_SITE_GOYIELD] = {GBT_YIELD, NEED_P | NEED_PARKED},
	[GBT_SITE_PREEMPT_PARK] = {GBT_PREEMPT_PARK, NEED_P | NEED_PARKED},
	[GBT_SITE_COROSWITCH] = {GBT_COROSWITCH, NEED_P | NEED_PARKED},
	[GBT_SITE_REENTERSYSCALL] = {GBT_SYSCALL, NEED_RUNS | LOSES_P},
	[GBT_SITE_ENTERSYSCALL] = {GBT_SYSCALL, NEED_RUNS | LOSES_P},
	[GBT_SITE_ENTERSYSCALLBLOCK] = {GBT_SYSCALL_BLOCK, NEED_RUNS | LOSES_P},
	[GBT_SITE_EXITSYSCALL] = {GBT_SYSCALL_EXIT, NEED_OWN | LOSES_P},
	[GBT_SITE_EXITSYSCALL_NOP] = {GBT_SYSCALL_EXIT_NOP, NEED_P | NEED_M | ID_ARG0 | LOSES_P},
	[GBT_SITE_NEEDM] = {GBT_CGO_NEEDM, NEED_P | NEED_M | ID_CURG | LOSES_P},
	[GBT_SITE_DROPM] = {GBT_CGO_DROPM, NEED_P | NEED_M | ID_CURG | LOSES_P},
	[GBT_SITE_STW] = {GBT_STW_BEGIN, NEED_CURG | OF_WORLD},
	[GBT_SITE_START_WORLD] = {GBT_STW_END, NEED_P | NEED_M | ID_CURG | STAMP_EARLY | OF_WORLD},
	[GBT_SITE_MARK_TERM] = {GBT_GC_MARK_TERM, NEED_P | NEED_M | ID_CURG | OF_WORLD},
	[GBT_SITE_GC_SWEEP] = {GBT_GC_SWEEP, NEED_P | NEED_M | ID_CURG | OF_WORLD},
	[GBT_SITE_GC_ASSIST] = {GBT_GC_ASSIST, NEED_CURG | STAMP_EARLY | OF_WORLD},
	[GBT_SITE_GC_ASSIST_END] = {GBT_GC_ASSIST, NEED_OWN | OF_WORLD},
	[GBT_SITE_ACQUIREP] = {GBT_P_START, OF_WORLD},
	[GBT_SITE_RELEASEP] = {GBT_P_STOP, NEED_P | LOSES_P | OF_WORLD},
	[GBT_SITE_HANDOFFP] = {GBT_P_HANDOFF, NEED_P | OF_WORLD},
	[GBT_SITE_USER_TASK_CREATE] = {GBT_USER_TASK_BEGIN, NEED_RUNS | OF_TARGET},
	[GBT_SITE_USER_TASK_END] = {GBT_USER_TASK_END, NEED_RUNS | OF_TARGET},
	[GBT_SITE_USER_REGION] = {GBT_USER_REGION, NEED_RUNS | OF_TARGET},
	[GBT_SITE_USER_LOG] = {GBT_USER_LOG, NEED_RUNS | OF_TARGET},
	[GBT_SITE_REGION_START] = {GBT_USER_REGION, NEED_RUNS | OF_TARGET},
	[GBT_SITE_REGION_END] = {GBT_USER_REGION, NEED_RUNS | OF_TARGET},
	[GBT_SITE_FUNC_ENTRY] = {GBT_FUNC, NEED_RUNS},
	[GBT_SITE_FUNC_RETURN] = {GBT_FUNC, NEED_RUNS | STAMP_EARLY},
	[GBT_SITE_SET_LABELS] = {GBT_SET_LABELS, ID_R14 | OF_TARGET},
	[GBT_SITE_REFILL] = {GBT_ALLOC, NEED_RUNS},
	[GBT_SITE_ALLOC_LARGE] = {GBT_ALLOC, NEED_RUNS},
	[GBT_SITE_REQUEST_BEGIN] = {GBT_REQUEST_BEGIN, NEED_OWN | OF_TARGET},
	[GBT_SITE_REQUEST_END] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_REQUEST_END_DEFERRED] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_REQUEST_END_H2] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_REQUEST_PANIC_H2] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_CLIENT_BEGIN] = {GBT_REQUEST_BEGIN, NEED_RUNS | OF_TARGET},
	[GBT_SITE_CLIENT_END] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_CLIENT_END_ALT] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_CLIENT_FAIL] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_SQL_BEGIN] = {GBT_REQUEST_BEGIN, NEED_RUNS | OF_TARGET},
	[GBT_SITE_SQL_BEGIN_STMT] = {GBT_REQUEST_BEGIN, NEED_RUNS | OF_TARGET},
	[GBT_SITE_SQL_END] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_SQL_RESULT] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_SQL_FAIL] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
	[GBT_SITE_GRPC_BEGIN] = {GBT_REQUEST_BEGIN, NEED_OWN | OF_TARGET},
	[GBT_SITE_GRPC_END] = {GBT_REQUEST_END, NEED_OWN | STAMP_EARLY | OF_TARGET},
};

static __always_inline void load_needs(struct scratch *s, struct hit *h, __u64 g, __u64 arg0,
				       __u64 arg1)
{
	__u64 subject = g;

	if (h->needs & NEED_P)
		load_p_of_g(s, h, g, h->needs & NEED_M);
	if (h->needs & NEED_OWN)
		load_own(s, h, g);
	if (h->needs & (NEED_PARKED | NEED_RUNS)) {
		if (h->needs & NEED_PARKED)
			subject = arg0;
		get(s, h, s->g, GBT_READ_G_SZ, subject);
		h->goid = G_U64(s, g_goid);
		h->walk = h->needs & NEED_PARKED ? WALK_SCHED : WALK_REGS;
		if (h->needs & NEED_RUNS)
			load_p(s, h, G_U64(s, g_m));
	}
	if (h->needs & NEED_CURG)
		load_curg(s, h, g);
	if (h->needs & (ID_ARG0 | ID_ARG1 | ID_CURG | ID_R14)) {
		if (h->needs & ID_ARG0)
			subject = arg0;
		if (h->needs & ID_ARG1)
			subject = arg1;
		if (h->needs & ID_CURG)
			subject = h->curg;
		load_identity(s, h, subject, h->needs & BEGINS);
	}
	if (h->needs & ENDS)
		known_drop(h, subject);
	if (h->needs & LOSES_P)
		s->own_p = 0;
}

/* The rest of what sites about goroutines tell; false: nothing to send. */
static __always_inline bool on_goroutine(struct scratch *s, struct hit *h, __u64 arg0, __u64 arg1)
{
	switch (h->site) {
	case GBT_SITE_EXECUTE:
		on_execute(s, h, arg0);
		break;
	case GBT_SITE_PARK:
		on_park(s, h);
		break;
	case GBT_SITE_READY:
		h->arg = (__s64)(__s32)arg1;
		break;
	case GBT_SITE_INJECTGLIST:
		return !get(s, h, &h->list, 8, arg0) && h->list;
	case GBT_SITE_GOSCHED_IMPL:
		on_gosched(s, h, arg1);
		break;
	case GBT_SITE_COROSWITCH:
		on_coroswitch(s, h, arg0);
		break;
	case GBT_SITE_CREATE:
	case GBT_SITE_CREATE_AFTER:
	case GBT_SITE_NEWCORO:
		h->arg = h->startpc;
		h->arg32 = h->site == GBT_SITE_NEWCORO;
		break;
	case GBT_SITE_EXITSYSCALL:
		on_exitsyscall(s, h);
		break;
	case GBT_SITE_REFILL:
		on_refill(s, h, arg0, arg1);
		break;
	case GBT_SITE_ALLOC_LARGE:
		h->arg = 1;
		h->cur = arg1;
		break;
	}
	return true;
}

/* Of those about processors and collections. */
static __always_inline void on_world(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 arg0 = GO_ARG0(ctx), arg1 = GO_ARG1(ctx);

	switch (h->site) {
	case GBT_SITE_STW:
		h->goid = h->cur;
		h->cur = 0;
		h->arg32 = cfg.go_minor >= 21 ? (__s32)(arg0 & 0xff) : -1;
		break;
	case GBT_SITE_START_WORLD:
		read_gomaxprocs(s, h);
		break;
	case GBT_SITE_MARK_TERM:
	case GBT_SITE_GC_SWEEP:
		read_heap(s, h);
		break;
	case GBT_SITE_GC_ASSIST:
		h->goid = h->cur;
		h->cur = 0;
		h->arg = arg1;
		h->arg32 = cfg.off.g_in_mark_assist >= 0 ? G_U8(s, g_in_mark_assist) : -1;
		break;
	case GBT_SITE_ACQUIREP:
		h->p = read_p_id(s, h, arg0);
		s->own_p = s->own_g0 == GO_G(ctx) ? arg0 : 0;
		s->own_era = h->era;
		break;
	case GBT_SITE_HANDOFFP:
		h->arg = read_p_id(s, h, arg0);
		break;
	}
}

/* Fills h from the registers; false: nothing to send. */
static __always_inline bool on_site(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 arg0 = GO_ARG0(ctx), arg1 = GO_ARG1(ctx);

	load_needs(s, h, GO_G(ctx), arg0, arg1);
	if (h->needs & OF_WORLD) {
		on_world(s, h, ctx);
		return true;
	}
	return on_goroutine(s, h, arg0, arg1);
}

/* While the tracer is off: StartRegion(ctx, name), and End of what that returned. */
static __always_inline void on_region(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	h->arg = 0;
	h->arg32 = GBT_REGION_STOP;
	if (h->site == GBT_SITE_REGION_END)
		return;
	h->arg32 = GBT_REGION_START;
	if (!context_task(s, h, GO_ARG0(ctx), GO_ARG1(ctx))) {
		h->arg32 = GBT_REGION_START_NO_TASK;
		s->out.cnt[GBT_C_NO_TASK]++;
	}
}

static __always_inline void read_annotation(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 str = GO_ARG2(ctx), len = GO_ARG3(ctx);
	__u64 first;

	h->arg = GO_ARG0(ctx);
	if (h->kind == GBT_USER_TASK_BEGIN)
		h->cur = GO_ARG1(ctx);
	if (h->site == GBT_SITE_REGION_START || h->site == GBT_SITE_REGION_END)
		on_region(s, h, ctx);
	else if (h->kind == GBT_USER_REGION)
		h->arg32 = GO_ARG1(ctx) == 1 ? GBT_REGION_END : GBT_REGION_BEGIN;
	if (h->kind == GBT_USER_LOG) {
		str = GO_ARG1(ctx);
		len = GO_ARG2(ctx);
	}
	first = h->arg32 == GBT_REGION_STOP ? 0 : read_text(s, h, 0, str, len, GBT_TEXT_MAX);
	s->text.len[0] = first;
	s->text.len[1] = 0;
	if (h->kind == GBT_USER_LOG)
		s->text.len[1] = read_text(s, h, first, GO_ARG3(ctx), GO_ARG4(ctx), GBT_TEXT_MAX);
}

static __always_inline void read_request(struct scratch *s, struct hit *h, __u64 req)
{
	__u64 name[4] = {}, first;

	if (cfg.requests.names && h->site == GBT_SITE_GRPC_BEGIN)
		grpc_names(s, h, req, name + 2);
	else if (cfg.requests.names)
		request_names(s, h, req, name);
	first = read_text(s, h, 0, name[0], name[1], GBT_TEXT_MAX);
	s->text.len[0] = first;
	s->text.len[1] = read_text(s, h, first, name[2], name[3], GBT_TEXT_MAX);
}

/* Host and path are one text: both together fit. */
#define METHOD_MAX 64
#define HOST_MAX 128

/* An empty method means GET. */
static __always_inline bool read_call(struct scratch *s, struct hit *h, __u64 req)
{
	__u64 name[6] = {}, method = 3, host;

	if (!client_names(s, h, req, name))
		return false;
	s->text.len[0] = s->text.len[1] = 0;
	if (!cfg.requests.names)
		return true;
	s->text.text[0] = 'G';
	s->text.text[1] = 'E';
	s->text.text[2] = 'T';
	if (name[1])
		method = read_text(s, h, 0, name[0], name[1], METHOD_MAX);
	s->text.len[0] = method;
	host = read_text(s, h, method, name[2], name[3], HOST_MAX);
	s->text.len[1] = host;
	s->text.len[1] += read_text(s, h, method + host, name[4], name[5], HOST_MAX);
	return true;
}

int scan_statement(__u32 slot, __u32 len);

__noinline int scan_statement(__u32 slot, __u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);

	if (s)
		sql_scan(s, &s->hit, len);
	return 0;
}

static __always_inline void read_statement(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 addr = GO_ARG3(ctx), len = GO_ARG4(ctx);

	if (h->site == GBT_SITE_SQL_BEGIN_STMT) {
		s->words[0] = s->words[1] = 0;
		if (cfg.calls.stmt_query >= 0)
			get(s, h, s->words, 16, GO_ARG0(ctx) + cfg.calls.stmt_query);
		addr = s->words[0];
		len = s->words[1];
	}
	s->text.len[0] = s->text.len[1] = 0;
	if (len > SQL_LOOK)
		len = SQL_LOOK;
	unwind_opaque(len);
	if (!cfg.requests.names || !len || len > SQL_LOOK ||
	    get(s, h, s->text.text + GBT_TEXT_MAX, len, addr))
		return;
	scan_statement(s->unwind.slot, len);
	s->text.len[0] = h->scan_cnt;
}

/*
 * serverHandler.ServeHTTP(rw, req), or a call of another: the time is taken when all is read, right
 * before what it is the begin of.
 */
static __always_inline void begin_request(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	__u64 writer = 0;

	if (h->site == GBT_SITE_REQUEST_BEGIN || h->site == GBT_SITE_GRPC_BEGIN) {
		writer = GO_ARG2(ctx);
		read_request(s, h, GO_ARG3(ctx));
	} else if (h->site != GBT_SITE_CLIENT_BEGIN) {
		read_statement(s, h, ctx);
	} else if (!read_call(s, h, GO_ARG1(ctx))) {
		return;
	}
	h->now = bpf_ktime_get_ns();
	request_open(s, h, GO_G(ctx), writer);
	send_text(s, h);
}

static __always_inline void send_of_target(struct scratch *s, struct hit *h, struct pt_regs *ctx)
{
	if (h->kind == GBT_REQUEST_BEGIN) {
		begin_request(s, h, ctx);
		return;
	}
	if (h->kind == GBT_USER_TASK_BEGIN || h->kind == GBT_USER_REGION ||
	    h->kind == GBT_USER_LOG) {
		read_annotation(s, h, ctx);
		send_text(s, h);
		return;
	}
	if (h->kind == GBT_USER_TASK_END)
		h->arg = GO_ARG0(ctx);
	else if (h->kind == GBT_SET_LABELS && cfg.labels)
		h->arg = labels_publish(s, h, GO_ARG0(ctx));
	send_event(s);
}

/*
 * The runtime's own tracer takes the time of most events after our probe point, of creation and
 * of the begin of an assist before it. A record takes its time on that side of the work done
 * here, so that what the probe costs counts for the same state in both. So that a stop of the
 * world is told without what its two probes cost, it ends before the work of the second. The end
 * of a system call takes its time before its last reads (load_own, on_exitsyscall): behind
 * its probe the tracer has less to do than where the next state ends, where it walks a stack
 * first, and that takes about as long. A request ends before the work of its probe and
 * begins behind it: what is between is the handler's.
 */
/* An entry sends nothing, nor does the return of a call whose entry was not seen. */
static __always_inline bool on_func(struct scratch *s, struct hit *h, struct pt_regs *ctx,
				    __u32 cookie)
{
	__u64 addr = REGS_PC(ctx), func = GBT_COOKIE_FUNC(cookie), depth;
	struct gbt_func_site *site = bpf_map_lookup_elem(&gbt_func_sites, &addr);

	if (!site)
		return false;
	depth = G_U64(s, g_stack_hi) - (REGS_SP(ctx) + site->sp_delta);
	if (h->site == GBT_SITE_FUNC_ENTRY) {
		func_enter(s, h, GO_G(ctx), func, depth);
		return false;
	}
	h->arg = func_leave(s, h, GO_G(ctx), func, depth);
	h->arg32 = cfg.func_ids[func & (GBT_FUNCS_MAX - 1)];
	return h->arg;
}

static __always_inline void handle(struct scratch *s, struct hit *h, struct pt_regs *ctx,
				   __u32 cookie)
{
	const struct site_row *row = &site_rows[GBT_COOKIE_SITE(cookie) & 63];

	h->site = GBT_COOKIE_SITE(cookie);
	h->kind = row->kind;
	h->needs = row->needs;
	h->lost = GBT_C_RING_FULL;
	h->in_frame = cookie & GBT_COOKIE_IN_FRAME;
	h->era = era_of_hit();
	if (cfg.light) {
		light_start(s, h, ctx);
		return;
	}
	if (h->needs & STAMP_EARLY)
		h->now = bpf_ktime_get_ns();
	if (!h->kind || !on_site(s, h, ctx))
		return;
	if (h->kind == GBT_REQUEST_END &&
	    !request_close(s, h, GO_G(ctx), GO_ARG0(ctx), GO_ARG1(ctx), GO_ARG2(ctx)))
		return;
	if (h->kind == GBT_FUNC && !on_func(s, h, ctx, cookie))
		return;
	if (h->walk != WALK_NONE)
		walk(s, h, ctx);
	if (!h->now)
		h->now = bpf_ktime_get_ns();
	if (h->needs & OF_TARGET)
		send_of_target(s, h, ctx);
	else if (h->list)
		send_list(s, h);
	else
		send_event(s);
}

/*
 * What most hits are: a goroutine is started of which all is known. The same record as through
 * handle(), made where it is sent from. false: something has to be read after all.
 */
static __always_inline bool run_known(struct scratch *s, struct pt_regs *ctx, __u32 tid)
{
#if EVENTS_WAIT
	__u64 gp = GO_ARG0(ctx), now_era = era_of_hit(), known_p = p_ids[CACHE_SLOT(s->own_p)];
	volatile struct known *k = known_slot(gp);
	__u64 goid = k->goid, startpc = k->startpc;
	struct gbt_event *e;

	if (!now_era || s->own_era != now_era || s->own_g0 != GO_G(ctx) || !s->own_p || !gp ||
	    known_p >> 16 != s->own_p || k->check != known_check(now_era, gp, goid, startpc) ||
	    is_mark_worker(startpc) || s->out.sent >= s->out.limit)
		return false;
	s->own_g = gp;
	e = event_place(s);
	*e = (struct gbt_event){
		.hdr = {.tid = tid, .kind = GBT_RUN},
		.p = known_p & 0xffff,
		.goid = goid,
		.arg = startpc,
	};
	e->hdr.time_ns = bpf_ktime_get_ns();
	event_sent(s);
	return true;
#else
	return false;
#endif
}

/* What site_table or the attach cookie says of the probe that is hit; 0: it is none of ours. */
static __always_inline __u32 cookie_of(struct pt_regs *ctx)
{
	const volatile struct gbt_site_slot *slot;
	__u64 addr = REGS_PC(ctx);

	if (site_table.by_cookie)
		return bpf_get_attach_cookie(ctx);
	slot = &site_table.slots[GBT_SITE_SLOT(site_table.mul, addr)];
	if (slot->addr == addr)
		return slot->cookie;
	if (cfg.func_cnt) {
		struct gbt_func_site *site = bpf_map_lookup_elem(&gbt_func_sites, &addr);

		if (site)
			return site->cookie;
	}
	return site_table.rest;
}

/* The target pays for a hit that is dropped, too; so it is counted. */
static __always_inline bool is_dropped(struct pt_regs *ctx, __u32 cookie)
{
	__u64 flags = REGS_FLAGS(ctx);

	return flags & GBT_COOKIE_TAKEN(cookie) ||
	       (cookie & GBT_COOKIE_IF_EQUAL && !(flags & FLAG_EQUAL));
}

static __always_inline int on_hit(struct pt_regs *ctx)
{
	struct scratch *s;
	__u32 tid, cookie;

	if (!armed)
		return 0;
	if (!is_target(&tid)) {
		__sync_fetch_and_add(&foreign_cnt, 1);
		return 0;
	}
	cookie = cookie_of(ctx);
	s = cookie ? scratch_get(tid) : NULL;
	if (!s) {
		__sync_fetch_and_add(&no_scratch_cnt, 1);
		return 0;
	}
	scratch_busy(s, true);
	s->out.cnt[GBT_C_HITS]++;
	if (!is_dropped(ctx, cookie) &&
	    (cfg.light || GBT_COOKIE_SITE(cookie) != GBT_SITE_EXECUTE || !run_known(s, ctx, tid)))
		handle(s, hit_begin(s, tid), ctx, cookie);
	scratch_busy(s, false);
	scratch_put(s);
	return 0;
}

SEC("uprobe.multi")
int probe_multi(struct pt_regs *ctx)
{
	return on_hit(ctx);
}

SEC("uprobe")
int probe_perf(struct pt_regs *ctx)
{
	return on_hit(ctx);
}

/* In the thread that goes. */
SEC("raw_tp/sched_switch")
int thread_switched(void *ctx)
{
	return light_switched();
}

/* In the thread that ends. */
SEC("raw_tp/sched_process_exit")
int thread_ended(void *ctx)
{
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	scratch_give_back(tid);
	return 0;
}

struct free_args {
	__u64 task;
};

/* The last that is heard of a thread, any one of the machine. */
SEC("raw_tp/sched_process_free")
int task_freed(struct free_args *ctx)
{
	off_cpu_forget(ctx->task);
	return 0;
}

struct switch_args {
	__u64 preempt, prev, next; /* tasks */
};

/* In the thread that goes; the other one is not current yet. */
SEC("raw_tp/sched_switch")
int switched(struct switch_args *ctx)
{
	__u32 tid;

	if (!armed)
		return 0;
	off_cpu_came(ctx->next);
	if (is_target(&tid))
		off_cpu_went(ctx->prev, tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
