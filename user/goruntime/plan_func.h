/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_FUNC_H
#define GORUNTIME_PLAN_FUNC_H

#include "goruntime/plan.h"

/*
 * The entry and all returns of a function that somebody asked for by its name (amd64). All of its
 * instructions are decoded, and whatever leaves it by another way than a return is a refusal. A
 * `ret` is single-stepped by the kernel, which is allowed here; where a one-byte nop stands in
 * front of it that every way to it passes, that is taken, which is emulated.
 */
struct func_sites {
	unsigned entries, returns, stepped;
};

/*
 * Adds them to the plan, behind all others, as those of function func_no. Of a generic function
 * ("main.Map[...]") all instances. -EOPNOTSUPP or -ENOENT: why (a sentence without an end) says
 * what is in the way, with the nearest names where there is none of that name and with the callers
 * where all of it is inlined; the plan is as before. -EBADMSG, -ENOMEM.
 */
#define PLAN_FUNC_WHY_SZ 240
int plan_func__add(const struct gobinary *b, const char *name, unsigned func_no,
		   struct probe_plan *plan, struct func_sites *out, char why[PLAN_FUNC_WHY_SZ]);

#endif
