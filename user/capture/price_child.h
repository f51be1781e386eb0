/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_PRICE_CHILD_H
#define CAPTURE_PRICE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/price.h"

/*
 * The process that is hit: a fork of the tool with functions that look like the runtime's to a
 * probe, and goroutine, thread and processor in memory for its registers to point at.
 */
#define PRICE_ROUNDS 5
#define PRICE_COLD_MAX 40

struct price_times {
	uint64_t hot_ns[PRICE_MAX][PRICE_ROUNDS]; /* CPU time of a call in a loop, × 1000 */
	uint64_t cold_ns[PRICE_MAX][PRICE_COLD_MAX];
	size_t cold_cnt;
};

struct price_child;

/* -ENOMEM, -errno, -EOPNOTSUPP: not on this processor. */
int price_child__start(struct price_child **out);
/* Kills and reaps it. NULL is legal. */
void price_child__end(struct price_child *c);
pid_t price_child__pid(const struct price_child *c);
/* Where the function of a kind is, and the instruction to probe: its address and length. */
const void *price_child__site(enum price_kind k, size_t *len);
/* How often a run calls the function of each kind. */
uint64_t price_child__calls(size_t cold_cnt);
/* Begins calling the functions of kinds (1 << enum price_kind), cold_cnt times cold; poll asks for
 * the result: 0 done, -EAGAIN not yet (waits for at most 2 ms), -ECHILD it has ended. */
int price_child__run(struct price_child *c, unsigned kinds, size_t cold_cnt);
int price_child__poll(struct price_child *c);
const struct price_times *price_child__times(const struct price_child *c);

/* What the programs are told: how the child's goroutines are laid out. */
struct gbt_config;
void price_child__config(struct gbt_config *rt, bool remember);

#endif
