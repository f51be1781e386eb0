/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "raw/raw.h"

static struct gbt_event event(uint64_t time_ns, uint32_t tid, uint64_t goid)
{
	return (struct gbt_event){
		.hdr = {.time_ns = time_ns, .tid = tid, .kind = GBT_RUN}, .p = 1, .goid = goid};
}

static int spool(void)
{
	int fd = memfd_create("raw", 0);

	assert_true(fd >= 0);
	return fd;
}

static struct raw_meta a_meta(void)
{
	struct raw_meta m = {.go_version = "go1.26.8", .pid = 42, .start_ns = 1000, .labels = true};

	strcpy(m.name, "a\nb\\c=d");
	strcpy(m.notes[0], "first");
	strcpy(m.notes[1], "second\t");
	return m;
}

/* A writer that has its meta section. */
static struct raw_writer *begin(int fd)
{
	struct raw_meta m = a_meta();
	struct raw_writer *w;

	assert_int_equal(raw_writer__new(fd, &w), 0);
	assert_int_equal(raw_writer__meta(w, &m), 0);
	return w;
}

static struct raw_file *end(struct raw_writer *w, int fd)
{
	struct raw_trailer t = {.end_ns = 77, .end_reason = "duration"};
	struct raw_file *f;

	t.counters[GBT_C_EVENTS] = 5;
	assert_int_equal(raw_writer__flush(w), 0);
	assert_int_equal(raw_writer__trailer(w, &t), 0);
	assert_int_equal(raw_writer__bytes(w), lseek(fd, 0, SEEK_END));
	raw_writer__free(w);
	assert_int_equal(raw_file__open(fd, "test", &f), 0);
	return f;
}

static void test_meta_and_trailer_come_back(void **state)
{
	int fd = spool();
	struct raw_file *f = end(begin(fd), fd);
	struct raw_meta want = a_meta();
	struct span s;

	assert_memory_equal(raw_file__meta(f), &want, sizeof(want));
	assert_non_null(raw_file__trailer(f));
	assert_int_equal(raw_file__trailer(f)->end_ns, 77);
	assert_string_equal(raw_file__trailer(f)->end_reason, "duration");
	assert_int_equal(raw_file__trailer(f)->counters[GBT_C_EVENTS], 5);
	assert_int_equal(raw_file__section(f, RAW_SYMTAB, &s), -ENODATA);
	raw_file__free(f);
	close(fd);
}

static void test_section_comes_back(void **state)
{
	int fd = spool();
	struct raw_writer *w = begin(fd);
	struct raw_file *f;
	struct span s;

	assert_int_equal(raw_writer__section(w, RAW_SYMTAB, "abcde", 5), 0);
	f = end(w, fd);
	assert_int_equal(raw_file__section(f, RAW_SYMTAB, &s), 0);
	assert_int_equal(s.n, 5);
	assert_memory_equal(s.p, "abcde", 5);
	raw_file__free(f);
	close(fd);
}

struct seen {
	uint64_t cnt, last_ns, last_goid, falls;
	bool stable;
};

static int on_event(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct seen *s = ctx;
	const struct gbt_event *e = (const struct gbt_event *)rec;

	assert_int_equal(len, sizeof(*e));
	if (rec->time_ns < s->last_ns)
		s->falls++;
	else if (rec->time_ns == s->last_ns && e->goid < s->last_goid)
		s->stable = false;
	s->last_ns = rec->time_ns;
	s->last_goid = e->goid;
	s->cnt++;
	return 0;
}

/* Two rings, drained in turns of 50 ms, with disorder of up to 20 ms inside each. */
static void test_events_are_delivered_in_time_order(void **state)
{
	int fd = spool();
	struct raw_writer *w = begin(fd);
	struct seen s = {.stable = true};
	struct raw_file *f;
	uint64_t late = 99, n = 0;

	srand(1);
	for (uint64_t t = 0; t < 3000; t += 50) {
		for (uint32_t ring = 0; ring < 2; ring++) {
			for (int i = 0; i < 2000; i++) {
				uint64_t ns = (1000 + t + i / 40) * 1000000ull;
				struct gbt_event e = event(ns + (rand() % 21) * 1000000ull, 7, n++);

				assert_int_equal(raw_writer__record(w, ring, &e, sizeof(e)), 0);
			}
		}
	}
	f = end(w, fd);
	assert_int_equal(raw_file__each_event(f, on_event, &s, &late), 0);
	assert_int_equal(s.cnt, n);
	assert_int_equal(s.falls, 0);
	assert_int_equal(late, 0);
	assert_true(s.stable);
	raw_file__free(f);
	close(fd);
}

/* The same as from a file: many more than fit at once, and one that is far too late. */
static void test_events_are_sorted_as_they_come(void **state)
{
	struct seen s = {.stable = true};
	struct raw_sorter *sorter;
	uint64_t late = 99, n = 0;

	assert_int_equal(raw_sorter__new(on_event, &s, &sorter), 0);
	srand(1);
	for (uint64_t t = 0; t < 6000; t += 50) {
		for (uint32_t ring = 0; ring < 2; ring++) {
			for (int i = 0; i < 2000; i++) {
				uint64_t ns = (1000 + t + i / 40) * 1000000ull;
				struct gbt_event e = event(ns + (rand() % 21) * 1000000ull, 7, n++);

				assert_int_equal(raw_sorter__add(sorter, &e), 0);
			}
		}
	}
	assert_true(s.cnt > n / 2);
	assert_int_equal(s.falls, 0);
	struct gbt_event old = event(1000000001, 8, 1);

	assert_int_equal(raw_sorter__add(sorter, &old), 0);
	assert_int_equal(s.falls, 1);
	assert_int_equal(raw_sorter__finish(sorter, &late), 0);
	assert_int_equal(s.cnt, n + 1);
	assert_int_equal(s.falls, 1);
	assert_int_equal(late, 1);
	assert_true(s.stable);
	raw_sorter__free(sorter);
}

/* cnt events, one each 10 µs, then one from the distant past. */
static struct raw_file *with_a_late_one(int fd, uint64_t cnt)
{
	struct raw_writer *w = begin(fd);

	for (uint64_t i = 0; i < cnt; i++) {
		struct gbt_event e = event(1000000000 + i * 10000, 7, i);

		assert_int_equal(raw_writer__record(w, 0, &e, sizeof(e)), 0);
	}
	struct gbt_event old = event(1000000001, 8, 1);

	assert_int_equal(raw_writer__record(w, 1, &old, sizeof(old)), 0);
	return end(w, fd);
}

static void read_with_a_late_one(uint64_t cnt, uint64_t want_late)
{
	int fd = spool();
	struct raw_file *f = with_a_late_one(fd, cnt);
	struct seen s = {.stable = true};
	uint64_t late = 99;

	assert_int_equal(raw_file__each_event(f, on_event, &s, &late), 0);
	assert_int_equal(s.cnt, cnt + 1);
	assert_int_equal(late, want_late);
	assert_int_equal(s.falls, want_late);
	raw_file__free(f);
	close(fd);
}

/* Two seconds late, ten times the usual window: a thread stood still. */
static void test_late_events_are_put_where_they_belong(void **state)
{
	read_with_a_late_one(200000, 0);
}

/* More events in between than are held back. */
static void test_later_events_are_counted_and_delivered(void **state)
{
	read_with_a_late_one(2500000, 1);
}

static int stop_at_3(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	return ++*(int *)ctx == 3 ? -ECANCELED : 0;
}

static void test_callback_error_ends_the_run(void **state)
{
	int fd = spool(), n = 0;
	struct raw_writer *w = begin(fd);
	struct raw_file *f;

	for (uint64_t i = 0; i < 10; i++) {
		struct gbt_event e = event(i + 1, 7, i);

		assert_int_equal(raw_writer__record(w, 0, &e, sizeof(e)), 0);
	}
	f = end(w, fd);
	assert_int_equal(raw_file__each_event(f, stop_at_3, &n, NULL), -ECANCELED);
	assert_int_equal(n, 3);
	raw_file__free(f);
	close(fd);
}

static int count_record(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	++*(int *)ctx;
	return 0;
}

/* Cut everywhere: whatever is whole is read, nothing crashes, and only whole records count. */
static void test_cut_file_is_read_to_the_cut(void **state)
{
	int fd = spool();
	struct raw_writer *w = begin(fd);
	off_t whole, events_at = raw_writer__bytes(w);

	for (uint64_t i = 0; i < 10; i++) {
		struct gbt_event e = event(i + 1, 7, i);

		assert_int_equal(raw_writer__record(w, 0, &e, sizeof(e)), 0);
	}
	raw_file__free(end(w, fd));
	whole = lseek(fd, 0, SEEK_END);
	/* up to 7 bytes of padding may go without loss */
	for (off_t sz = whole - 8; sz >= events_at; sz--) {
		struct raw_file *f;
		int n = 0, want;

		assert_int_equal(ftruncate(fd, sz), 0);
		assert_int_equal(raw_file__open(fd, "cut", &f), 0);
		assert_null(raw_file__trailer(f));
		assert_int_equal(raw_file__each_record(f, count_record, &n), 0);
		want = sz < events_at + 24 ? 0 : (sz - events_at - 24) / 56;
		assert_int_equal(n, want > 10 ? 10 : want);
		raw_file__free(f);
	}
	close(fd);
}

static void test_other_files_are_refused(void **state)
{
	struct raw_file *f;
	int fd = spool();
	static const char text[] = "gobpftrace raw\n\x02 and more than sixteen bytes";

	assert_int_equal(raw_file__open(fd, "empty", &f), -EBADMSG);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_int_equal(raw_file__open(fd, "version 2", &f), -EOPNOTSUPP);
	assert_int_equal(pwrite(fd, "G", 1, 0), 1);
	assert_int_equal(raw_file__open(fd, "magic", &f), -EBADMSG);
	assert_int_equal(pwrite(fd, "g", 1, 0), 1);
	assert_int_equal(pwrite(fd, "\x01", 1, 15), 1);
	assert_int_equal(raw_file__open(fd, "no meta", &f), -EBADMSG);
	close(fd);
}

static void test_malformed_records_are_refused(void **state)
{
	int fd = spool();
	struct raw_writer *w = begin(fd);
	struct gbt_event e = event(1, 2, 3);
	struct gbt_stack st = {.hdr = {.kind = GBT_STACK}, .id = 1, .cnt = GBT_STACK_MAX + 1};

	assert_int_equal(raw_writer__record(w, 0, &e, sizeof(e) - 1), -EBADMSG);
	assert_int_equal(raw_writer__record(w, 0, &st, sizeof(st)), -EBADMSG);
	st.cnt = 4;
	assert_int_equal(raw_writer__record(w, 0, &st, 32 + 31), -EBADMSG);
	e.hdr.kind = GBT_NONE;
	assert_int_equal(raw_writer__record(w, 0, &e, sizeof(e)), -EBADMSG);
	e.hdr.kind = GBT_KIND_MAX;
	assert_int_equal(raw_writer__record(w, 0, &e, sizeof(e)), -EBADMSG);
	raw_writer__free(w);
	close(fd);
}

static int check_rising(void *ctx, uint64_t id, const uint64_t *pcs, size_t cnt)
{
	uint64_t *last = ctx;

	assert_true(id > *last);
	assert_non_null(pcs);
	*last = id;
	return 0;
}

static void test_stacks_and_labels_are_collected(void **state)
{
	int fd = spool();
	struct raw_writer *w = begin(fd);
	struct gbt_stack st = {.hdr = {.kind = GBT_STACK}, .id = 9, .cnt = 2, .pcs = {11, 12}};
	struct gbt_labels l = {.hdr = {.kind = GBT_LABELS}, .id = 5, .cnt = 1, .len = {1, 2}};
	struct raw_stacks *s;
	struct raw_file *f;
	uint64_t last = 0;
	const uint64_t *pcs;
	size_t cnt;
	bool cut;

	strcpy(l.text[0], "k");
	strcpy(l.text[1], "vv");
	assert_int_equal(raw_writer__record(w, 0, &st, sizeof(st)), 0);
	st.id = 4;
	st.cnt = 128;
	st.flags = GBT_F_STACK_CUT;
	assert_int_equal(raw_writer__record(w, 1, &st, sizeof(st)), 0);
	assert_int_equal(raw_writer__record(w, 1, &st, sizeof(st)), 0);
	assert_int_equal(raw_writer__record(w, 1, &l, sizeof(l)), 0);
	f = end(w, fd);
	assert_int_equal(raw_stacks__collect(f, &s), 0);
	assert_int_equal(raw_stacks__count(s), 2);
	pcs = raw_stacks__get(s, 9, &cnt, &cut);
	assert_int_equal(cnt, 2);
	assert_int_equal(pcs[1], 12);
	assert_false(cut);
	assert_non_null(raw_stacks__get(s, 4, &cnt, &cut));
	assert_int_equal(cnt, 128);
	assert_true(cut);
	assert_null(raw_stacks__get(s, 5, &cnt, &cut));
	assert_null(raw_stacks__labels(s, 9));
	assert_string_equal(raw_stacks__labels(s, 5)->text[1], "vv");
	assert_int_equal(raw_stacks__each(s, check_rising, &last), 0);
	assert_int_equal(last, 9);
	raw_stacks__free(s);
	raw_file__free(f);
	close(fd);
}

struct goids {
	uint64_t goid[16];
	size_t cnt;
};

static int see_goid(void *ctx, const struct gbt_hdr *rec, size_t len)
{
	struct goids *s = ctx;

	assert_in_range(s->cnt, 0, 15);
	s->goid[s->cnt++] = ((const struct gbt_event *)rec)->goid;
	return 0;
}

static void put(struct raw_writer *w, uint64_t time_ns, uint64_t goid)
{
	struct gbt_event ev = event(time_ns, 1, goid);

	assert_int_equal(raw_writer__record(w, 0, &ev, sizeof(ev)), 0);
}

static void end_slice(struct raw_writer *w, uint64_t start_ns, uint64_t end_ns, uint64_t events)
{
	const struct raw_slice_end e = {
		.start_ns = start_ns, .end_ns = end_ns, .events = events, .hits = 2 * events};

	assert_int_equal(raw_writer__slice_end(w, &e), 0);
}

/* [1000, 1100], a gap with a sample, [1500, …] with records from before and behind it */
static void slices_have_their_events(void **state)
{
	struct goids first = {0}, second = {0}, all = {0};
	const struct raw_slice *s;
	uint64_t late;
	int fd = spool();
	struct raw_writer *w = begin(fd);
	struct raw_file *f;

	put(w, 1010, 1);
	put(w, 1005, 2);
	put(w, 1120, 3); /* while probes were taken away */
	end_slice(w, 1000, 1100, 2);
	put(w, 1300, 4);
	assert_int_equal(raw_writer__slice(w, 1500, "snapshot", 8), 0);
	put(w, 1490, 5); /* while they were put in place */
	put(w, 1510, 6);
	f = end(w, fd);
	assert_int_equal(raw_file__slice_cnt(f), 2);
	s = raw_file__slice(f, 0);
	assert_true(s->start_ns == 1000 && s->end_ns == 1100 && s->events == 2 && s->hits == 4);
	assert_int_equal(s->snapshot.n, 0);
	assert_int_equal(raw_file__each_event_of(f, s, see_goid, &first, &late), 0);
	assert_int_equal(first.cnt, 2);
	assert_true(first.goid[0] == 2 && first.goid[1] == 1);
	s = raw_file__slice(f, 1);
	assert_true(s->start_ns == 1500 && !s->end_ns);
	assert_memory_equal(s->snapshot.p, "snapshot", 8);
	assert_int_equal(raw_file__each_event_of(f, s, see_goid, &second, &late), 0);
	assert_true(second.cnt == 1 && second.goid[0] == 6);
	assert_int_equal(raw_file__each_event(f, see_goid, &all, &late), 0);
	assert_int_equal(all.cnt, 6);
	raw_file__free(f);
	close(fd);
}

/* An empty slice, and one of a stream without any. */
static void slices_may_be_empty(void **state)
{
	struct goids none = {0};
	int fd = spool();
	struct raw_writer *w = begin(fd);
	struct raw_file *f;

	end_slice(w, 1000, 1100, 0);
	put(w, 1300, 4);
	f = end(w, fd);
	assert_int_equal(raw_file__slice_cnt(f), 1);
	assert_int_equal(raw_file__each_event_of(f, raw_file__slice(f, 0), see_goid, &none, NULL),
			 0);
	assert_int_equal(none.cnt, 0);
	raw_file__free(f);
	close(fd);
	fd = spool();
	f = end(begin(fd), fd);
	assert_int_equal(raw_file__slice_cnt(f), 0);
	raw_file__free(f);
	close(fd);
}

static int open_with(void (*fill)(struct raw_writer *w))
{
	int fd = spool(), err;
	struct raw_writer *w = begin(fd);
	struct raw_file *f = NULL;

	fill(w);
	assert_int_equal(raw_writer__flush(w), 0);
	raw_writer__free(w);
	err = raw_file__open(fd, "test", &f);
	raw_file__free(f);
	close(fd);
	return err;
}

static void begin_twice(struct raw_writer *w)
{
	end_slice(w, 1000, 1100, 0);
	raw_writer__slice(w, 1500, "", 0);
	raw_writer__slice(w, 1600, "", 0);
}

static void begin_first(struct raw_writer *w)
{
	raw_writer__slice(w, 1500, "", 0);
}

static void end_of_another(struct raw_writer *w)
{
	end_slice(w, 1000, 1100, 0);
	raw_writer__slice(w, 1500, "", 0);
	end_slice(w, 1400, 1600, 0);
}

static void end_before_begin(struct raw_writer *w)
{
	end_slice(w, 1000, 900, 0);
}

static void begin_in_the_past(struct raw_writer *w)
{
	end_slice(w, 1000, 1100, 0);
	raw_writer__slice(w, 1050, "", 0);
}

static void too_short(struct raw_writer *w)
{
	end_slice(w, 1000, 1100, 0);
	raw_writer__section(w, RAW_SLICE, "1234", 4);
}

static void bad_slices_are_malformed(void **state)
{
	static void (*const bad[])(struct raw_writer *) = {begin_twice,	      begin_first,
							   end_of_another,    end_before_begin,
							   begin_in_the_past, too_short};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(open_with(bad[i]), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meta_and_trailer_come_back),
		cmocka_unit_test(test_section_comes_back),
		cmocka_unit_test(test_events_are_delivered_in_time_order),
		cmocka_unit_test(test_events_are_sorted_as_they_come),
		cmocka_unit_test(test_late_events_are_put_where_they_belong),
		cmocka_unit_test(test_later_events_are_counted_and_delivered),
		cmocka_unit_test(test_callback_error_ends_the_run),
		cmocka_unit_test(test_cut_file_is_read_to_the_cut),
		cmocka_unit_test(test_other_files_are_refused),
		cmocka_unit_test(test_malformed_records_are_refused),
		cmocka_unit_test(test_stacks_and_labels_are_collected),
		cmocka_unit_test(slices_have_their_events),
		cmocka_unit_test(slices_may_be_empty),
		cmocka_unit_test(bad_slices_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
