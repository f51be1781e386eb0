/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_BATCHES_H
#define CAPTURE_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Events that wait in the programs' slots (struct gbt_slot) until there are enough for a ring. A
 * drain reads them there as well, so that none waits longer than until the next one:
 *
 *   look -> the rings' records, each through record -> rest
 *
 * rest hands over what was there at look, once its slot's earlier batches have come; what of a
 * batch it has handed over is left out when that comes through a ring. So each event is told once,
 * those of a slot in their order but for batches that overtake each other in two rings.
 */
struct batches;

/* slots: slot_cnt of them, slot_sz bytes apart, written by programs meanwhile; borrowed. */
int batches__new(const void *slots, size_t slot_sz, unsigned slot_cnt, struct batches **out);
void batches__free(struct batches *b);

/* As rings_fn (capture/rings.h); of no ring: ring is BATCHES_RING. */
#define BATCHES_RING UINT32_MAX
typedef int (*batches_fn)(void *ctx, unsigned ring, void *rec, size_t len);

void batches__look(struct batches *b);
bool batches__is_one(const void *rec, size_t len);
/* A record that is one of these. Events handed over; negative: fn's, or -EBADMSG for one that no
 * program writes. */
int batches__record(struct batches *b, unsigned ring, void *rec, size_t len, batches_fn fn,
		    void *ctx);
/* Likewise. again: something was overwritten while it was read, and so is in a ring by now. */
int batches__rest(struct batches *b, batches_fn fn, void *ctx, bool *again);

#endif
