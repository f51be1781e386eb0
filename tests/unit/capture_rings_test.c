/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/rings.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/capture.h"
#include "capture/ring_view.h"

/* A ring as the kernel would have it, in our own memory. */
#define RING_SZ 4096

struct made {
	uint64_t data[RING_SZ / 8], producer, consumer;
	struct ring_view view;
	uint8_t over[RING_RECORD_MAX];
	unsigned seen;
	uint8_t first[64], last[64];
	size_t len[64];
	int answer; /* of the callback */
};

static struct made *made(uint64_t begin)
{
	struct made *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->producer = m->consumer = begin;
	m->view = (struct ring_view){(uint8_t *)m->data, RING_SZ, &m->producer, &m->consumer};
	return m;
}

/* Each byte of the record is fill, across the end too. */
static void put(struct made *m, uint32_t len, uint32_t bits, uint8_t fill)
{
	uint32_t hdr = len | bits;

	memcpy((uint8_t *)m->data + m->producer % RING_SZ, &hdr, sizeof(hdr));
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)m->data)[(m->producer + 8 + i) % RING_SZ] = fill;
	m->producer += (8 + len + 7) & ~7u;
}

static int on_record(void *ctx, void *rec, size_t len)
{
	struct made *m = ctx;
	const uint8_t *bytes = rec;

	assert_true(m->seen < 64);
	m->first[m->seen] = bytes[0];
	m->last[m->seen] = bytes[len - 1];
	m->len[m->seen++] = len;
	return m->answer;
}

static int drain(struct made *m)
{
	return ring_view__drain(&m->view, on_record, m, m->over);
}

static void test_in_order(void **state)
{
	struct made *m = made(0);

	(void)state;
	assert_false(ring_view__pending(&m->view));
	assert_int_equal(drain(m), 0);
	put(m, 56, 0, 1);
	put(m, 13, 0, 2); /* padded to 16 */
	put(m, 40, BPF_RINGBUF_DISCARD_BIT, 3);
	put(m, 8, 0, 4);
	assert_true(ring_view__pending(&m->view));
	assert_int_equal(drain(m), 3);
	assert_int_equal(m->seen, 3);
	assert_int_equal(m->len[1], 13);
	assert_int_equal(m->first[2], 4);
	assert_int_equal(m->consumer, m->producer);
	assert_false(ring_view__pending(&m->view));
	free(m);
}

static void test_over_the_end(void **state)
{
	(void)state;
	/* the header is the last that fits; the record begins before the end; it ends with it */
	for (uint64_t begin = RING_SZ - 112; begin < RING_SZ; begin += 8) {
		struct made *m = made(7 * RING_SZ + begin);

		put(m, 100, 0, 9);
		put(m, 4, 0, 8);
		assert_int_equal(drain(m), 2);
		assert_int_equal(m->first[0], 9);
		assert_int_equal(m->last[0], 9);
		assert_int_equal(m->len[0], 100);
		assert_int_equal(m->last[1], 8);
		assert_int_equal(m->consumer, m->producer);
		free(m);
	}
}

static void test_still_being_written(void **state)
{
	struct made *m = made(0);

	(void)state;
	put(m, 56, 0, 1);
	put(m, 56, BPF_RINGBUF_BUSY_BIT, 2);
	put(m, 56, 0, 3);
	assert_int_equal(drain(m), 1);
	assert_int_equal(m->consumer, 64);
	assert_true(ring_view__pending(&m->view));
	m->data[8] &= ~(uint64_t)BPF_RINGBUF_BUSY_BIT;
	assert_int_equal(drain(m), 2);
	assert_int_equal(m->first[2], 3);
	free(m);
}

static void test_ended_by_the_callback(void **state)
{
	struct made *m = made(0);

	(void)state;
	put(m, 56, 0, 1);
	put(m, 56, 0, 2);
	m->answer = -ENOSPC;
	assert_int_equal(drain(m), -ENOSPC);
	assert_int_equal(m->consumer, 64); /* it has been taken all the same */
	m->answer = 0;
	assert_int_equal(drain(m), 1);
	free(m);
}

static void test_too_long(void **state)
{
	struct made *m = made(0);

	(void)state;
	put(m, 8, 0, 1);
	m->data[0] = RING_SZ + 8;
	assert_int_equal(drain(m), -EBADMSG);
	assert_int_equal(m->seen, 0);
	free(m);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(rings__default_sz(1), CAPTURE_RING_LEAST_SZ);
	assert_int_equal(rings__default_sz(4), CAPTURE_RING_LEAST_SZ);
	assert_int_equal(rings__default_sz(6), 6 * CAPTURE_RING_CPU_SZ);
	assert_int_equal(rings__default_sz(64), CAPTURE_RING_MOST_SZ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_over_the_end),
		cmocka_unit_test(test_still_being_written),
		cmocka_unit_test(test_ended_by_the_callback),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
