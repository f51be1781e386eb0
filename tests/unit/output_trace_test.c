/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clean.h"
#include "base/imap.h"
#include "base/span.h"
#include "sim_pipeline.h"

/*
 * The bytes of the format (docs/trace.md names its source): batches, tables, clock. Whether a
 * reader takes the events in them is judged by Go's own (tests/referee/simulated).
 */
struct parsed {
	struct span all;
	uint64_t batches, event_batches, events, samples;
	uint64_t stacks, strings; /* entries */
	uint64_t max_stack, max_string;
	uint64_t frequency, clock_wall_sec;
	uint64_t first, last; /* units of events */
	uint64_t base_min;
	bool ended;
	bool has_message;      /* of the simulator's logs, cleaned */
	struct imap last_of_m; /* end time of each thread's last batch */
	struct imap times;     /* -> the thread */
	uint64_t equal_times;  /* of two threads, or of what is no wake behind a wake */
	uint64_t wakes_at_once;
};

static uint64_t uv(struct span s, uint64_t *off)
{
	uint64_t v;

	assert_int_equal(span__uvarint(s, off, &v), 0);
	return v;
}

/* Numbers of arguments behind dt (tracev2/events.go); -1: not used by us. */
static int arg_count(uint8_t type)
{
	static const int8_t n[64] = {
		[9] = 2,  [10] = 2, [11] = 0, [12] = 3, [13] = 2, [14] = 3, [15] = 1,
		[16] = 2, [17] = 0, [18] = 0, [19] = 2, [20] = 2, [21] = 3, [22] = 2,
		[23] = 0, [24] = 0, [25] = 3, [26] = 2, [27] = 0, [29] = 2, [30] = 1,
		[35] = 1, [36] = 0, [37] = 1, [38] = 1, [39] = 1, [40] = 4, [41] = 2,
		[42] = 3, [43] = 3, [44] = 4, [45] = 2, [46] = 2, [47] = 3, [48] = 4};

	assert_in_range(type, 9, 48);
	assert_true(type != 28 && (type < 31 || type > 34));
	return n[type];
}

static void parse_events(struct parsed *p, uint64_t m, uint64_t base, struct span d)
{
	uint64_t t = base, off = 0, was = 0;
	bool wake = true; /* perhaps the last of the batch before */

	if (imap__get(&p->last_of_m, m, &was))
		assert_true(base >= was);
	while (off < d.n) {
		uint8_t type = d.p[off++];
		uint64_t before = t, other_m;

		t += uv(d, &off);
		for (int i = arg_count(type); i > 0; i--)
			uv(d, &off);
		if (m != UINT64_MAX && imap__get(&p->times, t, &other_m)) {
			bool shared = other_m == m && t == before && wake && type == TR_GO_UNBLOCK;

			p->wakes_at_once += shared;
			p->equal_times += !shared;
		}
		wake = type == TR_GO_UNBLOCK;
		assert_int_equal(imap__put(&p->times, t, m), 0);
		p->first = !p->first || t < p->first ? t : p->first;
		p->last = t > p->last ? t : p->last;
		p->events++;
	}
	p->event_batches++;
	assert_int_equal(imap__put(&p->last_of_m, m, t), 0);
}

static void parse_stacks(struct parsed *p, struct span d)
{
	for (uint64_t off = 1; off < d.n;) {
		uint64_t n, id;

		assert_int_equal(d.p[off++], 3);
		id = uv(d, &off);
		assert_int_equal(id, ++p->stacks); /* dense */
		n = uv(d, &off);
		assert_in_range(n, 1, 128);
		for (uint64_t i = 0; i < 4 * n; i++)
			assert_true(uv(d, &off) > 0); /* pc, function, file, line */
	}
}

static void parse_strings(struct parsed *p, struct span d)
{
	static const char message[] = "a ?[31mmessage\n?";

	for (uint64_t off = 1; off < d.n;) {
		uint64_t id, len;

		assert_int_equal(d.p[off++], 5);
		id = uv(d, &off);
		assert_int_equal(id, ++p->strings);
		len = uv(d, &off);
		assert_true(len <= 1024 && len <= d.n - off);
		assert_true(clean__is((const char *)d.p + off, len, CLEAN_TEXT));
		if (len == sizeof(message) - 1 && !memcmp(d.p + off, message, len))
			p->has_message = true;
		off += len;
	}
}

static void parse_samples(struct parsed *p, struct span d)
{
	for (uint64_t off = 1; off < d.n; p->samples++) {
		assert_int_equal(d.p[off++], 7);
		for (int i = 0; i < 5; i++)
			uv(d, &off);
	}
}

static void parse_clock(struct parsed *p, struct span d)
{
	uint64_t off = d.p[0] == 50;

	assert_int_equal(p->frequency, 0); /* one in a generation */
	assert_int_equal(d.p[off++], 8);
	p->frequency = uv(d, &off);
	if (d.p[0] == 50) {
		assert_int_equal(d.p[off++], 51);
		uv(d, &off);
		uv(d, &off);
		p->clock_wall_sec = uv(d, &off);
		assert_in_range(uv(d, &off), 0, 999999999);
	}
	assert_int_equal(off, d.n);
}

static uint64_t parse_batch(struct parsed *p, uint64_t off)
{
	uint64_t m, base, len;
	struct span d;

	if (p->all.p[off] == 52) {
		p->ended = true;
		return off + 1;
	}
	assert_int_equal(p->all.p[off++], 1);
	assert_int_equal(uv(p->all, &off), 1);
	m = uv(p->all, &off);
	base = uv(p->all, &off);
	len = uv(p->all, &off);
	assert_in_range(len, 1, 65536);
	assert_int_equal(span__sub(p->all, off, len, &d), 0);
	p->base_min = !p->base_min || base < p->base_min ? base : p->base_min;
	p->batches++;
	if (d.p[0] == 2)
		parse_stacks(p, d);
	else if (d.p[0] == 4)
		parse_strings(p, d);
	else if (d.p[0] == 6)
		parse_samples(p, d);
	else if (d.p[0] == 8 || d.p[0] == 50)
		parse_clock(p, d);
	else
		parse_events(p, m, base, d);
	return off + len;
}

static struct parsed parse(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct parsed r = {0};
	void *at;

	at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(at != MAP_FAILED);
	r.all = span__of(at, size);
	for (uint64_t off = 16; off < r.all.n;)
		off = parse_batch(&r, off);
	close(fd);
	return r;
}

static struct parsed run(struct pipeline *p)
{
	int fd = memfd_create("trace", 0);

	assert_int_equal(pipeline_run(p, fd), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), p->bytes);
	return parse(fd);
}

static void end(struct parsed *r)
{
	munmap((void *)r->all.p, r->all.n);
	imap__free(&r->last_of_m);
	imap__free(&r->times);
}

static void test_format_23(void **state)
{
	struct pipeline p = {.seed = 7, .steps = 30000, .format = 23};
	struct parsed r = run(&p);

	assert_memory_equal(r.all.p, "go 1.23 trace\0\0\0", 16);
	assert_int_equal(r.frequency, 15625000);
	assert_false(r.ended);
	assert_int_equal(r.events + r.samples, p.events);
	assert_true(r.samples > 0 && r.stacks > 0 && r.strings > 0);
	assert_int_equal(r.base_min, p.start_ns / 64);
	assert_true(r.has_message);
	assert_true(r.last >= p.end_ns / 64);
	end(&r);
}

static void test_format_26(void **state)
{
	struct pipeline p = {.seed = 7, .steps = 3000, .format = 26};
	struct parsed r = run(&p);

	assert_memory_equal(r.all.p, "go 1.26 trace\0\0\0", 16);
	assert_true(r.ended);
	assert_int_equal(r.clock_wall_sec, 1800000000);
	end(&r);
}

/* Readers reproduce our order only if no two threads share a time; the wakes of one may. */
static void test_times_rise_strictly(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct pipeline p = {.seed = seed, .steps = 4000, .loss = seed * 3, .format = 23};
		struct parsed r = run(&p);

		assert_int_equal(r.equal_times, 0);
		end(&r);
	}
}

/* A list that one thread makes runnable has one time; what comes then, or elsewhere, a later one.
 */
static void test_a_list_has_one_time(void **state)
{
	struct trace_writer_config cfg = {
		.fd = memfd_create("trace", 0), .format = 23, .start_ns = 1000000};
	struct transition t = {.time_ns = 2000000, .type = TR_GO_UNBLOCK, .m = 5, .p = TR_NO_P};
	struct trace_writer *w;
	struct parsed r;

	assert_int_equal(strtab__new((struct strtab **)&cfg.strings), 0);
	assert_int_equal(symtab__new((struct symtab **)&cfg.symtab), 0);
	assert_int_equal(trace_writer__new(&cfg, &w), 0);
	for (t.subject = 1; t.subject <= 100; t.subject++)
		assert_int_equal(trace_writer__transition(w, &t), 0);
	t.m = 6;
	assert_int_equal(trace_writer__transition(w, &t), 0);
	t.type = TR_GO_START;
	assert_int_equal(trace_writer__transition(w, &t), 0);
	t.type = TR_GO_UNBLOCK;
	t.subject = 1;
	assert_int_equal(trace_writer__transition(w, &t), 0);
	assert_int_equal(trace_writer__finish(w), 0);
	r = parse(dup(cfg.fd));
	assert_int_equal(r.events, 103);
	assert_int_equal(r.wakes_at_once, 99);
	assert_int_equal(r.equal_times, 0);
	assert_int_equal(r.first, 2000000 / 64);
	assert_int_equal(r.last, 2000000 / 64 + 3);
	end(&r);
	trace_writer__free(w);
	strtab__free((struct strtab *)cfg.strings);
	symtab__free((struct symtab *)cfg.symtab);
	close(cfg.fd);
}

static void test_same_input_gives_same_bytes(void **state)
{
	struct pipeline p = {.seed = 3, .steps = 5000, .loss = 10, .format = 23};
	struct parsed a = run(&p), b = run(&p);

	assert_int_equal(a.all.n, b.all.n);
	assert_memory_equal(a.all.p, b.all.p, a.all.n);
	end(&a);
	end(&b);
}

/* A batch is filled, another begun: no event may straddle them. */
static void test_large_traces_take_many_batches(void **state)
{
	struct pipeline p = {.seed = 11, .steps = 500000, .format = 23};
	struct parsed r = run(&p);

	assert_true(r.event_batches > 25);
	assert_int_equal(r.events + r.samples, p.events);
	assert_true(p.bytes < 8 * p.events);
	end(&r);
}

static void test_unknown_format_is_refused(void **state)
{
	struct trace_writer_config cfg = {.fd = -1, .format = 24};
	struct trace_writer *w;

	assert_int_equal(trace_writer__new(&cfg, &w), -EINVAL);
}

static void test_write_error_is_told(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct trace_writer_config cfg = {.fd = fd, .format = 23};
	struct trace_writer *w;

	assert_true(fd >= 0);
	assert_int_equal(trace_writer__new(&cfg, &w), -ENOSPC);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_23),
		cmocka_unit_test(test_format_26),
		cmocka_unit_test(test_times_rise_strictly),
		cmocka_unit_test(test_a_list_has_one_time),
		cmocka_unit_test(test_same_input_gives_same_bytes),
		cmocka_unit_test(test_large_traces_take_many_batches),
		cmocka_unit_test(test_unknown_format_is_refused),
		cmocka_unit_test(test_write_error_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
