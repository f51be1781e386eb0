/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A synthetic producer: sends RATE events a second for SECONDS through rings of the default size,
 * from one CPU, while they are drained into a spool as a recording does it, and tells what was
 *lost.
 *
 *	producer RATE SECONDS FOLDER
 *
 * Prints "sent N lost N seconds S drained N"; sent / seconds tells whether the rate was kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/duration.h"
#include "capture/capture.h"
#include "capture/rings.h"
#include "producer.skel.h"
#include "raw/raw.h"

#define BATCH 500 /* events of one run of the program */
#define DRAIN_EVERY_NS (2 * 1000 * 1000)

struct job {
	int prog_fd, err;
	uint64_t total, rate;
	atomic_bool done;
	uint64_t took_ns;
};

static void sleep_until(uint64_t when_ns)
{
	struct timespec ts = {when_ns / 1000000000, when_ns % 1000000000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *produce(void *ctx)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct job *j = ctx;
	uint64_t begin = clock__monotonic_ns(), sent = 0;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	while (sent < j->total && !j->err) {
		uint64_t due = begin + sent * 1000000000ull / j->rate;

		if (clock__monotonic_ns() < due)
			sleep_until(due);
		j->err = bpf_prog_test_run_opts(j->prog_fd, &opts);
		sent += BATCH;
	}
	j->took_ns = clock__monotonic_ns() - begin;
	j->done = true;
	return NULL;
}

static int on_record(void *ctx, unsigned ring, void *rec, size_t len)
{
	return raw_writer__record(ctx, ring, rec, len);
}

static int64_t drain_until_done(struct job *j, struct rings *rings, struct raw_writer *w)
{
	const struct timespec pause = {0, DRAIN_EVERY_NS};
	int64_t drained = 0;
	bool last = false;

	for (;;) {
		int n = rings__drain(rings, on_record, w);

		if (n < 0)
			return n;
		drained += n;
		if (last && !n)
			return drained;
		last = j->done;
		if (!last)
			nanosleep(&pause, NULL);
	}
}

static int watch_slots(struct rings *rings, struct bpf_map *map, const struct gbt_slot **slots)
{
	size_t slot_sz = bpf_map__value_size(map);
	unsigned cnt = bpf_map__max_entries(map);
	const void *m = mmap(NULL, slot_sz * cnt, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	if (m == MAP_FAILED)
		return -errno;
	*slots = m;
	return rings__watch_slots(rings, m, slot_sz, cnt);
}

/* slots: the first is the producer's. */
static int load(struct rings *rings, struct producer_bpf **out, const struct gbt_slot **slots)
{
	struct producer_bpf *o = producer_bpf__open();
	int err;

	if (!o)
		return -errno;
	o->rodata->cfg.ring_mask = rings__cnt(rings) - 1;
	err = bpf_map__reuse_fd(o->maps.gbt_rings, rings__map_fd(rings));
	if (!err)
		err = producer_bpf__load(o);
	if (!err)
		err = watch_slots(rings, o->maps.gbt_scratch, slots);
	if (err)
		producer_bpf__destroy(o);
	else
		*out = o;
	return err;
}

int main(int argc, char **argv)
{
	struct producer_bpf *bpf = NULL;
	struct raw_writer *w = NULL;
	struct rings *rings = NULL;
	const struct gbt_slot *slots = NULL;
	struct job job = {0};
	pthread_t thread;
	int64_t drained;
	int fd, err;

	if (argc != 4) {
		fprintf(stderr, "usage: producer RATE SECONDS FOLDER\n");
		return 2;
	}
	job.rate = strtoull(argv[1], NULL, 10);
	job.total = job.rate * strtoull(argv[2], NULL, 10);
	fd = open(argv[3], O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 || !job.total) {
		fprintf(stderr, "producer: '%s': %s\n", argv[3], strerror(errno));
		return 1;
	}
	err = raw_writer__new(fd, &w);
	if (!err)
		err = rings__new(0, (unsigned)libbpf_num_possible_cpus(), &rings);
	if (!err)
		err = rings__map(rings);
	if (!err)
		err = load(rings, &bpf, &slots);
	if (!err) {
		job.prog_fd = bpf_program__fd(bpf->progs.produce);
		err = -pthread_create(&thread, NULL, produce, &job);
	}
	if (err) {
		fprintf(stderr, "producer: %s\n", strerror(-err));
		return 1;
	}
	drained = drain_until_done(&job, rings, w);
	pthread_join(thread, NULL);
	if (drained < 0 || job.err) {
		fprintf(stderr, "producer: %s\n", strerror(drained < 0 ? (int)-drained : -job.err));
		return 1;
	}
	printf("sent %llu lost %llu seconds %.3f drained %lld\n",
	       (unsigned long long)slots->cnt[GBT_C_EVENTS],
	       (unsigned long long)slots->cnt[GBT_C_RING_FULL], job.took_ns / 1e9,
	       (long long)drained);
	producer_bpf__destroy(bpf);
	rings__free(rings);
	raw_writer__free(w);
	return 0;
}
