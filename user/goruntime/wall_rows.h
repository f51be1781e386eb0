/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_WALL_ROWS_H
#define GORUNTIME_WALL_ROWS_H

#include "goruntime/snap_store.h"
#include "goruntime/wall.h"

/* The rows of a wall profile while it grows. */
#define WALL_NO_ROW UINT32_MAX /* nobody's time: dead */
#define WALL_FULL (UINT32_MAX - 1)

struct wall_rows {
	const struct snapshot *head; /* borrowed: names of wait reasons */
	size_t max;
	struct wall_row *rows;
	uint32_t *next; /* of the same hash */
	size_t cnt, cap, next_cap;
	struct imap by_hash; /* -> first row */
	struct snap_store store;
	struct imap state_by_code; /* status << 8 | wait reason -> index */
	char **states;
	size_t states_cnt, states_cap;
	uint64_t dropped_ns;
};

/* What tells rows apart. labels: in the store already. */
struct wall_place {
	const uint64_t *pcs; /* leaf first; cnt 0: not known */
	size_t cnt;
	bool running, torn, cut;
	uint8_t status, wait_reason;
	uint64_t startpc, gopc, goid;
	uint32_t label_off, label_cnt;
};

/* The place's row, a new one if need be; WALL_FULL when there is no room for it. -ENOMEM. */
int wall_rows__of(struct wall_rows *r, const struct wall_place *p, uint32_t *row);
void wall_rows__add(struct wall_rows *r, uint32_t row, uint64_t ns);
/* Moves all to p. */
void wall_rows__take(struct wall_rows *r, struct wall_profile *p);
void wall_rows__free(struct wall_rows *r);

#endif
