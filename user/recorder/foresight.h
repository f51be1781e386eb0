/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_FORESIGHT_H
#define RECORDER_FORESIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/target.h"
#include "recorder/hit_price.h"
#include "recorder/recording.h"

/* What a capture would cost, before there is one. All of it is an estimate. */
struct foresight {
	uint64_t window_ns;	/* the target was watched for so long */
	uint64_t target_cpu_ns; /* that it took then */
	uint64_t hits;		/* that a whole trace would have had, or had in a trial */
	uint64_t goroutines;
	bool trial;    /* probes were attached: hits are counted, and are part of target_cpu_ns */
	bool at_least; /* there may have been more */
	uint64_t price_hit_ns;
	double share;	    /* of its CPU time while captured */
	double added;	    /* to what it takes now */
	double light_added; /* the same of mode light; not known after a trial: 0 */
};

#define FORESIGHT_WATCH_NS (300ull * 1000 * 1000)
#define FORESIGHT_TRIAL_NS (50ull * 1000 * 1000)

/* Watches the target's goroutines from outside; attaches nothing. -errno, one message. */
int foresight__watch(struct go_target *t, const struct hit_price *price, struct foresight *out);
/* Attaches the probes of a whole trace for FORESIGHT_TRIAL_NS and throws away what they send. */
int foresight__trial(struct go_target *t, const struct probe_plan *plan, enum capture_attach attach,
		     const struct hit_price *price, struct foresight *out);

/* What a mode would take of it below this budget (struct recording_options), and for how much of
 * the time it would see transitions. */
struct mode_cost {
	double share, added; /* as above */
	double time;
};
void foresight__mode(const struct foresight *f, enum recording_mode mode, double budget,
		     struct mode_cost *out);

#endif
