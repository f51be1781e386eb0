/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <zlib.h>
#include <cmocka.h>

#include "base/span.h"
#include "output/pprof_writer.h"
#include "output/cpu_profile.h"
#include "output/profile_tags.h"
#include "output/profiles.h"
#include "output/wall_pprof.h"
#include "symtab_made.h"

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

static void each_field(struct decoded *d, void *to, struct span s, field_fn fn)
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

static size_t unpack(struct span s, uint64_t *out)
{
	uint64_t off = 0;
	size_t n = 0;

	while (off < s.n)
		assert_int_equal(span__uvarint(s, &off, &out[n++]), 0);
	return n;
}

/* Fields of a message in the order of their numbers, from 1. */
static void to_words(struct decoded *d, void *to, unsigned field, uint64_t v, struct span msg)
{
	((uint64_t *)to)[field - 1] = v;
}

static void sample_field(struct decoded *d, void *to, unsigned field, uint64_t v, struct span msg)
{
	__typeof__(d->samples[0]) *s = to;

	if (field == 1)
		s->location_cnt = unpack(msg, s->locations);
	else if (field == 2)
		unpack(msg, (uint64_t *)s->values);
	else if (field == 3)
		each_field(d, &s->labels[s->label_cnt++], msg, to_words);
}

static void location_field(struct decoded *d, void *to, unsigned field, uint64_t v, struct span msg)
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

static void profile_field(struct decoded *d, void *to, unsigned field, uint64_t v, struct span msg)
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

static size_t read_file(int fd, uint8_t *out, size_t max)
{
	ssize_t n = pread(fd, out, max, 0);

	assert_true(n > 0 && (size_t)n < max);
	return (size_t)n;
}

static struct decoded *decode(int fd)
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

static int memfile(void)
{
	int fd = memfd_create("pprof", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* For a look at it with other tools: GOBPFTRACE_KEEP=DIR. */
static void keep(int fd, const char *name)
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

static struct symtab *program_symtab(void)
{
	return made_symtab(program, sizeof(program) / sizeof(program[0]));
}

static int sample(struct pprof_writer *w, const uint64_t *pcs, size_t cnt, bool leaf_exact,
		  const int64_t *values, const struct pprof_label *labels, size_t label_cnt)
{
	const struct pprof_stack stack = {.pcs = pcs, .cnt = cnt, .leaf_exact = leaf_exact};

	return pprof_writer__sample(w, &stack, values, labels, label_cnt);
}

static void add_mappings(struct pprof_writer *w)
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

static void frames_as_runtime_pprof_has_them(void **state)
{
	const uint64_t pcs[] = {LEAF, RET_WORKER, RET_WRAPPER, RET_MAIN, RET_GOEXIT};
	const int64_t values[] = {1, 10000000};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	assert_int_equal(
		pprof_writer__new(&PPROF_CPU, t, 10000000, 1700000000123456789, 3000000000, &w), 0);
	add_mappings(w);
	assert_int_equal(sample(w, pcs, 5, true, values, NULL, 0), 0);
	assert_int_equal(sample(w, pcs, 5, true, values, NULL, 0), 0);
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	keep(fd, "frames.pprof");
	d = decode(fd);

	assert_int_equal(d->type_cnt, 2);
	assert_string_equal(d->strings[d->types[0]], "samples");
	assert_string_equal(d->strings[d->types[1]], "count");
	assert_string_equal(d->strings[d->types[2]], "cpu");
	assert_string_equal(d->strings[d->types[3]], "nanoseconds");
	assert_string_equal(d->strings[d->period_type[0]], "cpu");
	assert_string_equal(d->strings[d->period_type[1]], "nanoseconds");
	assert_int_equal(d->period, 10000000);
	assert_int_equal(d->time_ns, 1700000000123456789);
	assert_int_equal(d->duration_ns, 3000000000);

	assert_int_equal(d->sample_cnt, 1);
	assert_int_equal(d->samples[0].values[0], 2);
	assert_int_equal(d->samples[0].values[1], 20000000);
	/* the wrapper and goexit are left out, runtime.main is kept */
	assert_int_equal(d->samples[0].location_cnt, 3);
	assert_string_equal(func_of(d, d->samples[0].locations[0], 0), "main.inner");
	assert_string_equal(func_of(d, d->samples[0].locations[0], 1), "main.leaf");
	assert_string_equal(func_of(d, d->samples[0].locations[1], 0), "main.worker");
	assert_string_equal(func_of(d, d->samples[0].locations[2], 0), "runtime.main");
	assert_int_equal(d->locations[0].address, LEAF);
	assert_int_equal(d->locations[0].lines[1], 9);
	assert_int_equal(d->locations[1].address, RET_WORKER - 1);
	assert_int_equal(d->functions[0].start_line, 3);
	assert_int_equal(d->functions[0].system_name, d->functions[0].name);
	assert_string_equal(d->strings[d->functions[0].file], "/app/l.go");

	assert_int_equal(d->mapping_cnt, 2);
	assert_string_equal(d->strings[d->mappings[0].path], "/usr/bin/app");
	assert_string_equal(d->strings[d->mappings[0].build_id], "abcd");
	assert_int_equal(d->mappings[0].has_functions, 1);
	assert_int_equal(d->mappings[1].has_functions, 0);
	assert_int_equal(d->locations[0].mapping, 1);
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static void a_wrapper_that_panicked_is_kept(void **state)
{
	const uint64_t pcs[] = {RET_PANIC, RET_WRAPPER, RET_WORKER, RET_GOEXIT};
	const int64_t one[] = {1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 4, false, one, NULL, 0);
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	d = decode(fd);
	assert_int_equal(d->samples[0].location_cnt, 3);
	assert_string_equal(func_of(d, d->samples[0].locations[1], 0), "main.(*T).Run");
	assert_string_equal(d->strings[d->types[0]], "goroutine");
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

/* One sample of the stack; the functions of all its locations' lines, leaf first. */
static void functions_of(const struct pprof_stack *stack, bool keep_wrappers, char *out, size_t sz)
{
	const int64_t values[] = {1, 1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_BLOCK, t, 1, 0, 0, &w);
	if (keep_wrappers)
		pprof_writer__keep_wrappers(w);
	assert_int_equal(pprof_writer__sample(w, stack, values, NULL, 0), 0);
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	d = decode(fd);
	*out = '\0';
	for (size_t i = 0; i < d->samples[0].location_cnt; i++) {
		uint64_t id = d->samples[0].locations[i];

		for (size_t k = 0; k < d->locations[id - 1].line_cnt; k++)
			snprintf(out + strlen(out), sz - strlen(out), "%s%s",
				 k   ? "+"
				 : i ? " "
				     : "",
				 func_of(d, id, k));
	}
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static void frames_at_the_leaf_are_skipped(void **state)
{
	static const uint64_t lock[] = {RET_SEMA, RET_LOCK, RET_MAIN, RET_GOEXIT};
	static const uint64_t wrapped[] = {RET_WRAPPER, RET_SEMA, RET_WRAPPER, RET_WORKER};
	static const uint64_t unknown[] = {UNKNOWN, RET_SEMA, RET_WORKER};
	static const uint64_t inlined[] = {RET_SEMA, RET_INLINED, RET_WRAPPER, RET_WORKER};
	static const struct {
		struct pprof_stack stack;
		bool keep_wrappers;
		const char *want;
	} cases[] = {
		{{lock, 4, false, 0},
		 false,
		 "runtime.semacquire1 sync.(*Mutex).lockSlow+sync.(*Mutex).Lock+main.guard "
		 "runtime.main"},
		{{lock, 4, false, 2}, false, "sync.(*Mutex).Lock+main.guard runtime.main"},
		{{lock, 4, false, 4}, false, "runtime.main"},
		{{lock, 4, false, 99}, false, "[stack not known]"},
		/* a wrapper counts for nothing while something is skipped */
		{{wrapped, 4, false, 1}, false, "main.worker"},
		{{wrapped, 4, false, 1}, true, "main.(*T).Run main.worker"},
		{{wrapped, 4, false, 0},
		 true,
		 "main.(*T).Run runtime.semacquire1 main.(*T).Run main.worker"},
		{{wrapped, 4, false, 2}, true, "[stack not known]"},
		/* nor does one with what it calls inlined into it, kept or not */
		{{inlined, 4, false, 1}, true, "main.worker main.(*T).Run main.worker"},
		{{inlined, 4, false, 0},
		 true,
		 "runtime.semacquire1 main.worker main.(*T).Run main.worker"},
		{{inlined, 4, false, 1}, false, "main.worker main.worker"},
		{{unknown, 3, false, 1}, false, "runtime.semacquire1 main.worker"},
		{{unknown, 3, false, 2}, false, "main.worker"},
	};
	char have[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		functions_of(&cases[i].stack, cases[i].keep_wrappers, have, sizeof(have));
		assert_string_equal(have, cases[i].want);
	}
}

/* The same PCs with another skip are another stack, and what is left of a place another place. */
static void skips_are_told_apart(void **state)
{
	static const uint64_t lock[] = {RET_LOCK, RET_MAIN};
	const int64_t one[] = {1, 1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_BLOCK, t, 1, 0, 0, &w);
	for (uint16_t skip = 0; skip < 6; skip++)
		pprof_writer__sample(w, &(struct pprof_stack){lock, 2, false, skip % 3}, one, NULL,
				     0);
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(d->samples[i].values[0], 2);
		assert_int_equal(d->locations[d->samples[i].locations[0] - 1].line_cnt, 3 - i);
		assert_int_equal(d->samples[i].locations[1], d->samples[0].locations[1]);
	}
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static void what_has_no_name_is_left_to_pprof(void **state)
{
	const uint64_t pcs[] = {UNKNOWN, RET_WORKER};
	const int64_t one[] = {1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	add_mappings(w);
	sample(w, pcs, 2, true, one, NULL, 0);
	sample(w, NULL, 0, true, one, NULL, 0);
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	keep(fd, "unknown.pprof");
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 2);
	/* the empty stack sorts first and has a name of ours */
	assert_string_equal(func_of(d, d->samples[0].locations[0], 0), "[stack not known]");
	assert_int_equal(d->samples[1].location_cnt, 2);
	for (size_t i = 0; i < d->location_cnt; i++) {
		if (d->locations[i].address != UNKNOWN)
			continue;
		assert_int_equal(d->locations[i].line_cnt, 0);
		assert_int_equal(d->locations[i].mapping, 2);
	}
	assert_int_equal(d->mappings[1].has_functions, 0);
	assert_int_equal(d->mappings[0].has_functions, 1);
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static void labels_make_samples_of_their_own(void **state)
{
	const uint64_t pcs[] = {LEAF, RET_WORKER};
	const int64_t one[] = {1};
	const struct pprof_label ab[] = {{"b", "2", 0, NULL}, {"a", "1", 0, NULL}};
	const struct pprof_label ba[] = {{"a", "1", 0, NULL}, {"b", "2", 0, NULL}};
	const struct pprof_label hostile[] = {{"q\x1b", "a\nb\xff", 0, NULL}};
	const struct pprof_label num[] = {{"bytes", NULL, 42, "bytes"}};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 2, true, one, ab, 2);
	sample(w, pcs, 2, true, one, ba, 2); /* the same set */
	sample(w, pcs, 2, true, one, NULL, 0);
	sample(w, pcs, 2, true, one, num, 1);
	sample(w, pcs, 2, true, one, hostile, 1);
	pprof_writer__comment(w, "layout forced");
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	keep(fd, "labels.pprof");
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 4);
	assert_int_equal(d->samples[0].label_cnt, 0);
	assert_int_equal(d->samples[0].values[0], 1);
	assert_int_equal(d->samples[1].label_cnt, 2);
	assert_int_equal(d->samples[1].values[0], 2);
	assert_string_equal(d->strings[d->samples[1].labels[0].key], "a");
	assert_string_equal(d->strings[d->samples[1].labels[0].str], "1");
	assert_string_equal(d->strings[d->samples[1].labels[1].key], "b");
	assert_int_equal(d->samples[2].labels[0].num, 42);
	assert_string_equal(d->strings[d->samples[2].labels[0].unit], "bytes");
	assert_string_equal(d->strings[d->samples[3].labels[0].key], "q?");
	assert_string_equal(d->strings[d->samples[3].labels[0].str], "a\nb?");
	assert_string_equal(d->strings[d->comment], "layout forced");
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

/* With and without what is left out: one stack in the file. */
static void stacks_that_look_equal_are_one(void **state)
{
	const uint64_t plain[] = {LEAF, RET_WORKER}, wrapped[] = {LEAF, RET_WORKER, RET_WRAPPER},
		       rooted[] = {LEAF, RET_WORKER, RET_GOEXIT};
	const int64_t one[] = {1}, two[] = {2}, four[] = {4};
	const struct pprof_label label = {"k", "v", 0, NULL};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, plain, 2, true, one, NULL, 0);
	sample(w, wrapped, 3, true, two, NULL, 0);
	sample(w, rooted, 3, true, four, NULL, 0);
	sample(w, rooted, 3, true, one, &label, 1);
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 2);
	assert_int_equal(d->samples[0].values[0], 7);
	assert_int_equal(d->samples[1].values[0], 1);
	assert_int_equal(d->samples[1].label_cnt, 1);
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

/* Equal input in any order gives equal bytes. */
static void write_shuffled(const struct symtab *t, int fd, unsigned seed)
{
	const uint64_t stacks[][3] = {{LEAF, RET_WORKER, RET_GOEXIT},
				      {LEAF, RET_MAIN, RET_GOEXIT},
				      {RET_PANIC, RET_WRAPPER, RET_WORKER},
				      {UNKNOWN, RET_WORKER, RET_GOEXIT}};
	static const char *const names[] = {"z", "m", "a"};
	const char *const pseudo[][2] = {{"runtime._LostExternalCode", "runtime._ExternalCode"},
					 {"[x]", "[y]"}};
	struct pprof_writer *w;
	unsigned order[40], n = 0;

	for (; n < 40; n++)
		order[n] = n;
	for (unsigned i = n - 1; i; i--) {
		unsigned k, tmp = order[i];

		seed = seed * 1103515245 + 12345;
		k = (seed >> 8) % (i + 1);
		order[i] = order[k];
		order[k] = tmp;
	}
	pprof_writer__new(&PPROF_CPU, t, 1, 0, 0, &w);
	add_mappings(w);
	for (unsigned i = 0; i < n; i++) {
		unsigned v = order[i];
		const int64_t values[] = {1 + v, 10 * v};
		const struct pprof_label label = {names[v % 3], names[v / 3 % 3], 0, NULL};

		if (v % 5 == 4)
			pprof_writer__pseudo(w, pseudo[v % 2], 2, values, NULL, 0);
		else
			sample(w, stacks[v % 4], 3, v % 2, values, &label, v % 3 > 0);
	}
	assert_int_equal(pprof_writer__finish(w, fd), 0);
	pprof_writer__free(w);
}

static void order_does_not_matter(void **state)
{
	static uint8_t first[65536], other[65536];
	struct symtab *t = program_symtab();
	int fd = memfile();
	size_t len;

	write_shuffled(t, fd, 1);
	keep(fd, "shuffled.pprof");
	len = read_file(fd, first, sizeof(first));
	close(fd);
	for (unsigned seed = 2; seed < 30; seed++) {
		fd = memfile();
		write_shuffled(t, fd, seed);
		assert_int_equal(read_file(fd, other, sizeof(other)), len);
		assert_memory_equal(first, other, len);
		close(fd);
	}
	symtab__free(t);
}

static void sums_do_not_wrap(void **state)
{
	const uint64_t pcs[] = {LEAF};
	const int64_t much[] = {INT64_MAX};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 1, true, much, NULL, 0);
	sample(w, pcs, 1, true, much, NULL, 0);
	pprof_writer__finish(w, fd);
	d = decode(fd);
	assert_true(d->samples[0].values[0] == INT64_MAX);
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static void a_full_disk_is_an_error(void **state)
{
	const uint64_t pcs[] = {LEAF};
	const int64_t one[] = {1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		skip();
	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 1, true, one, NULL, 0);
	assert_int_equal(pprof_writer__finish(w, fd), -ENOSPC);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static void mappings_of_the_raw_stream(void **state)
{
	static const char good[] = "7f0000000000-7f0000010000 r-xp 2000 - /lib/with space.so\n"
				   "400000-500000 r-xp 0 0123abcd /opt/x/app\n"
				   "7ff000000000-7ff000001000 r-xp 0 - \n"
				   "7ff000001000-7ff000002000 r-xp 0 - [vdso]";
	static const char *const bad[] = {"zzz", "1-2 r-xp 0\n", "5-4 r-xp 0 - /x\n", "\n",
					  "400000-500000 r-xp 0"};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	assert_int_equal(profile__mappings(w, good, sizeof(good) - 1, "app"), 0);
	pprof_writer__finish(w, fd);
	d = decode(fd);
	assert_int_equal(d->mapping_cnt, 3);
	assert_string_equal(d->strings[d->mappings[0].path], "/opt/x/app");
	assert_string_equal(d->strings[d->mappings[0].build_id], "0123abcd");
	assert_string_equal(d->strings[d->mappings[1].path], "/lib/with space.so");
	assert_int_equal(d->mappings[1].off, 0x2000);
	assert_int_equal(d->mappings[1].build_id, 0);
	assert_string_equal(d->strings[d->mappings[2].path], "[vdso]");
	free(d);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(profile__mappings(w, bad[i], strlen(bad[i]), "app"), -EBADMSG);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

/* ---- the two profiles ---- */

static void goroutines_of_the_runtime_are_left_out(void **state)
{
	static const struct made_pc pcs[] = {
		{RET_WORKER, false, {{"main.worker", "/app/w.go", 20, 10, false, false}}, 1},
		{0x10, true, {{"main.worker", "/app/w.go", 10, 10, false, false}}, 1},
		{0x20, true, {{"runtime.bgsweep", "/go/s.go", 1, 1, false, false}}, 1},
		{0x30, true, {{"runtime.main", "/go/proc.go", 1, 1, false, false}}, 1},
	};
	uint64_t stack[] = {RET_WORKER};
	char key[] = "k", val[] = "v";
	struct snap_label labels[] = {{key, val}};
	struct snap_g gs[] = {
		{.goid = 1, .startpc = 0x30, .stack_cnt = 1},
		{.goid = 2, .startpc = 0x20, .stack_cnt = 1},
		{.goid = 3, .startpc = 0x10, .stack_cnt = 1},
		{.goid = 4, .startpc = 0x10, .stack_cnt = 1, .label_cnt = 1},
		{.goid = 5, .startpc = 0x10, .sampled = true},
	};
	struct snapshot snap = {
		.g = gs, .g_cnt = 5, .pcs = stack, .pcs_cnt = 1, .labels = labels, .labels_cnt = 1};
	struct symtab *t = made_symtab(pcs, 4);
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	assert_int_equal(goroutine_profile__add(w, &snap, t, 0), 0);
	pprof_writer__finish(w, fd);
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 3);
	/* by stack: the entry of the running one, then the worker without and with a label */
	assert_int_equal(d->samples[0].values[0], 1);
	assert_int_equal(d->locations[0].lines[0], 10);
	assert_int_equal(d->samples[1].values[0], 2);
	assert_int_equal(d->samples[2].values[0], 1);
	assert_string_equal(d->strings[d->samples[2].labels[0].str], "v");
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

#define KERNEL_LEAF 0xffffffff81000010
#define KERNEL_RET 0xffffffff81000120

static void put_record(struct raw_writer *w, const void *rec, size_t len)
{
	assert_int_equal(raw_writer__record(w, 0, rec, len), 0);
}

static struct raw_stacks *made_stacks(void)
{
	struct gbt_stack st = {
		.hdr = {.kind = GBT_STACK}, .id = 77, .cnt = 2, .pcs = {LEAF, RET_WORKER}};
	struct gbt_stack kernel = {
		.hdr = {.kind = GBT_STACK}, .id = 79, .cnt = 2, .pcs = {KERNEL_LEAF, KERNEL_RET}};
	struct gbt_labels l = {
		.hdr = {.kind = GBT_LABELS}, .id = 88, .cnt = 1, .total_cnt = 1, .len = {1, 64}};
	struct raw_writer *w;
	struct raw_file *f;
	struct raw_stacks *s;
	struct raw_meta meta = {0};
	int fd = memfile();

	l.text[0][0] = 'k';
	memset(l.text[1], 'v', 64); /* full: no NUL behind it */
	assert_int_equal(raw_writer__new(fd, &w), 0);
	assert_int_equal(raw_writer__meta(w, &meta), 0);
	put_record(w, &st, offsetof(struct gbt_stack, pcs) + 2 * 8);
	put_record(w, &kernel, offsetof(struct gbt_stack, pcs) + 2 * 8);
	put_record(w, &l, offsetof(struct gbt_labels, text) + 2 * 64);
	assert_int_equal(raw_writer__flush(w), 0);
	raw_writer__free(w);
	assert_int_equal(raw_file__open(fd, "made", &f), 0);
	assert_int_equal(raw_stacks__collect(f, &s), 0);
	raw_file__free(f);
	close(fd);
	return s;
}

static void cpu_samples_keep_their_total(void **state)
{
	const struct gbt_event known = {.hdr = {.kind = GBT_SAMPLE}, .stack = 77, .arg = 88};
	const struct gbt_event no_labels = {.hdr = {.kind = GBT_SAMPLE}, .stack = 77};
	const struct gbt_event lost_stack = {.hdr = {.kind = GBT_SAMPLE}, .stack = 78};
	const struct gbt_event other = {.hdr = {.kind = GBT_RUN}, .stack = 77};
	struct raw_stacks *stacks = made_stacks();
	struct symtab *t = program_symtab();
	struct cpu_profile cpu;
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();
	int64_t total = 0;
	char v64[65];

	memset(v64, 'v', 64);
	v64[64] = '\0';
	pprof_writer__new(&PPROF_CPU, t, 100, 0, 0, &w);
	cpu = (struct cpu_profile){.w = w, .stacks = stacks, .symtab = t, .period_ns = 100};
	assert_int_equal(cpu_profile__record(&cpu, &known.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &known.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &no_labels.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &lost_stack.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &other.hdr), 0);
	assert_int_equal(cpu_profile__lost(&cpu, 5), 0);
	assert_int_equal(cpu_profile__lost(&cpu, 0), 0);
	pprof_writer__finish(w, fd);
	keep(fd, "cpu.pprof");
	raw_stacks__free(stacks);
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 4);
	for (size_t i = 0; i < d->sample_cnt; i++) {
		total += d->samples[i].values[0];
		assert_int_equal(d->samples[i].values[1], 100 * d->samples[i].values[0]);
	}
	assert_int_equal(total, 9);
	assert_int_equal(d->samples[0].label_cnt, 0);
	assert_int_equal(d->samples[1].label_cnt, 1);
	assert_int_equal(d->samples[1].values[0], 2);
	assert_memory_equal(d->strings[d->samples[1].labels[0].str], v64, 65);
	assert_string_equal(func_of(d, d->samples[2].locations[0], 0), "[stack not known]");
	assert_string_equal(func_of(d, d->samples[3].locations[0], 0), "runtime._LostExternalCode");
	assert_string_equal(func_of(d, d->samples[3].locations[1], 0), "runtime._ExternalCode");
	assert_int_equal(d->samples[3].values[0], 5);
	free(d);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

/* The sample of the same thread and time gets the kernel's frames, and no other. */
static void kernel_frames_stand_above_their_caller(void **state)
{
	const struct gbt_event kernel = {.hdr = {.kind = GBT_KERNEL, .tid = 5, .time_ns = 100},
					 .stack = 79};
	const struct gbt_event other = {.hdr = {.kind = GBT_SAMPLE, .tid = 6, .time_ns = 100},
					.stack = 77};
	const struct gbt_event later = {.hdr = {.kind = GBT_SAMPLE, .tid = 5, .time_ns = 101},
					.stack = 77};
	const struct gbt_event its = {.hdr = {.kind = GBT_SAMPLE, .tid = 5, .time_ns = 100},
				      .stack = 77};
	struct raw_stacks *stacks = made_stacks();
	struct symtab *t = program_symtab();
	struct cpu_profile cpu;
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	assert_int_equal(symtab__add_foreign(t, KERNEL_LEAF, true, "vfs_read"), 0);
	assert_int_equal(symtab__add_foreign(t, KERNEL_RET, false, "do_syscall_64"), 0);
	assert_int_equal(symtab__add_foreign(t, LEAF + 1, false, "the place, as a return address"),
			 0);
	pprof_writer__new(&PPROF_CPU, t, 100, 0, 0, &w);
	cpu = (struct cpu_profile){.w = w, .stacks = stacks, .symtab = t, .period_ns = 100};
	assert_int_equal(cpu_profile__record(&cpu, &kernel.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &other.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &later.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &its.hdr), 0);
	pprof_writer__finish(w, fd);
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 2);
	assert_int_equal(d->samples[0].values[0], 2);
	assert_string_equal(func_of(d, d->samples[0].locations[0], 0), "main.inner");
	assert_int_equal(d->samples[1].location_cnt, 4);
	assert_string_equal(func_of(d, d->samples[1].locations[0], 0), "vfs_read");
	assert_string_equal(func_of(d, d->samples[1].locations[1], 0), "do_syscall_64");
	assert_string_equal(func_of(d, d->samples[1].locations[3], 0), "main.worker");
	free(d);
	cpu_profile__fini(&cpu);
	raw_stacks__free(stacks);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

static const char *label_of(const struct decoded *d, size_t sample, const char *key)
{
	for (size_t i = 0; i < d->samples[sample].label_cnt; i++) {
		if (!strcmp(d->strings[d->samples[sample].labels[i].key], key))
			return d->strings[d->samples[sample].labels[i].str];
	}
	return NULL;
}

static void samples_are_tagged_as_asked(void **state)
{
	const struct gbt_event creator = {
		.hdr = {.kind = GBT_CREATOR}, .goid = 7, .arg = RET_WORKER};
	const struct gbt_event ev = {
		.hdr = {.kind = GBT_SAMPLE, .tid = 5}, .stack = 77, .goid = 7, .cur = G_SYSCALL};
	const struct gbt_event none = {.hdr = {.kind = GBT_SAMPLE, .tid = 6}, .stack = 77};
	struct raw_stacks *stacks = made_stacks();
	struct symtab *t = program_symtab();
	struct cpu_profile cpu;
	struct pprof_writer *w;
	struct imap tids = {0};
	struct decoded *d;
	unsigned tags;
	const char *bad;
	size_t len;
	int fd = memfile();

	assert_int_equal(profile_tags__parse("goroutine,creator,thread,state", &tags, &bad, &len),
			 0);
	assert_int_equal(imap__put(&tids, 5, 55), 0);
	pprof_writer__new(&PPROF_CPU, t, 100, 0, 0, &w);
	cpu = (struct cpu_profile){.w = w,
				   .stacks = stacks,
				   .symtab = t,
				   .tid_map = &tids,
				   .period_ns = 100,
				   .tags = tags};
	assert_int_equal(cpu_profile__creator(&cpu, &creator.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &ev.hdr), 0);
	assert_int_equal(cpu_profile__record(&cpu, &none.hdr), 0);
	pprof_writer__finish(w, fd);
	d = decode(fd);
	assert_int_equal(d->sample_cnt, 2);
	for (size_t i = 0; i < 2; i++) {
		const char *goid = label_of(d, i, "goroutine");

		assert_string_equal(label_of(d, i, "thread"), goid ? "55" : "6");
		if (!goid) {
			assert_null(label_of(d, i, "state"));
			continue;
		}
		assert_string_equal(goid, "7");
		assert_string_equal(label_of(d, i, "creator"), "main.worker");
		assert_string_equal(label_of(d, i, "state"), "syscall");
	}
	assert_int_equal(profile_tags__parse("state,gorutine", &tags, &bad, &len), -EINVAL);
	assert_string_equal(bad, "gorutine");
	assert_int_equal(len, 8);
	assert_int_equal(profile_tags__parse("", &tags, &bad, &len), -EINVAL);
	free(d);
	imap__free(&tids);
	cpu_profile__fini(&cpu);
	raw_stacks__free(stacks);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
}

#define SWEEPER 0x402000

/* The row of a function at the leaf with that state; fails when there is none. */
static size_t row_of(const struct decoded *d, const char *leaf, const char *state)
{
	for (size_t i = 0; i < d->sample_cnt; i++) {
		if (!strcmp(func_of(d, d->samples[i].locations[0], 0), leaf) &&
		    (!state || !strcmp(label_of(d, i, "state"), state)))
			return i;
	}
	fail_msg("no row of %s", leaf);
	return 0;
}

static struct decoded *wall_of(const struct wall_profile *profile, const struct gbt_event *samples,
			       size_t cnt)
{
	struct wall_pprof p = {.profile = profile, .tags = TAG_STATE | TAG_CREATOR};
	struct raw_stacks *stacks = made_stacks();
	struct symtab *t = program_symtab();
	struct wall_running *running;
	struct pprof_writer *w;
	struct decoded *d;
	int fd = memfile();

	assert_int_equal(symtab__add_foreign(t, SWEEPER, true, "runtime.bgsweep"), 0);
	assert_int_equal(wall_running__new(&running), 0);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(wall_running__record(running, &samples[i].hdr), 0);
	p.running = running;
	p.symtab = t;
	p.stacks = stacks;
	pprof_writer__new(&PPROF_WALL, t, 10000000, 0, 0, &w);
	assert_int_equal(wall_pprof__add(&p, w), 0);
	pprof_writer__finish(w, fd);
	keep(fd, "wall.pprof");
	d = decode(fd);
	wall_running__free(running);
	raw_stacks__free(stacks);
	pprof_writer__free(w);
	symtab__free(t);
	close(fd);
	return d;
}

static void time_of_goroutines_that_run_is_shared_out(void **state)
{
	const struct gbt_event samples[] = {
		{.hdr = {.kind = GBT_SAMPLE}, .goid = 7, .stack = 77, .arg = 88},
		{.hdr = {.kind = GBT_SAMPLE}, .goid = 8, .stack = 77},
		{.hdr = {.kind = GBT_SAMPLE}, .goid = 9, .stack = 77},
		{.hdr = {.kind = GBT_SAMPLE}, .goid = 0, .stack = 77}, /* the scheduler */
		{.hdr = {.kind = GBT_SAMPLE}, .goid = 9, .stack = 78}, /* never defined */
		{.hdr = {.kind = GBT_RUN}, .goid = 9, .stack = 77},
	};
	uint64_t pcs[] = {RET_SEMA, RET_WORKER, RET_GOEXIT};
	struct snap_label labels[] = {{"app", "x"}};
	char *states[] = {"running", "chan receive", "GC sweep wait"};
	struct wall_row rows[] = {
		{.ns = 30000000, .state = 1, .stack_cnt = 3, .gopc = RET_WORKER, .label_cnt = 1},
		{.ns = 6000000, .state = 1, .stack_cnt = 3, .gopc = RET_WORKER},
		{.ns = 90000000, .state = 0, .running = true},
		{.ns = 11000000, .state = 1, .torn = true},
		{.ns = 70000000, .state = 2, .stack_cnt = 3, .startpc = SWEEPER},
		{.ns = 50000000, .state = 0, .running = true, .startpc = SWEEPER},
		{.ns = 0, .state = 1, .stack_off = 1, .stack_cnt = 2},
	};
	const struct wall_profile p = {.hz = 100,
				       .rows = rows,
				       .row_cnt = 7,
				       .pcs = pcs,
				       .pcs_cnt = 3,
				       .labels = labels,
				       .labels_cnt = 1,
				       .states = states,
				       .states_cnt = 3,
				       .dropped_ns = 5};
	struct decoded *d = wall_of(&p, samples, 6);
	int64_t labelled = 0;
	size_t row;

	(void)state;
	assert_int_equal(d->sample_cnt, 6);
	assert_string_equal(d->strings[d->types[0]], "samples");
	assert_string_equal(d->strings[d->types[2]], "time");
	assert_string_equal(d->strings[d->period_type[0]], "wallclock");
	for (size_t i = 0; i < d->sample_cnt; i++) {
		const char *leaf = func_of(d, d->samples[i].locations[0], 0);
		const char *app = label_of(d, i, "app"), *k = label_of(d, i, "k");

		if (!strcmp(leaf, "main.inner")) { /* two of three samples have no label */
			assert_int_equal(d->samples[i].values[1], k ? 30000000 : 60000000);
			assert_int_equal(d->samples[i].values[0], k ? 3 : 6);
			assert_string_equal(label_of(d, i, "state"), "running");
			labelled += k != NULL;
		} else if (!strcmp(leaf, "runtime.semacquire1")) {
			assert_int_equal(d->samples[i].values[1], app ? 30000000 : 6000000);
			assert_int_equal(d->samples[i].values[0], app ? 3 : 1);
			assert_string_equal(label_of(d, i, "creator"), "main.worker");
			assert_string_equal(label_of(d, i, "state"), "chan receive");
			labelled += app != NULL;
		}
	}
	assert_int_equal(labelled, 2);
	row = row_of(d, "[stack changed while it was read]", NULL);
	assert_int_equal(d->samples[row].values[1], 11000000);
	row = row_of(d, "[no room for more stacks]", NULL);
	assert_int_equal(d->samples[row].values[1], 5);
	free(d);

	d = wall_of(&p, samples + 3, 3);
	row = row_of(d, "[running: stack not known without CPU samples]", NULL);
	assert_int_equal(d->samples[row].values[1], 90000000);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_as_runtime_pprof_has_them),
		cmocka_unit_test(a_wrapper_that_panicked_is_kept),
		cmocka_unit_test(frames_at_the_leaf_are_skipped),
		cmocka_unit_test(skips_are_told_apart),
		cmocka_unit_test(what_has_no_name_is_left_to_pprof),
		cmocka_unit_test(labels_make_samples_of_their_own),
		cmocka_unit_test(stacks_that_look_equal_are_one),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(sums_do_not_wrap),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(mappings_of_the_raw_stream),
		cmocka_unit_test(goroutines_of_the_runtime_are_left_out),
		cmocka_unit_test(cpu_samples_keep_their_total),
		cmocka_unit_test(kernel_frames_stand_above_their_caller),
		cmocka_unit_test(samples_are_tagged_as_asked),
		cmocka_unit_test(time_of_goroutines_that_run_is_shared_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
