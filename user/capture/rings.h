/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_RINGS_H
#define CAPTURE_RINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The rings between programs and tool: BPF ring buffers, one for each group of CPUs, and
 * the map that holds them. Nobody is woken: wake-ups cost the target more than the records.
 */
#define RING_SZ_MIN (4u << 20)

struct rings;

/* Rings of a power of two in number and size, together at most total_sz (one at least); 0:
 * rings__default_sz. */
int rings__new(size_t total_sz, unsigned cpu_cnt, struct rings **out);
/*
 * All of a ring is resident memory of ours while it is mapped, so it is from the first drain to the
 * last only: draining others finds nothing.
 */
int rings__map(struct rings *r);
void rings__unmap(struct rings *r);
void rings__free(struct rings *r);
int rings__map_fd(const struct rings *r); /* array of maps; the programs' gbt_rings */
unsigned rings__cnt(const struct rings *r);
size_t rings__sz(const struct rings *r); /* of one */
/*
 * From now on draining hands over, too, what programs keep back in their slots (capture/batches.h):
 * slot_cnt of them, slot_sz bytes apart; borrowed.
 */
int rings__watch_slots(struct rings *r, const void *slots, size_t slot_sz, unsigned slot_cnt);

/* What a capture takes on so many CPUs when nobody says otherwise (capture.h). */
size_t rings__default_sz(unsigned cpu_cnt);
/* How many of which size: several only of RING_SZ_MIN and more. For tests. */
void rings__shape(size_t total_sz, unsigned cpu_cnt, unsigned *cnt, size_t *sz);

/*
 * What was in each ring when its turn came, then what waits in slots; what is added meanwhile waits
 * for the next call, so this always ends. A negative return of fn ends it and is returned, else
 * records seen.
 */
typedef int (*rings_fn)(void *ctx, unsigned ring, void *rec, size_t len);
int rings__drain(struct rings *r, rings_fn fn, void *ctx);
/* Is there anything in them, be it a record that is still being written? */
bool rings__pending(const struct rings *r);

#endif
