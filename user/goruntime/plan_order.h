/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_ORDER_H
#define GORUNTIME_PLAN_ORDER_H

#include "goruntime/plan.h"

/*
 * Probes are placed and taken away in the order of the plan, one after the other, and on a busy
 * machine some of them milliseconds later than others: those that a storm of switches, system calls
 * or new goroutines hits come first, so that they go first. The others keep their order.
 */
void plan_order__busiest_first(struct probe_plan *plan);

#endif
