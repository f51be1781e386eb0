/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stops.h"

/*
 * Any row of records at all: nothing is added up below zero, and what was stopped was started again
 * or is open. Eight bytes make a record; few ids, so that they meet, and times that run back.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORD_SZ 8

static struct gbt_event record_of(const uint8_t *in, uint64_t time_ns)
{
	static const uint16_t kinds[] = {GBT_START, GBT_LEFT, GBT_SAMPLE, GBT_BLOCK};

	return (struct gbt_event){
		.hdr = {.kind = kinds[in[0] % 4],
			.tid = in[1] % 4,
			.time_ns = time_ns - in[2] % 64},
		.goid = in[3] % 6,
		.cur = in[4] % 6,
		.arg32 = in[5] | in[6] << 8,
		.stack = in[7] % 4,
	};
}

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void look(const struct stops *s, uint64_t span_ns)
{
	const struct stop_row *rows;
	struct stop_totals t;
	uint64_t cnt = 0;
	size_t n;

	stops__totals(s, &t);
	rows = stops__rows(s, &n);
	for (size_t i = 0; i < n; i++) {
		cnt += rows[i].cnt + rows[i].open;
		demand(rows[i].least_ns <= rows[i].most_ns, "least above most");
		demand(rows[i].most_ns <= rows[i].cnt * span_ns, "longer than all there was");
	}
	demand(cnt <= t.stops, "more rows than stops");
	demand(t.unknown <= t.stops, "more unknown than stops");
	demand(t.least_ns <= t.most_ns, "totals: least above most");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stops *s = NULL;
	uint64_t now_ns = 1000;

	if (stops__new(0, &s))
		return 0;
	for (size_t i = 0; i + RECORD_SZ <= size; i += RECORD_SZ) {
		struct gbt_event e = record_of(data + i, now_ns);

		if (stops__event(s, &e.hdr))
			break;
		now_ns += 16;
	}
	look(s, now_ns);
	stops__free(s);
	return 0;
}
