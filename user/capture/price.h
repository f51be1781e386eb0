/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_PRICE_H
#define CAPTURE_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"

/*
 * What one hit of a probe takes from the target on this machine, measured on a child process of
 * our own with the programs of a capture: in a loop (hot), and after the child has slept for a
 * millisecond and gone through a megabyte (cold). Nothing else is touched and nothing stays behind.
 */
enum price_kind {
	PRICE_PUSH,	  /* `push`, an event without a stack (execute) */
	PRICE_PUSH_STACK, /* `push`, with a stack of eight frames (ready) */
	PRICE_JCC,
	PRICE_CALL,
	PRICE_NOP5, /* only where a hit on one takes no trap */
	PRICE_MAX,
};

struct price {
	uint32_t hot_ns, cold_ns; /* medians; 0: not measured */
	uint32_t hot_spread_ns;	  /* between the quartiles */
	uint32_t cold_spread_ns;
};

struct prices {
	struct price of[PRICE_MAX];
	enum capture_attach attach; /* the way that was measured */
	uint64_t took_ns;
	char why[160]; /* nothing could be measured because …; "" it was */
};

/* nop5: a hit on one takes no trap here (FEATURE_NOP5). remember: as gbt_config.remember. What is
 * in the way stands in out->why; no message. told is called when out is complete: to take perf
 * uprobes away from the child lasts seconds more. */
void prices__measure(enum capture_attach attach, bool nop5, bool remember, struct prices *out,
		     void (*told)(void *ctx), void *ctx);
const char *price_kind__name(enum price_kind k);

#endif
