/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_GOVERNOR_H
#define RECORDER_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/hit_price.h"

/*
 * When the probes of a capture are in place and when not, so that they take no more than a budget
 * from the target. A pure function of what is observed; it attaches nothing itself.
 *
 * What may be spent comes in with the target's own CPU time, and is saved up for one second at
 * most; hits × price go out. So no second costs more than twice the budget, and with GOVERNOR_RATE
 * of it as income no six seconds more than the budget itself: 6 × 0.8 + 1 < 6.
 *
 * The begin of a storm cannot be foreseen, and until the probes are gone it takes nearly all the
 * time of the cores that it runs on. Where the budget is a floor, since the target does next to
 * nothing, half of it is all that a calm may spend: so 15 ms of such a begin still fit into the 30
 * ms of its six seconds.
 */
#define GOVERNOR_RATE 0.8
#define GOVERNOR_FLOOR_RATE 0.5
#define GOVERNOR_PAUSE_SHARE 3 /* between slices of a length that was asked for */
#define GOVERNOR_SAVED_NS UINT64_C(1000000000)
#define GOVERNOR_CORE_FLOOR 0.005	     /* of one core, whatever the target itself uses */
#define GOVERNOR_LOOK_NS UINT64_C(5000000)   /* how often it is to be asked */
#define GOVERNOR_SLICE_NS UINT64_C(50000000) /* worth having, where the budget has room for it */
#define GOVERNOR_SLICE_MIN_NS UINT64_C(10000000)

struct governor_config {
	double budget; /* of what the target uses without the capture: 0.05 is 5 % */
	struct hit_price price;
	bool once; /* probes that were taken away do not come back */
	/* slices no longer than this, with three times as long between them; 0: as long as the
	 * budget pays */
	uint64_t slice_max_ns;
	/* how long hits go on when the probes are taken away, before that is known */
	uint64_t tail_ns;
	bool some_stay; /* some probes are hit in between, too: that costs, and tells no rate */
	uint64_t attach_cost_ns; /* CPU time of the target that attaching and detaching take */
};

/* All of these only rise. */
struct governor_seen {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	uint64_t hits;
	uint64_t cpu_ns; /* of the target */
};

enum governor_says {
	GOVERNOR_KEEP,
	GOVERNOR_OFF, /* take the probes away now */
	GOVERNOR_ON,  /* put them in place again */
};

struct governor {
	struct governor_config cfg;
	struct governor_seen last;
	bool on;
	double saved_ns;  /* may be below 0: what has been spent too much */
	double spent_ns;  /* in all */
	double cpu_on_ns; /* CPU time of the target while probes were in place, theirs included */
	/* time, CPU time, and what hits took of it, between looks from the first to the last of
	 * which all probes were in place: while they come and go the target is hit less, or not at
	 * all */
	double steady_ns, steady_cpu_ns, steady_cost_ns;
	double cpu_rate; /* of the target's own work, in cores; a mean over the last second */
	double hit_rate; /* hits a second while probes were in place: of late, at worst */
	uint64_t on_since_ns, off_since_ns;
	uint64_t wait_ns; /* how long to stay off after a slice that was not worth having */
	unsigned poor;	  /* such slices in a row */
	/* for whoever tells it */
	uint64_t slices, on_ns;
};

/* The probes are in place from seen on. cpu_rate: cores that the target used before. */
void governor__begin(struct governor *g, const struct governor_config *cfg,
		     const struct governor_seen *seen, double cpu_rate);
/* To be asked each GOVERNOR_LOOK_NS; what it says is to be done before it is asked again. */
enum governor_says governor__step(struct governor *g, const struct governor_seen *seen);
/*
 * It was done at seen, and lasted so long. Hits during a removal count as spent; they tell how long
 * the next one will be paid for, since the kernel goes on for long after the last one.
 */
void governor__done(struct governor *g, const struct governor_seen *seen, uint64_t took_ns);

/* What has been spent, of what the target used without it; 0 before there is any. */
double governor__share(const struct governor *g, uint64_t cpu_ns);

/* The same while all probes were in place: what they would add if they always were. */
double governor__full_added(const struct governor *g);

#endif
