/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/rings.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "capture/internal.h"

#define RINGS_MAX 256
#define REC_HDR_SZ 8 /* the kernel's own header before each record */

struct rings {
	struct ring_buffer *rb;
	int outer_fd;
	int fds[RINGS_MAX];
	unsigned cnt;
	size_t sz;
	/* of the drain that is going on */
	rings_fn fn;
	void *ctx;
	unsigned at;
	int64_t quota;
	int err, seen;
};

static size_t floor_pow2(size_t v)
{
	while (v & (v - 1))
		v &= v - 1;
	return v;
}

void rings__shape(size_t total_sz, unsigned cpu_cnt, unsigned *cnt, size_t *sz)
{
	unsigned n = 1;

	while (n < cpu_cnt && n < RINGS_MAX && total_sz / (n * 2) >= RING_SZ_MIN)
		n *= 2;
	*cnt = n;
	*sz = total_sz / n < RING_SZ_MIN ? RING_SZ_MIN : floor_pow2(total_sz / n);
	if (*sz > (1u << 30))
		*sz = 1u << 30;
}

static int on_record(void *ctx, void *rec, size_t len)
{
	struct rings *r = ctx;

	r->err = r->fn(r->ctx, r->at, rec, len);
	if (r->err < 0)
		return r->err;
	r->seen++;
	r->quota -= (int64_t)((len + REC_HDR_SZ + 7) & ~7ul);
	return r->quota > 0 ? 0 : -ECANCELED; /* the record itself counts as consumed */
}

int rings__drain(struct rings *r, rings_fn fn, void *ctx)
{
	unsigned i;

	r->fn = fn;
	r->ctx = ctx;
	r->err = 0;
	r->seen = 0;
	for (i = 0; i < r->cnt; i++) {
		struct ring *ring = ring_buffer__ring(r->rb, i);

		r->at = i;
		r->quota = (int64_t)ring__avail_data_size(ring);
		if (r->quota)
			ring__consume(ring);
		if (r->err < 0)
			return r->err;
	}
	return r->seen;
}

bool rings__pending(const struct rings *r)
{
	unsigned i;

	for (i = 0; i < r->cnt; i++)
		if (ring__avail_data_size(ring_buffer__ring(r->rb, i)))
			return true;
	return false;
}

static int make_rings(struct rings *r, unsigned cnt)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t i;
	int err;

	for (i = 0; i < cnt; i++) {
		r->fds[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gbt_ring", 0, 0, (uint32_t)r->sz,
					   NULL);
		if (r->fds[i] < 0)
			return r->fds[i];
		r->cnt = i + 1;
	}
	opts.inner_map_fd = (uint32_t)r->fds[0];
	r->outer_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "gbt_rings", 4, 4, cnt, &opts);
	if (r->outer_fd < 0)
		return r->outer_fd;
	for (i = 0; i < cnt; i++) {
		err = bpf_map_update_elem(r->outer_fd, &i, &r->fds[i], 0);
		if (err)
			return err;
	}
	r->rb = ring_buffer__new(r->fds[0], on_record, r, NULL);
	if (!r->rb)
		return -errno;
	for (i = 1; i < cnt; i++) {
		err = ring_buffer__add(r->rb, r->fds[i], on_record, r);
		if (err)
			return err;
	}
	return 0;
}

int rings__new(size_t total_sz, unsigned cpu_cnt, struct rings **out)
{
	struct rings *r = calloc(1, sizeof(*r));
	unsigned cnt;
	int err;

	if (!r)
		return -ENOMEM;
	r->outer_fd = -1;
	rings__shape(total_sz, cpu_cnt, &cnt, &r->sz);
	err = make_rings(r, cnt);
	if (err) {
		log_error("rings: %u of %zu MiB: %s", cnt, r->sz >> 20,
			  message__cause(err, "the kernel has no BPF ring buffers (5.8)"));
		rings__free(r);
		return err;
	}
	*out = r;
	return 0;
}

void rings__free(struct rings *r)
{
	unsigned i;

	if (!r)
		return;
	ring_buffer__free(r->rb);
	for (i = 0; i < r->cnt; i++)
		close(r->fds[i]);
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
