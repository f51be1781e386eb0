/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * CPU samples: a perf event on each CPU, our own frame-pointer walk of the user stack (the
 * kernel's races with the removal of uprobes in kernels before its fix), joined to goroutine
 * and pprof labels. The goroutine is found by the thread pointer, below which Go keeps g, and
 * is believed only when g, m and curg point at each other.
 */
#include "common.h"
#include "events.h"
#include "labels.h"
#include "task.h"

#include <bpf/bpf_core_read.h>

#define THREAD_SZ 16384 /* of the kernel's stack: x86-64, and arm64 with 4 KiB pages */
#define STATUS_SYSCALL 3
#define LEAF_STEPS 20 /* bisection of a million ranges */

/* PCs whose function has no frame (yet); see struct gbt_leaf_range. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gbt_leaf_range);
} gbt_leaves SEC(".maps");

/* Where the thread was in user space. */
struct user_regs {
	__u64 pc, sp, fp, g;
	bool in_kernel;
};

/* The thread's goroutine as far as it could be established. */
struct who {
	__u64 g; /* what the thread pointer says: curg, m.g0 or m.gsignal; 0 not Go */
	__u64 g0;
	__u64 hi;   /* end of the stack that sp is on; 0 unknown */
	bool on_g0; /* scheduler, systemstack, cgo */
	bool on_curg;
};

/* ---- return addresses that no frame pointer leads to ------------------------------------ */

/* The range that pc lies in, by bisection. */
static __noinline int leaf_lookup(__u64 pc)
{
	__u32 lo = 0, hi = cfg.leaf_cnt, mid;
	struct gbt_leaf_range *r;
	int i;

	for (i = 0; i < LEAF_STEPS; i++) {
		if (lo >= hi)
			break;
		mid = (lo + hi) / 2;
		r = bpf_map_lookup_elem(&gbt_leaves, &mid);
		if (!r)
			break;
		if (pc < r->lo)
			hi = mid;
		else if (pc - r->lo >= r->len)
			lo = mid + 1;
		else
			return (int)r->ret_off;
	}
	return -1;
}

#if defined(__TARGET_ARCH_x86)
#define BYTES3(a, b, c) ((a) | (b) << 8 | (c) << 16)
#define BYTES4(a, b, c, d) ((a) | (b) << 8 | (c) << 16 | (__u32)(d) << 24)

/*
 * Up to 1.20 a frame is made and undone in other steps: sub $N,%rsp; mov %rbp,D(%rsp);
 * lea D(%rsp),%rbp … mov D(%rsp),%rbp; add $N,%rsp; ret. (With a negative D the two in the
 * middle call duffcopy, below the stack pointer.)
 */
static __always_inline int old_frame_ret_off(const __u8 *at, __u32 now)
{
	__s8 small = at[4];

	if ((now & 0xfdffff) == BYTES3(0x48, 0x81, 0xec)) /* sub: 83 imm8, 81 imm32 */
		return 0;
	if ((now == BYTES4(0x48, 0x89, 0x6c, 0x24) || now == BYTES4(0x48, 0x8d, 0x6c, 0x24)) &&
	    small >= 0)
		return small + 8;
	if (now == BYTES4(0x48, 0x89, 0xac, 0x24) || now == BYTES4(0x48, 0x8d, 0xac, 0x24))
		return *(const __s32 *)(at + 4) + 8;
	if ((now & 0xffffff) == BYTES3(0x48, 0x83, 0xc4))
		return (__s8)at[3];
	if ((now & 0xffffff) == BYTES3(0x48, 0x81, 0xc4))
		return BYTES3(at[3], at[4], at[5]);
	return -1;
}

/* The instructions around pc give away where in a function's prologue or epilogue it is. */
static __always_inline int frame_ret_off(struct scratch *s, __u64 pc)
{
	__u8 *at = s->code + 8;
	__u32 now, before;

	if (unwind_read(s->code, 16, pc - 8))
		return -1;
	now = *(__u32 *)at;
	before = *(__u32 *)(at - 4);
	if (at[0] == 0x55 || at[0] == 0xc3) /* push %rbp, ret */
		return 0;
	if ((now & 0xffffff) == BYTES3(0x48, 0x89, 0xe5)) /* mov %rsp,%rbp */
		return cfg.go_minor > 20 ? 8 : -1;
	if (before >> 16 == 0x050f) /* behind syscall: Go's stub has no frame */
		return 0;
	/* at or behind cmp 0x10(%r14),%rsp, the stack check */
	if (now == BYTES4(0x49, 0x3b, 0x66, 0x10) || before == BYTES4(0x49, 0x3b, 0x66, 0x10))
		return 0;
	return cfg.go_minor <= 20 ? old_frame_ret_off(at, now) : -1;
}
#endif

/*
 * Where the leaf's return address is, in bytes from the stack pointer; -1: the frame pointer
 * leads to it.
 */
static __always_inline int leaf_ret_off(struct scratch *s, __u64 pc)
{
	int off = cfg.leaf_cnt ? leaf_lookup(pc - bias_delta) : -1;

#if defined(__TARGET_ARCH_x86)
	if (off < 0)
		off = frame_ret_off(s, pc);
#endif
	return off;
}

/* ---- the stack ----------------------------------------------------------------------- */

static __always_inline void walk_leaf(struct scratch *s, const struct user_regs *r)
{
	struct unwind *u = &s->unwind;
	int off = leaf_ret_off(s, r->pc);
	__u64 ret;

	if (off < 0 || unwind_word(u, r->sp + off, &ret) || !ret)
		return;
	unwind_push(u, ret);
}

/* The goroutine's own stack below systemstack, morestack or a call into C: from g.sched. */
static __always_inline void walk_below(struct scratch *s, bool with_pc, bool with_word)
{
	struct unwind *u = &s->unwind;
	__u64 ret;

	u->hi = G_U64(s, g_stack_hi);
	u->fp = G_U64(s, g_sched_bp);
	if (with_pc)
		unwind_push(u, G_U64(s, g_sched_pc));
	if (with_word && !unwind_word(u, G_U64(s, g_sched_sp), &ret))
		unwind_push(u, ret);
	unwind_chase(u);
}

/* morestack's frame, from which on the g0 stack says nothing more: its index or -1. */
static __always_inline int find_morestack(struct unwind *u)
{
	__u32 i;

#pragma unroll
	for (i = 1; i < 8; i++) {
		if (i < u->cnt && in_range(u->out.pcs[i], cfg.morestack.lo, cfg.morestack.hi))
			return (int)i;
	}
	return -1;
}

static __always_inline void cut_at(struct unwind *u, __u32 cnt)
{
	__u32 i;

	u->hash = 0;
	for (i = 0; i < 8 && i < cnt; i++)
		u->hash = unwind_mix(u->hash, u->out.pcs[i]);
	u->cnt = cnt;
}

/* s->g holds curg if there is one. */
static __noinline int walk_sample(struct scratch *s, struct user_regs *r, struct who *w, __u64 curg)
{
	struct unwind *u = &s->unwind;
	bool in_cgo, switched;
	int more;

	unwind_begin(u, cfg.stack_frames_max);
	unwind_push(u, r->pc);
	if (!w->hi) { /* no stack that we know: C's own thread */
		u->flags |= GBT_F_STACK_CUT;
		return 0;
	}
	in_cgo = w->on_g0 && curg && (G_U32(s, g_atomicstatus) & 0xfff) == STATUS_SYSCALL;
	u->hi = w->hi;
	if (!in_cgo) { /* C keeps no frame pointers */
		walk_leaf(s, r);
		u->fp = r->fp;
		if (r->fp - r->sp < u->hi - r->sp)
			unwind_chase(u);
	}
	if (w->on_curg)
		return 0;
	if (!w->on_g0) {
		/* g is curg, but the stack another: the vDSO, called on the g0 stack */
		if (curg && curg == w->g) {
			u->hi = G_U64(s, g_stack_hi);
			u->frames = 0;
			unwind_chase(u);
		} else {
			u->fp = 0; /* a signal handler: its stack ends here */
		}
		return 0;
	}
	/* What follows on the g0 stack, or leads off it, is no caller of ours. */
	u->fp = 0;
	if (!curg)
		return 0;
	switched = in_range(G_U64(s, g_sched_pc), cfg.systemstack_switch_lo,
			    cfg.systemstack_switch_hi);
	u->frames = 0;
	if (switched) {
		walk_below(s, false, cfg.go_minor <= 20);
	} else {
		more = find_morestack(u);
		if (more > 0) {
			cut_at(u, more);
			walk_below(s, true, true);
		} else if (in_cgo) {
			walk_below(s, true, false);
		}
	}
	return 0;
}

/* ---- whose ------------------------------------------------------------------------------ */

struct stack_bounds {
	__u64 lo, hi; /* g.stack is the first field of g in every version */
};

static __always_inline bool on_stack(__u64 sp, const struct stack_bounds *b)
{
	return sp >= b->lo && sp < b->hi;
}

/*
 * Fills h (goroutine, P, status) and w; the goroutine is in s->g then. Nothing of it is
 * believed unless g is m's curg, g0 or gsignal, and curg's m is m.
 */
static __always_inline void identify(struct scratch *s, struct hit *h, const struct user_regs *r,
				     struct who *w)
{
	struct stack_bounds b;
	__u64 m = 0, g0 = 0, gsignal = 0;

	if (!r->g || unwind_read(&m, sizeof(m), r->g + cfg.off.g_m) || !m ||
	    unwind_read(&g0, sizeof(g0), m + cfg.off.m_g0) ||
	    unwind_read(&gsignal, sizeof(gsignal), m + cfg.off.m_gsignal))
		return;
	load_m(s, h, m);
	if (r->g != g0 && r->g != gsignal && r->g != h->curg) {
		h->curg = 0;
		h->p = -1;
		return;
	}
	if (h->curg && (unwind_read(s->g, GBT_READ_G_SZ, h->curg) || G_U64(s, g_m) != m))
		h->curg = 0;
	w->g = r->g;
	w->g0 = g0;
	w->on_g0 = r->g == g0;
	if (h->curg) {
		h->goid = G_U64(s, g_goid);
		h->cur = G_U32(s, g_atomicstatus);
		b.lo = G_U64(s, g_stack_lo);
		b.hi = G_U64(s, g_stack_hi);
		if (on_stack(r->sp, &b)) {
			w->hi = b.hi;
			w->on_curg = !w->on_g0;
			return;
		}
	}
	if (!unwind_read(&b, sizeof(b), g0) && on_stack(r->sp, &b))
		w->hi = b.hi;
	else if (!unwind_read(&b, sizeof(b), gsignal) && on_stack(r->sp, &b))
		w->hi = b.hi;
}

/* The id of the label set of the goroutine, whose definition has gone out; 0 none. */
static __noinline __u64 sample_labels(struct scratch *s, struct hit *h)
{
	__u64 set = 0;

	if (!cfg.labels || cfg.off.g_labels < 0 || !h->curg)
		return 0;
	if (unwind_read(&set, sizeof(set), h->curg + cfg.off.g_labels))
		return 0;
	return labels_publish(s, h, set);
}

/* ---- where in the kernel ------------------------------------------------------------------ */

#define KERNEL_FRAMES_MAX 64

/* The record that goes before a sample's own. */
static __noinline int send_kernel(void *ctx, struct scratch *s, struct hit *h)
{
	struct unwind *u = &s->unwind;
	long sz = bpf_get_stack(ctx, u->buf, KERNEL_FRAMES_MAX * 8, 0);
	__u64 cnt, i;

	if (sz <= 0)
		return 0;
	cnt = (__u64)sz / 8;
	unwind_begin(u, KERNEL_FRAMES_MAX);
	for (i = 0; i < KERNEL_FRAMES_MAX; i++) {
		/* keeps the loop's head where it is: up to 6.2 the verifier takes none that is
		 * entered in its middle */
		unwind_opaque(i);
		if (i >= cnt)
			break;
		asm volatile("" ::: "memory");
		unwind_push(u, u->buf[i & (KERNEL_FRAMES_MAX - 1)]);
	}
	h->kind = GBT_KERNEL;
	h->stack = stack_publish(s, h);
	send_event(s);
	h->stack = 0;
	h->flags = 0;
	return 0;
}

/* ---- entry ------------------------------------------------------------------------------ */

static __always_inline __u64 g_of_thread(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 g = 0, tp;

#if defined(__TARGET_ARCH_x86)
	tp = BPF_CORE_READ(task, thread.fsbase);
#else
	tp = BPF_CORE_READ(task, thread.uw.tp_value);
#endif
	if (tp)
		unwind_read(&g, sizeof(g), tp + cfg.g_tls_off);
	return g;
}

static __always_inline void send_sample(void *ctx, struct user_regs *r, __u32 tid)
{
	struct scratch *s = scratch_get_shared();
	struct who w = {};
	struct hit *h;

	if (!s) {
		__sync_fetch_and_add(&no_scratch_cnt, 1);
		return;
	}
	h = hit_begin(s, tid);
	h->now = bpf_ktime_get_ns();
	h->lost = GBT_C_SAMPLE_LOST;
	if (cfg.kernel && r->in_kernel)
		send_kernel(ctx, s, h);
	h->kind = GBT_SAMPLE;
	h->arg32 = r->in_kernel;
	r->g = g_of_thread();
	identify(s, h, r, &w);
	walk_sample(s, r, &w, h->curg);
	h->stack = stack_publish(s, h);
	h->arg = sample_labels(s, h);
	s->out.cnt[GBT_C_SAMPLES]++;
	send_event(s);
	tell_creator(s, h, h->curg);
	scratch_put(s);
}

/* p is the kernel's copy of the user registers. */
static __always_inline int read_regs(struct user_regs *r, const struct pt_regs *p)
{
	return bpf_probe_read_kernel(&r->pc, sizeof(r->pc), &REGS_PC(p)) ||
	       bpf_probe_read_kernel(&r->sp, sizeof(r->sp), &REGS_SP(p)) ||
	       bpf_probe_read_kernel(&r->fp, sizeof(r->fp), &REGS_FP(p));
}

/* Whole words, each from the context itself: the verifier refuses the byte of cs, or the
 * address of a field, that clang would make of it. */
#define CTX_WORD(field) (*(volatile unsigned long *)&(field))

static __always_inline bool in_user(struct bpf_perf_event_data *ctx, struct user_regs *r)
{
#if defined(__TARGET_ARCH_x86)
	r->in_kernel = !(CTX_WORD(ctx->regs.cs) & 3);
#else
	r->in_kernel = !!(CTX_WORD(ctx->regs.pstate) & 0xf);
#endif
	if (r->in_kernel)
		return false;
	r->pc = CTX_WORD(REGS_PC(&ctx->regs));
	r->sp = CTX_WORD(REGS_SP(&ctx->regs));
	r->fp = CTX_WORD(REGS_FP(&ctx->regs));
	return true;
}

SEC("perf_event")
int sample(struct bpf_perf_event_data *ctx)
{
	struct user_regs r = {};
	__u32 tid;

	if (!armed || !is_target(&tid))
		return 0;
	if (!in_user(ctx, &r) &&
	    read_regs(&r, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf())))
		return 0;
	send_sample(ctx, &r, tid);
	return 0;
}

/* Below 5.15: user registers are at the top of the task's kernel stack. */
SEC("perf_event")
int sample_old(struct bpf_perf_event_data *ctx)
{
	struct user_regs r = {};
	struct task_struct *task;
	__u64 top;
	__u32 tid;

	if (!armed || !is_target(&tid))
		return 0;
	if (!in_user(ctx, &r)) {
		task = (struct task_struct *)bpf_get_current_task();
		top = (__u64)BPF_CORE_READ(task, stack) + THREAD_SZ;
		if (read_regs(&r, (struct pt_regs *)(top - sizeof(struct pt_regs))))
			return 0;
	}
	send_sample(ctx, &r, tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
