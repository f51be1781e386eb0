/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/batches.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gobpftrace_abi.h"

/* Slots as the programs write them (bpf/events.h), and a ring without an end. */
#define SLOTS 4
#define RING_MAX 4096
#define SEEN_MAX 4096

struct world {
	struct gbt_slot slots[SLOTS];
	struct batches *b;
	struct gbt_batch ring[RING_MAX];
	unsigned ring_end, ring_read;
	uint64_t seen[SLOTS][SEEN_MAX]; /* by slot, goids in the order in which they came */
	unsigned seen_cnt[SLOTS];
	int answer;
};

static struct world *world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(batches__new(w->slots, sizeof(w->slots[0]), SLOTS, &w->b), 0);
	return w;
}

static void end(struct world *w)
{
	batches__free(w->b);
	free(w);
}

static int on_event(void *ctx, unsigned ring, void *rec, size_t len)
{
	struct world *w = ctx;
	const struct gbt_event *ev = rec;

	assert_int_equal(len, sizeof(*ev));
	assert_true(ev->hdr.tid < SLOTS && w->seen_cnt[ev->hdr.tid] < SEEN_MAX);
	w->seen[ev->hdr.tid][w->seen_cnt[ev->hdr.tid]++] = ev->goid;
	return w->answer;
}

static void to_ring(struct world *w, const struct gbt_hdr *hdr, size_t len)
{
	assert_true(w->ring_end < RING_MAX);
	memcpy(&w->ring[w->ring_end++], hdr, len);
}

/* As batch_room_slot does it. */
static void make_room(struct world *w, unsigned i)
{
	struct gbt_slot *s = &w->slots[i];
	struct gbt_hdr told = {.tid = i, .kind = GBT_RING_SLOT};
	uint64_t first = s->limit - GBT_BATCH_CNT;
	struct gbt_batch *b = &s->batch[first / GBT_BATCH_CNT & 1];

	if (s->limit) {
		b->hdr = (struct gbt_hdr){.time_ns = first, .tid = i, .kind = GBT_RING_BATCH};
		to_ring(w, &b->hdr, sizeof(*b));
	} else {
		to_ring(w, &told, sizeof(told));
	}
	s->limit += GBT_BATCH_CNT;
}

static void send(struct world *w, unsigned i, unsigned cnt)
{
	struct gbt_slot *s = &w->slots[i];

	while (cnt--) {
		uint64_t n = s->sent;
		struct gbt_event *ev;

		if (n >= s->limit)
			make_room(w, i);
		ev = &s->batch[n / GBT_BATCH_CNT & 1].ev[n % GBT_BATCH_CNT];
		*ev = (struct gbt_event){.hdr = {.tid = i, .kind = GBT_RUN}, .goid = n};
		s->sent = n + 1;
	}
}

static int read_one(struct world *w, unsigned at)
{
	assert_true(batches__is_one(&w->ring[at], sizeof(w->ring[at])));
	return batches__record(w->b, 0, &w->ring[at], sizeof(w->ring[at]), on_event, w);
}

static void read_ring(struct world *w)
{
	while (w->ring_read < w->ring_end)
		assert_true(read_one(w, w->ring_read++) >= 0);
}

static int drain(struct world *w)
{
	bool again;
	int n;

	batches__look(w->b);
	read_ring(w);
	n = batches__rest(w->b, on_event, w, &again);
	assert_false(again);
	return n;
}

static void assert_all_in_order(const struct world *w, unsigned i, unsigned cnt)
{
	assert_int_equal(w->seen_cnt[i], cnt);
	for (unsigned k = 0; k < cnt; k++)
		assert_int_equal(w->seen[i][k], k);
}

static void test_what_waits_is_told_once(void **state)
{
	struct world *w = world();
	unsigned sum = 0;

	(void)state;
	assert_int_equal(drain(w), 0);
	/* drains that find every fill of a batch, none, and several batches at once */
	for (unsigned step = 0; step <= 3 * GBT_BATCH_CNT; step++) {
		send(w, 1, step);
		drain(w);
		assert_all_in_order(w, 1, sum += step);
	}
	assert_int_equal(drain(w), 0);
	end(w);
}

static void test_slots_apart(void **state)
{
	struct world *w = world();

	(void)state;
	send(w, 0, 3);
	send(w, 3, GBT_BATCH_CNT + 1);
	assert_int_equal(drain(w), 3 + 1);
	assert_all_in_order(w, 0, 3);
	assert_all_in_order(w, 3, GBT_BATCH_CNT + 1);
	assert_int_equal(w->seen_cnt[1], 0);
	end(w);
}

/* A batch goes into the ring between the drain of the ring and the look at what waits. */
static void test_gone_behind_the_look(void **state)
{
	struct world *w = world();
	bool again;

	(void)state;
	send(w, 0, 5);
	read_ring(w);
	batches__look(w->b);
	send(w, 0, GBT_BATCH_CNT); /* batch 0 is in the ring, 5 wait in batch 1 */
	assert_int_equal(batches__rest(w->b, on_event, w, &again), 5);
	assert_false(again);
	assert_all_in_order(w, 0, 5);
	assert_int_equal(drain(w), 5);
	assert_all_in_order(w, 0, GBT_BATCH_CNT + 5);
	end(w);
}

/* Both halves have been filled anew: what was looked at is in the ring only. */
static void test_overwritten(void **state)
{
	struct world *w = world();
	bool again;

	(void)state;
	send(w, 0, 5);
	read_ring(w);
	batches__look(w->b);
	send(w, 0, 2 * GBT_BATCH_CNT);
	assert_int_equal(batches__rest(w->b, on_event, w, &again), 0);
	assert_true(again);
	assert_int_equal(w->seen_cnt[0], 0);
	read_ring(w);
	assert_all_in_order(w, 0, 2 * GBT_BATCH_CNT);
	assert_int_equal(drain(w), 5);
	assert_all_in_order(w, 0, 2 * GBT_BATCH_CNT + 5);
	end(w);
}

/* One batch is held up in its ring while later ones come through another: nothing twice, all of it.
 */
static void test_held_up(void **state)
{
	static bool told[8 * GBT_BATCH_CNT];
	struct world *w = world();
	bool again;

	(void)state;
	send(w, 0, GBT_BATCH_CNT + 4);
	assert_int_equal(read_one(w, 0), 0); /* the slot */
	batches__look(w->b);
	assert_int_equal(batches__rest(w->b, on_event, w, &again), 0); /* batch 0 has not come */
	for (unsigned nr = 1; nr < 4; nr++) {
		send(w, 0, GBT_BATCH_CNT);
		assert_int_equal(read_one(w, nr + 1), GBT_BATCH_CNT);
		batches__look(w->b);
		assert_int_equal(batches__rest(w->b, on_event, w, &again), 0);
	}
	assert_int_equal(read_one(w, 1), GBT_BATCH_CNT); /* batch 0, at last */
	w->ring_read = w->ring_end;
	assert_int_equal(drain(w), 4);
	assert_int_equal(w->seen_cnt[0], 4 * GBT_BATCH_CNT + 4);
	for (unsigned k = 0; k < w->seen_cnt[0]; k++) {
		assert_false(told[w->seen[0][k]]);
		told[w->seen[0][k]] = true;
	}
	end(w);
}

static void test_what_no_program_writes(void **state)
{
	struct world *w = world();
	struct gbt_batch b = {.hdr = {.tid = SLOTS, .kind = GBT_RING_BATCH}};
	struct gbt_hdr slot = {.tid = 1, .kind = GBT_RING_SLOT};
	struct gbt_hdr other = {.kind = GBT_RUN};

	(void)state;
	assert_int_equal(batches__record(w->b, 0, &b, sizeof(b), on_event, w), -EBADMSG);
	b.hdr.tid = 0;
	assert_int_equal(batches__record(w->b, 0, &b, sizeof(b) - 1, on_event, w), -EBADMSG);
	b.hdr.time_ns = 1;
	assert_int_equal(batches__record(w->b, 0, &b, sizeof(b), on_event, w), -EBADMSG);
	assert_int_equal(batches__record(w->b, 0, &slot, sizeof(slot), on_event, w), 0);
	assert_int_equal(batches__record(w->b, 0, &slot, sizeof(slot), on_event, w), -EBADMSG);
	assert_false(batches__is_one(&other, sizeof(other)));
	assert_false(batches__is_one(&slot, sizeof(slot) - 1));
	w->answer = -ENOSPC;
	send(w, 2, 1);
	read_ring(w);
	batches__look(w->b);
	assert_int_equal(batches__rest(w->b, on_event, w, &(bool){false}), -ENOSPC);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_waits_is_told_once),
		cmocka_unit_test(test_slots_apart),
		cmocka_unit_test(test_gone_behind_the_look),
		cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_held_up),
		cmocka_unit_test(test_what_no_program_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
