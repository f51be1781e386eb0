/* SPDX-License-Identifier: GPL-2.0-only */
/* What the writer of pprof files makes of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <cmocka.h>

#include "output/profiles.h"
#include "pprof_decoded.h"

static void frames_as_runtime_pprof_has_them(void **state)
{
	const uint64_t pcs[] = {LEAF, RET_WORKER, RET_WRAPPER, RET_MAIN, RET_GOEXIT};
	const int64_t values[] = {1, 10000000};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;

	assert_int_equal(
		pprof_writer__new(&PPROF_CPU, t, 10000000, 1700000000123456789, 3000000000, &w), 0);
	add_mappings(w);
	assert_int_equal(sample(w, pcs, 5, true, values, NULL, 0), 0);
	assert_int_equal(sample(w, pcs, 5, true, values, NULL, 0), 0);
	d = finished(w, t, "frames.pprof");

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
}

static void a_wrapper_that_panicked_is_kept(void **state)
{
	const uint64_t pcs[] = {RET_PANIC, RET_WRAPPER, RET_WORKER, RET_GOEXIT};
	const int64_t one[] = {1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 4, false, one, NULL, 0);
	d = finished(w, t, NULL);
	assert_int_equal(d->samples[0].location_cnt, 3);
	assert_string_equal(func_of(d, d->samples[0].locations[1], 0), "main.(*T).Run");
	assert_string_equal(d->strings[d->types[0]], "goroutine");
	free(d);
}

/* One sample of the stack; the functions of all its locations' lines, leaf first. */
static void functions_of(const struct pprof_stack *stack, bool keep_wrappers, char *out, size_t sz)
{
	const int64_t values[] = {1, 1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;

	pprof_writer__new(&PPROF_BLOCK, t, 1, 0, 0, &w);
	if (keep_wrappers)
		pprof_writer__keep_wrappers(w);
	assert_int_equal(pprof_writer__sample(w, stack, values, NULL, 0), 0);
	d = finished(w, t, NULL);
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

	pprof_writer__new(&PPROF_BLOCK, t, 1, 0, 0, &w);
	for (uint16_t skip = 0; skip < 6; skip++)
		pprof_writer__sample(w, &(struct pprof_stack){lock, 2, false, skip % 3}, one, NULL,
				     0);
	d = finished(w, t, NULL);
	assert_int_equal(d->sample_cnt, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(d->samples[i].values[0], 2);
		assert_int_equal(d->locations[d->samples[i].locations[0] - 1].line_cnt, 3 - i);
		assert_int_equal(d->samples[i].locations[1], d->samples[0].locations[1]);
	}
	free(d);
}

static void what_has_no_name_is_left_to_pprof(void **state)
{
	const uint64_t pcs[] = {UNKNOWN, RET_WORKER};
	const int64_t one[] = {1};
	struct symtab *t = program_symtab();
	struct pprof_writer *w;
	struct decoded *d;

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	add_mappings(w);
	sample(w, pcs, 2, true, one, NULL, 0);
	sample(w, NULL, 0, true, one, NULL, 0);
	d = finished(w, t, "unknown.pprof");
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

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 2, true, one, ab, 2);
	sample(w, pcs, 2, true, one, ba, 2); /* the same set */
	sample(w, pcs, 2, true, one, NULL, 0);
	sample(w, pcs, 2, true, one, num, 1);
	sample(w, pcs, 2, true, one, hostile, 1);
	pprof_writer__comment(w, "layout forced");
	d = finished(w, t, "labels.pprof");
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

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, plain, 2, true, one, NULL, 0);
	sample(w, wrapped, 3, true, two, NULL, 0);
	sample(w, rooted, 3, true, four, NULL, 0);
	sample(w, rooted, 3, true, one, &label, 1);
	d = finished(w, t, NULL);
	assert_int_equal(d->sample_cnt, 2);
	assert_int_equal(d->samples[0].values[0], 7);
	assert_int_equal(d->samples[1].values[0], 1);
	assert_int_equal(d->samples[1].label_cnt, 1);
	free(d);
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

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	sample(w, pcs, 1, true, much, NULL, 0);
	sample(w, pcs, 1, true, much, NULL, 0);
	d = finished(w, t, NULL);
	assert_true(d->samples[0].values[0] == INT64_MAX);
	free(d);
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

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	assert_int_equal(profile__mappings(w, good, sizeof(good) - 1, "app"), 0);
	d = finished(w, t, NULL);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
