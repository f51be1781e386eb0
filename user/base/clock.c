/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/duration.h"

#include <time.h>

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts;

	/* cannot fail for these two clocks and a valid pointer (clock_gettime(2)) */
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock__monotonic_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock__realtime_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}
