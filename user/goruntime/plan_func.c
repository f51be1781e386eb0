/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/plan_func.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "binary/sp_delta.h"
#include "goruntime/plan_scan.h"

#define NAMES_TOLD 3
#define JUMP_TABLE_MIN 8 /* cases of the compiler's smallest table (src/cmd/compile, minCases) */

struct adding {
	struct plan_scan scan;
	struct probe_plan *plan;
	unsigned func_no;
	struct func_sites *out;
	char *why;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct adding *a, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->why, PLAN_FUNC_WHY_SZ, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- names ---- */

struct callers {
	char *text;
	size_t sz, cnt;
};

static int add_caller(void *ctx, const struct gobinary_func *f, size_t instances)
{
	struct callers *c = ctx;
	size_t n = strlen(c->text);

	if (c->cnt++ < NAMES_TOLD)
		snprintf(c->text + n, c->sz - n, "%s%.60s", n ? ", " : "", f->name);
	return 0;
}

/* What follows the last slash: long paths have nothing to do with mistakes in a name. */
static const char *short_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static int no_such(const struct adding *a, const char *name)
{
	const struct gobinary *b = a->scan.b;
	const char *want = short_name(name), *near = NULL, *full = NULL;
	struct gobinary_func f;

	for (size_t i = 0; i < gobinary__func_count(b); i++) {
		const char *two[2] = {near, NULL}, *best;

		if (gobinary__func_at(b, i, &f))
			continue;
		two[1] = short_name(f.name);
		best = nearest__name(want, strlen(want), two, 2);
		if (best && best != near) {
			near = best;
			full = f.name;
		}
	}
	return full ? refuse(a, -ENOENT, "the program has no such function; is it %.100s?", full)
		    : refuse(a, -ENOENT,
			     "the program has no such function, and none of a name like it");
}

/* It is not there: nowhere, or only within its callers. */
static int not_found(const struct adding *a, const char *name)
{
	char text[200] = "";
	struct callers c = {text, sizeof(text), 0};
	int err = gobinary__each_inlined(a->scan.b, name, add_caller, &c);

	if (err)
		return err;
	if (!c.cnt)
		return no_such(a, name);
	return refuse(a, -EOPNOTSUPP, "all of it is inlined into its callers: %.150s%s", text,
		      c.cnt > NAMES_TOLD ? " …" : "");
}

/* Calls of copies that are inlined elsewhere are not seen, and that is told. */
static int note_copies(const struct adding *a, const char *name)
{
	char text[200] = "";
	struct callers c = {text, sizeof(text), 0};
	int err = gobinary__each_inlined(a->scan.b, name, add_caller, &c);

	for (size_t i = 0; !err && c.cnt && i < 16; i++) {
		char *note = a->plan->notes[i];

		if (note[0])
			continue;
		snprintf(note, sizeof(a->plan->notes[i]),
			 "%.50s is also inlined into %.50s%s: calls there are not seen", name, text,
			 c.cnt > NAMES_TOLD ? " …" : "");
		break;
	}
	return err;
}

/* ---- sites ---- */

static int add(const struct adding *a, enum site_id id, enum site_when when,
	       const struct gobinary_func *f, const struct plan_spot *spot)
{
	struct probe_plan *plan = a->plan;
	struct probe_site *s = &plan->sites[plan->cnt];
	uint64_t delta;

	for (size_t i = 0; i < plan->cnt; i++)
		if (plan->sites[i].vaddr == spot->insn.addr)
			return refuse(a, -EOPNOTSUPP,
				      "it is probed already for something else (%s)",
				      site_id__name(plan->sites[i].id));
	if (plan->cnt == PLAN_SITES_MAX || spot->insn.len > sizeof(s->bytes))
		return refuse(a, -EOPNOTSUPP, "it has too many returns");
	if (gobinary__sp_delta(a->scan.b, spot->insn.addr, &delta) || delta > 1u << 30)
		return refuse(a, -EOPNOTSUPP, "the size of its frame is not told at 0x%llx",
			      (unsigned long long)spot->insn.addr);
	*s = (struct probe_site){.id = id,
				 .insn = spot->kind,
				 .when = when,
				 .func = f->name,
				 .vaddr = spot->insn.addr,
				 .len = spot->insn.len,
				 .func_no = (uint8_t)a->func_no,
				 .sp_delta = (uint32_t)delta};
	memcpy(s->bytes, spot->insn.bytes, s->len);
	if (gobinary__file_off(a->scan.b, s->vaddr, &s->file_off))
		return refuse(a, -EOPNOTSUPP, "it is not in an executable part of the file");
	plan->cnt++;
	a->out->stepped += spot->kind == SITE_STEPPED;
	return 0;
}

static bool is_within(const struct gobinary_func *f, uint64_t addr)
{
	return addr >= f->entry && addr < f->end;
}

/* jmp *(table,index,8) with the table's address taken right before: to places within? */
static bool is_own_table(const struct adding *a, const struct gobinary_func *f,
			 const struct insn *jump, uint64_t table)
{
	struct span words;
	uint64_t to;

	if (!table || jump->len < 3 ||
	    gobinary__bytes(a->scan.b, table, JUMP_TABLE_MIN * 8, &words))
		return false;
	for (size_t i = 0; i < JUMP_TABLE_MIN; i++)
		if (span__u64(words, i * 8, &to) || !is_within(f, to))
			return false;
	return true;
}

/* What is decoded of a function so far. */
struct body {
	const struct gobinary_func *f;
	struct plan_spot nop; /* on the way to whatever follows; len 0: none */
	uint64_t table;	      /* the last address that was taken; 0 none */
	unsigned since;	      /* instructions since */
};

static bool is_target(const struct adding *a, const struct gobinary_func *f, uint64_t addr)
{
	uint64_t at = f->entry;
	struct span code, rest;
	struct insn in;

	if (gobinary__bytes(a->scan.b, f->entry, f->end - f->entry, &code))
		return true;
	while (at < f->end) {
		if (span__from(code, at - f->entry, &rest) ||
		    insn_decoder__next(a->scan.d, rest, at, &in))
			return true;
		if ((in.kind == INSN_JCC || in.kind == INSN_JMP) && in.target == addr)
			return true;
		at += in.len;
	}
	return false;
}

/* The nop right in front of it does as well, unless somebody jumps to the ret itself. */
static int add_return(const struct adding *a, const struct body *b, const struct insn *ret)
{
	struct plan_spot spot = {.insn = *ret, .kind = SITE_STEPPED};

	if (b->nop.insn.len && !is_target(a, b->f, ret->addr))
		spot = b->nop;
	a->out->returns++;
	return add(a, SITE_FUNC_RETURN, SITE_ALWAYS, b->f, &spot);
}

static int leaves(const struct adding *a, const struct body *b, const struct insn *in)
{
	switch (in->kind) {
	case INSN_RET:
		return add_return(a, b, in);
	case INSN_JMP:
	case INSN_JCC:
		return is_within(b->f, in->target) ? 0
						   : refuse(a, -EOPNOTSUPP,
							    "it goes on in another function "
							    "without a return (a jump at "
							    "0x%llx)",
							    (unsigned long long)in->addr);
	case INSN_JMP_IND:
		return b->since <= 2 && is_own_table(a, b->f, in, b->table)
			       ? 0
			       : refuse(a, -EOPNOTSUPP,
					"where its jump at 0x%llx goes is not known",
					(unsigned long long)in->addr);
	default:
		return 0;
	}
}

static void remember(struct body *b, const struct insn *in)
{
	b->nop.insn.len = 0;
	if (in->kind == INSN_NOP && in->len == 1)
		b->nop = (struct plan_spot){.insn = *in, .kind = SITE_NOP};
	b->since++;
	if (in->ref) {
		b->table = in->ref;
		b->since = 1;
	}
}

static int add_returns(const struct adding *a, const struct gobinary_func *f)
{
	struct body b = {.f = f};
	uint64_t at = f->entry;
	struct span code, rest;
	struct insn in;
	int err = gobinary__bytes(a->scan.b, f->entry, f->end - f->entry, &code);

	while (!err && at < f->end) {
		if (span__from(code, at - f->entry, &rest) ||
		    insn_decoder__next(a->scan.d, rest, at, &in))
			return refuse(a, -EOPNOTSUPP, "its instruction at 0x%llx is not understood",
				      (unsigned long long)at);
		err = leaves(a, &b, &in);
		remember(&b, &in);
		at += in.len;
	}
	return err;
}

/* Is it passed once in each call? Not where a jump leads back in front of it. */
static bool is_passed_once(const struct adding *a, const struct gobinary_func *f, uint64_t site)
{
	uint64_t at = f->entry;
	struct span code, rest;
	struct insn in;

	if (gobinary__bytes(a->scan.b, f->entry, f->end - f->entry, &code))
		return false;
	while (at < f->end) {
		if (span__from(code, at - f->entry, &rest) ||
		    insn_decoder__next(a->scan.d, rest, at, &in) || in.kind == INSN_JMP_IND)
			return false;
		if ((in.kind == INSN_JCC || in.kind == INSN_JMP) && in.target <= site &&
		    in.target >= f->entry)
			return false;
		at += in.len;
	}
	return true;
}

static int add_entry(const struct adding *a, const struct gobinary_func *f)
{
	enum site_when when = SITE_ALWAYS;
	struct plan_spot spot;
	int err = plan_scan__prologue(&a->scan, f, &spot);

	if (err == -ENOENT) { /* without a stack check, or without a frame */
		when = SITE_EITHER;
		err = plan_scan__first_branch(&a->scan, f, &spot);
		if (!err && !is_passed_once(a, f, spot.insn.addr))
			err = -ENOENT;
	}
	if (err == -ENOENT)
		return refuse(
			a, -EOPNOTSUPP,
			"it has no instruction at its entry that can be probed at a low price");
	a->out->entries++;
	return err ? err : add(a, SITE_FUNC_ENTRY, when, f, &spot);
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static int add_one(const struct adding *a, const struct gobinary_func *f)
{
	unsigned before = a->out->returns;
	int err;

	if (!strncmp(f->name, "runtime.", 8))
		return refuse(a, -EOPNOTSUPP, "functions of the runtime are not probed");
	if (ends_in(f->file, ".s"))
		return refuse(a, -EOPNOTSUPP, "it is written in assembly");
	err = add_entry(a, f);
	if (!err)
		err = add_returns(a, f);
	if (!err && a->out->returns == before)
		return refuse(a, -EOPNOTSUPP, "it never returns");
	return err;
}

/* Instances of a generic function all have its name; else the one that is no wrapper. */
static int add_all(const struct adding *a, const char *name)
{
	struct gobinary_func f;
	bool found = false;
	int err = 0;

	if (!strstr(name, "[...]")) {
		err = gobinary__func_by_name(a->scan.b, name, &f);
		return err == -ENOENT ? not_found(a, name) : err ? err : add_one(a, &f);
	}
	for (size_t i = 0; !err && i < gobinary__func_count(a->scan.b); i++) {
		err = gobinary__func_at(a->scan.b, i, &f);
		if (err || strcmp(f.name, name) != 0)
			continue;
		found = true;
		err = add_one(a, &f);
	}
	return err || found ? err : not_found(a, name);
}

int plan_func__add(const struct gobinary *b, const char *name, unsigned func_no,
		   struct probe_plan *plan, struct func_sites *out, char why[PLAN_FUNC_WHY_SZ])
{
	struct adding a = {.scan = {.b = b, .minor = gobinary__version(b)->minor},
			   .plan = plan,
			   .func_no = func_no,
			   .out = out,
			   .why = why};
	size_t before = plan->cnt;
	int err;

	*out = (struct func_sites){0};
	snprintf(why, PLAN_FUNC_WHY_SZ, "its instructions cannot be read");
	if (gobinary__arch(b) != GOBINARY_AMD64)
		return refuse(&a, -EOPNOTSUPP, "calls of functions are told on amd64 only");
	err = insn_decoder__new(gobinary__arch(b), &a.scan.d);
	if (!err)
		err = add_all(&a, name);
	if (!err)
		err = note_copies(&a, name);
	insn_decoder__free(a.scan.d);
	if (err)
		plan->cnt = before;
	return err;
}
