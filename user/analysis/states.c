/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned states__reason_slot(uint16_t reason)
{
	return SLOT_BLOCKED + (reason < SLOT_REASONS ? reason : (unsigned)REASON_UNKNOWN);
}

const char *states__slot_name(unsigned slot)
{
	const char *name;

	switch (slot) {
	case SLOT_RUNNING:
		return "running";
	case SLOT_RUNNABLE:
		return "runnable";
	case SLOT_SYSCALL:
		return "syscall";
	case SLOT_BLOCKED + REASON_COROUTINE:
		return "coroutine";
	case SLOT_BLOCKED + REASON_UNKNOWN:
		return "not known";
	}
	name = tr_block_reason__name((uint16_t)(slot - SLOT_BLOCKED));
	return name && name[0] ? name : "unspecified";
}

static int by_time(const void *pa, const void *pb)
{
	const struct summary_state *a = pa, *b = pb;

	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	return strcmp(a->name, b->name);
}

int states__finish(const struct states_fold *f, struct summary *out)
{
	out->states = calloc(SLOT_MAX, sizeof(*out->states));
	if (!out->states)
		return -ENOMEM;
	for (unsigned slot = 0; slot < SLOT_MAX; slot++) {
		if (slot >= SLOT_BLOCKED && !f->v[CLASS_USER][slot].cnt)
			continue;
		out->states[out->state_cnt++] = (struct summary_state){
			.name = states__slot_name(slot),
			.blocked = slot >= SLOT_BLOCKED,
			.total_ns = f->v[CLASS_USER][slot].total_ns,
			.cnt = f->v[CLASS_USER][slot].cnt,
			.max_ns = f->v[CLASS_USER][slot].max_ns,
		};
		out->states_total_ns += f->v[CLASS_USER][slot].total_ns;
	}
	for (unsigned slot = 0; slot < SLOT_MAX; slot++) {
		out->unknown_ns += f->v[CLASS_UNKNOWN][slot].total_ns;
		out->unknown_cnt += f->v[CLASS_UNKNOWN][slot].cnt;
	}
	out->system_running_ns = f->v[CLASS_SYSTEM][SLOT_RUNNING].total_ns;
	/* the three that are not waits stay in front */
	qsort(out->states + SLOT_BLOCKED, out->state_cnt - SLOT_BLOCKED, sizeof(*out->states),
	      by_time);
	return 0;
}
