/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes on chosen sites of a running Go process, with a program that only counts, with the
 * tool's own, so that the two can be compared at the same instructions, or with empty ones at
 * everything that a full capture attaches, which is the floor of what one can cost.
 *
 *	hitcost PID bare|least|least-stack|ours|empty SITE[,SITE…]|all|entry:FUNCTION
 *
 * least, least-stack: what any exact tracer does with a hit, a clock and a record, and two
 * reads for a stack. entry: the first instruction of any Go function, as other tools probe it
 * (bare, empty). Says "attached N" with the number of sites, then "hits N lost N" for each line
 * on standard input, and detaches at its end. SITE as site_id__name has it, or "all". The sites
 * by which the programs know what changes (SITES_CHANGE) are always placed too, whatever the
 * program: a load that only switches goroutines hits none of them. "only:" in front of a list
 * leaves them out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bare.skel.h"
#include "base/log.h"
#include "binary/gobinary.h"
#include "capture/capture.h"
#include "capture/compat.h"
#include "capture/features.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"

#define SAMPLE_HZ 99
#define ENTRY "entry:"
#define CPUS_MAX 256

struct hitcost {
	struct go_target *target;
	struct probe_plan plan; /* the chosen sites only */
	struct bare_bpf *bare;
	struct ring_buffer *ring; /* of the least programs */
	struct bpf_link *link, *exec_link, *sample_links[CPUS_MAX];
	struct capture *capture;
	pthread_t drainer;
	atomic_bool stop;
};

static size_t choose_entry(struct hitcost *h, const char *func)
{
	struct gobinary_func f;
	uint64_t off;

	if (gobinary__func_by_name(h->target->bin, func, &f) ||
	    gobinary__file_off(h->target->bin, f.entry, &off))
		return 0;
	h->plan.sites[0].file_off = off;
	h->plan.cnt = 1;
	return 1;
}

#define ONLY "only:"

/* Keeps those of the plan's sites whose name is in the list, and SITES_CHANGE. */
static size_t choose(struct hitcost *h, const char *list)
{
	bool only = !strncmp(list, ONLY, strlen(ONLY));
	struct probe_plan *plan = &h->plan;
	size_t i, kept = 0, found = 0;

	if (!strncmp(list, ENTRY, strlen(ENTRY)))
		return choose_entry(h, list + strlen(ENTRY));

	if (!strcmp(list, "all"))
		return plan->cnt;
	list += only ? strlen(ONLY) : 0;
	for (i = 0; i < plan->cnt; i++) {
		const char *name = site_id__name(plan->sites[i].id), *at = list;
		size_t len = strlen(name);

		while (at && !(!strncmp(at, name, len) && (!at[len] || at[len] == ','))) {
			at = strchr(at, ',');
			at = at ? at + 1 : NULL;
		}
		found += at != NULL;
		if (at || (!only && SITES_CHANGE & SITE_BIT(plan->sites[i].id)))
			plan->sites[kept++] = plan->sites[i];
	}
	plan->cnt = kept;
	return found;
}

/* The sampler and the watch over exec that stand beside the probes. */
static int attach_rest(struct hitcost *h)
{
	int cpus = libbpf_num_possible_cpus(), i, fd;

	h->exec_link = bpf_program__attach(h->bare->progs.empty_exec);
	if (!h->exec_link)
		return -errno;
	for (i = 0; i < cpus && i < CPUS_MAX; i++) {
		fd = compat__open_cpu_clock(-1, i, SAMPLE_HZ);
		if (fd == -ENODEV)
			continue; /* possible, but not there */
		if (fd < 0)
			return fd;
		h->sample_links[i] =
			bpf_program__attach_perf_event(h->bare->progs.empty_sample, fd);
		if (!h->sample_links[i])
			return -errno;
	}
	return 0;
}

static int ignore_sample(void *ctx, void *data, size_t len)
{
	return 0;
}

static void *drain_least(void *ctx)
{
	const struct timespec pause = {0, 2 * 1000 * 1000};
	struct hitcost *h = ctx;

	while (!h->stop) {
		ring_buffer__consume(h->ring);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int start_least(struct hitcost *h)
{
	h->ring =
		ring_buffer__new(bpf_map__fd(h->bare->maps.least_ring), ignore_sample, NULL, NULL);
	return h->ring ? -pthread_create(&h->drainer, NULL, drain_least, h) : -errno;
}

static struct bpf_program *program(const struct bare_bpf *b, const char *how)
{
	if (!strcmp(how, "empty"))
		return b->progs.empty;
	if (!strcmp(how, "least"))
		return b->progs.least;
	return strcmp(how, "least-stack") ? b->progs.bare : b->progs.least_stack;
}

/* A program that counts, or with empty one that does nothing, or the least of a tracer's. */
static int attach_bare(struct hitcost *h, const char *how)
{
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts);
	unsigned long offsets[PLAN_SITES_MAX];
	char path[64];
	size_t i;

	h->bare = bare_bpf__open_and_load();
	if (!h->bare)
		return -errno;
	for (i = 0; i < h->plan.cnt; i++)
		offsets[i] = h->plan.sites[i].file_off;
	opts.offsets = offsets;
	opts.cnt = h->plan.cnt;
	snprintf(path, sizeof(path), "/proc/%d/exe", h->target->proc->pid);
	h->link = bpf_program__attach_uprobe_multi(program(h->bare, how), h->target->proc->pid,
						   path, NULL, &opts);
	if (!h->link)
		return -errno;
	if (!strncmp(how, "least", strlen("least")))
		return start_least(h);
	return strcmp(how, "empty") ? 0 : attach_rest(h);
}

static int ignore_record(void *ctx, unsigned ring, const struct gbt_hdr *rec, size_t len)
{
	return 0;
}

/* As the recorder does it, but the records go nowhere. */
static void *drain(void *ctx)
{
	const struct timespec pause = {0, 2 * 1000 * 1000};
	struct hitcost *h = ctx;

	while (!h->stop) {
		capture__drain(h->capture, ignore_record, NULL);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int attach_ours(struct hitcost *h)
{
	struct capture_config cfg = {
		.proc = h->target->proc,
		.plan = &h->plan,
		.bias = h->target->bias,
		.attach = CAPTURE_ATTACH_MULTI,
	};
	int err = go_target__bpf_config(h->target, &cfg.rt);

	cfg.rt.remember = cfg.rt.remember && plan__sees_changes(&h->plan);
	if (!err)
		err = capture__open(&cfg, &h->capture);
	if (!err)
		err = capture__attach(h->capture);
	if (err)
		return err;
	capture__arm(h->capture);
	return -pthread_create(&h->drainer, NULL, drain, h);
}

static void tell_hits(struct hitcost *h)
{
	uint64_t counters[GBT_C_MAX] = {0};

	if (h->bare)
		counters[GBT_C_HITS] = h->bare->bss->hits;
	else
		capture__stats(h->capture, counters);
	printf("hits %llu lost %llu\n", (unsigned long long)counters[GBT_C_HITS],
	       (unsigned long long)counters[GBT_C_RING_FULL]);
	fflush(stdout);
}

/* "all" is what a capture on this kernel would take. */
static bool may_take_nop5(const char *list)
{
	struct features features;

	if (strcmp(list, "all"))
		return false;
	features__probe(&features);
	return features.f[FEATURE_NOP5].have;
}

static void print_line(enum log_level level, const char *line, void *ctx)
{
	if (level <= LOG_WARN)
		fprintf(stderr, "hitcost: %s\n", line);
}

int main(int argc, char **argv)
{
	struct hitcost h = {0};
	bool ours;
	char line[16];
	int err, i;

	if (argc != 4) {
		fprintf(stderr,
			"usage: hitcost PID bare|least|least-stack|ours|empty SITE[,SITE…]\n");
		return 2;
	}
	log__set_sink(print_line, NULL);
	ours = !strcmp(argv[2], "ours");
	err = go_target__open(atoi(argv[1]), false, &h.target);
	if (!err)
		err = plan__make(h.target->bin, may_take_nop5(argv[3]), &h.plan);
	if (!err && !choose(&h, argv[3])) {
		fprintf(stderr, "hitcost: no site of '%s' in this program\n", argv[3]);
		err = -ENODATA;
	}
	if (!err)
		err = ours ? attach_ours(&h) : attach_bare(&h, argv[2]);
	if (!err) {
		printf("attached %zu\n", h.plan.cnt);
		fflush(stdout);
		while (fgets(line, sizeof(line), stdin))
			tell_hits(&h);
	} else {
		fprintf(stderr, "hitcost: %s\n", strerror(-err));
	}
	h.stop = true;
	if (h.drainer)
		pthread_join(h.drainer, NULL);
	bpf_link__destroy(h.link);
	bpf_link__destroy(h.exec_link);
	for (i = 0; i < CPUS_MAX; i++)
		bpf_link__destroy(h.sample_links[i]);
	ring_buffer__free(h.ring);
	bare_bpf__destroy(h.bare);
	capture__free(h.capture);
	go_target__free(h.target);
	return err ? 1 : 0;
}
