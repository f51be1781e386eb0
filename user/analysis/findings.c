/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"

const char *finding_id__name(enum finding_id id)
{
	static const char *const names[FINDING_MAX] = {
		[FINDING_LOST] = "events-lost",
		[FINDING_REPAIRED] = "transitions-inferred",
		[FINDING_COST] = "capture-cost",
		[FINDING_LATENCY] = "scheduler-latency",
		[FINDING_SATURATED] = "processors-saturated",
		[FINDING_CPU] = "cpu-busy",
		[FINDING_CONTENTION] = "lock-contention",
		[FINDING_GC_PAUSE] = "world-stopped",
		[FINDING_GC_BUSY] = "gc-busy",
		[FINDING_GC_ASSIST] = "gc-assists",
		[FINDING_ALLOC] = "allocation-rate",
		[FINDING_HEAP] = "heap-growth",
		[FINDING_GROWTH] = "goroutine-growth",
		[FINDING_SPAWN] = "goroutine-churn",
		[FINDING_STUCK] = "goroutines-stuck",
		[FINDING_SYSCALL] = "slow-syscalls",
		[FINDING_IDLE] = "processors-idle",
	};

	return id < FINDING_MAX ? names[id] : "";
}

/* ---- words ---- */

struct words {
	char s[200];
};

static struct words dur(uint64_t ns)
{
	char text[DURATION_STR_SZ];
	struct words w;

	duration__format(ns > INT64_MAX ? INT64_MAX : (int64_t)ns, text);
	snprintf(w.s, sizeof(w.s), "%s", text);
	return w;
}

static struct words percent(double share)
{
	struct words w;

	snprintf(w.s, sizeof(w.s), share < 0.1 ? "%.2g %%" : "%.0f %%", share * 100);
	return w;
}

/* "main.f (file.go:12)"; names of any length come from the target */
static struct words place(const struct frame *f)
{
	const char *slash = strrchr(f->file, '/');
	struct words w;

	if (!f->func[0])
		snprintf(w.s, sizeof(w.s), "an unknown place");
	else if (!f->file[0])
		snprintf(w.s, sizeof(w.s), "%.120s", f->func);
	else
		snprintf(w.s, sizeof(w.s), "%.120s (%.50s:%u)", f->func,
			 slash ? slash + 1 : f->file, f->line);
	return w;
}

static __attribute__((format(printf, 4, 5))) void add(struct summary *s, enum finding_id id,
						      const char *where, const char *fmt, ...)
{
	struct summary_finding *f = &s->findings[s->finding_cnt++];
	va_list ap;

	f->id = id;
	snprintf(f->where, sizeof(f->where), "%s", where);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static double of_window(const struct summary *s, uint64_t ns)
{
	return s->window_ns ? (double)ns / (double)s->window_ns : 0;
}

/* Time of the waits that are no mere whole-window sleeps (those last exactly the window). */
static uint64_t active_ns(const struct summary *s, const struct summary_site *site)
{
	uint64_t whole;

	if (__builtin_mul_overflow(site->whole_cnt, s->window_ns, &whole))
		return 0;
	return site->total_ns > whole ? site->total_ns - whole : 0;
}

/* ---- the capture itself ---- */

static void lost(struct summary *s)
{
	const uint64_t *c = s->trailer.counters;
	uint64_t all = c[GBT_C_EVENTS] + c[GBT_C_RING_FULL] + c[GBT_C_NO_SCRATCH];

	if (!s->lost_events)
		return;
	add(s, FINDING_LOST, "summary.json: lost",
	    "%llu events (%s) were lost: states next to them may be longer or shorter than shown.",
	    (unsigned long long)s->lost_events,
	    percent(all ? (double)s->lost_events / (double)all : 1).s);
}

static void repaired(struct summary *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < REPAIR_MAX; i++)
		sum += i == REPAIR_DROPPED ? 0 : s->model.repairs[i];
	if (!sum || !s->transitions ||
	    (double)sum / (double)s->transitions < FINDING_REPAIRED_SHARE)
		return;
	add(s, FINDING_REPAIRED, "summary.json: repairs",
	    "%llu transitions (%s) were inferred, since the events that explain them are missing.",
	    (unsigned long long)sum, percent((double)sum / (double)s->transitions).s);
}

static void cost(struct summary *s)
{
	const struct summary_cost *c = &s->cost;

	if (!c->target_cpu_ns || c->share < FINDING_COST_SHARE)
		return;
	add(s, FINDING_COST, "summary.json: cost",
	    "The capture itself took an estimated %s of the target's CPU time (%llu hits of %s): "
	    "times of short states are inflated.",
	    percent(c->share).s, (unsigned long long)c->hits, dur(c->price_hit_ns).s);
}

/* ---- processors ---- */

static void latency(struct summary *s)
{
	const char *where = "trace.out: Scheduler latency profile";
	const struct summary_latency *l = &s->latency;
	bool open = l->open_max_ns >= FINDING_LATENCY_OPEN_NS;
	bool closed = l->cnt >= FINDING_LATENCY_CNT && l->p99_ns >= FINDING_LATENCY_P99_NS;
	struct words still = {""};

	if (open)
		snprintf(still.s, sizeof(still.s),
			 "%llu goroutine%s still waited for a processor at the end, the longest "
			 "for %.20s",
			 (unsigned long long)l->open_cnt, l->open_cnt == 1 ? "" : "s",
			 dur(l->open_max_ns).s);
	if (closed)
		add(s, FINDING_LATENCY, where,
		    "Of %llu waits for a processor one in a hundred lasted %s or more, the longest "
		    "%s%s%s.",
		    (unsigned long long)l->cnt, dur(l->p99_ns).s, dur(l->max_ns).s,
		    open ? "; " : "", still.s);
	else if (open)
		add(s, FINDING_LATENCY, where, "%s.", still.s);
}

static void saturated(struct summary *s)
{
	const struct summary_procs *p = &s->procs;

	if (p->saturated_share < FINDING_SATURATED_SHARE)
		return;
	add(s, FINDING_SATURATED, "trace.out: View trace by proc; cpu.pprof",
	    "For %s of the window no processor was idle while goroutines queued for one (%.1f on "
	    "average, at most %llu; GOMAXPROCS is %u).",
	    percent(p->saturated_share).s, p->runnable_avg, (unsigned long long)p->runnable_max,
	    p->gomaxprocs);
}

static void busy(struct summary *s)
{
	const struct summary_procs *p = &s->procs;
	struct words most = {""};

	if (p->running_share < FINDING_CPU_SHARE || !p->gomaxprocs)
		return;
	if (s->hot.cnt && s->cpu_samples)
		snprintf(most.s, sizeof(most.s), "; %.20s of the CPU samples are in %.150s",
			 percent((double)s->hot.cnt / (double)s->cpu_samples).s,
			 place(&s->hot.at).s);
	add(s, FINDING_CPU, "cpu.pprof",
	    "Processors ran Go code for %s of their time (GOMAXPROCS is %u)%s.",
	    percent(p->running_share).s, p->gomaxprocs, most.s);
}

/* ---- waits ---- */

static bool is_lock(const struct summary_site *site)
{
	static const char *const locks[] = {"sync.(*Mutex).", "sync.(*RWMutex).",
					    "internal/sync.(*Mutex)."};

	for (size_t i = 0; i < site->stack.cnt; i++) {
		for (size_t k = 0; k < sizeof(locks) / sizeof(locks[0]); k++) {
			if (!strncmp(site->stack.frames[i].func, locks[k], strlen(locks[k])))
				return true;
		}
	}
	return false;
}

static void contention(struct summary *s)
{
	for (size_t i = 0; i < s->site_cnt; i++) {
		const struct summary_site *site = &s->sites[i];
		uint64_t ns = active_ns(s, site);
		struct words by = {""};

		if (strcmp(site->reason, "sync") || !is_lock(site) ||
		    site->cnt - site->whole_cnt < FINDING_CONTENTION_CNT ||
		    of_window(s, ns) < FINDING_CONTENTION_SHARE)
			continue;
		if (site->waker_cnt && site->wakers[0].at.func[0])
			snprintf(by.s, sizeof(by.s), ", released most often by %.160s",
				 place(&site->wakers[0].at).s);
		add(s, FINDING_CONTENTION, "trace.out: Synchronization blocking profile",
		    "Goroutines waited %s in sum (%llu times, at longest %s) for the lock taken in "
		    "%.150s%s.",
		    dur(ns).s, (unsigned long long)(site->cnt - site->whole_cnt),
		    dur(site->max_part_ns).s, place(&site->at).s, by.s);
		return; /* the worst one; the table has the others */
	}
}

static void stuck(struct summary *s)
{
	for (size_t i = 0; i < s->site_cnt; i++) {
		const struct summary_site *site = &s->sites[i];

		if (site->whole_cnt < FINDING_STUCK_CNT ||
		    (strcmp(site->reason, "chan send") && strcmp(site->reason, "forever") &&
		     !(!strcmp(site->reason, "sync") && is_lock(site))))
			continue;
		add(s, FINDING_STUCK, "goroutine.pprof",
		    "%llu goroutines waited for the whole window (%s) in %s: nobody woke them.",
		    (unsigned long long)site->whole_cnt, site->reason, place(&site->at).s);
		return;
	}
}

static void slow_syscalls(struct summary *s)
{
	for (size_t i = 0; i < s->site_cnt; i++) {
		const struct summary_site *site = &s->sites[i];
		uint64_t ns = active_ns(s, site), cnt = site->cnt - site->whole_cnt;

		if (strcmp(site->reason, "syscall") || cnt < FINDING_SYSCALL_CNT ||
		    ns / cnt < FINDING_SYSCALL_MEAN_NS || of_window(s, ns) < FINDING_SYSCALL_SHARE)
			continue;
		add(s, FINDING_SYSCALL, "trace.out: Syscall profile",
		    "%llu system calls from %s took %s on average, at longest %s; each keeps a "
		    "thread.",
		    (unsigned long long)cnt, place(&site->at).s, dur(ns / cnt).s,
		    dur(site->max_part_ns).s);
		return;
	}
}

/* What ended in the window, or began in it, is what somebody waited for. */
static void idle(struct summary *s)
{
	const struct summary_procs *p = &s->procs;
	const struct summary_site *most = NULL;
	struct words longest = {""};

	if (p->idle_share < FINDING_IDLE_SHARE || !p->gomaxprocs)
		return;
	for (size_t i = 0; i < s->site_cnt; i++) {
		if (active_ns(s, &s->sites[i]) && strcmp(s->sites[i].reason, "sleep") &&
		    (!most || active_ns(s, &s->sites[i]) > active_ns(s, most)))
			most = &s->sites[i];
	}
	if (most)
		snprintf(longest.s, sizeof(longest.s), "; longest in %.120s: %.20s in sum (%.24s)",
			 place(&most->at).s, dur(active_ns(s, most)).s, most->reason);
	add(s, FINDING_IDLE, "trace.out: Goroutine analysis",
	    "Processors were idle for %s of their time: the program waits%s.",
	    percent(p->idle_share).s, longest.s);
}

/* ---- garbage collection ---- */

static void gc_pause(struct summary *s)
{
	const struct summary_gc *gc = &s->gc;
	const struct summary_stw *worst = NULL;
	uint64_t cnt = 0;

	for (size_t i = 0; i < gc->stw_cnt; i++) {
		cnt += gc->stw[i].cnt;
		if (!worst || gc->stw[i].max_ns > worst->max_ns)
			worst = &gc->stw[i];
	}
	if (!worst || (worst->max_ns < FINDING_PAUSE_MAX_NS &&
		       of_window(s, gc->stw_total_ns) < FINDING_PAUSE_SHARE))
		return;
	add(s, FINDING_GC_PAUSE, "trace.out: View trace by proc, STW ranges",
	    "The world was stopped %llu times for %s in sum, at longest %s (%s).",
	    (unsigned long long)cnt, dur(gc->stw_total_ns).s, dur(worst->max_ns).s, worst->kind);
}

static void gc_busy(struct summary *s)
{
	const struct summary_gc *gc = &s->gc;

	if (gc->cycles < FINDING_GC_CYCLES || of_window(s, gc->active_ns) < FINDING_GC_SHARE)
		return;
	add(s, FINDING_GC_BUSY, "trace.out: Minimum mutator utilization",
	    "A garbage collection was going on for %s of the window (%llu cycles, one every %s).",
	    percent(of_window(s, gc->active_ns)).s, (unsigned long long)gc->cycles,
	    dur(s->window_ns / gc->cycles).s);
}

static void gc_assist(struct summary *s)
{
	const struct summary_gc *gc = &s->gc;
	uint64_t running_ns = s->state_cnt ? s->states[0].total_ns : 0;

	if (!gc->assist_ns || !running_ns ||
	    (double)gc->assist_ns / (double)running_ns < FINDING_ASSIST_SHARE)
		return;
	add(s, FINDING_GC_ASSIST, "trace.out: Goroutine analysis, GC assist ranges",
	    "Goroutines were made to help the collector %llu times, for %s in sum (%s of their "
	    "running time%s): they allocate faster than it marks.",
	    (unsigned long long)gc->assist_cnt, dur(gc->assist_ns).s,
	    percent((double)gc->assist_ns / (double)running_ns).s,
	    gc->assist_estimated_cnt ? ", an estimate" : "");
}

static struct words bytes(uint64_t n)
{
	struct words w;

	snprintf(w.s, sizeof(w.s), "%.1f MiB", (double)n / (1 << 20));
	return w;
}

static void allocation(struct summary *s)
{
	double per_s = s->window_ns ? (double)s->heap.allocated * 1e9 / (double)s->window_ns : 0;

	if (per_s < (double)FINDING_ALLOC_PER_S)
		return;
	add(s, FINDING_ALLOC, "allocs.pprof (--profiles allocs)",
	    "About %s were allocated each second (an estimate from the heap's size), which took "
	    "%llu collections.",
	    bytes((uint64_t)per_s).s, (unsigned long long)s->gc.cycles);
}

static void heap_growth(struct summary *s)
{
	const struct summary_heap *h = &s->heap;
	uint64_t more = h->survived_last - h->survived_first;

	if (h->survived_cnt < FINDING_HEAP_CNT || h->survived_last < h->survived_max ||
	    h->survived_last <= h->survived_first || more < FINDING_HEAP_BYTES ||
	    (double)more < (double)h->survived_first * FINDING_HEAP_SHARE)
		return;
	add(s, FINDING_HEAP, "heap.pprof (--profiles heap)",
	    "What collections leave behind grew from %s to %s over %llu of them: it is kept.",
	    bytes(h->survived_first).s, bytes(h->survived_last).s,
	    (unsigned long long)h->survived_cnt);
}

/* ---- goroutines ---- */

static void growth(struct summary *s)
{
	const struct summary_goroutines *g = &s->goroutines;
	const struct summary_creator *most = NULL;

	if (g->end < g->start + FINDING_GROWTH_CNT ||
	    (double)(g->end - g->start) < (double)g->start * FINDING_GROWTH_SHARE)
		return;
	for (size_t i = 0; i < s->creator_cnt; i++) {
		if (!most || s->creators[i].alive_cnt > most->alive_cnt)
			most = &s->creators[i];
	}
	if (!most)
		return;
	add(s, FINDING_GROWTH, "goroutine.pprof; trace.out: Goroutine analysis",
	    "Goroutines grew from %llu to %llu; %llu of the new ones were started by %.150s and "
	    "are still there.",
	    (unsigned long long)g->start, (unsigned long long)g->end,
	    (unsigned long long)most->alive_cnt, place(&most->at).s);
}

static void spawn(struct summary *s)
{
	const struct summary_goroutines *g = &s->goroutines;
	double per_s = s->window_ns ? (double)g->created * 1e9 / (double)s->window_ns : 0;

	if (per_s < FINDING_SPAWN_PER_S || !s->creator_cnt)
		return;
	add(s, FINDING_SPAWN, "trace.out: Goroutine analysis",
	    "%.0f goroutines were created each second, %s of them by %s.", per_s,
	    percent((double)s->creators[0].cnt / (double)g->created).s,
	    place(&s->creators[0].at).s);
}

int findings__fill(struct summary *s)
{
	/* in the order in which they are told: first what makes the others doubtful */
	static void (*const all[])(struct summary *) = {
		lost,	    repaired, cost,    latency,	      saturated,  busy,
		contention, gc_pause, gc_busy, gc_assist,     allocation, heap_growth,
		growth,	    spawn,    stuck,   slow_syscalls, idle,
	};

	/* each adds one at most */
	s->findings = calloc(sizeof(all) / sizeof(all[0]), sizeof(*s->findings));
	if (!s->findings)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i](s);
	return 0;
}
