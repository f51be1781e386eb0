/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RECORDING_INTERNAL_H
#define RECORDER_RECORDING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "capture/capture.h"
#include "goruntime/heap_buckets.h"
#include "goruntime/plan.h"
#include "goruntime/snapshot.h"
#include "goruntime/target.h"
#include "process/kallsyms.h"
#include "raw/raw.h"
#include "recorder/alloc_duty.h"
#include "recorder/governor.h"
#include "recorder/hit_price.h"
#include "recorder/launch.h"
#include "recorder/live_fold.h"
#include "recorder/recording.h"
#include "recorder/wall_thread.h"

/*
 * A recording's parts: recording_open.c makes it, recording_threads.c has what runs beside the
 * target meanwhile, recording_sections.c writes what is no event, recording.c is its life.
 */
struct recording {
	struct recording_options opt;
	struct go_target *target;
	struct launch *command;	  /* waits before its exec; NULL: a running process */
	atomic_bool target_ready; /* its memory can be read: it has exec'ed and checked out */
	struct probe_plan plan;
	struct gbt_requests requests; /* where the plan has sites of these or of calls */
	struct gbt_calls calls;
	struct gbt_grpc grpc;
	bool off_cpu;			 /* threads without a CPU are told */
	int32_t func_ids[GBT_FUNCS_MAX]; /* of the functions whose calls are told */
	size_t func_cnt;
	struct capture *capture;	 /* NULL: nothing is observed, a snapshot is all */
	struct raw_writer *raw;		 /* of the spool; NULL: there is a window */
	struct recording_window *window; /* of a flight recorder; NULL */
	struct snapshot *snapshot;
	struct kallsyms *kernel;   /* NULL: not asked for, or not to be had */
	struct heap_buckets *heap; /* at the window's end, when asked for */
	struct probe_plan alloc_plan;
	struct alloc_duty *duty; /* NULL: allocations are not sampled */
	struct alloc_slices allocs;
	bool estimates; /* allocs is to be written: what the duty gave, or why there is none */
	struct hit_price price; /* from start on */
	bool priced;		/* price is final */
	struct raw_meta meta;
	struct raw_trailer trailer;
	int spool_fd;

	struct live_fold *fold;		   /* NULL: events go into the spool */
	struct wall_thread *wall;	   /* while the window is open */
	struct wall_profile *wall_profile; /* then, if there was something to see */
	pthread_t drainer;
	bool draining;
	int stop_fd; /* eventfd: written when the drain thread is to end */
	atomic_int drain_err;
	atomic_ullong spool_sz;
	atomic_ullong heap_reads_failed;

	uint64_t start_ns, cpu_start_ns, tool_cpu_start_ns;
	uint64_t open_ns, cpu_open_ns; /* when it was opened: what the target used untouched */

	/* The drain thread's, while it runs. */
	bool given_up;	 /* probes were taken away, and could not be put in place again */
	uint64_t steady; /* of a watch with a budget: probes that stay in place */
	bool later;	 /* the others come when there is a sign */
	bool governed;
	struct governor governor;
	uint64_t govern_due_ns;
	struct raw_slice_end slice; /* its begin, and the counters then */
	atomic_ullong over_ns;	    /* when the budget ended a full capture; 0 not */
	double full_added;	    /* what a full capture would add; 0 not known */
};

/* When the target exec'ed, as the programs saw it; 0 not, or nothing is observed. */
uint64_t recording__execed_ns(const struct recording *r);
/* Are there probes, or CPU samples at the most? */
bool recording__has_probes(const struct recording *r);
/* Is one of these asked for? profiles: 1 << enum profile_kind_id. */
bool recording__wants(const struct recording *r, uint32_t profiles);
/* What the capture had; nothing where there is none. */
const struct capture_info *recording__capture_info(const struct recording *r);
uint64_t recording__tool_cpu_ns(void);

/* The drain thread owns the raw writer from start to stop. A capture__record_fn for what is left.
 */
int recording__drain_start(struct recording *r);
int recording__drain_stop(struct recording *r);
int recording__on_record(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len);
/* recording_governor.c: nothing where there is no budget. govern is called between drains, and may
 * take as long as attaching does. */
int recording__govern_start(struct recording *r);
int recording__govern(struct recording *r, uint64_t now_ns);
void recording__govern_thread(const struct recording *r);
int recording__foretell(struct recording *r); /* for full_added */
void recording__govern_facts(struct recording *r, struct raw_trailer *t);
int recording__wall_start(struct recording *r);
int recording__wall_stop(struct recording *r);

/* What is known when the window begins, and when it has ended. */
int recording__write_head(struct recording *r);
int recording__write_maps(struct recording *r, struct raw_writer *w);
/* Takes the measured price in place of the assumed one when it has come meanwhile. */
void recording__price_if_told(struct recording *r);
/* The price of what t counts. */
void recording__fill_price(const struct recording *r, struct raw_trailer *t);
void recording__fill_trailer(struct recording *r, enum recording_end why);
int recording__write_tail(struct recording *r);

#endif
