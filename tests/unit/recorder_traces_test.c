/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/render_traces.h"

#define BEGIN_NS 1000
#define STEP_NS 100
#define SLICE_NS 50

static struct raw_writer *begin(int *fd)
{
	const struct raw_meta m = {.go_version = "go1.26.8", .start_ns = BEGIN_NS, .mode = "auto"};
	struct raw_writer *w;

	*fd = memfd_create("raw", 0);
	assert_true(*fd >= 0);
	assert_int_equal(raw_writer__new(*fd, &w), 0);
	assert_int_equal(raw_writer__meta(w, &m), 0);
	return w;
}

static struct raw_file *end(struct raw_writer *w, int fd, uint64_t end_ns)
{
	const struct raw_trailer t = {.end_ns = end_ns};
	struct raw_file *f;

	assert_int_equal(raw_writer__flush(w), 0);
	assert_int_equal(raw_writer__trailer(w, &t), 0);
	raw_writer__free(w);
	assert_int_equal(raw_file__open(fd, "test", &f), 0);
	return f;
}

static uint64_t start_of(size_t i)
{
	return BEGIN_NS + i * STEP_NS;
}

static void begin_slice(struct raw_writer *w, size_t i)
{
	if (i)
		assert_int_equal(raw_writer__slice(w, start_of(i), "snapshot", 8), 0);
}

/* Slices with so many events each, as their ends tell. */
static void put_slices(struct raw_writer *w, const uint64_t *events, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct raw_slice_end e = {.start_ns = start_of(i),
						.end_ns = start_of(i) + SLICE_NS,
						.events = events[i]};

		begin_slice(w, i);
		assert_int_equal(raw_writer__slice_end(w, &e), 0);
	}
}

/* The two smallest of twelve are left out; the last goes on, and its events are counted. */
static void those_with_most_events_are_written(void **state)
{
	static const uint64_t events[] = {5, 5, 2, 9, 5, 5, 5, 1, 5, 5, 5};
	const size_t cnt = sizeof(events) / sizeof(events[0]);
	struct render_traces t;
	struct raw_file *f;
	int fd;
	struct raw_writer *w = begin(&fd);

	(void)state;
	put_slices(w, events, cnt);
	begin_slice(w, cnt);
	for (uint64_t i = 0; i < 12; i++) {
		const struct gbt_event ev = {.hdr = {.time_ns = start_of(cnt) + i, .kind = GBT_RUN},
					     .goid = 1};

		assert_int_equal(raw_writer__record(w, 0, &ev, sizeof(ev)), 0);
	}
	f = end(w, fd, start_of(cnt) + SLICE_NS);
	assert_int_equal(render_traces__choose(f, &t), 0);
	assert_int_equal(t.slices, 12);
	assert_int_equal(t.sliced_ns, 12 * SLICE_NS);
	assert_int_equal(t.cnt, TRACES_MAX);
	for (size_t i = 0; i < t.cnt; i++)
		assert_true(t.parts[i].events >= 5);
	assert_int_equal(t.main, TRACES_MAX - 1);
	assert_int_equal(t.parts[t.main].events, 12);
	assert_string_equal(t.parts[t.main].file, "trace.out");
	assert_int_equal(t.parts[2].start_ns, start_of(3));
	assert_string_equal(t.parts[2].file, "trace-4.out");
	render_traces__free(&t);
	raw_file__free(f);
	close(fd);
}

/* Probes that came when the window had just ended make no trace. */
static void a_slice_behind_the_end_is_none(void **state)
{
	static const uint64_t events[] = {3, 4};
	struct render_traces t;
	struct raw_file *f;
	int fd;
	struct raw_writer *w = begin(&fd);

	(void)state;
	put_slices(w, events, 2);
	begin_slice(w, 2);
	f = end(w, fd, start_of(2) - 1);
	assert_int_equal(render_traces__choose(f, &t), 0);
	assert_int_equal(t.slices, 2);
	assert_int_equal(t.sliced_ns, 2 * SLICE_NS);
	assert_int_equal(t.cnt, 2);
	assert_int_equal(t.main, 1);
	render_traces__free(&t);
	raw_file__free(f);
	close(fd);
}

/* What lies outside of a slice is never taken for a whole window, however short the slice. */
static void the_first_slice_always_is_one(void **state)
{
	const struct raw_slice_end e = {.start_ns = BEGIN_NS, .end_ns = BEGIN_NS};
	struct render_traces t;
	struct raw_file *f;
	int fd;
	struct raw_writer *w = begin(&fd);

	(void)state;
	assert_int_equal(raw_writer__slice_end(w, &e), 0);
	f = end(w, fd, BEGIN_NS + STEP_NS);
	assert_int_equal(render_traces__choose(f, &t), 0);
	assert_int_equal(t.cnt, 1);
	assert_non_null(t.parts[0].slice);
	assert_int_equal(t.sliced_ns, 0);
	render_traces__free(&t);
	raw_file__free(f);
	close(fd);
}

static void without_slices_there_is_one_of_the_window(void **state)
{
	struct render_traces t;
	struct raw_file *f;
	int fd;
	struct raw_writer *w = begin(&fd);

	(void)state;
	f = end(w, fd, BEGIN_NS + STEP_NS);
	assert_int_equal(render_traces__choose(f, &t), 0);
	assert_int_equal(t.cnt, 1);
	assert_int_equal(t.slices, 0);
	assert_null(t.parts[0].slice);
	assert_string_equal(t.parts[0].file, "trace.out");
	render_traces__free(&t);
	raw_file__free(f);
	close(fd);
}

/* What slices are scaled to is an estimate, of mark assists with exact ends too. */
static void what_is_scaled_is_called_an_estimate(void **state)
{
	static const enum profile_id of_transitions[] = {PROFILE_GC, PROFILE_BLOCK, PROFILE_SCHED};
	const struct analysis_config ac = {.start_ns = BEGIN_NS};
	const struct tables tables = {0};
	struct profile_choice choice = {0};
	const struct analysis *slices[1];
	struct render_profiles *p;
	struct analysis *a;
	struct raw_file *f;
	int fd;
	struct raw_writer *w = begin(&fd);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		choice.set |= 1u << of_transitions[i];
	f = end(w, fd, BEGIN_NS + 4 * SLICE_NS);
	assert_int_equal(analysis__new(&ac, &a), 0);
	assert_int_equal(render_profiles__new(f, &tables, &choice, &p), 0);
	assert_null(render_profiles__estimate(p, PROFILE_GC, a));
	slices[0] = a;
	assert_int_equal(render_profiles__slices(p, slices, 1, SLICE_NS, 4 * SLICE_NS), 0);
	for (size_t i = 0; i < 3; i++) {
		const char *note = render_profiles__estimate(p, of_transitions[i], a);

		assert_non_null(note);
		assert_non_null(strstr(note, "times 4.0"));
	}
	render_profiles__free(p);
	analysis__free(a);
	raw_file__free(f);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_with_most_events_are_written),
		cmocka_unit_test(a_slice_behind_the_end_is_none),
		cmocka_unit_test(the_first_slice_always_is_one),
		cmocka_unit_test(without_slices_there_is_one_of_the_window),
		cmocka_unit_test(what_is_scaled_is_called_an_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
