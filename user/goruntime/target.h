/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_TARGET_H
#define GORUNTIME_TARGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/imap.h"
#include "binary/gobinary.h"
#include "gobpftrace_abi.h"
#include "goruntime/heap_buckets.h"
#include "goruntime/layout.h"
#include "goruntime/snapshot.h"
#include "process/process.h"

/*
 * A Go process that has passed every check: the process, its binary, the layout of its
 * runtime and where its globals are. All members are to be read only.
 */
struct go_target {
	struct process *proc;
	struct gobinary *bin;
	struct go_layout layout;
	struct gobinary_globals globals; /* link-time addresses */
	uint64_t bias;			 /* run-time minus link-time address */
	bool bias_unknown;		 /* a command that has not exec'ed yet: bias is 0 */
	int exe_fd;			 /* a command's executable, -1 for a running process */
	struct imap sp_deltas;		 /* cache, by lock: several threads take snapshots */
	pthread_mutex_t sp_lock;
	uint64_t traps[2][2]; /* link-time ranges of asyncPreempt and sigpanic */
};

/*
 * Opens and checks in this order, so that the first thing in the way is the one that is
 * told: the process, its executable, Go and its version, the globals that nothing works
 * without, the layout (candidates of a known minor release are tried by the live check), the
 * live check. One message on error. -ESRCH no such process, -ENODATA a kernel thread or not Go,
 * -EACCES privilege, -EOPNOTSUPP a kind or version that we cannot do, -EBADMSG malformed, or the
 * live process contradicts the layout.
 */
int go_target__open(pid_t pid, bool force_layout, struct go_target **out);
/*
 * A command that waits before its exec in process pid: everything that the file at path alone can
 * tell is checked. The rest follows with go_target__after_exec.
 */
int go_target__open_command(pid_t pid, const char *path, bool force_layout, struct go_target **out);
/* Of a command, once it has exec'ed: was its file left as it was read? -EBADMSG, with a message. */
int go_target__check_unchanged(const struct go_target *t);
/*
 * -EAGAIN while it has not exec'ed. Then maps and bias are read, and the live check is made once
 * the runtime has goroutines (-EAGAIN until then). Calling it again after it has returned 0 does
 * nothing.
 */
int go_target__after_exec(struct go_target *t);
void go_target__free(struct go_target *t);

/* Has the process exec'ed another program than the one that was opened? */
bool go_target__execed(const struct go_target *t);
/* Is it a mapping of the target's own executable? */
bool go_target__is_exe(const struct go_target *t, const struct process_map *m);

/* What snapshots are read from; borrows from t. */
void go_target__source(struct go_target *t, struct snap_source *out);
/* A command that has not exec'ed yet has an empty snapshot. */
int go_target__snapshot(struct go_target *t, bool stacks, bool labels, struct snapshot **out);
/* GOMAXPROCS as the runtime has it now; -errno without a message. */
int go_target__gomaxprocs(const struct go_target *t, int32_t *n);
/* Heap live and goal in bytes, 0 unknown; -errno without a message. */
int go_target__heap(const struct go_target *t, __u64 *live, __u64 *goal);
/* Number of the runtime's Ms; -errno without a message. */
int go_target__m_cnt(struct go_target *t, uint64_t *cnt);
/* runtime.MemProfileRate: 0 where the runtime keeps no memory profile; -errno without a message. */
int go_target__profile_rate(const struct go_target *t, uint64_t *rate);
/* The runtime's own memory profile; of a process that has ended `why` says so. -ENOMEM. */
int go_target__heap_buckets(struct go_target *t, struct heap_buckets **out);
/* Fills what comes from the binary and its layout; the rest is the capture room's own. */
int go_target__bpf_config(const struct go_target *t, struct gbt_config *rt);

#endif
