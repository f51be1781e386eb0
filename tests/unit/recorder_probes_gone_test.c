/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture in slices whose probes cannot be put in place again: what was seen stays. All below is
 * made up (--wrap). */
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

#include "base/duration.h"
#include "recorder/recording_internal.h"

#define MS UINT64_C(1000000)
#define SAVED_NS 1e12 /* pays for anything */

static struct world {
	int probes_err, snapshot_err; /* what putting them back, and reading goroutines, gives */
	bool alive;
	unsigned on_cnt, off_cnt;
	bool in_place;
} world;

int __wrap_capture__probes_on(struct capture *c);
void __wrap_capture__probes_off(struct capture *c);
int __wrap_capture__stats(const struct capture *c, uint64_t counters[GBT_C_MAX]);
int __wrap_capture__drain(struct capture *c, capture_record_fn fn, void *ctx);
uint64_t __wrap_capture__execed_ns(const struct capture *c);
int __wrap_process__cpu_ns(const struct process *p, uint64_t *ns);
bool __wrap_process__is_alive(const struct process *p);
int __wrap_go_target__snapshot(struct go_target *t, bool stacks, bool labels,
			       struct snapshot **out);

int __wrap_capture__probes_on(struct capture *c)
{
	world.on_cnt++;
	world.in_place = !world.probes_err;
	return world.probes_err;
}

void __wrap_capture__probes_off(struct capture *c)
{
	world.off_cnt++;
	world.in_place = false;
}

int __wrap_capture__stats(const struct capture *c, uint64_t counters[GBT_C_MAX])
{
	memset(counters, 0, GBT_C_MAX * sizeof(counters[0]));
	return 0;
}

int __wrap_capture__drain(struct capture *c, capture_record_fn fn, void *ctx)
{
	return 0;
}

uint64_t __wrap_capture__execed_ns(const struct capture *c)
{
	return 0;
}

int __wrap_process__cpu_ns(const struct process *p, uint64_t *ns)
{
	*ns = MS;
	return 0;
}

bool __wrap_process__is_alive(const struct process *p)
{
	return world.alive;
}

int __wrap_go_target__snapshot(struct go_target *t, bool stacks, bool labels, struct snapshot **out)
{
	*out = world.snapshot_err ? NULL : calloc(1, sizeof(**out));
	return world.snapshot_err;
}

struct made {
	struct process proc;
	struct go_target target;
	struct recording r;
	int fd;
	char capture;
};

static struct made *begin(void)
{
	const struct governor_config cfg = {.budget = 0.05, .price = {.hot_ns = 1, .cold_ns = 1}};
	const struct raw_meta meta = {.go_version = "go1.26.8", .mode = "auto"};
	struct made *m = calloc(1, sizeof(*m));
	struct governor_seen seen = {.cpu_ns = MS};

	assert_non_null(m);
	world = (struct world){.alive = true, .in_place = true};
	m->proc.pid = 1;
	m->target.proc = &m->proc;
	m->fd = memfd_create("raw", 0);
	assert_true(m->fd >= 0);
	m->r.target = &m->target;
	m->r.capture = (struct capture *)&m->capture;
	m->r.opt.mode = RECORDING_AUTO;
	m->r.opt.budget = cfg.budget;
	m->r.start_ns = clock__monotonic_ns() - 100 * MS;
	m->r.slice.start_ns = m->r.start_ns;
	m->r.governed = true;
	assert_int_equal(raw_writer__new(m->fd, &m->r.raw), 0);
	assert_int_equal(raw_writer__meta(m->r.raw, &meta), 0);
	seen.now_ns = m->r.start_ns;
	governor__begin(&m->r.governor, &cfg, &seen, 0);
	return m;
}

/* Lets the governor take them away, or put them back, as what it has saved makes it. */
static void govern(struct made *m, double saved_ns)
{
	m->r.governor.saved_ns = saved_ns;
	m->r.govern_due_ns = 0;
	assert_int_equal(recording__govern(&m->r, clock__monotonic_ns()), 0);
}

/* Slices of the stream that was written. */
static size_t end(struct made *m)
{
	struct raw_file *f;
	size_t cnt;

	m->r.trailer.end_ns = clock__monotonic_ns();
	assert_int_equal(raw_writer__flush(m->r.raw), 0);
	assert_int_equal(raw_writer__trailer(m->r.raw, &m->r.trailer), 0);
	raw_writer__free(m->r.raw);
	assert_int_equal(raw_file__open(m->fd, "test", &f), 0);
	assert_int_equal(raw_file__trailer(f)->probes_gone_ns, m->r.trailer.probes_gone_ns);
	assert_string_equal(raw_file__trailer(f)->probes_gone_why, m->r.trailer.probes_gone_why);
	cnt = raw_file__slice_cnt(f);
	assert_true(cnt > 0);
	assert_int_equal(raw_file__slice(f, 0)->start_ns, m->r.start_ns);
	assert_true(raw_file__slice(f, 0)->end_ns > m->r.start_ns);
	raw_file__free(f);
	close(m->fd);
	free(m);
	return cnt;
}

/* And if they can be put back there are two slices. */
static void they_come_back(void **state)
{
	struct made *m = begin();

	(void)state;
	govern(m, -SAVED_NS);
	assert_false(world.in_place);
	govern(m, SAVED_NS);
	assert_true(world.in_place);
	assert_true(m->r.governed);
	assert_int_equal(m->r.trailer.probes_gone_ns, 0);
	assert_int_equal(end(m), 2);
}

static void expect_given_up(int probes_err, int snapshot_err, const char *why)
{
	struct made *m = begin();
	uint64_t gone_ns;

	govern(m, -SAVED_NS);
	world.probes_err = probes_err;
	world.snapshot_err = snapshot_err;
	govern(m, SAVED_NS);
	assert_int_equal(world.on_cnt, 1);
	assert_int_equal(world.off_cnt, 2); /* what was put in place before it failed, too */
	assert_false(world.in_place);
	gone_ns = m->r.trailer.probes_gone_ns;
	assert_true(gone_ns > m->r.start_ns && gone_ns <= clock__monotonic_ns());
	assert_non_null(strstr(m->r.trailer.probes_gone_why, why));
	world.probes_err = world.snapshot_err = 0;
	govern(m, SAVED_NS); /* nobody tries again */
	assert_int_equal(world.on_cnt, 1);
	assert_int_equal(end(m), 1);
}

static void what_is_in_the_way_is_told(void **state)
{
	(void)state;
	expect_given_up(-EBUSY, 0, "debugger");
	expect_given_up(-EBADMSG, 0, "not what it was");
	expect_given_up(-ENOMEM, 0, strerror(ENOMEM));
	expect_given_up(0, -EBADMSG, "not what it was");
}

/* Its end is told by others. */
static void a_target_that_ended_is_no_failure(void **state)
{
	struct made *m = begin();

	(void)state;
	govern(m, -SAVED_NS);
	world.probes_err = -ESRCH;
	world.alive = false;
	govern(m, SAVED_NS);
	assert_false(m->r.governed);
	assert_int_equal(m->r.trailer.probes_gone_ns, 0);
	assert_int_equal(end(m), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_back),
		cmocka_unit_test(what_is_in_the_way_is_told),
		cmocka_unit_test(a_target_that_ended_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
