/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_COMPAT_H
#define CAPTURE_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What differs between kernels, each found out by trying it once, and what differs between
 * libbpf and the headers of a distribution (Debian 12's linux/bpf.h ends at 6.1).
 */
bool compat__has_uprobe_multi(void); /* 6.6 */
bool compat__has_cookie(void);	     /* 5.15, bpf_get_attach_cookie in uprobes */
bool compat__has_task_pt_regs(void); /* 5.15, in perf_event programs */
bool compat__has_btf(void);

/* Can a program, a ring of sz bytes be made? 0 or -errno. */
int compat__try_program(void);
int compat__try_ring(unsigned sz);

/* An empty program at one place of a file, for one process, by uprobe_multi: a link's file
 * descriptor or -errno. What a bare probe does, and costs. */
int compat__probe_bare(const char *path, uint64_t off, int pid);

/*
 * A program at cnt places of a file, for one process. cookies may be NULL. A link's file descriptor
 * or -errno; takes neither memory nor locks, as opening and linking an event below.
 */
int compat__link_multi(int prog, const char *path, int pid, const uint64_t *offsets,
		       const uint64_t *cookies, size_t cnt);
/* An event at one place of a file for one process, and a program that runs at it: as long as the
 * event is open, or with a cookie (5.15), by a link. File descriptors, 0, or -errno. */
int compat__perf_uprobe_type(void);
int compat__open_perf_uprobe(uint32_t type, const char *path, uint64_t off, int pid);
int compat__run_on_event(int prog, int event);
int compat__link_event(int prog, int event, uint64_t cookie);

/* A CPU clock event as the sampler uses it; a file descriptor or -errno. */
int compat__open_cpu_clock(int pid, int cpu, unsigned hz);

/* May perf uprobes be made? 0 or -errno; makes none. */
int compat__try_perf_uprobe(void);

#endif
