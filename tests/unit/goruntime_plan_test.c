/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "goruntime/plan.h"
#include "go_fixtures.h"

#define NEWEST "1.27.4"

static const struct probe_site *site_of(const struct probe_plan *p, enum site_id id)
{
	for (size_t i = 0; i < p->cnt; i++) {
		if (p->sites[i].id == id)
			return &p->sites[i];
	}
	return NULL;
}

static uint64_t offset_of(const struct gobinary *b, const struct probe_site *s)
{
	struct gobinary_func f;

	assert_int_equal(gobinary__func_by_pc(b, s->vaddr, &f), 0);
	assert_string_equal(f.name, s->func);
	return s->vaddr - f.entry;
}

static const enum site_id changes[] = {SITE_EXECUTE,	 SITE_CREATE,		SITE_GOEXIT1,
				       SITE_ACQUIREP,	 SITE_RELEASEP,		SITE_REENTERSYSCALL,
				       SITE_EXITSYSCALL, SITE_ENTERSYSCALLBLOCK};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static void without_one_of_these_nothing_can_be_remembered(void **state)
{
	struct probe_plan p = {.cnt = CHANGES};

	(void)state;
	for (size_t i = 0; i < CHANGES; i++)
		p.sites[i].id = changes[i];
	assert_true(plan__sees_changes(&p));
	for (size_t i = 0; i < CHANGES; i++) {
		p.sites[i].id = SITE_READY;
		assert_false(plan__sees_changes(&p));
		p.sites[i].id = changes[i];
	}
}

static void with_copies_of_one_of_these_nothing_can_be_remembered(void **state)
{
	struct probe_plan p = {.cnt = CHANGES};

	(void)state;
	for (size_t i = 0; i < CHANGES; i++)
		p.sites[i].id = changes[i];
	p.copied = SITE_BIT(SITE_READY) | SITE_BIT(SITE_PARK);
	assert_true(plan__sees_changes(&p));
	for (size_t i = 0; i < CHANGES; i++) {
		p.copied = SITE_BIT(changes[i]);
		assert_false(plan__sees_changes(&p));
	}
}

/* Is a function with one of these sites inlined somewhere? */
static bool has_copies(const struct gobinary *b, const struct probe_plan *p)
{
	bool inlined = false, any = false;

	for (size_t i = 0; i < CHANGES; i++) {
		const struct probe_site *s = site_of(p, changes[i]);

		if (s)
			assert_int_equal(gobinary__is_inlined_somewhere(b, s->func, &inlined), 0);
		any |= s && inlined;
	}
	return any;
}

/* ---- what holds for every binary ---- */

static const enum site_id always_there[] = {
	SITE_EXECUTE,	      SITE_PARK,
	SITE_READY,	      SITE_INJECTGLIST,
	SITE_GOEXIT1,	      SITE_GOSCHED_IMPL,
	SITE_GOYIELD,	      SITE_PREEMPT_PARK,
	SITE_EXITSYSCALL,     SITE_ENTERSYSCALLBLOCK,
	SITE_EXITSYSCALL_NOP, SITE_STW,
	SITE_START_WORLD,     SITE_MARK_TERM,
	SITE_GC_SWEEP,	      SITE_GC_ASSIST,
	SITE_ACQUIREP,	      SITE_RELEASEP,
	SITE_HANDOFFP,	      SITE_NEEDM,
	SITE_DROPM,
};

/* The opcodes that each kind may be, told apart from how the planner tells them. */
static bool opcode_fits(enum gobinary_arch arch, const struct probe_site *s)
{
	uint32_t word;

	if (arch == GOBINARY_ARM64) {
		memcpy(&word, s->bytes, 4);
		if (s->insn == SITE_CALL)
			return word >> 26 == 0x25;
		return s->insn == SITE_JCC &&
		       (word >> 24 == 0x54 || (word & 0x7e000000) == 0x34000000 ||
			(word & 0x7e000000) == 0x36000000);
	}
	switch (s->insn) {
	case SITE_PUSH:
		return s->len == 1 && s->bytes[0] == 0x55;
	case SITE_JCC:
		return (s->len == 2 && s->bytes[0] >> 4 == 7) ||
		       (s->len == 6 && s->bytes[0] == 0x0f && s->bytes[1] >> 4 == 8);
	case SITE_CALL:
		return s->len == 5 && s->bytes[0] == 0xe8;
	case SITE_NOP5:
		return s->len == 5 && !memcmp(s->bytes, "\x0f\x1f\x44\x00\x00", 5);
	case SITE_STEPPED:
		return true;
	default:
		return false;
	}
}

static void check_site(const struct gobinary *b, const struct probe_site *s)
{
	struct span at, image = gobinary__image(b);

	assert_int_equal(gobinary__bytes(b, s->vaddr, s->len, &at), 0);
	assert_memory_equal(at.p, s->bytes, s->len);
	assert_true(s->file_off + s->len <= image.n);
	assert_memory_equal(image.p + s->file_off, s->bytes, s->len);
	if (!opcode_fits(gobinary__arch(b), s))
		fail_msg("%s: %s at %s is no %s", gobinary__name(b), site_id__name(s->id), s->func,
			 site_insn__name(s->insn));
	if (s->insn == SITE_PUSH) { /* mov %rsp, %rbp */
		assert_int_equal(gobinary__bytes(b, s->vaddr + 1, 3, &at), 0);
		assert_memory_equal(at.p, "\x48\x89\xe5", 3);
	}
	offset_of(b, s);
}

/* A PGO build may inline gcAssistAlloc1 wherever it is called: then the plan has to say so. */
static bool is_inlined_and_told(const struct gobinary *b, const struct probe_plan *p,
				enum site_id id)
{
	struct gobinary_func f;

	if (id != SITE_GC_ASSIST || !gobinary__func_by_name(b, "runtime.gcAssistAlloc1", &f))
		return false;
	for (size_t i = 0; i < sizeof(p->notes) / sizeof(p->notes[0]); i++) {
		if (strstr(p->notes[i], "mark assists are not seen"))
			return true;
	}
	return false;
}

static void check_plan(const struct gobinary *b, const struct probe_plan *p)
{
	unsigned minor = gobinary__version(b)->minor;
	bool amd64 = gobinary__arch(b) == GOBINARY_AMD64;

	for (size_t i = 0; i < sizeof(always_there) / sizeof(always_there[0]); i++) {
		if (!site_of(p, always_there[i]) && !is_inlined_and_told(b, p, always_there[i]))
			fail_msg("%s: no site '%s'", gobinary__name(b),
				 site_id__name(always_there[i]));
	}
	assert_int_equal(!site_of(p, SITE_CREATE), !!site_of(p, SITE_CREATE_AFTER));
	assert_true(site_of(p, SITE_REENTERSYSCALL) || site_of(p, SITE_ENTERSYSCALL));
	for (size_t i = 0; i < p->cnt; i++) {
		const struct probe_site *s = &p->sites[i];

		check_site(b, s);
		for (size_t j = 0; j < i; j++) {
			assert_true(s->vaddr != p->sites[j].vaddr);
			assert_true(s->id != p->sites[j].id || s->id == SITE_GC_ASSIST_END ||
				    s->id == SITE_REGION_END);
		}
		if (amd64 && minor >= 21 && s->id != SITE_CREATE && s->id != SITE_CREATE_AFTER &&
		    s->id != SITE_NEEDM && s->id != SITE_NEWCORO && s->id != SITE_START_WORLD &&
		    s->id != SITE_GC_ASSIST_END && s->id != SITE_REGION_START &&
		    s->id != SITE_REGION_END)
			assert_int_equal(s->insn, SITE_PUSH);
		if (!amd64 || minor <= 20)
			assert_true(s->insn != SITE_PUSH);
	}
}

/*
 * Told apart from how the planner finds them: an end has two paths, one clears g.inMarkAssist right
 * behind the branch, the other calls the tracer. The world's start is such a branch or, up to
 * 1.21, a call.
 */
static void check_gc_ends(const struct gobinary *b, const struct probe_plan *p, bool optimised)
{
	const struct probe_site *start = site_of(p, SITE_START_WORLD);
	bool branches = gobinary__version(b)->minor >= 22 && gobinary__arch(b) == GOBINARY_AMD64;
	size_t ends = 0;
	struct span at;

	for (size_t i = 0; i < p->cnt; i++) {
		const struct probe_site *s = &p->sites[i];

		if (s->id != SITE_GC_ASSIST_END)
			continue;
		ends++;
		assert_string_equal(s->func, "runtime.gcAssistAlloc");
		assert_int_equal(s->insn, SITE_JCC);
		assert_int_equal(s->bytes[0], 0x75);
		if (!optimised)
			continue;
		assert_int_equal(gobinary__bytes(b, s->vaddr + 2, 7, &at), 0);
		assert_int_equal(at.p[0], 0xc6); /* movb $0, disp32(reg) */
		assert_int_equal(at.p[6], 0);
	}
	assert_int_equal(ends, branches ? 3 : 0);
	if (gobinary__arch(b) != GOBINARY_AMD64)
		return;
	if (!branches || !optimised)
		assert_true(start->insn == SITE_CALL || start->insn == SITE_NOP5);
	else
		assert_int_equal(start->insn, SITE_JCC);
}

/* Nothing is optimised, or each access is told to the race detector first. */
static bool has_other_code(const char *name)
{
	return strstr(name, "noopt") || strstr(name, "race");
}

/* All regions, or none and a note. Told apart from how the planner finds them: in front of each
 * end's branch there is a comparison with one and the same address, and the branch is je or jne. */
static void check_regions(const struct gobinary *b, const struct probe_plan *p, const char *name)
{
	bool linked = strstr(name, "workload"),
	     seen = linked && gobinary__arch(b) == GOBINARY_AMD64 && !has_other_code(name);
	uint64_t noop = 0;
	size_t ends = 0;
	struct span at;

	assert_int_equal(!!site_of(p, SITE_REGION_START), seen);
	assert_int_equal(!!site_of(p, SITE_REGION_END), seen);
	for (size_t i = 0; i < p->cnt; i++) {
		const struct probe_site *s = &p->sites[i];
		uint8_t op = s->len == 2 ? s->bytes[0] & 0xf : s->bytes[1] & 0xf;
		int32_t rel;

		if (s->id == SITE_REGION_START || s->id == SITE_REGION_END)
			assert_true(s->insn == SITE_JCC && (op == 4 || op == 5));
		else
			assert_int_equal(s->when, SITE_ALWAYS);
		if (s->id == SITE_REGION_START)
			assert_int_equal(s->when, gobinary__version(b)->minor <= 19
							  ? SITE_IF_UNEQUAL
							  : SITE_IF_EQUAL);
		if (s->id != SITE_REGION_END)
			continue;
		ends++;
		assert_int_equal(s->when, SITE_IF_EQUAL);
		assert_int_equal(gobinary__bytes(b, s->vaddr - 7, 7, &at), 0);
		if (at.p[0] != 0x48 || (at.p[1] | 2) != 0x3b) /* a nop between the two */
			continue;
		memcpy(&rel, at.p + 3, 4);
		if (!noop)
			noop = s->vaddr + (uint64_t)(int64_t)rel;
		assert_int_equal(noop, s->vaddr + (uint64_t)(int64_t)rel);
	}
	/* End itself, four in regionRound, in nestedTask, deferred, by a method value */
	if (seen)
		assert_true(ends >= 6 && ends <= 16);
}

static void check_fixture(struct gobinary *b, const char *version, const char *name)
{
	struct probe_plan p, with_nop5;
	const struct probe_site *c, *n;

	assert_int_equal(plan__make(b, false, &p), 0);
	assert_int_equal(plan__sees_changes(&p), !has_copies(b, &p));
	if (!strstr(name, "pgo"))
		assert_true(plan__sees_changes(&p));
	check_plan(b, &p);
	assert_int_equal(plan__make(b, true, &with_nop5), 0);
	check_plan(b, &with_nop5);
	assert_int_equal(p.cnt, with_nop5.cnt);
	c = site_of(&p, SITE_CREATE);
	n = site_of(&with_nop5, SITE_CREATE);
	if (c) {
		assert_int_equal(c->insn, SITE_CALL);
		assert_true(n->vaddr == c->vaddr ||
			    (n->insn == SITE_NOP5 && n->vaddr + 5 == c->vaddr));
	}
	/* nothing is missing in what the linker made without a profile; on arm64 address arithmetic
	 * stands between newproc1 and the branch that tells coroutines */
	if (strstr(name, "workload") && has_other_code(name))
		assert_non_null(strstr(p.notes[0], "runtime/trace.StartRegion: "));
	else if (!strstr(name, "pgo") && gobinary__arch(b) == GOBINARY_AMD64)
		assert_string_equal(p.notes[0], "");
	check_regions(b, &p, name);
	check_gc_ends(b, &p, !strstr(name, "noopt"));
}

/* Allocations have a plan of their own; a profile-guided build may inline what it probes. */
static void check_alloc_plan(struct gobinary *b, const char *version, const char *name)
{
	struct probe_plan p;
	unsigned minor = gobinary__version(b)->minor;
	bool amd64 = gobinary__arch(b) == GOBINARY_AMD64;

	(void)version;
	assert_int_equal(plan__make(b, false, &p), 0);
	assert_null(site_of(&p, SITE_REFILL));
	assert_int_equal(plan__make_for(b, false, SITES_ALLOC, &p), 0);
	assert_false(plan__sees_changes(&p));
	if (!strstr(name, "pgo"))
		assert_string_equal(p.notes[0], "");
	for (size_t i = 0; i < p.cnt; i++) {
		check_site(b, &p.sites[i]);
		assert_int_equal(p.sites[i].insn, amd64 && minor >= 21 ? SITE_PUSH : SITE_JCC);
	}
	assert_int_equal(p.cnt, 2);
	assert_non_null(site_of(&p, SITE_REFILL));
	assert_non_null(site_of(&p, SITE_ALLOC_LARGE));
}

static void every_fixture_has_a_plan_of_allocations(void **state)
{
	if (!fixture__each(check_alloc_plan))
		skip();
}

static void every_fixture_has_a_whole_plan(void **state)
{
	if (!fixture__each(check_fixture))
		skip();
}

/* ---- figures of the default builds, by disassembly ---- */

static const struct expected {
	const char *version;
	enum site_id id;
	enum site_insn insn;
	uint16_t off, off_nop5;
} expected[] = {
	{"1.18.10", SITE_EXECUTE, SITE_JCC, 0x4, 0x4},
	{"1.18.10", SITE_REENTERSYSCALL, SITE_CALL, 0x37, 0x37},
	{"1.19.13", SITE_CREATE, SITE_CALL, 0x40, 0x3b},
	{"1.19.13", SITE_PARK, SITE_JCC, 0x4, 0x4},
	{"1.19.13", SITE_REENTERSYSCALL, SITE_CALL, 0x37, 0x37},
	{"1.19.13", SITE_EXITSYSCALL, SITE_JCC, 0x24, 0x24},
	{"1.19.13", SITE_MARK_TERM, SITE_JCC, 0xc, 0xc},
	{"1.19.13", SITE_PREEMPT_PARK, SITE_JCC, 0x4, 0x4},
	{"1.22.12", SITE_CREATE, SITE_CALL, 0x35, 0x35},
	{"1.22.12", SITE_EXECUTE, SITE_PUSH, 0xa, 0xa},
	{"1.22.12", SITE_GOEXIT1, SITE_PUSH, 0x6, 0x6},
	{"1.22.12", SITE_STW, SITE_PUSH, 0xf, 0xf},
	{"1.22.12", SITE_REENTERSYSCALL, SITE_PUSH, 0x0, 0x0},
	{"1.22.12", SITE_ACQUIREP, SITE_PUSH, 0xa, 0xa},
	{"1.24.6", SITE_CREATE, SITE_CALL, 0x40, 0x3b},
	{"1.24.6", SITE_COROSWITCH, SITE_PUSH, 0xf, 0xf},
	{"1.24.6", SITE_MARK_TERM, SITE_PUSH, 0x12, 0x12},
	{NEWEST, SITE_CREATE, SITE_CALL, 0x40, 0x3b},
	{NEWEST, SITE_READY, SITE_PUSH, 0xa, 0xa},
	{NEWEST, SITE_ACQUIREP, SITE_PUSH, 0x6, 0x6},
	{NEWEST, SITE_EXITSYSCALL_NOP, SITE_PUSH, 0xa, 0xa},
	{NEWEST, SITE_DROPM, SITE_PUSH, 0x0, 0x0},
	{"1.19.13", SITE_START_WORLD, SITE_CALL, 0x16c, 0x16c},
	{"1.22.12", SITE_START_WORLD, SITE_JCC, 0x1cd, 0x1cd},
	{"1.22.12", SITE_GC_ASSIST_END, SITE_JCC, 0x2d0, 0x2d0},
	{"1.23.11", SITE_GC_ASSIST_END, SITE_JCC, 0x2c3, 0x2c3},
	{"1.24.6", SITE_START_WORLD, SITE_JCC, 0x1ca, 0x1ca},
	{"1.24.6", SITE_GC_ASSIST_END, SITE_JCC, 0x383, 0x383},
	{NEWEST, SITE_START_WORLD, SITE_JCC, 0x1d0, 0x1d0},
	{"1.19.13", SITE_REGION_START, SITE_JCC, 0x30, 0x30},
	{"1.22.12", SITE_REGION_START, SITE_JCC, 0x2a, 0x2a},
	{"1.22.12", SITE_REGION_END, SITE_JCC, 0x15, 0x15},
	{NEWEST, SITE_REGION_START, SITE_JCC, 0x2a, 0x2a},
	{NEWEST, SITE_REGION_END, SITE_JCC, 0x15, 0x15},
	{NEWEST, SITE_GC_ASSIST_END, SITE_JCC, 0x36f, 0x36f},
};

static void sites_are_where_the_disassembly_has_them(void **state)
{
	int seen = 0;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct expected *e = &expected[i];
		struct gobinary *b = fixture__open(e->version, "workload");
		struct probe_plan p;

		if (!b)
			continue;
		for (int nop5 = 0; nop5 < 2; nop5++) {
			const struct probe_site *s;

			assert_int_equal(plan__make(b, nop5, &p), 0);
			s = site_of(&p, e->id);
			assert_non_null(s);
			if (offset_of(b, s) != (nop5 ? e->off_nop5 : e->off))
				fail_msg("%s: %s at +0x%llx", e->version, s->func,
					 (unsigned long long)offset_of(b, s));
			assert_int_equal(s->insn,
					 e->off_nop5 != e->off && nop5 ? SITE_NOP5 : e->insn);
		}
		gobinary__free(b);
		seen++;
	}
	if (!seen)
		skip();
}

/* The same functions get the same sites when the symbols are gone. */
static void stripping_changes_nothing(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "zoo"),
			*s = fixture__need(NEWEST, "zoo-stripped");
	struct probe_plan p, q;

	assert_true(gobinary__is_stripped(s));
	assert_int_equal(plan__make(b, true, &p), 0);
	assert_int_equal(plan__make(s, true, &q), 0);
	assert_int_equal(p.cnt, q.cnt);
	for (size_t i = 0; i < p.cnt; i++) {
		assert_int_equal(p.sites[i].id, q.sites[i].id);
		assert_string_equal(p.sites[i].func, q.sites[i].func);
		assert_int_equal(offset_of(b, &p.sites[i]), offset_of(s, &q.sites[i]));
	}
	gobinary__free(b);
	gobinary__free(s);
}

/* Annotations and coroutines are probed only where they are linked. */
static void optional_sites_follow_the_program(void **state)
{
	struct gobinary *with = fixture__need(NEWEST, "workload"),
			*without = fixture__need(NEWEST, "zoo");
	static const enum site_id ids[] = {
		SITE_COROSWITCH, SITE_USER_TASK_CREATE, SITE_USER_TASK_END, SITE_USER_REGION,
		SITE_USER_LOG,	 SITE_REGION_START,	SITE_REGION_END};
	struct probe_plan p, q;

	assert_int_equal(plan__make(with, false, &p), 0);
	assert_int_equal(plan__make(without, false, &q), 0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_non_null(site_of(&p, ids[i]));
		assert_null(site_of(&q, ids[i]));
	}
	gobinary__free(with);
	gobinary__free(without);
}

/* ---- what profile-guided builds do to the runtime, made by changing the target of calls ---- */

static uint64_t entry_of(const struct gobinary *b, const char *func)
{
	struct gobinary_func f;

	assert_int_equal(gobinary__func_by_name(b, func, &f), 0);
	return f.entry;
}

/* The one `call callee` of func now calls another function. */
static struct gobinary *redirect(struct gobinary *b, const char *func, const char *callee,
				 const char *to)
{
	struct gobinary_func f;
	struct span code;
	struct gobinary *patched = NULL;

	assert_int_equal(gobinary__func_by_name(b, func, &f), 0);
	assert_int_equal(gobinary__bytes(b, f.entry, f.end - f.entry, &code), 0);
	for (size_t i = 0; i + 5 <= code.n && !patched; i++) {
		uint64_t next = f.entry + i + 5, file_off;
		int32_t rel;

		memcpy(&rel, code.p + i + 1, 4);
		if (code.p[i] != 0xe8 || next + (uint64_t)(int64_t)rel != entry_of(b, callee))
			continue;
		rel = (int32_t)(entry_of(b, to) - next);
		assert_int_equal(gobinary__file_off(b, f.entry + i + 1, &file_off), 0);
		patched = fixture__patched(b, file_off, &rel, 4);
	}
	assert_non_null(patched);
	gobinary__free(b);
	return patched;
}

static void without_runqput_the_probe_comes_after_newproc1(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "workload");
	const struct probe_site *s;
	struct probe_plan p;
	struct span before;

	b = redirect(b, "runtime.newproc.func1", "runtime.runqput", "runtime.wakep");
	assert_int_equal(plan__make(b, true, &p), 0);
	check_plan(b, &p);
	assert_null(site_of(&p, SITE_CREATE));
	s = site_of(&p, SITE_CREATE_AFTER);
	assert_non_null(s);
	assert_int_equal(s->insn, SITE_STEPPED);
	assert_true(s->required);
	assert_int_equal(gobinary__bytes(b, s->vaddr - 5, 5, &before), 0);
	assert_int_equal(before.p[0], 0xe8);
	assert_non_null(strstr(p.notes[0], "single-stepped"));
	gobinary__free(b);
}

static void without_newproc1_too_there_is_no_creation_and_no_plan(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "workload");
	struct probe_plan p;

	b = redirect(b, "runtime.newproc.func1", "runtime.runqput", "runtime.wakep");
	b = redirect(b, "runtime.newproc.func1", "runtime.newproc1", "runtime.wakep");
	assert_int_equal(plan__make(b, true, &p), -EOPNOTSUPP);
	assert_non_null(strstr(last_error, "runtime.newproc.func1 calls neither"));
	gobinary__free(b);
}

static void where_reentersyscall_is_inlined_entersyscall_is_probed(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "workload");
	struct probe_plan p;

	b = redirect(b, "runtime.entersyscall", "runtime.reentersyscall", "runtime.save");
	assert_int_equal(plan__make(b, false, &p), 0);
	check_plan(b, &p);
	assert_non_null(site_of(&p, SITE_ENTERSYSCALL));
	/* cgo callbacks still call it */
	assert_non_null(site_of(&p, SITE_REENTERSYSCALL));
	gobinary__free(b);
	b = fixture__need(NEWEST, "workload");
	assert_int_equal(plan__make(b, false, &p), 0);
	assert_null(site_of(&p, SITE_ENTERSYSCALL));
	gobinary__free(b);
}

/* ---- bytes that are not what a compiler writes ---- */

static void a_required_function_without_its_prologue_is_refused(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "workload"), *broken;
	const struct probe_site *s;
	struct probe_plan p, q;

	assert_int_equal(plan__make(b, false, &p), 0);
	s = site_of(&p, SITE_EXECUTE);
	broken = fixture__patched(b, s->file_off, "\x90", 1);
	assert_int_equal(plan__make(broken, false, &q), -EOPNOTSUPP);
	assert_non_null(
		strstr(last_error, "runtime.execute has no instruction that can be probed"));
	gobinary__free(broken);
	/* the first instruction is undecodable */
	broken = fixture__patched(b, s->file_off - offset_of(b, s), "\x06", 1);
	assert_int_equal(plan__make(broken, false, &q), -EOPNOTSUPP);
	gobinary__free(broken);
	gobinary__free(b);
}

static void a_wanted_function_without_its_prologue_is_noted(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "workload"), *broken;
	struct probe_plan p, q;

	assert_int_equal(plan__make(b, false, &p), 0);
	broken = fixture__patched(b, site_of(&p, SITE_GC_ASSIST)->file_off, "\x90", 1);
	assert_int_equal(plan__make(broken, false, &q), 0);
	assert_int_equal(q.cnt, p.cnt - 1);
	assert_null(site_of(&q, SITE_GC_ASSIST));
	assert_non_null(strstr(q.notes[0], "mark assists are not seen"));
	gobinary__free(broken);
	gobinary__free(b);
}

static void without_ends_like_the_compilers_assists_are_estimates(void **state)
{
	/* at the first end: the branch (another condition), the constant of the store, the field;
	 * and a store of 0 more that no branch stands before */
	static const struct {
		int off;
		const char *byte;
	} breaks[] = {{0, "\x74"}, {2 + 6, "\x01"}, {2 + 2, "\xbb"}, {2, "\x90"}};
	struct gobinary *b = fixture__need(NEWEST, "workload"), *broken;
	const struct probe_site *s;
	struct probe_plan p, q;

	assert_int_equal(plan__make(b, false, &p), 0);
	s = site_of(&p, SITE_GC_ASSIST_END);
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		broken = fixture__patched(b, s->file_off + breaks[i].off, breaks[i].byte, 1);
		assert_int_equal(plan__make(broken, false, &q), 0);
		assert_int_equal(q.cnt, p.cnt - 3);
		assert_null(site_of(&q, SITE_GC_ASSIST_END));
		assert_non_null(strstr(q.notes[0], "their times are an estimate"));
		gobinary__free(broken);
	}
	b = redirect(b, "runtime.startTheWorldWithSema", "runtime.traceLocker.STWDone",
		     "runtime.save");
	assert_int_equal(plan__make(b, false, &q), 0);
	assert_int_equal(site_of(&q, SITE_START_WORLD)->insn, SITE_CALL);
	assert_string_equal(q.notes[0], "");
	b = redirect(b, "runtime.startTheWorldWithSema", "runtime.wakep", "runtime.save");
	assert_int_equal(plan__make(b, false, &q), 0);
	assert_int_equal(site_of(&q, SITE_START_WORLD)->insn, SITE_PUSH);
	assert_non_null(strstr(q.notes[0], "told too short"));
	gobinary__free(b);
}

/* A stray byte before the prologue moves every boundary: a push that is inside another
 * instruction is not taken. */
static void a_push_inside_another_instruction_is_no_site(void **state)
{
	struct gobinary *b = fixture__need(NEWEST, "workload"), *broken;
	const struct probe_site *s;
	struct probe_plan p, q;

	assert_int_equal(plan__make(b, false, &p), 0);
	s = site_of(&p, SITE_REENTERSYSCALL); /* its push is the first instruction */
	assert_int_equal(offset_of(b, s), 0);
	/* 48 b8 imm64: mov $imm, %rax swallows what follows, and a push is in the middle */
	broken = fixture__patched(b, s->file_off, "\x48\xb8\x55\x48\x89\xe5", 6);
	assert_int_equal(plan__make(broken, false, &q), -EOPNOTSUPP);
	assert_non_null(strstr(last_error, "runtime.reentersyscall has no instruction"));
	gobinary__free(broken);
	gobinary__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_has_a_whole_plan),
		cmocka_unit_test(every_fixture_has_a_plan_of_allocations),
		cmocka_unit_test(sites_are_where_the_disassembly_has_them),
		cmocka_unit_test(stripping_changes_nothing),
		cmocka_unit_test(optional_sites_follow_the_program),
		cmocka_unit_test(without_runqput_the_probe_comes_after_newproc1),
		cmocka_unit_test(without_newproc1_too_there_is_no_creation_and_no_plan),
		cmocka_unit_test(where_reentersyscall_is_inlined_entersyscall_is_probed),
		cmocka_unit_test(a_required_function_without_its_prologue_is_refused),
		cmocka_unit_test(a_wanted_function_without_its_prologue_is_noted),
		cmocka_unit_test(a_push_inside_another_instruction_is_no_site),
		cmocka_unit_test(without_one_of_these_nothing_can_be_remembered),
		cmocka_unit_test(with_copies_of_one_of_these_nothing_can_be_remembered),
		cmocka_unit_test(without_ends_like_the_compilers_assists_are_estimates),
	};

	log__set_sink(keep_error, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
