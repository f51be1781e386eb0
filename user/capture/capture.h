/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gobpftrace_abi.h"
#include "goruntime/contexts.h"
#include "goruntime/plan.h"
#include "process/process.h"

/*
 * The life of the BPF programs in one target:
 *
 *   open -> attach -> arm -> (drain …) -> disarm -> drain -> detach_begin -> free
 *
 * attach places the breakpoints, but nothing is recorded before arm. free undoes whatever
 * was done, from any state, and waits for it; should the tool be killed, the keepers do.
 * One thread at a time, except that stats may be read from anywhere.
 */
enum capture_attach {
	CAPTURE_ATTACH_AUTO,  /* multi where the kernel has it, else perf */
	CAPTURE_ATTACH_MULTI, /* one uprobe_multi link */
	CAPTURE_ATTACH_PERF,  /* a perf event for each site; needs CAP_SYS_ADMIN */
};

/* All of it is resident from the start. The least is half a second of a million events a second. */
#define CAPTURE_RING_CPU_SZ (8u << 20)
#define CAPTURE_RING_LEAST_SZ (32u << 20)
#define CAPTURE_RING_MOST_SZ (64u << 20)

struct capture_config {
	const struct process *proc;    /* borrowed until free */
	const struct probe_plan *plan; /* borrowed until free; NULL or empty: no probes, only the
					* CPU sampler */
	/* Probes that capture__alloc_on attaches; borrowed until free; NULL or empty: none */
	const struct probe_plan *alloc_plan;
	uint64_t bias;	      /* run-time minus link-time address */
	bool bias_unknown;    /* the target has not yet exec'ed: live bytes are not compared
			       * (perf then needs a kernel with attach cookies: 5.15) */
	int command_fd;	      /* with bias_unknown: its executable; borrowed until free */
	struct gbt_config rt; /* see there which fields are the caller's */
	uint64_t steady;      /* SITE_BITs of plan that capture__probes_off leaves in place */
	bool later;	      /* attach places these alone; capture__probes_on the others */
	const struct gbt_leaf_range *leaves; /* may be NULL; borrowed until open has returned */
	size_t leaf_cnt;
	const struct contexts *contexts; /* likewise; of the program's regions */
	enum capture_attach attach;
	unsigned sample_hz; /* per CPU; 0: no CPU samples */
	size_t ring_sz;	    /* bytes of all rings together; 0: CAPTURE_RING_CPU_SZ for each CPU */
};

/* What was had; strings live as long as the capture. */
struct capture_info {
	enum capture_attach attach; /* AUTO: no sites */
	size_t sites, sites_stepped, sites_nop5;
	size_t sites_shared; /* another tracer's probe was there already */
	bool sampling;
	char no_sampling[160]; /* why not, though it was asked for; "" */
	size_t rings, ring_sz; /* bytes of one */
	uint64_t attach_ns;    /* what attaching took */
	uint64_t detach_ns;    /* what detaching took; 0 until it is over */
};

struct capture;

/*
 * Probes are placed and held by processes of their own (keeper.h), so that none stays however the
 * tool ends. They are small if this is called before there is much memory or a thread; without it
 * the first capture__open does. 0 or -errno, with a message.
 */
int capture__prepare(void);
/* Once all captures are free: waits for the end of the first of these processes, which in a
 * container nobody else may do. */
void capture__finish(void);

/*
 * Loads the programs; the target is not touched. -EPERM/-EACCES privilege, -EOPNOTSUPP the
 * kernel lacks something that is needed; one message names it. Without BTF, or where CPU
 * samples are not allowed, the capture goes on without them and info says why.
 */
int capture__open(const struct capture_config *cfg, struct capture **out);

/*
 * Compares the live bytes of every site with the plan's and attaches. -EBADMSG other bytes
 * than planned, -EBUSY a debugger's breakpoint may be there, -ESRCH the target is gone.
 */
int capture__attach(struct capture *c);

/*
 * The probes of cfg.alloc_plan, between attach and detach_begin; one thread at a time. on: as
 * capture__attach, and a message. off waits until they are gone (250 ms as one link, seconds
 * as perf events).
 */
int capture__alloc_on(struct capture *c);
void capture__alloc_off(struct capture *c);

/*
 * The probes of cfg.plan but for the steady ones, between attach and detach_begin, in slices of the
 * time; one thread at a time. Unless they are to come later they are in place after attach.
 * Programs go on sending while they come and go, so what lies outside of the slice must be dropped
 * by its time. off waits until they are gone.
 */
int capture__probes_on(struct capture *c);
void capture__probes_off(struct capture *c);

/* Has somebody killed the process that holds the probes? They are gone then, or soon will be. */
bool capture__probes_lost(const struct capture *c);

/* With bias_unknown: the load bias, once the target has exec'ed. Until then addresses in rt
 * are taken as if it were cfg.bias. */
void capture__set_bias(struct capture *c, uint64_t bias);

void capture__arm(struct capture *c);
void capture__disarm(struct capture *c);
/* When the target exec'ed (not a command's own exec), which disarms before the new program runs; 0:
 * it has not since attach. */
uint64_t capture__execed_ns(const struct capture *c);

/*
 * Hands over what is in the rings at this moment, ring by ring, in the order of each ring.
 * Never blocks; callers poll every few ms. rec is borrowed during the call, len its true
 * length (at least what its kind needs: others are counted as malformed and dropped). A
 * negative return of fn ends the drain and is returned. Else the number of records.
 */
typedef int (*capture_record_fn)(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len);
int capture__drain(struct capture *c, capture_record_fn fn, void *ctx);
/*
 * The same once capture__disarm has been called, until nothing more comes: a program that was
 * preempted between the two halves of sending holds up all records behind its own. It is the last:
 * the rings' memory is given back.
 */
int capture__drain_rest(struct capture *c, capture_record_fn fn, void *ctx);

/* From here on each stack and label set is defined anew when it is met. A program that is under way
 * may still refer to one as defined. */
void capture__define_again(struct capture *c);

/* Counters summed over CPUs. */
int capture__stats(const struct capture *c, uint64_t counters[GBT_C_MAX]);
const struct capture_info *capture__info(const struct capture *c);

/*
 * Detaching perf uprobes takes 0.4 to 3.5 s (a grace period each), so it goes on in a thread
 * of its own while the files are written. join waits; both may be called twice, and the
 * rings can be drained meanwhile.
 */
int capture__detach_begin(struct capture *c);
void capture__detach_join(struct capture *c);
void capture__free(struct capture *c);

const char *capture_attach__name(enum capture_attach a); /* "auto", "multi", "perf" */

#endif
