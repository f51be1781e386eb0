/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "goruntime/plan_order.h"
#include "goruntime/plan_regions.h"
#include "goruntime/plan_requests.h"
#include "goruntime/plan_scan.h"

#define ARRAY_CNT(a) (sizeof(a) / sizeof((a)[0]))

/* How the instruction of a row is chosen. */
enum place {
	PLACE_ARGS,	  /* argument registers are read: at the prologue */
	PLACE_G,	  /* only the g register: also at a nosplit function's first branch */
	PLACE_CALL,	  /* the call of row.callee inside row.func */
	PLACE_AFTER_CALL, /* the branch behind it, for its results */
};

enum need {
	REQUIRED, /* no capture without it */
	WANTED,	  /* a note when it is missing */
	PRESENT,  /* only some programs have it */
};

/*
 * The probe points: docs/probes.md tells each one's registers. Creation and syscall entry have
 * fallbacks and are not here. A name that only some releases have takes a row for each.
 */
static const struct plan_row {
	enum site_id id;
	const char *func;
	uint8_t minor_lo, minor_hi; /* 0: no limit */
	enum place place;
	enum need need;
	const char *callee;
	const char *without; /* what follows from its absence */
} plan_rows[] = {
	{SITE_EXECUTE, "runtime.execute", 0, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_PARK, "runtime.park_m", 0, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_READY, "runtime.ready", 0, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_INJECTGLIST, "runtime.injectglist", 0, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_GOSCHED_IMPL, "runtime.goschedImpl", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "yields and preemptions are inferred from what runs next"},
	{SITE_GOYIELD, "runtime.goyield_m", 0, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_PREEMPT_PARK, "runtime.preemptPark", 0, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_ENTERSYSCALLBLOCK, "runtime.entersyscallblock", 0, 0, PLACE_G, REQUIRED, NULL, NULL},
	{SITE_EXITSYSCALL, "runtime.exitsyscall", 0, 0, PLACE_G, REQUIRED, NULL, NULL},
	{SITE_EXITSYSCALL_NOP, "runtime.exitsyscall0", 0, 25, PLACE_ARGS, REQUIRED, NULL, NULL},
	{SITE_EXITSYSCALL_NOP, "runtime.exitsyscallNoP", 26, 0, PLACE_ARGS, REQUIRED, NULL, NULL},
	/* linked only where iter.Pull is used */
	{SITE_COROSWITCH, "runtime.coroswitch_m", 22, 0, PLACE_ARGS, PRESENT, NULL, NULL},
	{SITE_NEWCORO, "runtime.newcoro.func1", 23, 0, PLACE_AFTER_CALL, PRESENT,
	 "runtime.newproc1", "coroutines are seen from their first switch on"},
	{SITE_STW, "runtime.stopTheWorldWithSema", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "stop-the-world pauses are not seen"},
	{SITE_MARK_TERM, "runtime.gcMarkTermination", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "the ends of mark phases are not seen"},
	{SITE_GC_SWEEP, "runtime.gcSweep", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "the ends of GC cycles are not seen"},
	{SITE_GC_ASSIST, "runtime.gcAssistAlloc1", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "mark assists are not seen"},
	{SITE_ACQUIREP, "runtime.acquirep", 0, 25, PLACE_ARGS, WANTED, NULL,
	 "a processor's start is told by its first event"},
	{SITE_ACQUIREP, "runtime.acquirepNoTrace", 26, 0, PLACE_ARGS, WANTED, NULL,
	 "a processor's start is told by its first event"},
	{SITE_RELEASEP, "runtime.releasep", 0, 21, PLACE_ARGS, WANTED, NULL,
	 "a processor's stop is told by its next start"},
	{SITE_RELEASEP, "runtime.releasepNoTrace", 22, 0, PLACE_ARGS, WANTED, NULL,
	 "a processor's stop is told by its next start"},
	{SITE_HANDOFFP, "runtime.handoffp", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "a processor that is taken from a syscall is told by its next start"},
	/* At the entry the thread has no g yet; at this call it has its M's g0. */
	{SITE_NEEDM, "runtime.needm", 0, 0, PLACE_CALL, WANTED, "runtime.minit",
	 "the beginnings of cgo callbacks on C threads are not seen"},
	{SITE_DROPM, "runtime.dropm", 0, 0, PLACE_G, WANTED, NULL,
	 "the ends of cgo callbacks on C threads are not seen"},
	/* linked only where runtime/trace is imported */
	{SITE_USER_TASK_CREATE, "runtime/trace.userTaskCreate", 0, 0, PLACE_ARGS, PRESENT, NULL,
	 NULL},
	{SITE_USER_TASK_END, "runtime/trace.userTaskEnd", 0, 0, PLACE_ARGS, PRESENT, NULL, NULL},
	{SITE_USER_REGION, "runtime/trace.userRegion", 0, 0, PLACE_ARGS, PRESENT, NULL, NULL},
	{SITE_USER_LOG, "runtime/trace.userLog", 0, 0, PLACE_ARGS, PRESENT, NULL, NULL},
	/* linked only where pprof labels are set */
	{SITE_SET_LABELS, "runtime/pprof.runtime_setProfLabel", 0, 0, PLACE_ARGS, PRESENT, NULL,
	 "pprof labels that are set in the window are not seen"},
	{SITE_REFILL, "runtime.(*mcache).refill", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "allocations are not seen"},
	{SITE_ALLOC_LARGE, "runtime.(*mcache).allocLarge", 0, 0, PLACE_ARGS, WANTED, NULL,
	 "large allocations are not seen"},
};

struct planner {
	struct plan_scan scan;
	bool use_nop5;
	uint64_t sites; /* those that are wanted */
	struct probe_plan *plan;
};

#define CREATE_SITES (SITE_BIT(SITE_CREATE) | SITE_BIT(SITE_CREATE_AFTER))
#define SYSCALL_SITES (SITE_BIT(SITE_REENTERSYSCALL) | SITE_BIT(SITE_ENTERSYSCALL))
#define WORLD_SITES SITE_BIT(SITE_START_WORLD)
#define ASSIST_END_SITES SITE_BIT(SITE_GC_ASSIST_END)
#define EXIT_SITES (SITE_BIT(SITE_GOEXIT1) | SITE_BIT(SITE_GOEXIT0))

static void __attribute__((format(printf, 2, 3))) note(struct planner *p, const char *fmt, ...)
{
	va_list ap;

	for (size_t i = 0; i < ARRAY_CNT(p->plan->notes); i++) {
		if (p->plan->notes[i][0])
			continue;
		va_start(ap, fmt);
		vsnprintf(p->plan->notes[i], sizeof(p->plan->notes[i]), fmt, ap);
		va_end(ap);
		return;
	}
}

static int refuse(const struct planner *p, const char *func, const char *why)
{
	log_error("plan: '%s' (%s): %s %s; without this probe a capture would be wrong",
		  gobinary__name(p->scan.b), gobinary__version(p->scan.b)->text, func, why);
	return -EOPNOTSUPP;
}

static int add(struct planner *p, enum site_id id, bool required, const struct gobinary_func *f,
	       const struct plan_spot *spot)
{
	struct probe_plan *plan = p->plan;
	struct probe_site *s;

	for (size_t i = 0; i < plan->cnt; i++) {
		if (plan->sites[i].vaddr == spot->insn.addr)
			return refuse(p, f->name, "shares its probe point with another function");
	}
	if (plan->cnt >= (id == SITE_REGION_END ? PLAN_SITES_MAX : PLAN_FOUND_MAX) ||
	    spot->insn.len > sizeof(s->bytes))
		return -ENOSPC;
	s = &plan->sites[plan->cnt];
	*s = (struct probe_site){.id = id,
				 .insn = spot->kind,
				 .func = f->name,
				 .vaddr = spot->insn.addr,
				 .len = spot->insn.len,
				 .required = required};
	memcpy(s->bytes, spot->insn.bytes, s->len);
	if (gobinary__file_off(p->scan.b, s->vaddr, &s->file_off))
		return refuse(p, f->name, "is not in an executable part of the file");
	plan->cnt++;
	return 0;
}

/* From 1.21 on every amd64 function with a frame begins with its push, nosplit or not. */
static bool nosplit_has_no_push(const struct plan_scan *s)
{
	return s->minor <= 20 || gobinary__arch(s->b) == GOBINARY_ARM64;
}

static int find_place(const struct planner *p, const struct plan_row *row,
		      const struct gobinary_func *f, struct plan_spot *spot)
{
	int err;

	if (row->place == PLACE_AFTER_CALL)
		return plan_scan__branch_after_call(&p->scan, f, row->callee, spot);
	if (row->place == PLACE_CALL)
		return plan_scan__call(&p->scan, f, row->callee, p->use_nop5, spot);
	err = plan_scan__prologue(&p->scan, f, spot);
	if (err == -ENOENT && row->place == PLACE_G && nosplit_has_no_push(&p->scan))
		err = plan_scan__first_branch(&p->scan, f, spot);
	return err;
}

/* Nothing is said of what the program does not have by its nature. */
static int missing(struct planner *p, const struct plan_row *row, const char *why)
{
	bool only_cgo = row->id == SITE_NEEDM || row->id == SITE_DROPM;

	if (row->need == REQUIRED)
		return refuse(p, row->func, why);
	if (row->need == WANTED && (!only_cgo || gobinary__is_cgo(p->scan.b)))
		note(p, "%s %s: %s", row->func, why, row->without);
	return 0;
}

/* A copy of the function that a profile-guided build put into a caller has no probe. */
static int note_copies(struct planner *p, enum site_id id, const char *func)
{
	bool inlined = false;
	int err = gobinary__is_inlined_somewhere(p->scan.b, func, &inlined);

	if (err || !inlined)
		return err;
	p->plan->copied |= SITE_BIT(id);
	note(p,
	     "%s is also inlined into callers: events there are inferred from what "
	     "follows",
	     func);
	return 0;
}

static int plan_row(struct planner *p, const struct plan_row *row)
{
	struct gobinary_func f;
	struct plan_spot spot;
	int err;

	if ((row->minor_lo && p->scan.minor < row->minor_lo) ||
	    (row->minor_hi && p->scan.minor > row->minor_hi))
		return 0;
	err = gobinary__func_by_name(p->scan.b, row->func, &f);
	if (err == -ENOENT)
		return row->need == PRESENT ? 0 : missing(p, row, "is not in the binary");
	if (!err)
		err = find_place(p, row, &f, &spot);
	if (err == -ENOENT && row->need == PRESENT && row->without)
		note(p, "%s has no instruction that can be probed: %s", row->func, row->without);
	if (err == -ENOENT)
		return missing(p, row, "has no instruction that can be probed");
	if (!err)
		err = add(p, row->id, row->need == REQUIRED, &f, &spot);
	return err ? err : note_copies(p, row->id, row->func);
}

/*
 * Creation: the call of runqput, when the new g is complete and not yet visible. Profile-guided
 * builds inline runqput; then the first instruction after newproc1. They may inline that too:
 * from 1.24 on its last casgstatus comes after goid is stored.
 */
static int plan_create(struct planner *p)
{
	const char *func = "runtime.newproc.func1";
	struct gobinary_func f;
	struct plan_spot spot;
	int err;

	err = gobinary__func_by_name(p->scan.b, func, &f);
	if (err == -ENOENT)
		return refuse(p, func, "is not in the binary");
	if (err)
		return err;
	err = plan_scan__call(&p->scan, &f, "runtime.runqput", p->use_nop5, &spot);
	if (!err)
		return add(p, SITE_CREATE, true, &f, &spot);
	if (err != -ENOENT)
		return err;
	err = plan_scan__after_call(&p->scan, &f, "runtime.newproc1", &spot);
	if (err == -ENOENT && p->scan.minor >= 24)
		err = plan_scan__call_make_runnable(&p->scan, &f, &spot);
	if (err == -ENOENT)
		return refuse(p, func, "calls neither runqput nor newproc1");
	if (err)
		return err;
	if (spot.kind == SITE_STEPPED)
		note(p,
		     "runtime.runqput is inlined into %s: goroutine creation is probed at a "
		     "single-stepped instruction (5-9 us a hit)",
		     func);
	return add(p, SITE_CREATE_AFTER, true, &f, &spot);
}

/*
 * reentersyscall(pc, sp): its prologue, or where that has nothing to probe (amd64 up to 1.20 and
 * arm64: nosplit) its first call of save, which takes the same two arguments; the calls that follow
 * come after a detour over the system stack.
 */
static int plan_reentersyscall(struct planner *p, bool *found)
{
	struct gobinary_func f = {0};
	struct plan_spot spot;
	int err;

	*found = false;
	err = gobinary__func_by_name(p->scan.b, "runtime.reentersyscall", &f);
	if (!err)
		err = plan_scan__prologue(&p->scan, &f, &spot);
	if (err == -ENOENT && f.entry && nosplit_has_no_push(&p->scan))
		err = plan_scan__first_call(&p->scan, &f, "runtime.save", &spot);
	if (err)
		return err == -ENOENT ? 0 : err;
	*found = true;
	return add(p, SITE_REENTERSYSCALL, true, &f, &spot);
}

/*
 * Syscall entry: entersyscall calls reentersyscall, as do cgo callbacks that return. A
 * profile-guided build may inline it into entersyscall, which is then probed itself: there
 * the PC is the return address and RBP the caller's frame.
 */
static int plan_syscall_entry(struct planner *p)
{
	const char *func = "runtime.entersyscall";
	struct gobinary_func f;
	struct plan_spot spot;
	bool found;
	int err;

	err = plan_reentersyscall(p, &found);
	if (err)
		return err;
	err = gobinary__func_by_name(p->scan.b, func, &f);
	if (err == -ENOENT)
		return refuse(p, func, "is not in the binary");
	if (err)
		return err;
	err = plan_scan__call(&p->scan, &f, "runtime.reentersyscall", false, &spot);
	if (!err && found)
		return 0;
	if (!err)
		return refuse(p, "runtime.reentersyscall", "has no instruction that can be probed");
	if (err != -ENOENT)
		return err;
	err = plan_scan__prologue(&p->scan, &f, &spot);
	if (err == -ENOENT)
		return refuse(p, func, "has no instruction that can be probed");
	if (err)
		return err;
	return add(p, SITE_ENTERSYSCALL, true, &f, &spot);
}

/*
 * Exit: goexit1, where the tracer takes its time. Where a profile-guided build put copies of it
 * into callers, goexit0: it sees every exit, but later, behind the switch to g0.
 */
static int plan_exit(struct planner *p)
{
	const struct plan_row row = {SITE_GOEXIT0, "runtime.goexit0", 0,    0,
				     PLACE_ARGS,   REQUIRED,	      NULL, NULL};
	struct gobinary_func f;
	struct plan_spot spot;
	bool inlined = false;
	int err = gobinary__is_inlined_somewhere(p->scan.b, "runtime.goexit1", &inlined);

	if (err)
		return err;
	if (inlined)
		return plan_row(p, &row);
	err = gobinary__func_by_name(p->scan.b, "runtime.goexit1", &f);
	if (!err)
		err = plan_scan__prologue(&p->scan, &f, &spot);
	if (err == -ENOENT)
		return plan_row(p, &row);
	return err ? err : add(p, SITE_GOEXIT1, true, &f, &spot);
}

/*
 * The world's start: where the tracer would be called, when the Ps are started. Up to 1.21 the
 * call of wakep that follows. Where wakep is inlined the function's entry, before they are.
 */
static int plan_start_world(struct planner *p)
{
	const struct plan_row entry = {SITE_START_WORLD,
				       "runtime.startTheWorldWithSema",
				       0,
				       0,
				       PLACE_ARGS,
				       WANTED,
				       NULL,
				       "the ends of stop-the-world pauses are not seen"};
	struct gobinary_func f;
	struct plan_spot spot;
	int err = gobinary__func_by_name(p->scan.b, entry.func, &f);

	if (err)
		return err == -ENOENT ? plan_row(p, &entry) : err;
	err = plan_scan__branch_around(&p->scan, &f, "runtime.traceLocker.STWDone", &spot);
	if (err == -ENOENT)
		err = plan_scan__call(&p->scan, &f, "runtime.wakep", p->use_nop5, &spot);
	if (!err)
		err = add(p, SITE_START_WORLD, false, &f, &spot);
	if (err != -ENOENT)
		return err ? err : note_copies(p, entry.id, entry.func);
	note(p,
	     "%s calls no wakep: stop-the-world pauses are told too short, by the start of the Ps",
	     entry.func);
	return plan_row(p, &entry);
}

/* Ends of mark assists; up to 1.21 nothing of the kind is passed while nobody traces. */
static int plan_assist_ends(struct planner *p)
{
	const char *func = "runtime.gcAssistAlloc";
	struct plan_spot spots[ASSIST_ENDS_MAX];
	struct gobinary_func f;
	size_t cnt = 0;
	int err;

	if (p->scan.minor < 22)
		return 0;
	err = gobinary__func_by_name(p->scan.b, func, &f);
	if (!err)
		err = plan_scan__assist_ends(&p->scan, &f, spots, &cnt);
	for (size_t i = 0; !err && i < cnt; i++)
		err = add(p, SITE_GC_ASSIST_END, false, &f, &spots[i]);
	if (err == -ENOENT) {
		note(p, "%s: the ends of mark assists are not found: their times are an estimate",
		     func);
		return 0;
	}
	return err ? err : note_copies(p, SITE_GC_ASSIST_END, func);
}

static int add_region_end(void *ctx, const struct gobinary_func *f, const struct plan_spot *spot)
{
	struct planner *p = ctx;
	int err = add(p, SITE_REGION_END, false, f, spot);

	if (!err)
		p->plan->sites[p->plan->cnt - 1].when = SITE_IF_EQUAL;
	return err;
}

static int add_regions(struct planner *p, const struct gobinary_func *f)
{
	struct region_start start;
	bool inlined = false;
	int err = gobinary__is_inlined_somewhere(p->scan.b, f->name, &inlined);

	if (!err && inlined)
		err = -ENOENT;
	if (!err)
		err = plan_regions__start(&p->scan, &start);
	if (!err)
		err = add(p, SITE_REGION_START, false, f, &start.spot);
	if (err)
		return err;
	p->plan->sites[p->plan->cnt - 1].when = start.when;
	return plan_regions__ends(&p->scan, start.noop, add_region_end, p);
}

/* Regions by StartRegion, linked only where it is used: all of their begins and ends, or none. */
static int plan_regions(struct planner *p)
{
	size_t before = p->plan->cnt;
	struct gobinary_func f;
	int err = gobinary__func_by_name(p->scan.b, "runtime/trace.StartRegion", &f);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = add_regions(p, &f);
	if (err != -ENOENT && err != -ENOSPC)
		return err;
	p->plan->cnt = before;
	note(p, "%s: %s: regions that it begins are not seen", f.name,
	     err == -ENOSPC ? "has too many ends for a probe at each"
			    : "the compiler laid it or its ends out in another way");
	return 0;
}

/* What has a begin and an end and is no runtime's: all sites of a kind, or none and a note. */
static const struct span_row {
	uint64_t sites;
	int (*find)(const struct plan_scan *s, bool use_nop5, struct request_sites *out);
	const char *what;
} span_rows[] = {
	{SITES_REQUEST, plan_requests__server, "requests of net/http"},
	{SITES_CLIENT, plan_requests__client, "calls by net/http"},
	{SITES_SQL, plan_requests__sql, "calls by database/sql"},
	{SITES_GRPC, plan_requests__grpc, "calls that gRPC serves"},
};

static int plan_spans(struct planner *p, const struct span_row *row)
{
	size_t before = p->plan->cnt;
	struct request_sites r;
	int err = row->find(&p->scan, p->use_nop5, &r);

	for (size_t i = 0; !err && i < r.cnt; i++) {
		err = add(p, r.s[i].id, false, &r.s[i].f, &r.s[i].spot);
		if (!err)
			p->plan->sites[p->plan->cnt - 1].when = r.s[i].when;
	}
	if (err != -ENOENT)
		return err;
	p->plan->cnt = before;
	note(p, "%s has no place to be probed: %s are not seen", r.lacks, row->what);
	return 0;
}

static int plan_all(struct planner *p)
{
	int err = 0;

	if (p->sites & CREATE_SITES)
		err = plan_create(p);
	if (!err && p->sites & SYSCALL_SITES)
		err = plan_syscall_entry(p);
	if (!err && p->sites & EXIT_SITES)
		err = plan_exit(p);
	if (!err && p->sites & WORLD_SITES)
		err = plan_start_world(p);
	if (!err && p->sites & ASSIST_END_SITES)
		err = plan_assist_ends(p);
	for (size_t i = 0; !err && i < ARRAY_CNT(span_rows); i++) {
		if (p->sites & span_rows[i].sites)
			err = plan_spans(p, &span_rows[i]);
	}
	for (size_t i = 0; !err && i < ARRAY_CNT(plan_rows); i++) {
		if (p->sites & SITE_BIT(plan_rows[i].id))
			err = plan_row(p, &plan_rows[i]);
	}
	if (!err && p->sites & SITES_REGION) /* the last, for there may be many */
		err = plan_regions(p);
	return err;
}

int plan__make(const struct gobinary *b, bool use_nop5, struct probe_plan *out)
{
	return plan__make_for(b, use_nop5, SITES_ALL, out);
}

static bool sets_labels(const struct gobinary *b)
{
	struct gobinary_func f;

	return !gobinary__func_by_name(b, "runtime/pprof.runtime_setProfLabel", &f);
}

int plan__make_for(const struct gobinary *b, bool use_nop5, uint64_t sites, struct probe_plan *out)
{
	struct planner p = {.scan = {.b = b, .minor = gobinary__version(b)->minor},
			    .use_nop5 = use_nop5 && gobinary__arch(b) == GOBINARY_AMD64,
			    .sites = sites,
			    .plan = out};
	int err;

	if (sites & SITE_BIT(SITE_SET_LABELS) && sets_labels(b))
		p.sites |= SITES_CREATE;
	memset(out, 0, sizeof(*out));
	err = insn_decoder__new(gobinary__arch(b), &p.scan.d);
	if (!err)
		err = plan_all(&p);
	insn_decoder__free(p.scan.d);
	plan_order__busiest_first(out);
	if (err == -EBADMSG)
		log_error("plan: '%s': the tables or instructions of the runtime's functions are "
			  "malformed",
			  gobinary__name(b));
	return err ? err : gobinary__check_whole(b);
}

bool plan__has(const struct probe_plan *plan, enum site_id id)
{
	for (size_t i = 0; i < plan->cnt; i++) {
		if (plan->sites[i].id == id)
			return true;
	}
	return false;
}

bool plan__sees_changes(const struct probe_plan *plan)
{
	static const uint64_t any_of[] = {
		SITE_BIT(SITE_EXECUTE),
		CREATE_SITES,
		EXIT_SITES,
		SITE_BIT(SITE_ACQUIREP),
		SITE_BIT(SITE_RELEASEP),
		SYSCALL_SITES,
		SITE_BIT(SITE_ENTERSYSCALLBLOCK),
		SITE_BIT(SITE_EXITSYSCALL),
	};
	uint64_t have = 0;
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		have |= SITE_BIT(plan->sites[i].id);
	for (i = 0; i < ARRAY_CNT(any_of); i++) {
		if (!(have & any_of[i]) || plan->copied & any_of[i])
			return false;
	}
	return true;
}

const char *site_insn__name(enum site_insn i)
{
	static const char *const names[] = {
		[SITE_PUSH] = "push",
		[SITE_JCC] = "jcc",
		[SITE_CALL] = "call",
		[SITE_JMP] = "jmp",
		[SITE_NOP] = "nop",
		[SITE_NOP5] = "nop5",
		[SITE_STEPPED] = "single-stepped",
	};

	return (size_t)i < ARRAY_CNT(names) && names[i] ? names[i] : "?";
}

const char *site_id__name(enum site_id i)
{
	static const char *const names[SITE_MAX] = {
		[SITE_CREATE] = "create",
		[SITE_CREATE_AFTER] = "create (after newproc1)",
		[SITE_EXECUTE] = "run",
		[SITE_PARK] = "block",
		[SITE_READY] = "unblock",
		[SITE_INJECTGLIST] = "unblock (list)",
		[SITE_GOEXIT0] = "exit (goexit0)",
		[SITE_GOEXIT1] = "exit",
		[SITE_NEWCORO] = "create coroutine",
		[SITE_GOSCHED_IMPL] = "yield or preempt",
		[SITE_GOSCHED_M] = "yield (Gosched)",
		[SITE_GOYIELD] = "yield (local)",
		[SITE_PREEMPT_PARK] = "preempt (suspend)",
		[SITE_REENTERSYSCALL] = "syscall",
		[SITE_ENTERSYSCALL] = "syscall (inlined)",
		[SITE_ENTERSYSCALLBLOCK] = "syscall (blocking)",
		[SITE_EXITSYSCALL] = "syscall end",
		[SITE_EXITSYSCALL_NOP] = "syscall end without P",
		[SITE_COROSWITCH] = "coroutine switch",
		[SITE_STW] = "stop the world",
		[SITE_START_WORLD] = "start the world",
		[SITE_MARK_TERM] = "mark termination",
		[SITE_GC_SWEEP] = "sweep",
		[SITE_GC_ASSIST] = "mark assist",
		[SITE_GC_ASSIST_END] = "mark assist end",
		[SITE_ACQUIREP] = "processor start",
		[SITE_RELEASEP] = "processor stop",
		[SITE_HANDOFFP] = "processor hand-off",
		[SITE_NEEDM] = "cgo callback",
		[SITE_DROPM] = "cgo callback end",
		[SITE_USER_TASK_CREATE] = "user task",
		[SITE_USER_TASK_END] = "user task end",
		[SITE_USER_REGION] = "user region",
		[SITE_USER_LOG] = "user log",
		[SITE_REGION_START] = "user region (StartRegion)",
		[SITE_REGION_END] = "user region end",
		[SITE_SET_LABELS] = "pprof labels",
		[SITE_REFILL] = "span refill",
		[SITE_ALLOC_LARGE] = "large allocation",
		[SITE_REQUEST_BEGIN] = "request",
		[SITE_REQUEST_END] = "request end",
		[SITE_REQUEST_END_DEFERRED] = "request end (panic)",
		[SITE_REQUEST_END_H2] = "request end (HTTP/2)",
		[SITE_FUNC_ENTRY] = "function",
		[SITE_FUNC_RETURN] = "function return",
		[SITE_REQUEST_PANIC_H2] = "request end (HTTP/2, panic)",
		[SITE_CLIENT_BEGIN] = "HTTP call",
		[SITE_CLIENT_END] = "HTTP call end",
		[SITE_CLIENT_END_ALT] = "HTTP call end (other transport)",
		[SITE_CLIENT_FAIL] = "HTTP call end (error)",
		[SITE_SQL_BEGIN] = "SQL call",
		[SITE_SQL_BEGIN_STMT] = "SQL call (prepared)",
		[SITE_SQL_END] = "SQL call end",
		[SITE_SQL_RESULT] = "SQL call end (up to 1.19)",
		[SITE_SQL_FAIL] = "SQL call end (error)",
		[SITE_GRPC_BEGIN] = "gRPC request",
		[SITE_GRPC_END] = "gRPC request end",
	};

	return (unsigned)i < SITE_MAX && names[i] ? names[i] : "?";
}
