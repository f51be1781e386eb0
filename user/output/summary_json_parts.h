/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_SUMMARY_JSON_PARTS_H
#define OUTPUT_SUMMARY_JSON_PARTS_H

#include "analysis/summary.h"
#include "output/json.h"

/* Parts of summary.json that stand elsewhere too. */
/* Members "stack" and "stack_cut". */
void json__stack(struct json *j, const struct summary_stack *st);
void json__frame(struct json *j, const char *key, const struct frame *f);
/* "spent"; nothing without one. off_cpu_known: switches were looked at. */
void json__span(struct json *j, const struct summary_span *sp, bool off_cpu_known);
void json__reason(struct json *j, const struct summary *s); /* of a watch; else nothing */

#endif
