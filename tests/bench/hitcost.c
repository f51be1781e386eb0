/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes on chosen sites of a running Go process, with a program that only counts or with the
 * tool's own, so that the two can be compared at the same instructions.
 *
 *	hitcost PID bare|ours SITE[,SITE…]|all
 *
 * Says "attached N" with the number of sites, then "hits N lost N" for each line on standard
 * input, and detaches at its end. SITE as site_id__name has it, or "all".
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
#include "capture/capture.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"

struct hitcost {
	struct go_target *target;
	struct probe_plan plan; /* the chosen sites only */
	struct bare_bpf *bare;
	struct bpf_link *link;
	struct capture *capture;
	pthread_t drainer;
	atomic_bool stop;
};

/* Keeps those of the plan's sites whose name is in the list. */
static size_t choose(struct probe_plan *plan, const char *list)
{
	size_t i, kept = 0;

	if (!strcmp(list, "all"))
		return plan->cnt;
	for (i = 0; i < plan->cnt; i++) {
		const char *name = site_id__name(plan->sites[i].id), *at = list;
		size_t len = strlen(name);

		while (at && !(!strncmp(at, name, len) && (!at[len] || at[len] == ','))) {
			at = strchr(at, ',');
			at = at ? at + 1 : NULL;
		}
		if (at)
			plan->sites[kept++] = plan->sites[i];
	}
	plan->cnt = kept;
	return kept;
}

static int attach_bare(struct hitcost *h)
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
	h->link = bpf_program__attach_uprobe_multi(h->bare->progs.bare, h->target->proc->pid, path,
						   NULL, &opts);
	return h->link ? 0 : -errno;
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

static void print_line(enum log_level level, const char *line, void *ctx)
{
	if (level <= LOG_WARN)
		fprintf(stderr, "hitcost: %s\n", line);
}

int main(int argc, char **argv)
{
	struct hitcost h = {0};
	bool bare;
	char line[16];
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: hitcost PID bare|ours SITE[,SITE…]\n");
		return 2;
	}
	log__set_sink(print_line, NULL);
	bare = !strcmp(argv[2], "bare");
	err = go_target__open(atoi(argv[1]), false, &h.target);
	if (!err)
		err = plan__make(h.target->bin, false, &h.plan);
	if (!err && !choose(&h.plan, argv[3])) {
		fprintf(stderr, "hitcost: no site of '%s' in this program\n", argv[3]);
		err = -ENODATA;
	}
	if (!err)
		err = bare ? attach_bare(&h) : attach_ours(&h);
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
	bare_bpf__destroy(h.bare);
	capture__free(h.capture);
	go_target__free(h.target);
	return err ? 1 : 0;
}
