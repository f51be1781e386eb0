/* SPDX-License-Identifier: GPL-2.0-only */
/* Profiles that are made of a snapshot, of samples, of looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/cpu_profile.h"
#include "output/profile_tags.h"
#include "output/profiles.h"
#include "output/wall_pprof.h"
#include "pprof_decoded.h"

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

	pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w);
	assert_int_equal(goroutine_profile__add(w, &snap, t, 0), 0);
	d = finished(w, t, NULL);
	assert_int_equal(d->sample_cnt, 3);
	/* by stack: the entry of the running one, then the worker without and with a label */
	assert_int_equal(d->samples[0].values[0], 1);
	assert_int_equal(d->locations[0].lines[0], 10);
	assert_int_equal(d->samples[1].values[0], 2);
	assert_int_equal(d->samples[2].values[0], 1);
	assert_string_equal(d->strings[d->samples[2].labels[0].str], "v");
	free(d);
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
	d = finished(w, t, NULL);
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
	d = finished(w, t, NULL);
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
			       size_t cnt, unsigned tags)
{
	struct wall_pprof p = {.profile = profile, .tags = tags};
	struct raw_stacks *stacks = made_stacks();
	struct symtab *t = program_symtab();
	struct wall_running *running;
	struct pprof_writer *w;
	struct decoded *d;

	assert_int_equal(symtab__add_foreign(t, SWEEPER, true, "runtime.bgsweep"), 0);
	assert_int_equal(wall_running__new(p.tags, &running), 0);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(wall_running__creator(running, &samples[i].hdr), 0);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(wall_running__record(running, &samples[i].hdr), 0);
	p.running = running;
	p.symtab = t;
	p.stacks = stacks;
	pprof_writer__new(&PPROF_WALL, t, 10000000, 0, 0, &w);
	assert_int_equal(wall_pprof__add(&p, w), 0);
	d = finished(w, t, "wall.pprof");
	wall_running__free(running);
	raw_stacks__free(stacks);
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
		{.hdr = {.kind = GBT_CREATOR}, .goid = 7, .arg = RET_WORKER},
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
	struct decoded *d = wall_of(&p, samples, 7, TAG_STATE | TAG_CREATOR);
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
			assert_int_equal(!label_of(d, i, "creator"), !k);
			if (k)
				assert_string_equal(label_of(d, i, "creator"), "main.worker");
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

	d = wall_of(&p, samples + 3, 3, TAG_STATE);
	row = row_of(d, "[running: stack not known without CPU samples]", NULL);
	assert_int_equal(d->samples[row].values[1], 90000000);
	free(d);

	/* told apart: each sample has its goroutine, and so have rows that say one */
	rows[0].goid = 7;
	d = wall_of(&p, samples, 7, TAG_GOROUTINE);
	labelled = 0;
	for (size_t i = 0; i < d->sample_cnt; i++) {
		const char *leaf = func_of(d, d->samples[i].locations[0], 0);
		const char *g = label_of(d, i, "goroutine");

		if (!strcmp(leaf, "main.inner")) {
			assert_int_equal(d->samples[i].values[1], 30000000);
			labelled += strtol(g, NULL, 10);
		} else if (g) {
			assert_string_equal(leaf, "runtime.semacquire1");
			assert_string_equal(g, "7");
			assert_int_equal(d->samples[i].values[1], 30000000);
			labelled += 100;
		}
	}
	assert_int_equal(labelled, 100 + 7 + 8 + 9);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goroutines_of_the_runtime_are_left_out),
		cmocka_unit_test(cpu_samples_keep_their_total),
		cmocka_unit_test(kernel_frames_stand_above_their_caller),
		cmocka_unit_test(samples_are_tagged_as_asked),
		cmocka_unit_test(time_of_goroutines_that_run_is_shared_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
