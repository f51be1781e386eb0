/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_INTERNAL_H
#define CAPTURE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "capture/keeper.h"
#include "capture/rings.h"
#include "gobpftrace_sites.h" /* the skeletons name its types */

struct bpf_link;
struct bpf_program;
struct goroutine_bpf;
struct sampler_bpf;

#define CAPTURE_TRACEPOINTS 3 /* of exec, threads that end, and in mode light that switch */

struct capture {
	struct capture_config cfg; /* rt is complete after load */
	struct capture_info info;
	struct rings *rings;
	struct goroutine_bpf *goroutine; /* NULL: no sites */
	struct sampler_bpf *sampler;	 /* NULL: no samples */
	bool use_task_pt_regs; /* user registers under a kernel-mode sample by the helper */
	int scratch_fd;
	void *scratch; /* gbt_scratch, mapped for its counters */
	size_t scratch_sz, scratch_slot_sz, scratch_cnt;
	struct keeper *keeper, *alloc_keeper; /* of the probes of each plan; NULL: no sites */
	struct keeper *steady_keeper; /* of those of the plan that stay; NULL: there are none */
	struct bpf_link *tracepoints[CAPTURE_TRACEPOINTS];
	struct bpf_link *off_cpu_links[2]; /* NULL: switches are not looked at */
	struct bpf_link **sampler_links;
	size_t sampler_link_cnt;
	uint64_t eras;		 /* how often the probes have come */
	uint64_t unfinished_cnt; /* GBT_C_UNFINISHED */
	uint64_t malformed_cnt;	 /* records too short for their kind */
	pthread_t detacher;
	bool detaching, detached;
};

/* load.c: maps and programs. */
int load__programs(struct capture *c);
void load__unload(struct capture *c);
/* Why no CPU samples can be taken here; NULL: they can. Borrowed; a constant. */
const char *load__no_samples_because(void);

/* attach.c: probes, by their keepers, tracepoints and samplers. */
int attach__probes(struct capture *c);
int attach__probes_again(struct capture *c);
int attach__alloc(struct capture *c);
int attach__sampler(struct capture *c);
/* A raw tracepoint; 0 or -errno, without a message. */
int attach__tracepoint(struct bpf_program *prog, const char *name, struct bpf_link **out);
void attach__detach(struct capture *c);

/* off_cpu.c: nothing where cfg.rt does not ask for it. */
int off_cpu__attach(struct capture *c);
void off_cpu__detach(struct capture *c);

/* message.c: what stands behind an error of bpf(2) or perf_event_open(2), to end a message
 * with: "needs CAP_BPF". Borrowed; a constant. */
const char *message__cause(int err, const char *otherwise);
/* libbpf's own messages go to the debug log. */
void message__install_libbpf(void);

#endif
