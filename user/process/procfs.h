/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROCESS_PROCFS_H
#define PROCESS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * The text files under /proc/PID. Their content is partly the target's own choice (names,
 * paths), so it is parsed as foreign bytes. Formats: Documentation/filesystems/proc.rst.
 */

/* The whole of /proc/PID/FILE (FILE may name a sub-directory); -errno of open or read. */
int procfs__read(pid_t pid, const char *file, struct buf *out);
/* Where /proc/PID/FILE points, as a string of the caller; -errno. */
int procfs__readlink(pid_t pid, const char *file, char **out);

/* Cuts off the " (deleted)" that the kernel writes behind the path of a removed file; was it there?
 */
bool path__cut_deleted(char *path);

struct proc_stat {
	char comm[64]; /* sanitised */
	char state;
	uint32_t flags; /* PF_KTHREAD … */
	uint64_t utime_ticks, stime_ticks;
	uint64_t start_ticks;
	bool has_exit_code; /* it is there; 0 for whoever may not look into the process */
	int exit_code;	    /* as wait(2) has it; of a zombie */
};
#define PROC_PF_KTHREAD 0x00200000u /* include/linux/sched.h */

/* -EBADMSG when it is not what proc_pid_stat(5) says. */
int proc_stat__parse(struct span text, struct proc_stat *out);

struct proc_status {
	uint32_t tgid;
	uint32_t tracer_pid;
	uint32_t uid, gid; /* effective */
	int seccomp;	   /* 0 also where the kernel has none */
	uint32_t ns_pid;   /* the last number of NSpid; tgid's thread itself without that line */
	uint64_t threads;  /* 0 not said */
	uint64_t rss_kib;  /* VmRSS; 0 not said: it has no memory (any more) */
};
int proc_status__parse(struct span text, struct proc_status *out);

/* Control characters and bytes outside of ASCII become '?'; at most sz - 1 bytes. */
void name__sanitise(const char *in, size_t len, char *out, size_t sz);
/* The name by which files and summaries call a process: the base name of its executable, fit for a
 * file name: blanks, control characters and bytes outside of ASCII become '_',
 * and so does a dot at its begin. */
void name__of_exe(const char *path, char *out, size_t sz);

#endif
