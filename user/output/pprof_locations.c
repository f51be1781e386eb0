/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/pprof_locations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean.h"
#include "base/imap.h"
#include "output/pprof_stack.h"
#include "output/proto.h"

/* Field numbers of profile.proto. */
enum {
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,

	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,

	LOCATION_ID = 1,
	LOCATION_MAPPING_ID = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,

	LINE_FUNCTION_ID = 1,
	LINE_LINE = 2,

	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILENAME = 4,
	FUNCTION_START_LINE = 5,
};

#define NO_STACK_NAME "[stack not known]"

struct mapping {
	uint64_t start, limit, off;
	uint32_t path, build_id; /* strings */
	bool seen, unnamed;	 /* has locations; one of them without a name */
};

struct function {
	uint32_t name, file; /* strings */
	uint32_t start_line;
};

struct line {
	uint32_t function; /* index */
	uint32_t line;
};

struct location {
	uint64_t address;
	uint32_t mapping; /* id, 0 none */
	uint32_t line_cnt;
	size_t line_off;
};

struct pprof_locations {
	const struct symtab *symtab;
	struct pprof_stack_rule rule;
	struct strtab *strings;
	int err; /* sticky: a string that could not be kept */
	struct mapping *mappings;
	size_t mapping_cnt, mapping_cap;
	struct function *functions;
	size_t function_cnt, function_cap;
	struct location *locations;
	size_t location_cnt, location_cap;
	struct line *lines;
	size_t line_cnt, line_cap;
	struct imap by_address, by_function, by_name; /* -> index */
};

#define RESERVE(l, field, n)                                                                       \
	array__reserve(&(l)->field##s, (l)->field##_cnt, &(l)->field##_cap, n,                     \
		       sizeof(*(l)->field##s))

int pprof_locations__new(const struct symtab *symtab, struct pprof_locations **out)
{
	struct pprof_locations *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->symtab = symtab;
	if (strtab__new(&l->strings)) {
		free(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void pprof_locations__free(struct pprof_locations *l)
{
	if (!l)
		return;
	strtab__free(l->strings);
	free(l->mappings);
	free(l->functions);
	free(l->locations);
	free(l->lines);
	imap__free(&l->by_address);
	imap__free(&l->by_function);
	imap__free(&l->by_name);
	free(l);
}

void pprof_locations__keep_wrappers(struct pprof_locations *l)
{
	l->rule.keep_wrappers = true;
}

static uint32_t intern(struct pprof_locations *l, const char *s, size_t len)
{
	int64_t id = clean__intern(l->strings, s, len, CLEAN_TEXT);

	if (id < 0) {
		l->err = (int)id;
		return 0;
	}
	return (uint32_t)id;
}

uint32_t pprof_locations__string(struct pprof_locations *l, const char *s)
{
	return intern(l, s, strlen(s));
}

const struct strtab *pprof_locations__strings(const struct pprof_locations *l)
{
	return l->strings;
}

int pprof_locations__mapping(struct pprof_locations *l, const struct pprof_mapping *m)
{
	static const char deleted[] = " (deleted)";
	const char *path = m->path ? m->path : "";
	size_t len = strlen(path), tail = sizeof(deleted) - 1;

	if (RESERVE(l, mapping, 1))
		return -ENOMEM;
	if (len > tail && !strcmp(path + len - tail, deleted))
		len -= tail;
	l->mappings[l->mapping_cnt++] = (struct mapping){
		.start = m->start,
		.limit = m->limit,
		.off = m->off,
		.path = intern(l, path, len),
		.build_id = pprof_locations__string(l, m->build_id ? m->build_id : ""),
	};
	return l->err;
}

/* ---- functions ---- */

static int add_function(struct pprof_locations *l, const char *name, const char *file,
			uint32_t start_line, uint32_t *out)
{
	if (RESERVE(l, function, 1))
		return -ENOMEM;
	*out = (uint32_t)l->function_cnt;
	l->functions[l->function_cnt++] = (struct function){
		pprof_locations__string(l, name), pprof_locations__string(l, file), start_line};
	return l->err;
}

static int function_of(struct pprof_locations *l, const struct sym_frame *f, uint32_t *out)
{
	uint64_t key = (uint64_t)f->symbol << 32 | f->file, at;
	int err;

	if (imap__get(&l->by_function, key, &at)) {
		*out = (uint32_t)at;
		return 0;
	}
	err = add_function(l, symtab__string(l->symtab, f->symbol),
			   symtab__string(l->symtab, f->file), f->start_line, out);
	return err ? err : imap__put(&l->by_function, key, *out);
}

/* ---- locations ---- */

static struct mapping *mapping_at(struct pprof_locations *l, uint64_t address, uint32_t *id)
{
	for (size_t i = 0; i < l->mapping_cnt; i++) {
		struct mapping *m = &l->mappings[i];

		if (address >= m->start && address < m->limit) {
			*id = (uint32_t)i + 1;
			return m;
		}
	}
	*id = 0;
	return NULL;
}

/* An empty location; its lines are to be added next. */
static int add_location(struct pprof_locations *l, uint64_t address, struct location **out)
{
	if (RESERVE(l, location, 1))
		return -ENOMEM;
	*out = &l->locations[l->location_cnt++];
	**out = (struct location){.address = address, .line_off = l->line_cnt};
	return 0;
}

static int add_line(struct pprof_locations *l, struct location *loc, uint32_t function,
		    uint32_t line)
{
	if (RESERVE(l, line, 1))
		return -ENOMEM;
	l->lines[l->line_cnt++] = (struct line){function, line};
	loc->line_cnt++;
	return 0;
}

/*
 * The call's own address. The "return address" of a goroutine that has not run yet is the entry
 * of its function, which symtab knows and takes as it is.
 */
static uint64_t address_of(uint64_t pc, bool exact, const struct sym_frame *frames, size_t cnt)
{
	return exact || (cnt == 1 && frames[0].func && frames[0].pc == pc) ? pc : pc - 1;
}

/*
 * What is left of a place whose inlined functions are left out is a location of its own, at the
 * place in the function where they were inlined, as runtime/pprof has it. In keys its upper byte,
 * which is the same in all user addresses, tells the two apart should they ever meet.
 */
static int location_of(struct pprof_locations *l, const struct pprof_place *p, uint32_t *id)
{
	uint64_t address = address_of(p->pc, p->exact, p->frames, p->cnt);
	uint64_t key = address ^ (uint64_t)p->from << 56, at;
	bool named = p->cnt && p->frames[0].func;
	struct location *loc;
	struct mapping *m;

	if (imap__get(&l->by_address, key, &at)) {
		*id = (uint32_t)at + 1;
		return 0;
	}
	if (p->from && p->from < p->cnt)
		address = p->frames[p->from].pc;
	if (imap__put(&l->by_address, key, l->location_cnt) || add_location(l, address, &loc))
		return -ENOMEM;
	m = mapping_at(l, address, &loc->mapping);
	if (m) {
		m->seen = true;
		m->unnamed |= !named;
	}
	for (size_t i = p->from; named && i < p->cnt; i++) {
		uint32_t function;

		if (!pprof_place__shows(p, &l->rule, i))
			continue;
		if (function_of(l, &p->frames[i], &function) ||
		    add_line(l, loc, function, p->frames[i].line))
			return -ENOMEM;
	}
	*id = (uint32_t)l->location_cnt;
	return 0;
}

int pprof_locations__of_names(struct pprof_locations *l, const char *const *names, size_t cnt,
			      uint32_t *ids)
{
	for (size_t i = 0; i < cnt; i++) {
		uint32_t name = pprof_locations__string(l, names[i]), function;
		struct location *loc;
		uint64_t at;
		int err;

		if (imap__get(&l->by_name, name, &at)) {
			ids[i] = (uint32_t)at + 1;
			continue;
		}
		if (imap__put(&l->by_name, name, l->location_cnt) || add_location(l, 0, &loc))
			return -ENOMEM;
		err = add_function(l, names[i], "", 0, &function);
		if (!err)
			err = add_line(l, loc, function, 0);
		if (err)
			return err;
		ids[i] = (uint32_t)l->location_cnt;
	}
	return 0;
}

struct collecting {
	struct pprof_locations *l;
	uint32_t *ids;
	size_t cnt;
};

static int collect(void *ctx, const struct pprof_place *p)
{
	struct collecting *c = ctx;
	int err;

	if (c->cnt == PPROF_STACK_MAX)
		return 0;
	err = location_of(c->l, p, &c->ids[c->cnt]);
	c->cnt += !err;
	return err;
}

int pprof_locations__of_stack(struct pprof_locations *l, const struct pprof_stack *stack,
			      uint32_t *ids, size_t *id_cnt)
{
	static const char *const no_stack[] = {NO_STACK_NAME};
	struct collecting c = {.l = l, .ids = ids};
	int err = pprof_stack__each(l->symtab, stack, &l->rule, collect, &c);

	*id_cnt = c.cnt ? c.cnt : 1;
	return err || c.cnt ? err : pprof_locations__of_names(l, no_stack, 1, ids);
}

/* ---- encoding ---- */

static void put_mapping(struct buf *out, const struct mapping *m, uint64_t id)
{
	struct buf msg = {0};

	proto__u64(&msg, MAPPING_ID, id);
	proto__u64(&msg, MAPPING_START, m->start);
	proto__u64(&msg, MAPPING_LIMIT, m->limit);
	proto__u64(&msg, MAPPING_OFFSET, m->off);
	proto__u64(&msg, MAPPING_FILENAME, m->path);
	proto__u64(&msg, MAPPING_BUILD_ID, m->build_id);
	/* pprof looks up the names of all others in the file itself */
	proto__bool(&msg, MAPPING_HAS_FUNCTIONS, m->seen && !m->unnamed);
	proto__message(out, PROFILE_MAPPING, &msg);
	buf__free(&msg);
}

static void put_location(struct buf *out, const struct pprof_locations *l, size_t i)
{
	const struct location *loc = &l->locations[i];
	struct buf msg = {0}, sub = {0};

	proto__u64(&msg, LOCATION_ID, i + 1);
	proto__u64(&msg, LOCATION_MAPPING_ID, loc->mapping);
	proto__u64(&msg, LOCATION_ADDRESS, loc->address);
	for (uint32_t k = 0; k < loc->line_cnt; k++) {
		const struct line *line = &l->lines[loc->line_off + k];

		buf__reset(&sub);
		proto__u64(&sub, LINE_FUNCTION_ID, (uint64_t)line->function + 1);
		proto__u64(&sub, LINE_LINE, line->line);
		proto__message(&msg, LOCATION_LINE, &sub);
	}
	proto__message(out, PROFILE_LOCATION, &msg);
	buf__free(&sub);
	buf__free(&msg);
}

static void put_function(struct buf *out, const struct function *f, uint64_t id)
{
	struct buf msg = {0};

	proto__u64(&msg, FUNCTION_ID, id);
	proto__u64(&msg, FUNCTION_NAME, f->name);
	proto__u64(&msg, FUNCTION_SYSTEM_NAME, f->name);
	proto__u64(&msg, FUNCTION_FILENAME, f->file);
	proto__u64(&msg, FUNCTION_START_LINE, f->start_line);
	proto__message(out, PROFILE_FUNCTION, &msg);
	buf__free(&msg);
}

int pprof_locations__put(struct pprof_locations *l, struct buf *out)
{
	for (size_t i = 0; i < l->mapping_cnt; i++)
		put_mapping(out, &l->mappings[i], i + 1);
	for (size_t i = 0; i < l->location_cnt; i++)
		put_location(out, l, i);
	for (size_t i = 0; i < l->function_cnt; i++)
		put_function(out, &l->functions[i], i + 1);
	return l->err ? l->err : out->err;
}
