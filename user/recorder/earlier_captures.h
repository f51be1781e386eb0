/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_EARLIER_CAPTURES_H
#define RECORDER_EARLIER_CAPTURES_H

#include "recorder/retention.h"

/*
 * Captures that a watch wrote into this folder before this one began: a folder of a capture's name,
 * mode 0700, of the caller, with a reason.json as we write it. Of what is in it only files that
 * have names of ours, belong to the caller, have no second name and were not changed later are
 * taken for ours; so are the bytes that count. Another name keeps a capture.
 */
/* Oldest first into kept. An error is told; what was taken stays. */
int earlier_captures__take(const char *dir, struct retention *kept);

/* As retention__add has them, from the text of the condition (0 and 0: somebody asked). */
uint64_t capture__key(const char *text);
double capture__badness(const char *text, double value);

#endif
