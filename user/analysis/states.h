/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_STATES_H
#define ANALYSIS_STATES_H

#include "analysis/stackset.h"

/* Time by state, for each class of goroutines. */
enum state_slot {
	SLOT_RUNNING,
	SLOT_RUNNABLE,
	SLOT_SYSCALL,
	SLOT_BLOCKED, /* + block reason */
	SLOT_REASONS = 32,
	/* block reasons that the format does not have */
	REASON_COROUTINE = SLOT_REASONS - 2, /* handed its thread to another coroutine */
	REASON_UNKNOWN = SLOT_REASONS - 1,   /* waiting since before the window, no reason kept */
	SLOT_MAX = SLOT_BLOCKED + SLOT_REASONS,
};

struct states_fold {
	struct {
		uint64_t total_ns, cnt, max_ns;
	} v[CLASS_MAX][SLOT_MAX];
};

/* A reason as the transitions have it -> slot; what is too large is unknown. */
unsigned states__reason_slot(uint16_t reason);
const char *states__slot_name(unsigned slot);
static inline void states__add(struct states_fold *f, enum g_class class, unsigned slot,
			       uint64_t dur_ns)
{
	f->v[class][slot].total_ns += dur_ns;
	f->v[class][slot].cnt++;
	if (dur_ns > f->v[class][slot].max_ns)
		f->v[class][slot].max_ns = dur_ns;
}

int states__finish(const struct states_fold *f, struct summary *out);

#endif
