/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Durations as Go writes them ("3s", "1m30s", "1.5h", "250ms", "10us", "10µs").
 * -EINVAL malformed, -ERANGE outside int64 nanoseconds. A sign is accepted; a bare
 * number other than 0 is not.
 */
int duration__parse(const char *s, int64_t *ns);

/* As Go's Duration.String, with at most three significant fraction digits
 * ("1.23ms"); returns out. */
#define DURATION_STR_SZ 32
const char *duration__format(int64_t ns, char out[DURATION_STR_SZ]);

uint64_t clock__monotonic_ns(void);
uint64_t clock__realtime_ns(void);

#endif
