/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/price_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gobpftrace_abi.h"

#define HOT_CALLS 3000
#define COLD_PAUSE_NS (1000 * 1000)
#define COLD_TOUCH_SZ (1u << 20)
#define CACHE_LINE 64
#define POLL_MS 2
#define FRAMES 8
#define FRAME_WORDS 8

struct price_child {
	pid_t pid;
	int to, from; /* pipes: an order of two bytes; a byte when it is done */
	struct price_times *times;
};

/* A goroutine, a thread and a processor, where price_child__config says their fields are. */
enum {
	G_STACK_LO = 0,
	G_STACK_HI = 8,
	G_M = 48,
	G_SCHED_SP = 56,
	G_SCHED_PC = 64,
	G_SCHED_BP = 96,
	G_STATUS = 144,
	G_GOID = 152,
	G_SCHEDLINK = 160,
	G_WAITREASON = 176,
	G_STARTPC = 296,
	M_G0 = 0,
	M_GSIGNAL = 80,
	M_CURG = 184,
	M_P = 200,
	M_OLDP = 216,
	P_ID = 0,
	P_STATUS = 4,
};

static union {
	uint8_t bytes[512];
	uint64_t words[64];
} fake_g, fake_g0, fake_m, fake_p;
static uint64_t fake_stack[FRAMES * FRAME_WORDS];

static void put(void *at, size_t off, uint64_t v)
{
	memcpy((uint8_t *)at + off, &v, sizeof(v));
}

static uint64_t addr_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

void price_child__config(struct gbt_config *rt, bool remember)
{
	memset(rt, 0, sizeof(*rt));
	memset(&rt->off, 0xff, sizeof(rt->off)); /* -1: not there */
	rt->off.g_stack_lo = G_STACK_LO;
	rt->off.g_stack_hi = G_STACK_HI;
	rt->off.g_m = G_M;
	rt->off.g_sched_sp = G_SCHED_SP;
	rt->off.g_sched_pc = G_SCHED_PC;
	rt->off.g_sched_bp = G_SCHED_BP;
	rt->off.g_atomicstatus = G_STATUS;
	rt->off.g_goid = G_GOID;
	rt->off.g_schedlink = G_SCHEDLINK;
	rt->off.g_waitreason = G_WAITREASON;
	rt->off.g_startpc = G_STARTPC;
	rt->off.m_g0 = M_G0;
	rt->off.m_gsignal = M_GSIGNAL;
	rt->off.m_curg = M_CURG;
	rt->off.m_p = M_P;
	rt->off.m_oldp = M_OLDP;
	rt->off.p_id = P_ID;
	rt->off.p_status = P_STATUS;
	rt->remember = remember; /* nothing here changes hands */
	rt->go_minor = 26;
	rt->stack_frames_max = GBT_STACK_MAX;
	rt->g_gopc = -1;
	rt->mcache_alloc = -1;
	rt->span_count = -1;
}

static void make_world(void)
{
	put(&fake_g0, G_M, addr_of(&fake_m));
	put(&fake_g, G_M, addr_of(&fake_m));
	put(&fake_g, G_GOID, 7);
	put(&fake_g, G_STACK_LO, addr_of(fake_stack));
	put(&fake_g, G_STACK_HI, addr_of(fake_stack + FRAMES * FRAME_WORDS));
	put(&fake_g, G_SCHED_SP, addr_of(fake_stack));
	put(&fake_g, G_SCHED_PC, addr_of(make_world));
	put(&fake_g, G_SCHED_BP, addr_of(fake_stack));
	put(&fake_m, M_G0, addr_of(&fake_g0));
	put(&fake_m, M_CURG, addr_of(&fake_g));
	put(&fake_m, M_P, addr_of(&fake_p));
	for (size_t i = 0; i < FRAMES; i++) { /* [caller's frame, return address] */
		uint64_t *frame = fake_stack + i * FRAME_WORDS;

		frame[0] = i + 1 < FRAMES ? addr_of(frame + FRAME_WORDS) : 0;
		frame[1] = addr_of(make_world) + i;
	}
}

#ifdef __x86_64__

/*
 * A function a kind, each beginning with the instruction that is probed. The branch is not taken:
 * `test` of a stack pointer leaves neither carry nor zero. The call goes to a `ret`.
 */
void price_site_push(void);
void price_site_push_stack(void);
void price_site_jcc(void);
void price_site_jcc_at(void);
void price_site_call(void);
void price_site_nop5(void);
__asm__(".pushsection .text\n"
	".balign 64\n"
	".globl price_site_push\n.hidden price_site_push\n"
	"price_site_push:\n"
	"	push %rbp\n"
	"	pop %rbp\n"
	"	ret\n"
	".balign 64\n"
	".globl price_site_push_stack\n.hidden price_site_push_stack\n"
	"price_site_push_stack:\n"
	"	push %rbp\n"
	"	pop %rbp\n"
	"	ret\n"
	".balign 64\n"
	".globl price_site_jcc\n.hidden price_site_jcc\n"
	".globl price_site_jcc_at\n.hidden price_site_jcc_at\n"
	"price_site_jcc:\n"
	"	test %rsp, %rsp\n"
	"price_site_jcc_at:\n"
	"	jbe 1f\n"
	"1:	ret\n"
	".balign 64\n"
	".globl price_site_call\n.hidden price_site_call\n"
	"price_site_call:\n"
	"	.byte 0xe8\n"
	"	.long 2f - . - 4\n"
	"2:	add $8, %rsp\n"
	"	ret\n"
	".balign 64\n"
	".globl price_site_nop5\n.hidden price_site_nop5\n"
	"price_site_nop5:\n"
	"	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"	ret\n"
	".popsection\n");

static const struct {
	void (*fn)(void);
	void (*at)(void);
	size_t len;
} sites[PRICE_MAX] = {
	[PRICE_PUSH] = {price_site_push, price_site_push, 1},
	[PRICE_PUSH_STACK] = {price_site_push_stack, price_site_push_stack, 1},
	[PRICE_JCC] = {price_site_jcc, price_site_jcc_at, 2},
	[PRICE_CALL] = {price_site_call, price_site_call, 5},
	[PRICE_NOP5] = {price_site_nop5, price_site_nop5, 5},
};

/* As the runtime calls execute and ready: RAX = g, RBX = traceskip, R14 = g0. */
static inline void call_site(enum price_kind k)
{
	register uint64_t g __asm__("rax") = addr_of(&fake_g);
	register uint64_t skip __asm__("rbx") = 0;
	register uint64_t g0 __asm__("r14") = addr_of(&fake_g0);

	/* below the red zone of this function */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\tcall *%3\n\tlea 128(%%rsp), %%rsp"
			 : "+r"(g), "+r"(skip)
			 : "r"(g0), "r"(sites[k].fn)
			 : "memory", "cc");
}

const void *price_child__site(enum price_kind k, size_t *len)
{
	*len = sites[k].len;
	return (const void *)(uintptr_t)sites[k].at;
}

#define HAVE_SITES 1

#else

static inline void call_site(enum price_kind k)
{
}

const void *price_child__site(enum price_kind k, size_t *len)
{
	*len = 0;
	return NULL;
}

#define HAVE_SITES 0

#endif

/* ---- in the child ---- */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void run_hot(struct price_times *t, enum price_kind k)
{
	for (size_t round = 0; round < PRICE_ROUNDS; round++) {
		uint64_t begin = now_ns(CLOCK_THREAD_CPUTIME_ID);

		for (int i = 0; i < HOT_CALLS; i++)
			call_site(k);
		t->hot_ns[k][round] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - begin) * 1000 / HOT_CALLS;
	}
}

static void make_cold(volatile uint8_t *memory)
{
	const struct timespec pause = {0, COLD_PAUSE_NS};

	nanosleep(&pause, NULL);
	for (size_t i = 0; i < COLD_TOUCH_SZ; i += CACHE_LINE)
		memory[i]++;
}

static void run_cold(struct price_times *t, enum price_kind k, size_t round, uint8_t *memory)
{
	uint64_t begin;

	make_cold(memory);
	now_ns(CLOCK_MONOTONIC); /* the clock's own code is not what is looked at */
	begin = now_ns(CLOCK_MONOTONIC);
	call_site(k);
	t->cold_ns[k][round] = now_ns(CLOCK_MONOTONIC) - begin;
}

static void obey(struct price_times *t, unsigned kinds, size_t cold_cnt, uint8_t *memory)
{
	t->cold_cnt = cold_cnt;
	for (int k = 0; k < PRICE_MAX; k++)
		if (kinds & 1u << k)
			run_hot(t, k);
	for (size_t round = 0; round < cold_cnt; round++)
		for (int k = 0; k < PRICE_MAX; k++)
			if (kinds & 1u << k)
				run_cold(t, k, round, memory);
}

/* Ends with its parent, of whom it is a copy: nothing but system calls and what is on its stack. */
static _Noreturn void live(int in, int out, struct price_times *t, uint8_t *memory)
{
	uint8_t order[2], done = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "gbt-price");
	make_world();
	while (read(in, order, sizeof(order)) == sizeof(order)) {
		obey(t, order[0], order[1], memory);
		if (write(out, &done, 1) != 1)
			break;
	}
	_exit(0);
}

/* ---- in the tool ---- */

static void *shared_memory(size_t sz)
{
	void *m = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

/* Without signals: Ctrl-C is for the tool, and a handler's end of a read would look like its end.
 */
static int spawn(struct price_child *c, const int in[2], const int out[2], uint8_t *memory)
{
	sigset_t all, was;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	c->pid = fork();
	err = c->pid < 0 ? -errno : 0;
	if (!c->pid) {
		/* the tool's end of them: else it would never see the tool end */
		close(in[1]);
		close(out[0]);
		live(in[0], out[1], c->times, memory);
	}
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return err;
}

static void close_both(const int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int price_child__start(struct price_child **out)
{
	struct price_child *c = calloc(1, sizeof(*c));
	uint8_t *memory = malloc(COLD_TOUCH_SZ);
	int in[2] = {-1, -1}, back[2] = {-1, -1}, err = -ENOMEM;

	if (!c || !memory)
		goto out;
	c->to = c->from = -1;
	c->times = shared_memory(sizeof(*c->times));
	if (!c->times)
		goto out;
	err = HAVE_SITES ? 0 : -EOPNOTSUPP;
	if (!err && (pipe2(in, O_CLOEXEC) || pipe2(back, O_CLOEXEC)))
		err = -errno;
	if (!err) {
		memset(memory, 1, COLD_TOUCH_SZ);
		err = spawn(c, in, back, memory);
	}
	if (!err) {
		c->to = in[1];
		c->from = back[0];
		in[1] = back[0] = -1;
	}
out:
	close_both(in);
	close_both(back);
	free(memory);
	if (err)
		price_child__end(c);
	else
		*out = c;
	return err;
}

void price_child__end(struct price_child *c)
{
	if (!c)
		return;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (c->to >= 0)
		close(c->to);
	if (c->from >= 0)
		close(c->from);
	if (c->times)
		munmap(c->times, sizeof(*c->times));
	free(c);
}

pid_t price_child__pid(const struct price_child *c)
{
	return c->pid;
}

uint64_t price_child__calls(size_t cold_cnt)
{
	return PRICE_ROUNDS * HOT_CALLS + cold_cnt;
}

int price_child__run(struct price_child *c, unsigned kinds, size_t cold_cnt)
{
	uint8_t order[2] = {(uint8_t)kinds,
			    (uint8_t)(cold_cnt < PRICE_COLD_MAX ? cold_cnt : PRICE_COLD_MAX)};

	return write(c->to, order, sizeof(order)) == sizeof(order) ? 0 : -ECHILD;
}

int price_child__poll(struct price_child *c)
{
	struct pollfd p = {.fd = c->from, .events = POLLIN};
	uint8_t done;

	if (poll(&p, 1, POLL_MS) <= 0)
		return -EAGAIN;
	return read(c->from, &done, 1) == 1 ? 0 : -ECHILD;
}

const struct price_times *price_child__times(const struct price_child *c)
{
	return c->times;
}
