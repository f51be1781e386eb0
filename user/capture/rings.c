/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/rings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "capture/batches.h"
#include "capture/internal.h"
#include "capture/ring_view.h"

#define RINGS_MAX 256
#define RING_SZ_LEAST (256u << 10) /* of one alone */

struct ring {
	int fd;
	struct ring_view view;
	void *ours, *theirs; /* the consumer's page; the producer's and the data */
};

struct rings {
	int outer_fd;
	struct ring of[RINGS_MAX];
	unsigned cnt, mapped_cnt;
	size_t sz;
	uint8_t *over;
	struct batches *batches; /* NULL: nothing waits outside of the rings */
	/* of the drain that is going on */
	rings_fn fn;
	void *ctx;
	unsigned at;
	int seen;
};

static size_t floor_pow2(size_t v)
{
	while (v & (v - 1))
		v &= v - 1;
	return v;
}

size_t rings__default_sz(unsigned cpu_cnt)
{
	size_t sz = (size_t)cpu_cnt * CAPTURE_RING_CPU_SZ;

	if (sz < CAPTURE_RING_LEAST_SZ)
		return CAPTURE_RING_LEAST_SZ;
	return sz < CAPTURE_RING_MOST_SZ ? sz : CAPTURE_RING_MOST_SZ;
}

void rings__shape(size_t total_sz, unsigned cpu_cnt, unsigned *cnt, size_t *sz)
{
	unsigned n = 1;

	while (n < cpu_cnt && n < RINGS_MAX && total_sz / (n * 2) >= RING_SZ_MIN)
		n *= 2;
	*cnt = n;
	*sz = total_sz / n < RING_SZ_LEAST ? RING_SZ_LEAST : floor_pow2(total_sz / n);
	if (*sz > (1u << 30))
		*sz = 1u << 30;
}

int rings__watch_slots(struct rings *r, const void *slots, size_t slot_sz, unsigned slot_cnt)
{
	return batches__new(slots, slot_sz, slot_cnt, &r->batches);
}

static int on_record(void *ctx, void *rec, size_t len)
{
	struct rings *r = ctx;
	int n;

	if (r->batches && batches__is_one(rec, len)) {
		n = batches__record(r->batches, r->at, rec, len, r->fn, r->ctx);
	} else {
		n = r->fn(r->ctx, r->at, rec, len);
		n = n < 0 ? n : 1;
	}
	if (n > 0)
		r->seen += n;
	return n;
}

static int drain_rings(struct rings *r)
{
	int n = 0;

	for (r->at = 0; n >= 0 && r->at < r->mapped_cnt; r->at++)
		n = ring_view__drain(&r->of[r->at].view, on_record, r, r->over);
	return n;
}

int rings__drain(struct rings *r, rings_fn fn, void *ctx)
{
	bool again = false;
	int n;

	r->fn = fn;
	r->ctx = ctx;
	r->seen = 0;
	if (r->batches && r->mapped_cnt)
		batches__look(r->batches);
	n = drain_rings(r);
	if (n >= 0 && r->batches && r->mapped_cnt) {
		n = batches__rest(r->batches, fn, ctx, &again);
		r->seen += n > 0 ? n : 0;
	}
	if (n >= 0 && again)
		n = drain_rings(r);
	return n < 0 ? n : r->seen;
}

bool rings__pending(const struct rings *r)
{
	for (unsigned i = 0; i < r->mapped_cnt; i++)
		if (ring_view__pending(&r->of[i].view))
			return true;
	return false;
}

/* Two mappings, as the kernel has it: what the consumer writes is a page of its own. */
static int map_ring(struct ring *ring, size_t sz)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);

	if (m == MAP_FAILED)
		return -errno;
	ring->ours = m;
	m = mmap(NULL, page + sz, PROT_READ, MAP_SHARED, ring->fd, (off_t)page);
	if (m == MAP_FAILED)
		return -errno;
	ring->theirs = m;
	ring->view = (struct ring_view){
		.data = (const uint8_t *)m + page,
		.sz = sz,
		.producer = m,
		.consumer = ring->ours,
	};
	return 0;
}

static void unmap_ring(struct ring *ring, size_t sz)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (ring->theirs)
		munmap(ring->theirs, page + sz);
	if (ring->ours)
		munmap(ring->ours, page);
	ring->ours = ring->theirs = NULL;
}

static int make_rings(struct rings *r, unsigned cnt)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t i;
	int fd, err = 0;

	for (i = 0; i < cnt; i++) {
		fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gbt_ring", 0, 0, (uint32_t)r->sz, NULL);
		if (fd < 0)
			return fd;
		r->of[r->cnt++].fd = fd;
	}
	opts.inner_map_fd = (uint32_t)r->of[0].fd;
	r->outer_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "gbt_rings", 4, 4, cnt, &opts);
	if (r->outer_fd < 0)
		return r->outer_fd;
	for (i = 0; !err && i < cnt; i++)
		err = bpf_map_update_elem(r->outer_fd, &i, &r->of[i].fd, 0);
	return err;
}

int rings__new(size_t total_sz, unsigned cpu_cnt, struct rings **out)
{
	struct rings *r = calloc(1, sizeof(*r));
	unsigned cnt;
	int err;

	if (!r)
		return -ENOMEM;
	r->outer_fd = -1;
	rings__shape(total_sz ? total_sz : rings__default_sz(cpu_cnt), cpu_cnt, &cnt, &r->sz);
	r->over = malloc(RING_RECORD_MAX);
	err = r->over ? make_rings(r, cnt) : -ENOMEM;
	if (err) {
		log_error("rings: %u of %zu KiB: %s", cnt, r->sz >> 10,
			  message__cause(err, "the kernel has no BPF ring buffers (5.8)"));
		rings__free(r);
		return err == -EINVAL ? -EOPNOTSUPP : err;
	}
	*out = r;
	return 0;
}

int rings__map(struct rings *r)
{
	int err = 0;

	while (!err && r->mapped_cnt < r->cnt)
		err = map_ring(&r->of[r->mapped_cnt++], r->sz);
	if (err)
		log_error("rings: cannot be mapped: %s", strerror(-err));
	return err;
}

void rings__unmap(struct rings *r)
{
	while (r->mapped_cnt)
		unmap_ring(&r->of[--r->mapped_cnt], r->sz);
}

void rings__free(struct rings *r)
{
	unsigned i;

	if (!r)
		return;
	rings__unmap(r);
	for (i = 0; i < r->cnt; i++)
		close(r->of[i].fd);
	free(r->over);
	batches__free(r->batches);
	if (r->outer_fd >= 0)
		close(r->outer_fd);
	free(r);
}

int rings__map_fd(const struct rings *r)
{
	return r->outer_fd;
}

unsigned rings__cnt(const struct rings *r)
{
	return r->cnt;
}

size_t rings__sz(const struct rings *r)
{
	return r->sz;
}
