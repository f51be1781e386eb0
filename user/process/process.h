/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A process as /proc shows it, held by a pidfd so that a reused pid is never mistaken for
 * it. The executable is opened through the kernel's own handle (/proc/PID/exe), which works
 * for deleted and replaced files and in containers.
 */
struct process_map {
	uint64_t start, end, off;
	char perms[5];
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	char *path; /* as in /proc/PID/maps without " (deleted)"; "" anonymous */
};

struct process {
	pid_t pid; /* as the tool sees it */
	int pidfd;
	int exe_fd;	      /* O_RDONLY */
	int mem_fd;	      /* of the program that ran when it was opened; -1 not allowed */
	uint64_t start_ticks; /* field 22 of stat */
	char comm[64];	      /* sanitised: no control characters */
	char name[64];	      /* base name of the executable, sanitised; for folder names */
	char *exe_path;	      /* where it was started from, as the kernel says it (not sanitised,
			       * for the target's own view of the files: never opened by us) */
	bool exe_deleted;     /* deleted or replaced since; exe_fd still is the right file */
	uid_t uid;
	gid_t gid;
	pid_t tracer_pid;   /* TracerPid */
	char state;	    /* R S D T t Z … */
	bool frozen;	    /* cgroup freezer */
	int seccomp;	    /* Seccomp: 0 1 2 */
	char container[80]; /* container id from the cgroup path, "" none */
	char pod[160];	    /* namespace/name when the cgroup tells, "" */
	uint64_t pidns_ino; /* of the target */
	bool in_own_pidns;  /* target's pid namespace is not the tool's */
	struct process_map *maps;
	size_t map_cnt;
};

/* -ESRCH no such process (or a thread of one, or a zombie), -ENODATA kernel thread, -EACCES
 * privilege; one message. What can be read without privilege only is left empty. */
int process__open(pid_t pid, struct process **out);
void process__free(struct process *p);
/* Is it still the same process and alive (pidfd)? */
bool process__is_alive(const struct process *p);
/* How it ended, as wait(2) has it. -EBUSY: it has not. -ENODATA: it was waited for already and this
 * kernel (before Linux 6.15) does not tell. */
int process__exit_status(const struct process *p, int *status);
/* "status 2", "signal 9 (Killed)" */
#define EXIT_STATUS_SZ 32
const char *exit_status__format(int status, char out[EXIT_STATUS_SZ]);
/* Does it still run the program that was opened (false after exec, be it of the same file)? */
bool process__is_same_exe(const struct process *p);
/* tracer_pid, state, seccomp and frozen as they are now. */
int process__refresh(struct process *p);
int process__reload_maps(struct process *p);
/* Load bias of the executable: run-time minus link-time address; -ENOENT not mapped. */
int process__load_bias(const struct process *p, uint64_t first_load_vaddr, uint64_t first_load_off,
		       uint64_t *bias);
/* Threads: tool-side tid and the tid inside the target's namespace (equal without one). */
struct process_thread {
	pid_t tid, ns_tid;
};
int process__threads(const struct process *p, struct process_thread **out, size_t *cnt);
/* CPU time of the whole process (utime + stime, ended threads too) in ns. */
int process__cpu_ns(const struct process *p, uint64_t *ns);

/* For snap_reader: ctx is a struct process *. 0 when every byte was read, else -EFAULT, -ESRCH or
 * -EPERM; what dst holds then is undefined. No message: a caller knows what it looked for. */
int process__readv(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		   size_t cnt);

/* Discovery. */
struct process_hit {
	pid_t pid;
	char name[64];
};
/* All processes but kernel threads whose comm or executable base name is name (NULL: all), by
 * rising pid; *out is the caller's to free(). */
int process__find(const char *name, struct process_hit **out, size_t *cnt);
/* All processes of a container id (a prefix of ≥ 6 hex digits will do; -EINVAL, with a message,
 * what cannot be one). */
int process__find_container(const char *id, struct process_hit **out, size_t *cnt);

#endif
