/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

#include <stdio.h>

enum {
	NETWORK = 2,
	SELECT = 3,
	COND = 4,
	SYNC = 5,
	CHAN_SEND = 6,
	CHAN_RECEIVE = 7,
	SWEEP = 9,
	SLEEP = 14,
};

struct rows {
	size_t cnt, value_cnt;
	struct {
		uint64_t stack, v[STACK_PROFILE_VALUES];
	} v[16];
};

static int take_row(void *ctx, const struct stack_profile_row *row)
{
	struct rows *r = ctx;

	assert_true(r->cnt < 16);
	r->v[r->cnt].stack = row->st ? row->st->id : 0;
	memcpy(r->v[r->cnt].v, row->v, r->value_cnt * sizeof(*row->v));
	r->cnt++;
	return 0;
}

static struct rows rows_of(const struct scenario *sc, enum stack_profile which)
{
	struct rows r = {.value_cnt = stack_profile__value_cnt(which)};

	assert_int_equal(analysis__stack_profile(sc->a, which, take_row, &r), 0);
	return r;
}

static void assert_row(const struct scenario *sc, enum stack_profile which, uint64_t stack,
		       uint64_t cnt, uint64_t ns)
{
	struct rows r = rows_of(sc, which);

	for (size_t i = 0; i < r.cnt; i++) {
		if (r.v[i].stack != stack)
			continue;
		assert_int_equal(r.v[i].v[0], cnt);
		assert_int_equal(r.v[i].v[1], ns);
		return;
	}
	fail_msg("profile %d has no row for stack %d", which, (int)stack);
}

static size_t row_cnt(const struct scenario *sc, enum stack_profile which)
{
	return rows_of(sc, which).cnt;
}

static void begin(struct scenario *sc)
{
	scenario_begin_profiles(sc, 2, (1u << STACK_PROFILE_MAX) - 1);
	g_status(sc, 1, TR_G_RUNNING, 9, 0);
	g_status(sc, 2, TR_G_RUNNING, 1, 0);
	g_status(sc, 3, TR_G_RUNNING, 1, 0);
}

/* Blocked at, woken after wait ns by the stack waker, running again 10 ns later. */
static void wait_once(struct scenario *sc, uint64_t at, uint16_t reason, uint64_t stack,
		      uint64_t wait, uint64_t waker)
{
	g_block(sc, at, 2, reason, stack);
	g_unblock(sc, at + wait, waker ? 1 : 0, 2, waker);
	g_start(sc, at + wait + 10, 2);
}

static void waits_are_added_up_by_stack(void **state)
{
	struct scenario sc;

	begin(&sc);
	wait_once(&sc, 0, CHAN_RECEIVE, 1, 100, 3);
	wait_once(&sc, 200, CHAN_RECEIVE, 1, 50, 3);
	wait_once(&sc, 400, CHAN_RECEIVE, 2, 7, 3);
	wait_once(&sc, 500, CHAN_SEND, 11, 20, 3);
	wait_once(&sc, 600, SELECT, 9, 30, 3);
	wait_once(&sc, 700, NETWORK, 6, 40, 0);
	wait_once(&sc, 800, SLEEP, 12, 60, 0);
	wait_once(&sc, 900, SWEEP, 7, 5, 0);
	scenario_finish(&sc, 2000);

	assert_int_equal(row_cnt(&sc, STACK_BLOCK), 4);
	assert_row(&sc, STACK_BLOCK, 1, 2, 150);
	assert_row(&sc, STACK_BLOCK, 2, 1, 7);
	assert_row(&sc, STACK_BLOCK, 11, 1, 20);
	assert_row(&sc, STACK_BLOCK, 9, 1, 30);
	assert_int_equal(row_cnt(&sc, STACK_SYNC), 4);
	assert_row(&sc, STACK_SYNC, 1, 2, 150);
	assert_int_equal(row_cnt(&sc, STACK_MUTEX), 0);
	assert_int_equal(row_cnt(&sc, STACK_NET), 1);
	assert_row(&sc, STACK_NET, 6, 1, 40);
	assert_int_equal(row_cnt(&sc, STACK_SLEEP), 1);
	assert_row(&sc, STACK_SLEEP, 12, 1, 60);
	/* what made it runnable: five sends, three wakes without a stack */
	assert_int_equal(row_cnt(&sc, STACK_SCHED), 2);
	assert_row(&sc, STACK_SCHED, 3, 5, 50);
	assert_row(&sc, STACK_SCHED, 0, 3, 30);
	scenario_end(&sc);
}

static void a_mutex_is_charged_to_who_unlocked_it(void **state)
{
	struct scenario sc;

	begin(&sc);
	wait_once(&sc, 0, SYNC, 14, 100, 5);
	wait_once(&sc, 200, SYNC, 14, 300, 5);
	wait_once(&sc, 600, SYNC, 14, 8, 0);	/* its unlock was lost: the total stays true */
	wait_once(&sc, 700, SYNC, 15, 40, 3);	/* a WaitGroup: no mutex */
	wait_once(&sc, 800, SYNC, 16, 1000, 5); /* a semaphore of the runtime's own */
	wait_once(&sc, 1900, COND, 17, 2, 5);
	wait_once(&sc, 2000, SYNC, 14, 0, 5); /* no time passed */
	scenario_finish(&sc, 3000);

	assert_int_equal(row_cnt(&sc, STACK_MUTEX), 2);
	assert_row(&sc, STACK_MUTEX, 5, 3, 401);
	assert_row(&sc, STACK_MUTEX, 0, 1, 8);
	assert_int_equal(row_cnt(&sc, STACK_BLOCK), 3);
	assert_row(&sc, STACK_BLOCK, 14, 4, 409);
	assert_row(&sc, STACK_BLOCK, 15, 1, 40);
	assert_row(&sc, STACK_BLOCK, 17, 1, 2);
	/* go tool trace knows no difference; the trace has at least a unit of 64 ns */
	assert_int_equal(row_cnt(&sc, STACK_SYNC), 4);
	assert_row(&sc, STACK_SYNC, 16, 1, 1000);
	assert_row(&sc, STACK_SYNC, 14, 4, 472);
	scenario_end(&sc);
}

static void what_the_window_cuts_is_left_out(void **state)
{
	struct scenario sc;

	begin(&sc);
	g_status(&sc, 4, TR_G_WAITING, 1, CHAN_RECEIVE);
	g_status(&sc, 5, TR_G_RUNNABLE, 1, 0);
	g_status(&sc, 6, TR_G_SYSCALL, 8, 0);
	g_unblock(&sc, 100, 1, 4, 3);
	g_start(&sc, 150, 4);
	g_start(&sc, 160, 5);
	tell(&sc, 170, TR(GO_SYSCALL_END, .g = 6, .subject = 6));
	g_block(&sc, 200, 2, CHAN_RECEIVE, 1);
	tell(&sc, 210, TR(GO_SYSCALL_BEGIN, .g = 3, .subject = 3, .stack = STACK(8)));
	g_unblock(&sc, 220, 1, 2, 3);
	g_block(&sc, 230, 4, CHAN_RECEIVE, 2);
	scenario_finish(&sc, 1000);

	assert_int_equal(row_cnt(&sc, STACK_BLOCK), 1);
	assert_row(&sc, STACK_BLOCK, 1, 1, 20);
	assert_int_equal(row_cnt(&sc, STACK_SYSCALL), 0);
	assert_int_equal(row_cnt(&sc, STACK_SCHED), 1);
	assert_row(&sc, STACK_SCHED, 3, 1, 50);
	scenario_end(&sc);
}

static void syscalls_and_what_made_runnable(void **state)
{
	struct scenario sc;

	begin(&sc);
	tell(&sc, 0, TR(GO_SYSCALL_BEGIN, .g = 3, .subject = 3, .stack = STACK(8)));
	tell(&sc, 40, TR(GO_SYSCALL_END, .g = 3, .subject = 3));
	tell(&sc, 50, TR(GO_SYSCALL_BEGIN, .g = 3, .subject = 3, .stack = STACK(8)));
	tell(&sc, 150, TR(GO_SYSCALL_END_BLOCKED, .g = 3, .subject = 3));
	g_start(&sc, 155, 3); /* runnable without a stack: 5 */
	tell(&sc, 200, TR(GO_STOP, .g = 3, .subject = 3, .stack = STACK(2)));
	g_start(&sc, 230, 3);
	g_create(&sc, 300, 1, 7, 10, ENTRY_WORKER);
	g_start(&sc, 311, 7);
	g_end(&sc, 400, 7);
	scenario_finish(&sc, 1000);

	assert_row(&sc, STACK_SYSCALL, 8, 2, 140);
	assert_int_equal(row_cnt(&sc, STACK_SCHED), 3);
	assert_row(&sc, STACK_SCHED, 0, 1, 5);
	assert_row(&sc, STACK_SCHED, 2, 1, 30);
	assert_row(&sc, STACK_SCHED, 10, 1, 11);
	scenario_end(&sc);
}

static void goroutines_by_who_created_them(void **state)
{
	struct scenario sc;

	begin(&sc);
	g_create(&sc, 100, 1, 7, 10, ENTRY_WORKER);
	g_create(&sc, 200, 1, 8, 10, ENTRY_LEAK);
	g_create(&sc, 300, 2, 9, 3, ENTRY_GC_WORKER); /* the runtime's own count */
	g_start(&sc, 310, 7);
	g_end(&sc, 400, 7);
	tell(&sc, 500, TR(GO_CREATE_SYSCALL, .subject = 20)); /* a thread of C */
	tell(&sc, 600, TR(GO_DESTROY_SYSCALL, .g = 20, .subject = 20));
	scenario_finish(&sc, 1000);

	assert_int_equal(row_cnt(&sc, STACK_CREATE), 2);
	assert_row(&sc, STACK_CREATE, 10, 2, 300 + 800);
	assert_row(&sc, STACK_CREATE, 3, 1, 700);
	scenario_end(&sc);
}

static void assert_gc_row(const struct scenario *sc, uint64_t stack, const uint64_t v[4])
{
	struct rows r = rows_of(sc, STACK_GC);

	for (size_t i = 0; i < r.cnt; i++) {
		if (r.v[i].stack != stack)
			continue;
		assert_memory_equal(r.v[i].v, v, 4 * sizeof(*v));
		return;
	}
	fail_msg("no row for stack %d", (int)stack);
}

static void assists_and_stops_for_the_gc(void **state)
{
	struct scenario sc;

	begin(&sc);
	tell(&sc, 10, TR(GC_MARK_ASSIST_BEGIN, .g = 2, .subject = 2, .stack = STACK(1)));
	tell(&sc, 20, TR(GC_MARK_ASSIST_BEGIN, .g = 3, .subject = 3, .stack = STACK(1)));
	tell(&sc, 60, TR(GC_MARK_ASSIST_END, .g = 2, .subject = 2));
	tell(&sc, 90, TR(GC_MARK_ASSIST_END, .g = 3, .subject = 3));
	tell(&sc, 100, TR(STW_BEGIN, .g = 2, .subject = 2, .reason = 2, .stack = STACK(1)));
	tell(&sc, 107, TR(STW_END, .g = 2, .subject = 2));
	tell(&sc, 200, TR(STW_BEGIN, .g = 1, .subject = 1, .reason = 1, .stack = STACK(9)));
	tell(&sc, 203, TR(STW_END, .g = 1, .subject = 1));
	/* GOMAXPROCS; and what Go 1.20 does not say, by its stack */
	tell(&sc, 300, TR(STW_BEGIN, .g = 1, .subject = 1, .reason = 9, .stack = STACK(9)));
	tell(&sc, 350, TR(STW_END, .g = 1, .subject = 1));
	tell(&sc, 400, TR(STW_BEGIN, .g = 1, .subject = 1, .stack = STACK(9)));
	tell(&sc, 450, TR(STW_END, .g = 1, .subject = 1));
	tell(&sc, 500, TR(STW_BEGIN, .g = 1, .subject = 1, .stack = STACK(18)));
	tell(&sc, 505, TR(STW_END, .g = 1, .subject = 1));
	/* an end without its begin, a begin without its end */
	tell(&sc, 600, TR(STW_END, .g = 1, .subject = 1));
	tell(&sc, 700, TR(GC_MARK_ASSIST_BEGIN, .g = 3, .subject = 3, .stack = STACK(2)));
	scenario_finish(&sc, 1000);

	assert_int_equal(row_cnt(&sc, STACK_GC), 3);
	assert_gc_row(&sc, 1, (uint64_t[]){2, 50 + 70, 1, 7});
	assert_gc_row(&sc, 9, (uint64_t[]){0, 0, 1, 3});
	assert_gc_row(&sc, 18, (uint64_t[]){0, 0, 1, 5});
	scenario_end(&sc);
}

static void what_is_not_asked_for_costs_nothing(void **state)
{
	struct scenario sc;

	scenario_begin_profiles(&sc, 2, 1u << STACK_SLEEP);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	wait_once(&sc, 0, CHAN_RECEIVE, 1, 100, 3);
	wait_once(&sc, 200, SLEEP, 12, 9, 0);
	scenario_finish(&sc, 1000);
	for (int i = 0; i < STACK_PROFILE_MAX; i++)
		assert_int_equal(row_cnt(&sc, i), i == STACK_SLEEP ? 1 : 0);
	scenario_end(&sc);
}

/* ---- whose time it is ---- */

enum {
	LABELS_A = 0x1000,
	LABELS_B = 0x2000,
};

static void record(struct scenario *sc, uint16_t kind, uint64_t goid, uint64_t arg, uint64_t cur)
{
	struct gbt_event e = {.hdr.kind = kind, .goid = goid, .arg = arg, .cur = cur, .stack = 10};

	assert_int_equal(analysis__record(sc->a, &e.hdr), 0);
}

static void create(struct scenario *sc, uint64_t at, uint64_t by, uint64_t goid, uint64_t entry)
{
	record(sc, GBT_CREATE, goid, entry, by);
	g_create(sc, at, by, goid, 10, entry);
	g_start(sc, at + 1, goid);
}

struct owned {
	const char *key; /* a label of the snapshot */
	uint64_t labels, goid, tid, cnt, ns;
	char creator[32], state[32];
};

struct owned_rows {
	struct owned v[16];
	size_t cnt;
};

static int take_owned(void *ctx, const struct stack_profile_row *row)
{
	struct owned_rows *r = ctx;
	struct owned *o = &r->v[r->cnt++];

	assert_true(r->cnt <= 16);
	*o = (struct owned){.cnt = row->v[0], .ns = row->v[1]};
	if (!row->owner)
		return 0;
	o->labels = row->owner->labels_id;
	o->goid = row->owner->goid;
	o->tid = row->owner->tid;
	o->key = row->owner->label_cnt ? row->owner->labels[0].key : NULL;
	if (row->owner->creator)
		snprintf(o->creator, sizeof(o->creator), "%s", row->owner->creator);
	if (row->owner->state)
		snprintf(o->state, sizeof(o->state), "%s", row->owner->state);
	return 0;
}

static struct owned_rows owned_rows_of(const struct scenario *sc, enum stack_profile which)
{
	struct owned_rows r = {0};

	assert_int_equal(analysis__stack_profile(sc->a, which, take_owned, &r), 0);
	return r;
}

/* The row of a set of labels; there is one at most. */
static const struct owned *owned_by(const struct owned_rows *r, uint64_t labels)
{
	const struct owned *found = NULL;

	for (size_t i = 0; i < r->cnt; i++) {
		if (r->v[i].labels != labels)
			continue;
		assert_null(found);
		found = &r->v[i];
	}
	assert_non_null(found);
	return found;
}

static void labels_go_with_who_waits(void **state)
{
	struct owned_rows r;
	struct scenario sc;

	begin(&sc);
	wait_once(&sc, 0, CHAN_RECEIVE, 1, 1, 3);
	record(&sc, GBT_SET_LABELS, 2, LABELS_A, 0);
	record(&sc, GBT_SET_LABELS, 1, LABELS_B, 0);
	wait_once(&sc, 100, CHAN_RECEIVE, 1, 20, 3);
	wait_once(&sc, 200, SYNC, 14, 300, 5);
	record(&sc, GBT_SET_LABELS, 2, 0, 0);
	wait_once(&sc, 700, CHAN_RECEIVE, 1, 4, 3);
	scenario_finish(&sc, 2000);

	r = owned_rows_of(&sc, STACK_BLOCK);
	assert_int_equal(r.cnt, 3); /* two of stack 1, one of stack 14 */
	assert_int_equal(owned_by(&r, 0)->cnt, 2);
	assert_int_equal(owned_by(&r, 0)->ns, 5);
	/* a mutex is its holder's; runnable was who waited before */
	r = owned_rows_of(&sc, STACK_MUTEX);
	assert_int_equal(r.cnt, 1);
	assert_int_equal(owned_by(&r, LABELS_B)->ns, 300);
	r = owned_rows_of(&sc, STACK_SYNC);
	assert_int_equal(r.cnt, 3);
	r = owned_rows_of(&sc, STACK_SCHED);
	assert_int_equal(r.cnt, 3);
	assert_int_equal(owned_by(&r, 0)->cnt, 2);
	scenario_end(&sc);
}

static void labels_are_inherited(void **state)
{
	struct owned_rows r;
	struct scenario sc;

	begin(&sc);
	record(&sc, GBT_SET_LABELS, 1, LABELS_A, 0);
	create(&sc, 0, 1, 10, ENTRY_WORKER);
	create(&sc, 1, 1, 11, ENTRY_GC_WORKER); /* of the runtime: without */
	record(&sc, GBT_SET_LABELS, 1, LABELS_B, 0);
	create(&sc, 2, 10, 12, ENTRY_WORKER);
	for (uint64_t g = 10; g <= 12; g++) {
		g_block(&sc, 100 * g, g, CHAN_RECEIVE, 1);
		g_unblock(&sc, 101 * g, 3, g, 3);
	}
	record(&sc, GBT_EXIT, 10, 0, 0);
	g_end(&sc, 2000, 10);
	/* an id that comes back is another goroutine's */
	create(&sc, 3000, 2, 10, ENTRY_WORKER);
	scenario_finish(&sc, 4000);

	r = owned_rows_of(&sc, STACK_BLOCK);
	assert_int_equal(r.cnt, 2);
	assert_int_equal(owned_by(&r, LABELS_A)->cnt, 2);
	assert_int_equal(owned_by(&r, LABELS_A)->ns, 22);
	assert_int_equal(owned_by(&r, 0)->ns, 11);
	/* creations are the creator's: 10 had A, as 1 had when it created 10 and 11 */
	r = owned_rows_of(&sc, STACK_CREATE);
	assert_int_equal(r.cnt, 2);
	assert_int_equal(owned_by(&r, LABELS_A)->cnt, 3);
	assert_int_equal(owned_by(&r, 0)->cnt, 1);
	scenario_end(&sc);
}

/* Goroutine 2 has labels and a creator from before the window. */
static struct snapshot snapshot_of_two(struct snap_g g[2], struct snap_label *label)
{
	g[0] = (struct snap_g){.goid = 1, .status = G_RUNNING};
	g[1] = (struct snap_g){
		.goid = 2, .status = G_RUNNING, .gopc = 0x777, .label_cnt = 1, .label_off = 0};
	return (struct snapshot){.g = g, .g_cnt = 2, .labels = label, .labels_cnt = 1};
}

static void tags_and_labels_of_the_snapshot(void **state)
{
	char key[] = "shard", val[] = "7";
	struct snap_label label = {key, val};
	struct snap_g g[2];
	struct snapshot snap = snapshot_of_two(g, &label);
	struct analysis_config cfg = {
		.start_ns = START_NS,
		.gomaxprocs = 2,
		.frames = {made_frames, NULL},
		.stack_profiles = (1u << STACK_PROFILE_MAX) - 1,
		.owner_parts = OWNER_GOROUTINE | OWNER_CREATOR | OWNER_THREAD | OWNER_STATE,
		.snapshot = &snap,
	};
	struct scenario sc = {0};
	struct owned_rows r;

	assert_int_equal(analysis__new(&cfg, &sc.a), 0);
	g_status(&sc, 1, TR_G_RUNNING, 9, 0);
	g_status(&sc, 2, TR_G_RUNNING, 1, 0);
	wait_once(&sc, 0, SELECT, 1, 100, 3);
	create(&sc, 300, 1, 10, ENTRY_WORKER);
	tell(&sc, 400, TR(GO_SYSCALL_BEGIN, .g = 10, .subject = 10, .m = 77, .stack = STACK(8)));
	tell(&sc, 450, TR(GO_SYSCALL_END, .g = 10, .subject = 10, .m = 77));
	scenario_finish(&sc, 1000);

	r = owned_rows_of(&sc, STACK_BLOCK);
	assert_int_equal(r.cnt, 1);
	assert_string_equal(r.v[0].key, "shard");
	assert_int_equal(r.v[0].goid, 2);
	assert_string_equal(r.v[0].state, "select");
	r = owned_rows_of(&sc, STACK_SYSCALL);
	assert_int_equal(r.cnt, 1);
	assert_null(r.v[0].key);
	assert_int_equal(r.v[0].goid, 10);
	assert_int_equal(r.v[0].tid, 77);
	assert_string_equal(r.v[0].creator, "main.start");
	assert_string_equal(r.v[0].state, "syscall");
	scenario_end(&sc);
}

static void kinds_of_waits(void **state)
{
	static const struct {
		const char *funcs[5];
		enum wait_kind kind;
	} cases[] = {
		{{"runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1",
		  "internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow"},
		 WAIT_MUTEX},
		{{"runtime.gopark", "runtime.semacquire1", "sync.runtime_SemacquireRWMutexR"},
		 WAIT_MUTEX},
		{{"runtime.gopark", "runtime.semacquire1", "internal/poll.runtime_Semacquire"},
		 WAIT_BLOCK},
		{{"runtime.gopark", "runtime.semacquire1", "runtime.semacquire", "main.f",
		  "sync.runtime_SemacquireMutex"},
		 WAIT_OTHER},
		{{"sync.(*Mutex).Lock", "main.f"}, WAIT_OTHER},
		{{NULL}, WAIT_OTHER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame frames[5];
		size_t n = 0;

		for (; n < 5 && cases[i].funcs[n]; n++)
			frames[n] = (struct frame){cases[i].funcs[n], "", 1};
		assert_int_equal(wait_kind__of(frames, n), cases[i].kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_are_added_up_by_stack),
		cmocka_unit_test(a_mutex_is_charged_to_who_unlocked_it),
		cmocka_unit_test(what_the_window_cuts_is_left_out),
		cmocka_unit_test(syscalls_and_what_made_runnable),
		cmocka_unit_test(goroutines_by_who_created_them),
		cmocka_unit_test(assists_and_stops_for_the_gc),
		cmocka_unit_test(what_is_not_asked_for_costs_nothing),
		cmocka_unit_test(labels_go_with_who_waits),
		cmocka_unit_test(labels_are_inherited),
		cmocka_unit_test(tags_and_labels_of_the_snapshot),
		cmocka_unit_test(kinds_of_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
