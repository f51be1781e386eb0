/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_SITES_H
#define CAPTURE_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/plan.h"
#include "process/process.h"

/* What the programs are told about a site: include/gobpftrace_sites.h. */
uint32_t site__cookie(const struct probe_site *s, unsigned go_minor);

enum site_live {
	SITE_LIVE_SAME,	    /* the file's bytes */
	SITE_LIVE_PROBED,   /* another uprobe tracer is there */
	SITE_LIVE_DEBUGGER, /* a breakpoint, and someone is ptracing */
	SITE_LIVE_OTHER,    /* neither */
};

/*
 * Judges the len bytes found at a site. traced: TracerPid is not 0; debuggers write the same
 * breakpoint as the kernel. trampoline: [uprobes-trampoline] mappings of the target, into
 * which the kernel turns a probed nop5 into a call (and leaves that behind, up to 6.18.15).
 */
struct site_trampolines {
	uint64_t start[8], end[8];
	size_t cnt;
};
enum site_live site__judge(const struct probe_site *s, uint64_t addr, const uint8_t *live,
			   bool traced, const struct site_trampolines *tr);

/*
 * All sites of the plan but ours (SITE_BIT), which hold a probe by now, against the target's
 * memory. *shared counts those where another tracer is. One message; errors as capture__attach.
 */
int sites__check_live(const struct probe_plan *plan, const struct process *p, uint64_t bias,
		      uint64_t ours, size_t *shared);

#endif
