/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PPROF_DECODED_H
#define PPROF_DECODED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/span.h"
#include "output/pprof_writer.h"
#include "symtab_made.h"

/* A small program, and a reader of the profiles that are written of it. Include cmocka.h first. */

/* ---- a reader of what is asserted ---- */

#define MAX 64

struct decoded {
	struct {
		uint64_t locations[MAX];
		size_t location_cnt;
		int64_t values[4];
		struct {
			uint64_t key, str, num, unit;
		} labels[8];
		size_t label_cnt;
	} samples[MAX];
	size_t sample_cnt;
	struct {
		uint64_t id, mapping, address;
		uint64_t functions[4], lines[4];
		size_t line_cnt;
	} locations[MAX];
	size_t location_cnt;
	struct {
		uint64_t id, name, system_name, file, start_line;
	} functions[MAX];
	size_t function_cnt;
	struct {
		uint64_t id, start, limit, off, path, build_id, has_functions;
	} mappings[MAX];
	size_t mapping_cnt;
	char strings[MAX][80];
	size_t string_cnt;
	uint64_t types[8], type_cnt; /* type, unit, … */
	uint64_t period_type[2], period, time_ns, duration_ns, comment;
};

typedef void (*field_fn)(struct decoded *d, void *to, unsigned field, uint64_t v, struct span msg);

static inline void each_field(struct decoded *d, void *to, struct span s, field_fn fn)
{
	uint64_t off = 0, key, v;
	struct span msg;

	while (off < s.n) {
		assert_int_equal(span__uvarint(s, &off, &key), 0);
		assert_int_equal(span__uvarint(s, &off, &v), 0);
		msg = (struct span){0};
		if ((key & 7) == 2) {
			assert_int_equal(span__sub(s, off, v, &msg), 0);
			off += v;
		} else {
			assert_int_equal(key & 7, 0);
		}
		fn(d, to, (unsigned)(key >> 3), v, msg);
	}
}

static inline size_t unpack(struct span s, uint64_t *out)
{
	uint64_t off = 0;
	size_t n = 0;

	while (off < s.n)
		assert_int_equal(span__uvarint(s, &off, &out[n++]), 0);
	return n;
}

/* Fields of a message in the order of their numbers, from 1. */
static inline void to_words(struct decoded *d, void *to, unsigned field, uint64_t v,
			    struct span msg)
{
	((uint64_t *)to)[field - 1] = v;
}

static inline void sample_field(struct decoded *d, void *to, unsigned field, uint64_t v,
				struct span msg)
{
	__typeof__(d->samples[0]) *s = to;

	if (field == 1)
		s->location_cnt = unpack(msg, s->locations);
	else if (field == 2)
		unpack(msg, (uint64_t *)s->values);
	else if (field == 3)
		each_field(d, &s->labels[s->label_cnt++], msg, to_words);
}

static inline void location_field(struct decoded *d, void *to, unsigned field, uint64_t v,
				  struct span msg)
{
	__typeof__(d->locations[0]) *l = to;
	uint64_t line[3] = {0};

	if (field < 4) {
		to_words(d, to, field, v, msg);
		return;
	}
	each_field(d, line, msg, to_words);
	l->functions[l->line_cnt] = line[0];
	l->lines[l->line_cnt++] = line[1];
}

static inline void profile_field(struct decoded *d, void *to, unsigned field, uint64_t v,
				 struct span msg)
{
	switch (field) {
	case 1:
		each_field(d, &d->types[2 * d->type_cnt++], msg, to_words);
		break;
	case 2:
		each_field(d, &d->samples[d->sample_cnt++], msg, sample_field);
		break;
	case 3:
		each_field(d, &d->mappings[d->mapping_cnt++], msg, to_words);
		break;
	case 4:
		each_field(d, &d->locations[d->location_cnt++], msg, location_field);
		break;
	case 5:
		each_field(d, &d->functions[d->function_cnt++], msg, to_words);
		break;
	case 6:
		assert_true(msg.n < sizeof(d->strings[0]));
		memcpy(d->strings[d->string_cnt++], msg.p, msg.n);
		break;
	case 9:
		d->time_ns = v;
		break;
	case 10:
		d->duration_ns = v;
		break;
	case 11:
		each_field(d, d->period_type, msg, to_words);
		break;
	case 12:
		d->period = v;
		break;
	case 13:
		d->comment = v;
		break;
	default:
		fail_msg("field %u", field);
	}
}

static inline size_t read_file(int fd, uint8_t *out, size_t max)
{
	ssize_t n = pread(fd, out, max, 0);

	assert_true(n > 0 && (size_t)n < max);
	return (size_t)n;
}

static inline struct decoded *decode(int fd)
{
	static uint8_t packed[65536], plain[1 << 20];
	struct decoded *d = calloc(1, sizeof(*d));
	z_stream z = {.next_in = packed, .next_out = plain, .avail_out = sizeof(plain)};

	z.avail_in = (uInt)read_file(fd, packed, sizeof(packed));
	/* gzip, deflate, no flags, mtime 0 */
	assert_memory_equal(packed, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	each_field(d, NULL, span__of(plain, z.total_out), profile_field);
	assert_string_equal(d->strings[0], "");
	return d;
}

static inline int memfile(void)
{
	int fd = memfd_create("pprof", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* For a look at it with other tools: GOBPFTRACE_KEEP=DIR. */
static inline void keep(int fd, const char *name)
{
	static uint8_t bytes[65536];
	const char *dir = getenv("GOBPFTRACE_KEEP");
	char path[512];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(bytes, 1, read_file(fd, bytes, sizeof(bytes)), f);
	fclose(f);
}

/* What w wrote about t's program, read; both are freed. name: for keep, NULL not. */
static inline struct decoded *finished(struct pprof_writer *w, struct symtab *t, const char *name)
{
	int fd = memfile();
	struct decoded *d;

	assert_int_equal(pprof_writer__finish(w, fd), 0);
	if (name)
		keep(fd, name);
	d = decode(fd);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
	return d;
}

/* ---- a program ---- */

#define LEAF 0x401010	    /* exact: in main.inner, inlined into main.leaf */
#define RET_WORKER 0x401101 /* return address in main.worker */
#define RET_WRAPPER 0x401201
#define RET_GOEXIT 0x401301
#define RET_MAIN 0x401401 /* runtime.main */
#define RET_PANIC 0x401501
#define RET_LOCK 0x401601    /* lockSlow and Lock inlined into main.guard */
#define RET_SEMA 0x401701    /* runtime.semacquire1 */
#define RET_INLINED 0x401801 /* main.(*T).Stop is a wrapper with main.worker inlined into it */
#define UNKNOWN 0x700001     /* C code, second mapping */

static const struct made_pc program[] = {
	{RET_WORKER, false, {{"main.worker", "/app/w.go", 20, 10, false, false}}, 1},
	{RET_WRAPPER, false, {{"main.(*T).Run", "<autogenerated>", 1, 1, false, true}}, 1},
	{RET_GOEXIT, false, {{"runtime.goexit", "/go/asm.s", 1700, 1699, false, false}}, 1},
	{RET_MAIN, false, {{"runtime.main", "/go/proc.go", 271, 145, false, false}}, 1},
	{RET_PANIC, false, {{"runtime.gopanic", "/go/panic.go", 770, 700, false, false}}, 1},
	{RET_LOCK,
	 false,
	 {{"sync.(*Mutex).lockSlow", "/go/mutex.go", 171, 115, true, false},
	  {"sync.(*Mutex).Lock", "/go/mutex.go", 90, 81, true, false},
	  {"main.guard", "/app/g.go", 8, 4, false, false}},
	 3},
	{RET_SEMA, false, {{"runtime.semacquire1", "/go/sema.go", 160, 144, false, false}}, 1},
	{RET_INLINED,
	 false,
	 {{"main.worker", "/app/w.go", 22, 10, true, false},
	  {"main.(*T).Stop", "<autogenerated>", 1, 1, false, true}},
	 2},
	{LEAF,
	 true,
	 {{"main.inner", "/app/l.go", 5, 3, true, false},
	  {"main.leaf", "/app/l.go", 9, 7, false, false}},
	 2},
};

static inline struct symtab *program_symtab(void)
{
	return made_symtab(program, sizeof(program) / sizeof(program[0]));
}

static inline int sample(struct pprof_writer *w, const uint64_t *pcs, size_t cnt, bool leaf_exact,
			 const int64_t *values, const struct pprof_label *labels, size_t label_cnt)
{
	const struct pprof_stack stack = {.pcs = pcs, .cnt = cnt, .leaf_exact = leaf_exact};

	return pprof_writer__sample(w, &stack, values, labels, label_cnt);
}

static inline void add_mappings(struct pprof_writer *w)
{
	const struct pprof_mapping exe = {0x400000, 0x500000, 0, "/usr/bin/app (deleted)", "abcd"};
	const struct pprof_mapping lib = {0x700000, 0x710000, 0x1000, "/lib/libc.so", ""};

	assert_int_equal(pprof_writer__mapping(w, &exe), 0);
	assert_int_equal(pprof_writer__mapping(w, &lib), 0);
}

static const char *func_of(const struct decoded *d, uint64_t location, size_t line)
{
	for (size_t i = 0; i < d->location_cnt; i++) {
		if (d->locations[i].id != location)
			continue;
		assert_true(line < d->locations[i].line_cnt);
		return d->strings[d->functions[d->locations[i].functions[line] - 1].name];
	}
	fail_msg("no location %llu", (unsigned long long)location);
	return NULL;
}

#endif
