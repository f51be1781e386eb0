/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RAW_FACTS_H
#define RECORDER_RAW_FACTS_H

#include "capture/capture.h"
#include "goruntime/plan.h"
#include "goruntime/snapshot.h"
#include "goruntime/target.h"
#include "raw/raw.h"

/* Who was captured, where and how; snap may be NULL. Times and options are the recording's. */
void raw_facts__meta(const struct go_target *t, const struct probe_plan *plan,
		     const struct capture_info *info, const struct snapshot *snap,
		     struct raw_meta *out);
/* One more of out->notes; what has no room there is dropped. */
void raw_facts__note(struct raw_meta *m, const char *text);
/* RAW_MAPS: the executable mappings of the target: START-END PERMS OFFSET BUILDID|- PATH, a line
 * each. */
int raw_facts__maps(const struct go_target *t, struct buf *out);

#endif
