/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/gobinary.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "binary/gobinary_internal.h"
#include "binary/insn.h"

/*
 * A stripped file has no names for variables, but small functions of the runtime refer to
 * them in the order of their source: src/runtime/{proc,debug,mgc,mgcpacer,mcache,runtime2}.go.
 * The order is the same in Go 1.18-1.27, amd64 and arm64. Only references to memory that
 * is writable at run time count: strings and tables do not. Each rule is checked by what
 * else the function must show; what fails stays 0.
 */
#define REFS_MAX 24
#define CODE_MAX_SZ 16384 /* mexit, the longest of them, has 1.5 KB */

struct refs {
	uint64_t at[REFS_MAX];
	size_t cnt;
	int64_t cmp_imm; /* of the first compare with an immediate, -1 none */
};

struct ctx {
	const struct gobinary *b;
	struct insn_decoder *d;
	struct gobinary_globals *out;
};

static void note_insn(const struct ctx *c, const struct insn *in, struct refs *r)
{
	if (in->kind == INSN_CMP && in->has_imm && r->cmp_imm < 0)
		r->cmp_imm = in->imm;
	if (in->ref && r->cnt < REFS_MAX && elf_file__is_writable(&c->b->elf, in->ref))
		r->at[r->cnt++] = in->ref;
}

/* false: no such function, or it cannot be decoded. */
static bool refs_of(const struct ctx *c, const char *func, struct refs *r)
{
	struct gobinary_func f;
	struct span code, rest;
	struct insn in;
	uint64_t len;

	*r = (struct refs){.cmp_imm = -1};
	if (gobinary__func_by_name(c->b, func, &f))
		return false;
	len = f.end - f.entry < CODE_MAX_SZ ? f.end - f.entry : CODE_MAX_SZ;
	if (gobinary__bytes(c->b, f.entry, len, &code))
		return false;
	insn_decoder__reset(c->d);
	for (uint64_t off = 0; off < code.n; off += in.len) {
		if (span__from(code, off, &rest))
			return false;
		if (!insn_decoder__next(c->d, rest, f.entry + off, &in)) {
			note_insn(c, &in, r);
			continue;
		}
		/* arm64's later atomics are unknown to Capstone 4; their length is not */
		if (c->b->elf.arch != GOBINARY_ARM64)
			return false;
		in.len = 4;
		insn_decoder__reset(c->d);
	}
	return true;
}

/* The n-th reference, counted from 1; 0 where there are fewer. */
static uint64_t nth(const struct refs *r, size_t n)
{
	return n <= r->cnt ? r->at[n - 1] : 0;
}

static bool is_slice(uint64_t ptr, uint64_t len)
{
	return ptr && ptr % 8 == 0 && len == ptr + 8;
}

static void find_goroutines(const struct ctx *c)
{
	struct gobinary_globals *g = c->out;
	struct refs r;

	/* n := atomic(allglen); ptr := atomic(allgptr); in a function of its own that only
	 * builds without inlining still have */
	if (((refs_of(c, "runtime.forEachGRace", &r) && r.cnt >= 2) ||
	     (refs_of(c, "runtime.atomicAllG", &r) && r.cnt >= 2)) &&
	    nth(&r, 1) % 8 == 0 && nth(&r, 2) % 8 == 0) {
		g->allglen = nth(&r, 1);
		g->allgptr = nth(&r, 2);
	}
	/* lock(allglock); range allgs: on arm64 one load takes pointer and length */
	if (refs_of(c, "runtime.forEachG", &r) && nth(&r, 2) && nth(&r, 2) % 8 == 0 &&
	    (is_slice(nth(&r, 2), nth(&r, 3)) || nth(&r, 3) == nth(&r, 1)))
		g->allgs = nth(&r, 2);
}

static void find_processors(const struct ctx *c)
{
	struct gobinary_globals *g = c->out;
	struct refs r;
	uint64_t a, b;

	/* lock(allpLock); len(allp), allp[i] in either order */
	if (refs_of(c, "runtime.retake", &r)) {
		a = nth(&r, 2);
		b = nth(&r, 3);
		if (is_slice(a, b) || is_slice(b, a))
			g->allp = a < b ? a : b;
		else if (a && a % 8 == 0 && b == nth(&r, 1))
			g->allp = a;
	}
	/* lock(sched.lock); gomaxprocs */
	if (refs_of(c, "runtime.GOMAXPROCS", &r) && nth(&r, 2) % 4 == 0)
		g->gomaxprocs = nth(&r, 2);
}

/*
 * schedt begins with goidgen and a few words, then its lock. newproc1 takes goroutine ids
 * from goidgen; GOMAXPROCS locks the lock first of all.
 */
static void find_sched(const struct ctx *c)
{
	const uint64_t lock_off_max = 0x40;
	struct gobinary_globals *g = c->out;
	struct refs r;
	uint64_t lock;

	if (!refs_of(c, "runtime.GOMAXPROCS", &r) || !nth(&r, 1))
		return;
	lock = nth(&r, 1);
	/* without inlining it asserts first that the lock is held */
	if (refs_of(c, "runtime.mput", &r)) {
		g->sched_midle_ref = nth(&r, nth(&r, 1) == lock ? 2 : 1);
		if (g->sched_midle_ref % 8)
			g->sched_midle_ref = 0;
	}
	if (!refs_of(c, "runtime.newproc1", &r))
		return;
	for (size_t i = 0; i < r.cnt; i++) {
		uint64_t at = r.at[i];

		if (at >= lock || lock - at > lock_off_max || at == g->sched)
			continue;
		/* a second candidate: neither can be trusted */
		if (g->sched) {
			g->sched = 0;
			return;
		}
		g->sched = at;
	}
}

static void find_threads(const struct ctx *c)
{
	struct gobinary_globals *g = c->out;
	struct refs r;

	/* if mp == &m0; … write barrier; lock(sched.lock); for pprev := &allm. On arm64 the
	 * write barrier's flag is read by every version too. */
	if (!refs_of(c, "runtime.mexit", &r) || r.cnt < 4 || nth(&r, 4) % 8 || nth(&r, 1) % 8)
		return;
	g->m0 = nth(&r, 1);
	g->allm = nth(&r, 4);
}

static void find_gc(const struct ctx *c)
{
	struct gobinary_globals *g = c->out;
	struct refs sweep, commit, put, release;

	/* if gcphase != _GCoff; lock(&mheap_.lock) */
	if (refs_of(c, "runtime.gcSweep", &sweep) && sweep.cnt >= 2) {
		g->gcphase = nth(&sweep, 1);
		g->mheap = nth(&sweep, 2);
	}
	if (refs_of(c, "runtime.gcControllerCommit", &commit)) {
		/* isSweepDone(); gcController.commit(); if gcphase == … */
		if (g->gcphase && nth(&commit, 3) == g->gcphase)
			g->gc_controller = nth(&commit, 2);
		else
			g->gcphase = 0;
	} else if (refs_of(c, "runtime.(*gcWork).put", &put) && g->gcphase &&
		   nth(&put, 1) == g->gcphase) {
		/* Go 1.18 has the other function only inlined: if gcphase == _GCmark {
		 * gcController.enlistWorker() } */
		g->gc_controller = nth(&put, 2);
	}
	/* stats := memstats.heapStats.acquire(), the first field from Go 1.19 on: two loads */
	if (c->b->info.version.minor >= 19 &&
	    refs_of(c, "runtime.(*mcache).releaseAll", &release) && nth(&release, 3) &&
	    nth(&release, 3) == nth(&release, 4))
		g->memstats = nth(&release, 3);
}

/* The first reference that r has twice, 0 none. */
static uint64_t repeated(const struct refs *r, uint64_t but)
{
	for (size_t i = 0; i < r->cnt; i++) {
		for (size_t j = i + 1; j < r->cnt; j++) {
			if (r->at[i] == r->at[j] && r->at[i] != but)
				return r->at[i];
		}
	}
	return 0;
}

static bool refers_to(const struct refs *r, uint64_t at)
{
	for (size_t i = 0; i < r->cnt; i++) {
		if (r->at[i] == at)
			return true;
	}
	return false;
}

/* The one address of a that b has too (shared) or has not; 0 when there is none or another. */
static uint64_t only_ref(const struct refs *a, const struct refs *b, bool shared)
{
	uint64_t at = 0;

	for (size_t i = 0; i < a->cnt; i++) {
		if (refers_to(b, a->at[i]) != shared || a->at[i] == at)
			continue;
		if (at)
			return 0;
		at = a->at[i];
	}
	return at;
}

/* src/runtime/mprof.go: one lock and a struct up to 1.18, locks and an atomic word from 1.19. */
static void find_profile_cycle(const struct ctx *c)
{
	struct gobinary_globals *g = c->out;
	struct refs flush, locked;

	if (!refs_of(c, "runtime.mProf_Flush", &flush) ||
	    !refs_of(c, "runtime.mProf_FlushLocked", &locked))
		return;
	if (c->b->info.version.minor <= 18) {
		/* lock(&proflock); if !mProf.flushed, the byte behind mProf.cycle */
		if (locked.cnt == 2 && nth(&flush, 2) == nth(&locked, 1) + 4) {
			g->mprof_lock = nth(&flush, 1);
			g->mprof_cycle = nth(&locked, 1);
			g->mbuckets = nth(&locked, 2);
		}
		return;
	}
	/* mProfCycle.setFlushed(); lock(&profMemActiveLock) … unlock(&profMemActiveLock) */
	g->mprof_cycle = nth(&flush, 1);
	g->mprof_lock = repeated(&flush, g->mprof_cycle);
	/* mbuckets.Load(); builds without inlining assert first that the locks are held */
	g->mbuckets = only_ref(&locked, &flush, false);
}

static void find_memory_profile(const struct ctx *c)
{
	struct gobinary_globals *g = c->out;
	struct refs alloc, cache;

	find_profile_cycle(c);
	if (g->mbuckets % 8 || g->mprof_cycle % 4 || g->mprof_lock % 8 || !g->mbuckets ||
	    !g->mprof_cycle || !g->mprof_lock)
		g->mbuckets = g->mprof_cycle = g->mprof_lock = 0;
	/* both end with c.nextSample = nextSample(), which is the rate's only reader that they
	 * share; without inlining it is a function of its own */
	if (refs_of(c, "runtime.profilealloc", &alloc) && refs_of(c, "runtime.allocmcache", &cache))
		g->mem_profile_rate = only_ref(&alloc, &cache, true);
	if (!g->mem_profile_rate && refs_of(c, "runtime.nextSample", &alloc))
		g->mem_profile_rate = only_ref(&alloc, &alloc, true);
	if (g->mem_profile_rate % 8)
		g->mem_profile_rate = 0;
}

static void find_wait_reasons(const struct ctx *c)
{
	struct refs r;

	/* if w < 0 || w >= waitReason(len(waitReasonStrings)); return waitReasonStrings[w] */
	if (!refs_of(c, "runtime.waitReason.String", &r) || !r.cnt || nth(&r, r.cnt) % 8 ||
	    r.cmp_imm < 16 || r.cmp_imm > 127)
		return;
	c->out->wait_reason_strings = nth(&r, r.cnt);
	c->out->wait_reason_cnt = (uint32_t)r.cmp_imm;
}

/* ---- the symbol table, where there is one ---- */

struct symbol_rule {
	const char *name;
	size_t off; /* in gobinary_globals */
};

#define RULE(symbol, field)                                                                        \
	{                                                                                          \
		"runtime." symbol, offsetof(struct gobinary_globals, field)                        \
	}

static const struct symbol_rule symbol_rules[] = {
	RULE("allglen", allglen),
	RULE("allgptr", allgptr),
	RULE("allgs", allgs),
	RULE("allm", allm),
	RULE("allp", allp),
	RULE("m0", m0),
	RULE("gomaxprocs", gomaxprocs),
	RULE("sched", sched),
	RULE("gcController", gc_controller),
	RULE("gcphase", gcphase),
	RULE("memstats", memstats),
	RULE("mheap_", mheap),
	RULE("mbuckets", mbuckets),
	RULE("mProf", mprof_cycle), /* 1.18 */
	RULE("mProfCycle", mprof_cycle),
	RULE("proflock", mprof_lock), /* 1.18 */
	RULE("profMemActiveLock", mprof_lock),
	RULE("MemProfileRate", mem_profile_rate),
	RULE("waitReasonStrings", wait_reason_strings),
};
#define RULE_CNT (sizeof(symbol_rules) / sizeof(symbol_rules[0]))

/* The linker's word counts for more than what was decoded, if it can be true at all; the
 * live self-check at attach judges both. */
static void merge_symbols(const struct ctx *c)
{
	const char *names[RULE_CNT];
	uint64_t addrs[RULE_CNT], *field;

	for (size_t i = 0; i < RULE_CNT; i++)
		names[i] = symbol_rules[i].name;
	if (!elf_symbols__addresses(&c->b->elf, names, RULE_CNT, addrs))
		return;
	for (size_t i = 0; i < RULE_CNT; i++) {
		field = (uint64_t *)((char *)c->out + symbol_rules[i].off);
		if (!addrs[i] || addrs[i] % 4 || !elf_file__is_writable(&c->b->elf, addrs[i]))
			continue;
		if (*field && *field != addrs[i])
			log_debug("globals: '%s': %s is at 0x%llx by its symbol, 0x%llx by code",
				  c->b->name, names[i], (unsigned long long)addrs[i],
				  (unsigned long long)*field);
		*field = addrs[i];
	}
}

int gobinary__globals(const struct gobinary *b, struct gobinary_globals *out)
{
	struct ctx c = {.b = b, .out = out};
	int err;

	memset(out, 0, sizeof(*out));
	if (!b->has_tab)
		return -ENODATA;
	err = insn_decoder__new(b->elf.arch, &c.d);
	if (err)
		return err;
	find_goroutines(&c);
	find_processors(&c);
	find_sched(&c);
	find_threads(&c);
	find_gc(&c);
	find_memory_profile(&c);
	find_wait_reasons(&c);
	merge_symbols(&c);
	insn_decoder__free(c.d);
	out->moduledata = b->moduledata;
	out->text = b->tab.text;
	out->etext = b->tab.etext;
	return 0;
}
