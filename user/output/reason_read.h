/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_REASON_READ_H
#define OUTPUT_REASON_READ_H

#include "base/span.h"
#include "raw/raw.h"

/*
 * Condition and value (value_raw) of a reason.json as summary_json__reason writes it, line by line;
 * nothing else is set. Another form of the same JSON is not taken for ours. -EBADMSG.
 */
int reason_json__read(struct span text, struct raw_reason *out);

#endif
