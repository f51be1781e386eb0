/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_PRIVILEGE_H
#define CAPTURE_PRIVILEGE_H

#include <stdbool.h>

/* Capabilities by their numbers in linux/capability.h, which Debian 11's header lacks. */
enum {
	PRIVILEGE_SYS_PTRACE = 19,
	PRIVILEGE_SYS_ADMIN = 21,
	PRIVILEGE_SYS_RESOURCE = 24,
	PRIVILEGE_PERFMON = 38,
	PRIVILEGE_BPF = 39,
};

/* In this thread's effective set. */
bool privilege__has(int cap);

/* "needs CAP_BPF and CAP_PERFMON (or root)": what of it is missing, NULL nothing. A constant. */
const char *privilege__missing_for_bpf(void);

/* kernel.perf_event_paranoid, -2 when it cannot be read. */
int privilege__perf_event_paranoid(void);

#endif
