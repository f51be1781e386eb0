/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capture room against a real Go process that counts what it does: every event there, in an
 * order that Go's scheduler allows, every stack defined, nothing lost; and nothing left in
 * the process after detaching, nor after the tool was killed. Needs root.
 *
 *	capture_probe_test FIXTURE [multi|perf]
 */
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "base/duration.h"
#include "base/imap.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "capture/leaves.h"
#include "counts_fixture.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"

#define HARMED_STATUS 97 /* tests/live/attempts.sh: such a failure gets no second attempt */

static int failed_cnt, passed_cnt, harmed_cnt;
static struct features features;

#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (cond) {                                                                        \
			passed_cnt++;                                                              \
		} else {                                                                           \
			failed_cnt++;                                                              \
			printf("FAIL %s:%d: %s: ", __FILE__, __LINE__, #cond);                     \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

/* A CHECK that no busy machine excuses: probes that stay, what should be refused and is not */
#define MUST(cond, ...)                                                                            \
	do {                                                                                       \
		int failed_before = failed_cnt;                                                    \
                                                                                                   \
		CHECK(cond, __VA_ARGS__);                                                          \
		harmed_cnt += failed_cnt - failed_before;                                          \
	} while (0)

static void to_stderr(enum log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level <= LOG_WARN || getenv("DEBUG"))
		fprintf(stderr, "%s\n", line);
}

/* ---- what was captured --------------------------------------------------------------- */

struct tape {
	struct gbt_event *events;
	size_t cnt, cap;
	struct imap stacks; /* id -> count of PCs */
	struct imap labels;
	uint64_t stack_defs;
	uint64_t cpu_ns; /* of the target meanwhile */
	unsigned deepest;
};

static int on_record(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len)
{
	struct tape *t = ctx;

	(void)ring;
	if (rec->kind == GBT_STACK) {
		const struct gbt_stack *s = (const void *)rec;

		CHECK(len == offsetof(struct gbt_stack, pcs) + 8 * s->cnt, "%zu, %u", len, s->cnt);
		t->deepest = s->cnt > t->deepest ? s->cnt : t->deepest;
		t->stack_defs++;
		return imap__put(&t->stacks, s->id, s->cnt);
	}
	if (rec->kind == GBT_LABELS)
		return imap__put(&t->labels, ((const struct gbt_labels *)rec)->id, t->cnt);
	if (t->cnt == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 4096;
		t->events = realloc(t->events, t->cap * sizeof(*t->events));
		if (!t->events)
			die("memory");
	}
	memcpy(&t->events[t->cnt++], rec, sizeof(struct gbt_event));
	return 0;
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = ((const struct gbt_event *)a)->hdr.time_ns;
	uint64_t y = ((const struct gbt_event *)b)->hdr.time_ns;

	return x < y ? -1 : x > y;
}

static void tape_free(struct tape *t)
{
	free(t->events);
	imap__free(&t->stacks);
	imap__free(&t->labels);
	memset(t, 0, sizeof(*t));
}

static size_t count(const struct tape *t, enum gbt_kind kind)
{
	size_t n = 0, i;

	for (i = 0; i < t->cnt; i++)
		n += t->events[i].hdr.kind == kind;
	return n;
}

static size_t count_of(const struct tape *t, enum gbt_kind kind, uint64_t goid)
{
	size_t n = 0, i;

	for (i = 0; i < t->cnt; i++)
		n += t->events[i].hdr.kind == kind && t->events[i].goid == goid;
	return n;
}

/* ---- one capture ------------------------------------------------------------------------ */

struct rig {
	struct fixture f;
	struct go_target *target;
	struct probe_plan plan;
	struct capture *capture;
};

static int rig_target(struct rig *r, const char *fixture)
{
	int err;

	fixture_start(&r->f, fixture);
	usleep(50000); /* the runtime still starts threads */
	err = go_target__open(r->f.pid, false, &r->target);
	if (!err)
		err = plan__make(r->target->bin, features.f[FEATURE_NOP5].have, &r->plan);
	return err;
}

static int rig_capture(struct rig *r, enum capture_attach how)
{
	struct capture_config cfg = {.attach = how, .sample_hz = 99};
	struct gbt_leaf_range *leaves = NULL;
	int err;

	cfg.proc = r->target->proc;
	cfg.plan = &r->plan;
	cfg.bias = r->target->bias;
	err = go_target__bpf_config(r->target, &cfg.rt);
	if (!err)
		err = leaves__of_binary(r->target->bin, r->target->bias, &leaves, &cfg.leaf_cnt);
	cfg.leaves = leaves;
	if (!err)
		err = capture__open(&cfg, &r->capture);
	free(leaves);
	return err;
}

static int rig_open(struct rig *r, const char *fixture, enum capture_attach how)
{
	int err = rig_target(r, fixture);

	return err ? err : rig_capture(r, how);
}

static void rig_close(struct rig *r)
{
	int status;

	capture__free(r->capture);
	go_target__free(r->target);
	status = fixture_stop(&r->f);
	MUST(status == 0, "the fixture ended with %#x", status);
	memset(r, 0, sizeof(*r));
}

static void run(struct rig *r, struct tape *t, const char *command, unsigned n)
{
	uint64_t before_ns = 0, after_ns = 0;

	tape_free(t);
	process__cpu_ns(r->target->proc, &before_ns);
	fixture_tell(&r->f, command, n);
	do {
		if (capture__drain(r->capture, on_record, t) < 0)
			die("drain");
	} while (!fixture_answer(&r->f, 2));
	capture__drain(r->capture, on_record, t);
	process__cpu_ns(r->target->proc, &after_ns);
	t->cpu_ns = after_ns - before_ns;
	qsort(t->events, t->cnt, sizeof(*t->events), by_time);
}

/* ---- what must hold --------------------------------------------------------------------- */

/* The states that a goroutine can be in, as its last event tells. */
static bool may_follow(enum gbt_kind last, enum gbt_kind now)
{
	switch (now) {
	case GBT_RUN: /* without an unblock: findRunnable readies GC workers itself */
		return last != GBT_RUN && last != GBT_SYSCALL && last != GBT_EXIT;
	case GBT_UNBLOCK:
		return last == GBT_BLOCK || last == GBT_PREEMPT_PARK;
	case GBT_SYSCALL_EXIT:
		return last == GBT_SYSCALL || last == GBT_SYSCALL_BLOCK;
	case GBT_SYSCALL_EXIT_NOP:
		return last == GBT_SYSCALL_EXIT;
	case GBT_BLOCK:
	case GBT_EXIT:
	case GBT_SCHED:
	case GBT_YIELD:
	case GBT_PREEMPT_PARK:
	case GBT_SYSCALL:
	case GBT_SYSCALL_BLOCK:
		return last == GBT_RUN || last == GBT_SYSCALL_EXIT;
	default:
		return true;
	}
}

static bool is_state(enum gbt_kind k)
{
	return k >= GBT_CREATE && k <= GBT_SYSCALL_EXIT_NOP;
}

static void check_order(const struct tape *t, const char *what)
{
	struct imap last = {0};
	size_t i, bad = 0;
	uint64_t prev;

	for (i = 0; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		if (!is_state(e->hdr.kind))
			continue;
		if (!e->goid || (imap__get(&last, e->goid, &prev) &&
				 !may_follow((enum gbt_kind)prev, (enum gbt_kind)e->hdr.kind))) {
			if (!bad++)
				printf("%s: goroutine %llu: kind %u after %llu\n", what,
				       (unsigned long long)e->goid, e->hdr.kind,
				       (unsigned long long)prev);
		}
		imap__put(&last, e->goid, e->hdr.kind);
	}
	imap__free(&last);
	CHECK(bad == 0, "%s: %zu of %zu", what, bad, t->cnt);
}

static void check_spawn(const struct tape *t, unsigned n)
{
	struct imap entries = {0}, born = {0};
	uint64_t entry = 0, most = 0, val;
	size_t i, it = 0, runs = 0, exits = 0;

	/* the new goroutines are those of the commonest entry PC */
	for (i = 0; i < t->cnt; i++) {
		if (t->events[i].hdr.kind != GBT_CREATE)
			continue;
		val = 0;
		imap__get(&entries, t->events[i].arg, &val);
		imap__put(&entries, t->events[i].arg, val + 1);
	}
	for (uint64_t key; imap__next(&entries, &it, &key, &val);) {
		if (val > most) {
			most = val;
			entry = key;
		}
	}
	for (i = 0; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		if (e->hdr.kind == GBT_CREATE && e->arg == entry) {
			imap__put(&born, e->goid, 1);
			if (e->cur != 1 || !e->stack)
				most = 0;
		}
		runs += e->hdr.kind == GBT_RUN && imap__get(&born, e->goid, NULL);
		exits += e->hdr.kind == GBT_EXIT && imap__get(&born, e->goid, NULL);
	}
	CHECK(most == n, "%llu creations by goroutine 1", (unsigned long long)most);
	CHECK(born.cnt == n, "%zu goroutine ids", born.cnt);
	CHECK(runs >= n, "%zu runs", runs);
	/* the fixture answers when the last ones have said that they end, a moment before */
	CHECK(exits <= n && exits + 4 >= n, "%zu exits", exits);
	imap__free(&entries);
	imap__free(&born);
}

static void check_pingpong(const struct tape *t, unsigned n)
{
	size_t blocks = count_of(t, GBT_BLOCK, 1), unblocks = count_of(t, GBT_UNBLOCK, 1);
	size_t all = count(t, GBT_BLOCK), i, odd = 0;

	/* each round one of the two waits for the other at least once, and at most twice */
	CHECK(all >= n && all <= 4 * n + 100, "%zu blocks", all);
	CHECK(unblocks + 1 >= blocks && unblocks <= blocks + 1, "%zu, %zu", blocks, unblocks);
	for (i = 0; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		if (e->hdr.kind == GBT_BLOCK && e->goid == 1)
			odd += e->p < 0 || !e->stack || !(e->arg32 >> 8);
	}
	CHECK(odd == 0, "%zu blocks without P, stack or reason", odd);
}

static void check_syscalls(const struct tape *t, unsigned n)
{
	size_t in = count_of(t, GBT_SYSCALL, 1), out = count_of(t, GBT_SYSCALL_EXIT, 1);
	size_t i, kept = 0;

	/* open, close and the answer come on top */
	CHECK(in >= n && in <= n + 20, "%zu entered", in);
	CHECK(in == out || in == out + 1 || in + 1 == out, "%zu, %zu", in, out);
	for (i = 0; i < t->cnt; i++)
		kept += t->events[i].hdr.kind == GBT_SYSCALL_EXIT && t->events[i].arg32 == 1;
	CHECK(kept >= n * 9 / 10, "%zu came back with their P", kept);
}

static void check_gosched(const struct tape *t, unsigned n)
{
	size_t i, calls = 0;

	for (i = 0; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		calls += e->hdr.kind == GBT_SCHED && e->goid == 1 && !e->arg32;
	}
	CHECK(calls == n, "%zu", calls);
}

static void check_gc(const struct tape *t, unsigned n)
{
	size_t begin = count(t, GBT_STW_BEGIN), end = count(t, GBT_STW_END);

	CHECK(begin == 2 * n && end == 2 * n, "%zu, %zu", begin, end);
	CHECK(count(t, GBT_GC_MARK_TERM) == n, "%zu", count(t, GBT_GC_MARK_TERM));
	CHECK(count(t, GBT_GC_SWEEP) == n, "%zu", count(t, GBT_GC_SWEEP));
}

/* Of 100 readers, most wait in the poller each time; those that it makes runnable come as lists. */
static void check_fan(const struct tape *t, unsigned n)
{
	size_t i, lists = 0;

	for (i = 1; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		/* one list has one time */
		lists += e->hdr.kind == GBT_UNBLOCK && e[-1].hdr.kind == GBT_UNBLOCK &&
			 e->hdr.time_ns == e[-1].hdr.time_ns;
	}
	CHECK(lists > n, "%zu goroutines behind the first of their list", lists);
	CHECK(count(t, GBT_EXIT) >= 100, "%zu exits", count(t, GBT_EXIT));
}

static void check_samples(const struct tape *t, bool labelled)
{
	size_t i, n = 0, stacks = 0, labels = 0, want = t->cpu_ns * 99 / 1000000000;

	for (i = 0; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		if (e->hdr.kind != GBT_SAMPLE || e->goid != 1)
			continue;
		n++;
		stacks += e->stack != 0;
		labels += e->arg && imap__get(&t->labels, e->arg, NULL);
	}
	/* the target's CPU time is known in ticks of 10 ms, of which some is not goroutine 1's; on
	 * an emulated machine whose host is busy timers come late */
	CHECK(n + 8 > want / 4 && n < want * 5 / 4 + 8, "%zu samples, not %zu", n, want);
	CHECK(stacks == n, "%zu of %zu with a stack", stacks, n);
	CHECK(labelled ? labels * 10 >= n * 8 : labels == 0, "%zu of %zu labelled", labels, n);
}

/* More threads at once than have scratch memory of their own: nothing of theirs is lost. */
static void check_threads(const struct tape *t, unsigned n)
{
	struct imap tids = {0};
	size_t i, calls = 0;

	for (i = 0; i < t->cnt; i++) {
		const struct gbt_event *e = &t->events[i];

		imap__put(&tids, e->hdr.tid, 1);
		calls += e->hdr.kind == GBT_SCHED && !e->arg32;
	}
	CHECK(tids.cnt >= n, "%zu threads", tids.cnt);
	CHECK(calls == n * 20, "%zu calls of Gosched", calls);
	CHECK(count(t, GBT_EXIT) >= n, "%zu exits", count(t, GBT_EXIT));
	imap__free(&tids);
}

/* Every stack that an event names was defined in this capture. */
static void check_stacks(const struct tape *t, const struct imap *known, const char *what)
{
	size_t i, missing = 0;

	for (i = 0; i < t->cnt; i++) {
		uint64_t id = t->events[i].stack;

		missing += id && !imap__get(&t->stacks, id, NULL) && !imap__get(known, id, NULL);
	}
	CHECK(missing == 0, "%s: %zu", what, missing);
}

static void check_losses(struct rig *r, uint64_t events, uint64_t defs)
{
	uint64_t c[GBT_C_MAX];

	capture__stats(r->capture, c);
	CHECK(c[GBT_C_EVENTS] == events, "%llu sent, %llu received",
	      (unsigned long long)c[GBT_C_EVENTS], (unsigned long long)events);
	CHECK(c[GBT_C_STACKS] == defs, "%llu, %llu", (unsigned long long)c[GBT_C_STACKS],
	      (unsigned long long)defs);
	CHECK(c[GBT_C_RING_FULL] + c[GBT_C_SAMPLE_LOST] + c[GBT_C_STACK_LOST] == 0, "losses");
	CHECK(c[GBT_C_LIST_CUT] == 0, "%llu", (unsigned long long)c[GBT_C_LIST_CUT]);
	CHECK(c[GBT_C_NO_SCRATCH] == 0, "%llu", (unsigned long long)c[GBT_C_NO_SCRATCH]);
	CHECK(c[GBT_C_UNREADABLE] == 0, "%llu", (unsigned long long)c[GBT_C_UNREADABLE]);
	CHECK(c[GBT_C_FOREIGN] == 0, "%llu", (unsigned long long)c[GBT_C_FOREIGN]);
}

/* ---- nothing is left -------------------------------------------------------------------- */

/* Sites that do not hold the file's bytes. settled: without nop5 sites, where kernels up to
 * 6.18.15 leave their call behind, and which become one at their second hit only. */
static size_t changed_sites(const struct rig *r, bool settled)
{
	size_t i, n = 0;

	for (i = 0; i < r->plan.cnt; i++) {
		const struct probe_site *s = &r->plan.sites[i];
		uint64_t addr = s->vaddr + r->target->bias;
		size_t len = s->len;
		uint8_t live[16];
		void *dst = live;

		if (process__readv(r->target->proc, &addr, &dst, &len, 1))
			die("read the target");
		n += (!settled || s->insn != SITE_NOP5) && memcmp(live, s->bytes, len) != 0;
	}
	return n;
}

static void test_counts(const char *fixture, enum capture_attach how)
{
	struct tape t = {0};
	struct imap known = {0};
	struct rig r = {0};
	uint64_t events = 0, defs = 0, key, val;
	size_t i, it;
	static const struct {
		const char *command;
		unsigned n;
	} steps[] = {
		{"spawn", 1000}, {"pingpong", 20000}, {"syscalls", 20000}, {"gosched", 5000},
		{"gc", 5},	 {"fan", 50},	      {"deep", 100},	   {"spin", 600},
		{"labels", 600}, {"threads", 400},
	};

	if (rig_open(&r, fixture, how) || capture__attach(r.capture)) {
		CHECK(false, "cannot capture");
		return;
	}
	CHECK(changed_sites(&r, false) == r.plan.cnt, "%zu", changed_sites(&r, false));
	capture__arm(r.capture);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		run(&r, &t, steps[i].command, steps[i].n);
		printf("# %s %s %u: %zu events\n", capture_attach__name(how), steps[i].command,
		       steps[i].n, t.cnt);
		events += t.cnt;
		defs += t.stack_defs;
		check_order(&t, steps[i].command);
		check_stacks(&t, &known, steps[i].command);
		for (it = 0; imap__next(&t.stacks, &it, &key, &val);)
			imap__put(&known, key, val);
		switch (i) {
		case 0:
			check_spawn(&t, steps[i].n);
			break;
		case 1:
			check_pingpong(&t, steps[i].n);
			break;
		case 2:
			check_syscalls(&t, steps[i].n);
			break;
		case 3:
			check_gosched(&t, steps[i].n);
			break;
		case 4:
			check_gc(&t, steps[i].n);
			break;
		case 5:
			check_fan(&t, steps[i].n);
			break;
		case 6:
			CHECK(t.deepest > steps[i].n, "%u frames", t.deepest);
			break;
		case 9:
			check_threads(&t, steps[i].n);
			break;
		default:
			if (capture__info(r.capture)->sampling)
				check_samples(&t, i == 8);
		}
	}
	tape_free(&t);
	capture__disarm(r.capture);
	capture__drain(r.capture, on_record, &t);
	check_losses(&r, events + t.cnt, defs + t.stack_defs);
	capture__detach_begin(r.capture);
	capture__detach_join(r.capture);
	MUST(changed_sites(&r, true) == 0, "%zu probes are left", changed_sites(&r, true));
	printf("# %s: attach %.1f ms, detach %.1f ms\n", capture_attach__name(how),
	       (double)capture__info(r.capture)->attach_ns / 1e6,
	       (double)capture__info(r.capture)->detach_ns / 1e6);
	imap__free(&known);
	tape_free(&t);
	rig_close(&r);
}

/* Two captures of one process see the same; the first to leave does not disturb the other. */
static void test_two_at_once(const char *fixture, enum capture_attach how)
{
	struct capture_config cfg = {.attach = how};
	struct capture *second = NULL;
	struct tape a = {0}, b = {0};
	struct rig r = {0};
	int n;

	if (rig_open(&r, fixture, how) || capture__attach(r.capture))
		die("capture");
	cfg.proc = r.target->proc;
	cfg.plan = &r.plan;
	cfg.bias = r.target->bias;
	if (go_target__bpf_config(r.target, &cfg.rt) || capture__open(&cfg, &second) ||
	    capture__attach(second)) {
		CHECK(false, "the second capture");
	} else {
		CHECK(capture__info(second)->sites_shared == r.plan.cnt, "%zu",
		      capture__info(second)->sites_shared);
		capture__arm(second);
		capture__arm(r.capture);
		run(&r, &a, "spawn", 1000);
		check_spawn(&a, 1000);
		n = capture__drain(second, on_record, &b);
		CHECK(n > 0, "%d", n);
		qsort(b.events, b.cnt, sizeof(*b.events), by_time);
		check_spawn(&b, 1000);
		capture__free(second);
		run(&r, &a, "spawn", 1000);
		check_spawn(&a, 1000);
	}
	tape_free(&a);
	tape_free(&b);
	rig_close(&r);
}

/* kill -9 of the tool, which is a child here: its keepers take the probes out. */
static void test_killed(const char *fixture, enum capture_attach how)
{
	uint64_t begin_ns;
	struct rig r = {0};
	int ready[2], status;
	char c = 0;
	pid_t tool;

	if (rig_target(&r, fixture) || pipe(ready))
		die("target");
	tool = fork();
	if (!tool) {
		if (!rig_capture(&r, how) && !capture__attach(r.capture) &&
		    write(ready[1], &c, 1) == 1) {
			capture__arm(r.capture);
			for (;;)
				pause();
		}
		_exit(1);
	}
	if (read(ready[0], &c, 1) != 1)
		die("the tool does not attach");
	CHECK(changed_sites(&r, false) == r.plan.cnt, "%zu", changed_sites(&r, false));
	fixture_tell(&r.f, "pingpong", 2000);
	kill(tool, SIGKILL);
	begin_ns = clock__monotonic_ns();
	waitpid(tool, &status, 0);
	while (changed_sites(&r, true) && clock__monotonic_ns() - begin_ns < 10000000000ull)
		usleep(1000);
	MUST(changed_sites(&r, true) == 0, "%zu probes are left", changed_sites(&r, true));
	printf("# %s: killed, clean after %.0f ms\n", capture_attach__name(how),
	       (double)(clock__monotonic_ns() - begin_ns) / 1e6);
	MUST(fixture_answer(&r.f, 10000) > 0, "the fixture goes on");
	close(ready[0]);
	close(ready[1]);
	rig_close(&r);
}

/* Live bytes that are not the plan's: refused, and nothing is attached. */
static void test_refused(const char *fixture, enum capture_attach how)
{
	struct rig r = {0};
	int err;

	if (rig_open(&r, fixture, how))
		die("capture");
	r.plan.sites[r.plan.cnt / 2].bytes[0] ^= 0xff;
	log__set_sink(NULL, NULL);
	err = capture__attach(r.capture);
	log__set_sink(to_stderr, NULL);
	MUST(err == -EBADMSG, "%d", err);
	MUST(changed_sites(&r, false) == 1, "%zu",
	     changed_sites(&r, false)); /* the one that we falsified */
	rig_close(&r);
}

/* A breakpoint that is there while someone ptraces may be a debugger's: refused. */
static void test_debugger(const char *fixture, enum capture_attach how)
{
	struct capture_config cfg = {.attach = how};
	struct capture *second = NULL;
	struct rig r = {0};
	int err;

	if (rig_open(&r, fixture, how) || capture__attach(r.capture))
		die("capture");
	if (ptrace(PTRACE_SEIZE, r.f.pid, NULL, NULL))
		die("ptrace");
	cfg.proc = r.target->proc;
	cfg.plan = &r.plan;
	cfg.bias = r.target->bias;
	if (go_target__bpf_config(r.target, &cfg.rt) || capture__open(&cfg, &second))
		die("capture");
	log__set_sink(NULL, NULL);
	err = capture__attach(second);
	log__set_sink(to_stderr, NULL);
	MUST(err == -EBUSY, "%d", err);
	capture__free(second);
	/* the first one is not disturbed */
	ptrace(PTRACE_INTERRUPT, r.f.pid, NULL, NULL);
	waitpid(r.f.pid, NULL, __WALL);
	ptrace(PTRACE_DETACH, r.f.pid, NULL, NULL);
	fixture_tell(&r.f, "spawn", 10);
	MUST(fixture_answer(&r.f, 10000) > 0, "the fixture goes on");
	rig_close(&r);
}

/* The target dies with the probes in it: no harm, and the events that were sent are there. */
static void test_target_dies(const char *fixture, enum capture_attach how)
{
	struct tape t = {0};
	struct rig r = {0};
	int status;

	if (rig_open(&r, fixture, how) || capture__attach(r.capture))
		die("capture");
	capture__arm(r.capture);
	run(&r, &t, "spawn", 1000);
	fixture_tell(&r.f, "pingpong", 1000000);
	usleep(20000);
	kill(r.f.pid, SIGKILL);
	waitpid(r.f.pid, &status, 0);
	CHECK(capture__drain(r.capture, on_record, &t) > 0, "nothing was sent");
	CHECK(capture__drain(r.capture, on_record, &t) == 0, "more after its death");
	capture__free(r.capture);
	r.capture = NULL;
	/* and one that is dead already cannot be attached to */
	log__set_sink(NULL, NULL);
	CHECK(process__is_alive(r.target->proc) == false, "alive");
	log__set_sink(to_stderr, NULL);
	go_target__free(r.target);
	fclose(r.f.out);
	close(r.f.in);
	tape_free(&t);
}

/* The target execs its own file: not a hit of the new program is recorded, though nobody polls. */
static void test_target_execs(const char *fixture, enum capture_attach how)
{
	const char *slash = strrchr(fixture, '/');
	struct tape t = {0};
	struct rig r = {0};
	char path[4096], command[4200], line[128];
	uint64_t c[GBT_C_MAX], hits, execed_ns;
	int len;

	snprintf(path, sizeof(path), "%.*sworkload", slash ? (int)(slash - fixture + 1) : 0,
		 fixture);
	if (rig_open(&r, path, how) || capture__attach(r.capture))
		die("capture");
	capture__arm(r.capture);
	usleep(100000);
	CHECK(capture__execed_ns(r.capture) == 0, "no exec yet");
	len = snprintf(command, sizeof(command), "exec %s -kinds channels\n", path);
	if (write(r.f.in, command, (size_t)len) != len)
		die("the fixture does not listen");
	while (fgets(line, sizeof(line), r.f.out) && strncmp(line, "ready", 5))
		;
	capture__drain(r.capture, on_record, &t);
	capture__stats(r.capture, c);
	hits = c[GBT_C_HITS];
	execed_ns = capture__execed_ns(r.capture);
	CHECK(execed_ns > 0, "the exec was not seen");
	CHECK(t.cnt > 1000, "%zu events before the exec", t.cnt);
	qsort(t.events, t.cnt, sizeof(*t.events), by_time);
	CHECK(t.cnt && t.events[t.cnt - 1].hdr.time_ns <= execed_ns, "an event behind the exec");
	usleep(200000); /* the new program works */
	CHECK(capture__drain(r.capture, on_record, &t) == 0, "events of the new program");
	capture__stats(r.capture, c);
	CHECK(c[GBT_C_HITS] == hits, "%llu hits of the new program",
	      (unsigned long long)(c[GBT_C_HITS] - hits));
	tape_free(&t);
	if (write(r.f.in, "quit\n", 5) != 5)
		die("the fixture does not listen");
	rig_close(&r);
}

int main(int argc, char **argv)
{
	static const enum capture_attach ways[] = {CAPTURE_ATTACH_MULTI, CAPTURE_ATTACH_PERF};
	static const enum feature_id needs[] = {FEATURE_UPROBE_MULTI, FEATURE_UPROBE_PERF};
	size_t i;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FIXTURE [multi|perf]\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	log__set_sink(to_stderr, NULL);
	features__probe(&features);
	for (i = 0; i < 2; i++) {
		if (argc > 2 && strcmp(argv[2], capture_attach__name(ways[i])))
			continue;
		if (!features.f[needs[i]].have) {
			printf("SKIP %s: %s\n", capture_attach__name(ways[i]),
			       features.f[needs[i]].text);
			continue;
		}
		test_counts(argv[1], ways[i]);
		test_two_at_once(argv[1], ways[i]);
		test_killed(argv[1], ways[i]);
		test_refused(argv[1], ways[i]);
		test_debugger(argv[1], ways[i]);
		test_target_dies(argv[1], ways[i]);
		test_target_execs(argv[1], ways[i]);
	}
	printf("%s: %d checks passed, %d failed\n", argv[0], passed_cnt, failed_cnt);
	return harmed_cnt ? HARMED_STATUS : failed_cnt ? 1 : 0;
}
