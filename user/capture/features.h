/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_FEATURES_H
#define CAPTURE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What this kernel and these privileges allow, found out by trying, never by comparing
 * version numbers. Trying costs a few ms and touches nothing but the tool itself.
 */
enum feature_id {
	FEATURE_BPF,	      /* maps and programs of the kinds we use can be made */
	FEATURE_RINGBUF,      /* BPF ring buffers (5.8) */
	FEATURE_BTF,	      /* /sys/kernel/btf/vmlinux */
	FEATURE_UPROBE_MULTI, /* one link for all probes (6.6) */
	FEATURE_UPROBE_PERF,  /* a perf event a probe, CAP_SYS_ADMIN */
	FEATURE_COOKIE,	      /* attach cookies (5.15) */
	FEATURE_TASK_PT_REGS, /* user registers under a kernel-mode sample (5.15) */
	FEATURE_CPU_CLOCK,    /* CPU samples may be taken */
	FEATURE_NOP5,	      /* probes on 5-byte nops take no trap (6.18) */
	FEATURE_PTRACE,	      /* memory of other users' processes may be read */
	FEATURE_MEMLOCK,      /* maps of the size of our rings can be had (counts below 5.11) */
	FEATURE_MAX,
};

struct feature {
	enum feature_id id;
	bool have;
	bool required;	  /* without it no capture of transitions at all */
	const char *name; /* "uprobe_multi" */
	char text[200];	  /* one line: what it gives, or what is in the way and what to do */
};

struct features {
	struct feature f[FEATURE_MAX];
	int perf_event_paranoid; /* -2: not readable */
};

/* Never fails: what cannot be tried is not there, and its text says why. */
void features__probe(struct features *out);

/* Probes of transitions can be attached in some way. */
bool features__can_trace(const struct features *f);

#endif
